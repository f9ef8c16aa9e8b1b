"""Losses, as functions: rows of the op table, with no gradient code."""

from __future__ import annotations

from typing import Any

from graphgen.errors import did_you_mean
from graphgen.ops import LOSSES, TABLE
from graphgen.ops.calling import function, unknown

__all__ = list(LOSSES)

globals().update({name: function(TABLE[name]) for name in LOSSES})


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module 'graphgen.losses' has no attribute {name!r}")
    help = f"it is an op: ops.{name}" if name in TABLE else did_you_mean(name, LOSSES)
    return unknown("GG003", f"unknown loss {name!r}", help or f"one of {', '.join(LOSSES)}")
