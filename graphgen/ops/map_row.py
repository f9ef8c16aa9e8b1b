"""The op of formulas that are no row of the table: those that users declare, and those that derivatives are.

A node of it holds its formula. Declared in a raw DAG, that is a text over the slots a, b, ..., one for each operand in
order, as in ``op="map", formula="a*sigmoid(b)"``; it is read by `graphgen.calculus.formula.parse`, never evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from numbers import Real
from typing import Any

from graphgen.calculus.formula import Formula, FormulaError, count_slots, parse
from graphgen.errors import brief
from graphgen.names import reason_against, remedy
from graphgen.ops import elementwise_types
from graphgen.ops.table import REQUIRED, Mismatch, Row, Type, example


@dataclass(frozen=True)
class Map(Row):
    """The row of an op whose formula is an attribute of each node.

    The attributes, of which only the formula must be there:

    formula
        A `Formula`, or its text.
    primitive
        What the user calls it, for comments and messages.
    stable
        The formula to write in its place, equal to it, where it would overflow or lose digits.
    safe
        For each operand, a value inside its domain, or None where all values are.
    """

    def counts_bools(self, count: int, attributes: Mapping[str, Any]) -> tuple[bool, ...]:
        """For each operand, whether it is a number, as which a bool counts as a float."""
        return tuple(kind == "float" for kind in attributes["formula"].kinds)


def _infer(*xs: Type, formula: Any = REQUIRED, primitive: Any = None, stable: Any = None, safe: Any = None) -> Type:
    return Type(elementwise_types.common_shape(xs), "bool" if formula.is_bool else "float")


def _canonical(*xs: Type, formula: Any, primitive: Any, stable: Any, safe: Any) -> dict[str, Any]:
    """The attributes that were given, formulas as `Formula` and numbers as floats."""
    found = _formula("formula", formula, len(xs))
    result: dict[str, Any] = {"formula": found}
    for place, (x, kind) in enumerate(zip(xs, found.kinds, strict=True)):
        if kind == "bool" and x.dtype != "bool":
            message = f"slot {found.slots[place]} of {found} is a condition, got {x.dtype}"
            raise Mismatch("GG030", message, f"compare first, as in {{{place}}} > 0", about=place)
        if x.dtype not in ("float", "bool"):
            help = f'convert with ops.cast({{{place}}}, "float")'
            raise Mismatch("GG031", f"needs floats, got {x.dtype}", help, about=place)
    if primitive is not None:
        reason = reason_against(primitive)
        if reason is not None:
            raise Mismatch("GG005", f"{brief(primitive)} cannot name a primitive: {reason}", remedy(primitive))
        result["primitive"] = primitive
    if stable is not None:
        result["stable"] = _formula("stable", stable, len(xs))
        if result["stable"].kinds != found.kinds or result["stable"].is_bool != found.is_bool:
            raise Mismatch("GG005", "stable uses its slots otherwise than the formula", "give an equal formula")
    if safe is not None:
        result["safe"] = _safe(safe, len(xs))
    return result


def _formula(keyword: str, given: Any, count: int) -> Formula:
    if isinstance(given, str):
        _check_count(count_slots(given) or count, count, given)
        try:
            return _parsed(given, count)
        except FormulaError as error:
            where = "" if keyword == "formula" else f"{keyword}: "
            raise Mismatch("GG005", f"{where}{error}", "one slot for each operand: a, b, ...") from None
    if not isinstance(given, Formula):
        help = 'as in formula="a*sigmoid(b)", for two operands'
        raise Mismatch("GG005", f"{keyword} is a text, got {brief(given)}", help)
    _check_count(len(given.kinds), count, given)
    return given


def _check_count(expected: int, count: int, formula: Any) -> None:
    if expected != count:
        operands = f"{expected} operand{'s' * (expected != 1)}"
        raise Mismatch("GG006", f"takes {operands}, got {count}", f"one for each slot of {formula}")


@cache
def _parsed(text: str, count: int) -> Formula:
    return parse(text, count)


def _safe(given: Any, count: int) -> tuple[float | None, ...]:
    def is_one(value: Any) -> bool:
        if value is None or value is True or value is False:
            return value is None
        return isinstance(value, Real) and math.isfinite(value)

    if not isinstance(given, tuple) or len(given) != count or not all(map(is_one, given)):
        message = f"safe is a finite number or None for each operand, got {brief(given)}"
        raise Mismatch("GG005", message, "as in safe=(1.0,)")
    return tuple(None if value is None else float(value) for value in given)


def spoken(op: str, attributes: Mapping[Any, Any]) -> str:
    """What people call the op of a node: the name of a primitive that a user made, or the op's own.

    What makes one of the nodes of ``split`` is called split_part, and goes by split.
    """
    name = attributes.get("primitive") if op == "map" else None
    return name if isinstance(name, str) and reason_against(name) is None else op.removesuffix("_part")


MAP = Map(
    name="map",
    operands=("*xs",),
    attributes={"formula": REQUIRED, "primitive": None, "stable": None, "safe": None},
    summary="A formula of the operands, element by element.",
    formula="y = formula(*xs)",
    infer=_infer,
    examples=(example(("m", "n"), ("n",), formula="a*sigmoid(b)"),),
    canonical=_canonical,
)
