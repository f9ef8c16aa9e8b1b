"""Losses, as functions: rows of the op table, with no gradient code."""

from __future__ import annotations

from typing import Any

from graphgen.errors import Problem, UnknownName, did_you_mean
from graphgen.ops import LOSSES, TABLE
from graphgen.ops.table import function
from graphgen.source import site

__all__ = list(LOSSES)  # noqa: PLE0605

globals().update({name: function(TABLE[name]) for name in LOSSES})


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    help = did_you_mean(name, LOSSES) or f"one of {', '.join(LOSSES)}"
    raise UnknownName(Problem("GG003", site().place, f"unknown loss {name!r}", help))
