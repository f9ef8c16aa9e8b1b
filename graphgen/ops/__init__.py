"""The op table, and the ops as functions.

``ops.relu(x)`` adds a node to the graph of `x`; rules and composites are written with the same functions. Elementwise
functions accept sympy expressions too, and answer with one.
"""

from __future__ import annotations

import difflib
from functools import cache
from importlib.util import find_spec
from typing import Any

from graphgen.calculus.formula import Formula, formula
from graphgen.ops.calling import function as _function
from graphgen.ops.calling import unknown as _unknown
from graphgen.ops.describe import describe
from graphgen.ops.elementwise_row import Elementwise
from graphgen.ops.map_row import MAP, Map, spoken
from graphgen.ops.primitive import Primitive, elementwise
from graphgen.ops.rows import activations as _activations
from graphgen.ops.rows import arithmetic as _arithmetic
from graphgen.ops.rows import attention as _attention
from graphgen.ops.rows import control as _control
from graphgen.ops.rows import convolution as _convolution
from graphgen.ops.rows import diagonals as _diagonals
from graphgen.ops.rows import discrete as _discrete
from graphgen.ops.rows import einsum as _einsum
from graphgen.ops.rows import exponential as _exponential
from graphgen.ops.rows import gathering as _gathering
from graphgen.ops.rows import indexing as _indexing
from graphgen.ops.rows import joining as _joining
from graphgen.ops.rows import layout as _layout
from graphgen.ops.rows import losses as _losses
from graphgen.ops.rows import losses_classes as _losses_classes
from graphgen.ops.rows import losses_margins as _losses_margins
from graphgen.ops.rows import losses_probabilities as _losses_probabilities
from graphgen.ops.rows import losses_sequences as _losses_sequences
from graphgen.ops.rows import normalisation as _normalisation
from graphgen.ops.rows import ordering as _ordering
from graphgen.ops.rows import pooling as _pooling
from graphgen.ops.rows import products as _products
from graphgen.ops.rows import random as _random
from graphgen.ops.rows import reduction as _reduction
from graphgen.ops.rows import repeating as _repeating
from graphgen.ops.rows import resampling as _resampling
from graphgen.ops.rows import rounding as _rounding
from graphgen.ops.rows import scans as _scans
from graphgen.ops.rows import selection as _selection
from graphgen.ops.rows import softmax as _softmax
from graphgen.ops.rows import special as _special
from graphgen.ops.rows import trigonometric as _trigonometric
from graphgen.ops.rows import windows as _windows
from graphgen.ops.table import Composite, Example, Leaf, Linear, Mismatch, Paired, Reduction, Row, Several, Type

__all__ = [
    "ELEMENTWISE",
    "TABLE",
    "Composite",
    "Elementwise",
    "Example",
    "Leaf",
    "Linear",
    "Map",
    "Mismatch",
    "Paired",
    "Primitive",
    "Reduction",
    "Several",
    "Type",
    "describe",
    "elementwise",
    "families",
    "is_elementwise",
    "op_of",
    "spoken",
]

_MODULES = (
    _arithmetic,
    _rounding,
    _exponential,
    _trigonometric,
    _special,
    _activations,
    _selection,
    _reduction,
    _softmax,
    _ordering,
    _scans,
    _layout,
    _repeating,
    _joining,
    _indexing,
    _gathering,
    _diagonals,
    _products,
    _einsum,
    _windows,
    _convolution,
    _pooling,
    _normalisation,
    _attention,
    _resampling,
    _losses,
    _losses_probabilities,
    _losses_classes,
    _losses_margins,
    _losses_sequences,
    _control,
    _random,
    _discrete,
)


def _rows(module: Any) -> dict[str, Any]:
    rows = (*getattr(module, "ROWS", ()), *(row for row in vars(module).values() if isinstance(row, Row)))
    return {row.name: row for row in rows}


_FAMILIES: dict[str, dict[str, Any]] = {module.__name__.rpartition(".")[2]: _rows(module) for module in _MODULES}
_SEVERAL = {name: row for rows in _FAMILIES.values() for name, row in rows.items() if isinstance(row, Several)}
TABLE: dict[str, Any] = {name: row for rows in _FAMILIES.values() for name, row in rows.items() if name not in _SEVERAL}
ELEMENTWISE: dict[str, Elementwise] = {name: row for name, row in TABLE.items() if isinstance(row, Elementwise)}
TABLE[MAP.name] = MAP
LOSSES = tuple(name for family, rows in _FAMILIES.items() if family.startswith("losses") for name in rows)

# Ops that rules and composites make, but users have no need to.
INTERNAL = (
    "getitem",
    "assemble",
    "pick",
    "add_at",
    "split_part",
    "chunk_part",
    "clipped",
    "clipped_to_norm",
    "accumulate",
    "contraction",
    "first_true",
    "finite_max",
    "product_of_others",
    "quotient",
    "recurrence",
    "shift",
    "topk_indices",
    "identity",
    "map",
    "arange",
    "eye",
    "uniform",
    "normal",
    "input",
    "param",
    "state",
    "constant",
    "size",
)
NAMES = frozenset((*TABLE, *_SEVERAL))
DRAWING = frozenset(name for name, row in TABLE.items() if isinstance(row, Row) and row.draws)
PUBLIC = tuple(name for name in (*TABLE, *_SEVERAL) if name not in INTERNAL and name not in LOSSES)


def families() -> dict[str, list[Any]]:
    """The rows that users can call, by family, in the table's order."""
    shown = {family: [row for name, row in rows.items() if name not in INTERNAL] for family, rows in _FAMILIES.items()}
    return {family: rows for family, rows in shown.items() if rows}


def is_elementwise(op: str) -> bool:
    """Whether the value at each place depends on the operands' values there alone, by a formula."""
    return op in ELEMENTWISE or op == MAP.name


@cache
def op_of(derived: Formula) -> str | None:
    """The elementwise op that is this formula, if there is one."""
    return _BY_FORMULA.get(derived)


_BY_FORMULA = {
    formula(row.formula, row.slots): name
    for name, row in reversed(ELEMENTWISE.items())
    if not row.attributes and not row.zero_slope and len(row.slots) == len(row.formula.free_symbols)
}

_FUNCTIONS = {name: _function(row) for name, row in (TABLE | _SEVERAL).items()}
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
