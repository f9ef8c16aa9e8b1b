"""Optimizers: functions from a parameter, its gradient and memory to their new values, written with ops.

Formulas, options and defaults are those of ``torch.optim``. ``rule.py`` says what an optimizer is, `descent.py` and
`adaptive.py` hold them, `options.py` checks what users declare, `update.py` makes programs of them.
"""

from __future__ import annotations

from graphgen.optimizers.options import complete, of_groups, option_problems
from graphgen.optimizers.table import OPTIMIZERS
from graphgen.optimizers.update import before, update

__all__ = ["OPTIMIZERS", "before", "complete", "of_groups", "option_problems", "update"]
