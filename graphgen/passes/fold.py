"""Compute at once what depends on literal numbers alone: NumPy would answer with a float64 scalar, which widens float32."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import sympy as sp

from graphgen import ops
from graphgen.calculus.derivative import number
from graphgen.calculus.formula import Formula, formula
from graphgen.passes.rewriting import Draft, literal, rewrite
from graphgen.program import Node, Program
from graphgen.targets.printer import as_float

LARGEST_INTEGER = 2**31 - 1
DIGITS = 40  # more than twice those of a float


def fold(program: Program) -> Program:
    """The program with every scalar that depends on literal numbers alone as a constant."""
    return rewrite(program, RULES)


def _known_size(draft: Draft, node: Node) -> Node | None:
    """The number of elements of an axis of fixed size."""
    size = node.attributes["size"]
    return _constant(node, float(size)) if isinstance(size, int) else None


def _all_literal(draft: Draft, node: Node) -> Node | None:
    values = [literal(draft.nodes[each]) for each in node.args]
    if node.shape != () or any(value is None for value in values):
        return None
    found = _evaluated(node, values)
    return None if found is None else _constant(node, found)


def _cast(draft: Draft, node: Node) -> Node | None:
    value = literal(draft.nodes[node.args[0]])
    if value is None or node.shape != () or not math.isfinite(value):
        return None
    kind: Callable[[Any], Any] = {"float": float, "bool": bool}.get(node.dtype, int)
    found = kind(value)
    return _constant(node, found) if abs(found) <= LARGEST_INTEGER or node.dtype == "float" else None


def _constant(node: Node, value: float | bool) -> Node:
    return node._replace(op="constant", args=(), attributes={"value": value, "shape": (), "dtype": node.dtype})


# Python's own arithmetic, rounded as NumPy's is.
_DIRECT: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "negative": operator.neg,
    "abs": abs,
    "square": lambda a: a * a,
    "reciprocal": lambda a: 1.0 / a,
    "sqrt": math.sqrt,
    "power": math.pow,
    "exp": math.exp,
    "maximum": max,
    "minimum": min,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "where": lambda condition, a, b: a if condition else b,
    "identity": lambda a: a,
    "stop_gradient": lambda a: a,
}


def _evaluated(node: Node, values: list[Any]) -> float | int | bool | None:
    """The value of an elementwise op of numbers, or None if it has no finite one."""
    if node.op == "clipped" or any(isinstance(value, float) and not math.isfinite(value) for value in values):
        return None  # a check may lift the clip
    if node.op in _DIRECT:
        try:
            found = _DIRECT[node.op](*values)
        except (ArithmeticError, ValueError):  # NumPy answers with inf or nan when the module runs
            return None
    elif node.op == "map":
        found = _of_formula(node.attributes["formula"], tuple(values))
    else:
        found = _of_formula(ops.ELEMENTWISE[node.op].printed(tuple(sorted(node.attributes.items()))), tuple(values))
    if found is None or not math.isfinite(found):
        return None
    if node.dtype == "float":
        return float(found)
    if node.dtype == "bool":
        return bool(found)
    return int(found) if abs(found) <= LARGEST_INTEGER else None


@cache
def _of_formula(formula: Formula, values: tuple[Any, ...]) -> float | bool | None:
    """The value of a formula of numbers, correctly rounded; None where it is not a real number."""
    numbers = {
        symbol: (sp.true if value else sp.false) if kind == "bool" else sp.Float(value, DIGITS)
        for symbol, kind, value in zip(formula.slots, formula.kinds, values, strict=True)
    }
    found = formula.expression.xreplace(numbers)
    if found in (sp.true, sp.false):
        return bool(found)
    try:
        found = found.evalf(DIGITS)
        return float(found) if found.is_Float or found.is_Rational else None
    except OverflowError:
        return None


def _absorb(draft: Draft, node: Node) -> Node | None:
    """A literal factor of a product goes into its coefficient, where that is exact: 2 * 0.005 * w is 0.01 * w."""
    if "stable" in node.attributes or all(literal(draft.nodes[each]) is not None for each in node.args):
        return None
    for place, argument in enumerate(node.args):
        value = literal(draft.nodes[argument])
        if isinstance(value, float) and value and math.isfinite(value) and draft.nodes[argument].shape == ():
            product = _absorbed(node.attributes["formula"], place, value)
            if product is not None:
                return node._replace(args=(*node.args[:place], *node.args[place + 1 :]), attributes={"formula": product})
    return None


@cache
def _absorbed(derived: Formula, place: int, value: float) -> Formula | None:
    coefficient, rest = derived.expression.as_coeff_Mul()
    slot = derived.slots[place]
    factors = sp.Mul.make_args(rest)
    others = [factor for factor in factors if factor != slot]
    if len(others) != len(factors) - 1 or any(slot in factor.free_symbols for factor in others) or not others:
        return None
    before = as_float(coefficient)
    kept = not isinstance(coefficient, sp.Rational) or Fraction(before) == Fraction(int(coefficient.p), int(coefficient.q))
    if not kept or not math.isfinite(before * value) or Fraction(before) * Fraction(value) != Fraction(before * value):
        return None
    return formula(number(before * value) * sp.Mul(*others), [each for each in derived.slots if each != slot])


RULES: dict[str, Any] = {"size": (_known_size,), "cast": (_cast,), "map": (_absorb,), "": (_all_literal,)}
