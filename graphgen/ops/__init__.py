"""The op table, and the ops as functions.

``ops.relu(x)`` adds a node to the graph of `x`; rules and composites are written with the same functions. Elementwise
functions accept sympy expressions too, and answer with one.
"""

from __future__ import annotations

import difflib
from functools import cache
from importlib.util import find_spec
from typing import Any

from graphgen.ops import composite as _composite
from graphgen.ops import discrete as _discrete
from graphgen.ops import indexing as _indexing
from graphgen.ops import linear as _linear
from graphgen.ops import losses as _losses
from graphgen.ops import products as _products
from graphgen.ops import reduction as _reduction
from graphgen.ops.describe import describe
from graphgen.ops.elementwise import ELEMENTWISE, Elementwise
from graphgen.ops.formula import Formula, formula
from graphgen.ops.table import Composite, Leaf, Linear, Mismatch, Reduction, Row, Type
from graphgen.ops.table import function as _function
from graphgen.ops.table import unknown as _unknown

__all__ = ["TABLE", "Composite", "Elementwise", "Leaf", "Linear", "Mismatch", "Reduction", "Type", "describe", "families", "op_of"]


def _rows(module: Any) -> dict[str, Any]:
    return {row.name: row for row in vars(module).values() if isinstance(row, Row)}


_FAMILIES: dict[str, dict[str, Any]] = {
    "elementwise": dict(ELEMENTWISE),
    "linear": {**_rows(_linear), **_rows(_products), **_rows(_indexing)},
    "reduction": _rows(_reduction),
    "composite": _rows(_composite),
    "loss": _rows(_losses),
    "discrete": _rows(_discrete),
}
TABLE: dict[str, Any] = {name: row for rows in _FAMILIES.values() for name, row in rows.items()}
LOSSES = tuple(_FAMILIES["loss"])

# Ops that rules and composites make, but users have no need to.
INTERNAL = ("getitem", "assemble", "accumulate", "contraction", "first_true", "finite_max", "identity", "input", "param", "constant", "size")
PUBLIC = tuple(name for name in TABLE if name not in INTERNAL and name not in LOSSES)


def families() -> dict[str, list[Any]]:
    """The rows that users can call, by family, in the table's order."""
    return {family: [row for name, row in rows.items() if name not in INTERNAL] for family, rows in _FAMILIES.items()}


@cache
def op_of(derived: Formula) -> str | None:
    """The elementwise op that is this formula, if there is one."""
    return _BY_FORMULA.get(derived)


_BY_FORMULA = {
    formula(row.formula, row.slots): name
    for name, row in reversed(ELEMENTWISE.items())
    if not row.attributes and not row.zero_slope and len(row.slots) == len(row.formula.free_symbols)
}

_FUNCTIONS = {name: _function(row) for name, row in TABLE.items()}
globals().update(_FUNCTIONS)


def clip(x: Any, min: Any = None, max: Any = None, *, name: str | None = None) -> Any:
    """x kept between two bounds; None leaves a side open."""
    if min is None and max is None:
        raise TypeError("clip: give min, max or both")
    if max is None:
        return _FUNCTIONS["maximum"](x, min, name=name)
    if min is None:
        return _FUNCTIONS["minimum"](x, max, name=name)
    return _FUNCTIONS["clip"](x, min, max, name=name)


def __getattr__(name: str) -> Any:
    # `from graphgen.ops import describe` asks for the attribute before it looks for the file.
    if name.startswith("_") or find_spec(f"{__name__}.{name}") is not None:
        raise AttributeError(f"module 'graphgen.ops' has no attribute {name!r}")
    return _unknown("GG001", f"unknown op {name!r}", suggestion(name))


def suggestion(name: str) -> str:
    """What a user may have meant by `name`."""
    if name in LOSSES:
        return f"it is a loss: losses.{name}"
    close = difflib.get_close_matches(name, PUBLIC, n=1)
    return f"did you mean {close[0]!r}? `graphgen ops` lists them all" if close else "`graphgen ops` lists them all"
