"""Whether gradients are right, and if not, which node is at fault: ``graphgen check``.

`slopes` measures derivatives of functions that are only evaluated, `evaluation` evaluates nodes, `nodes` holds the rules of
each node against its value, `parameters` the gradients of the whole model against forward mode and against measured ones.
"""

from __future__ import annotations

from graphgen.checking.plot import errors_of_steps, plot
from graphgen.checking.report import Report
from graphgen.checking.subject import Subject
from graphgen.checking.whole import check

__all__ = ["Report", "Subject", "check", "errors_of_steps", "plot"]
