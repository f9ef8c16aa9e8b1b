"""Whether a user's primitive computes what its formula says.

Values and slopes, as a generated module computes them in both float types, are compared with the formula itself in fifty
digits and its central differences, at points over the real line. Kinks, jumps and what lies outside the domain are left
out, but at a kink the slope must lie between those of both sides.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import mpmath
import numpy as np
import sympy as sp

from graphgen.calculus.declared import Declared
from graphgen.calculus.derivative import derivative
from graphgen.calculus.own import Own

if TYPE_CHECKING:
    from graphgen.calculus.formula import Formula
    from graphgen.ops.primitive import Primitive

DIGITS = 50
STEP = mpmath.mpf(10) ** -15  # of a difference: of the slope half of the digits are left
TOLERANCE = 1e-6  # in float64; float32 must be finite, as its digits are the formula's own affair
LARGEST = {"float64": float(np.finfo(np.float64).max), "float32": float(np.finfo(np.float32).max)}
STEEP = 1e9  # a one-sided slope beyond this is that of a jump, or of a root at 0

# Exact in both float types.
ORDINARY = (1 / 64, 0.25, 0.6875, 1.0, 1.59375, 2.0, 3.25, 5.5, 9.0, 14.0, 21.0, 30.0)
FAR = (100.0, -100.0, 1000.0, -1000.0)
VALUES = (0.0, *ORDINARY, *(-each for each in ORDINARY))

Point = tuple[float, ...]


class Flaw(NamedTuple):
    """What is wrong, and what may be done; `far` if only operands of 100 and more show it."""

    message: str
    help: str
    far: bool = False


class _Truth(NamedTuple):
    """The formula at a point.

    Attributes
    ----------
    value : in many digits.
    slopes : by each operand, the least and the most that a slope may be; None where there is none.
    """

    point: Point
    value: Any
    slopes: tuple[tuple[Any, Any] | None, ...]

    @property
    def far(self) -> bool:
        return any(abs(x) in FAR for x in self.point)


OVERFLOWS = "write it so that no part overflows or is 0/0: with ops.sigmoid, ops.softplus, ops.where, ops.maximum"
STABLE = "slopes are derived from the formula, not from stable: give the stable one as the formula"
CANCELS = "write it so that no digits cancel, or give an equal formula as stable="


def flaw(primitive: Primitive) -> Flaw | None:
    """The worst thing found wrong with a primitive, or None."""
    with mpmath.workdps(DIGITS):
        function = _exact(primitive.symbols, primitive.expression)
        truths = []
        for point in points(primitive):
            value = _value(function, _precise(primitive, point))
            if value is None and (limit := _limit(primitive, function, point)) is not None:
                message = f"at {_where(primitive, point)} it has no value, though it tends to {_text(limit)} there"
                return Flaw(message, "give the value there too, with sympy's Piecewise")
            if value is not None:
                truths.append(_Truth(point, value, _slopes(primitive, function, point, value)))
        if not truths:
            return Flaw("it has no real value at any of the points tried, from -1000 to 1000", "check its domain")
        found = _unsafe(primitive, truths) or _unequal(primitive, truths)
        if found is not None:
            return found
        wrong = [each for dtype in LARGEST for each in _wrong(primitive, truths, dtype)]
        return min(wrong, key=lambda each: each.far, default=None)


def points(primitive: Primitive) -> list[Point]:
    """Where a primitive is looked at: every value for one operand, a selection of the combinations for several."""
    generator = random.Random(0)
    turns = 1 if len(primitive.symbols) == 1 else 2
    columns: list[list[float]] = []
    for place, (kind, safe) in enumerate(zip(primitive.formula.kinds, primitive.safe, strict=True)):
        extreme = [0.0, 1.0, 1.0 if safe is None else safe]
        far = [value if other == place else 1.0 for other in range(len(primitive.symbols)) for value in FAR]
        values = [value for _ in range(turns) for value in generator.sample(VALUES, len(VALUES))] + extreme + far
        columns.append([float(generator.random() < 0.5) for _ in values] if kind == "bool" else values)
    return list(zip(*columns, strict=True))


def _precise(primitive: Primitive, point: Point) -> list[Any]:
    """The coordinates of a point as mpmath's numbers, and truth values."""
    kinds = primitive.formula.kinds
    return [bool(x) if kind == "bool" else mpmath.mpf(x) for x, kind in zip(point, kinds, strict=True)]


def _exact(symbols: tuple[sp.Symbol, ...], expression: sp.Expr) -> Callable[..., Any]:
    """An expression as a function of mpmath's numbers."""
    plain = expression.replace(lambda part: isinstance(part, Own), lambda part: part.definition())
    return sp.lambdify(symbols, plain, modules="mpmath")


def _value(function: Callable[..., Any], point: Any) -> Any:
    """The value, or None outside the domain."""
    try:
        found = mpmath.mpmathify(function(*point))
    except (ZeroDivisionError, ValueError, OverflowError, TypeError):  # TypeError: a complex number is compared
        return None
    return found if isinstance(found, mpmath.mpf) and mpmath.isfinite(found) else None


def _moved(primitive: Primitive, point: Point, place: int, step: Any = STEP) -> list[tuple[Any, ...]]:
    """The point a step to the left, and to the right."""
    exact = _precise(primitive, point)
    return [(*exact[:place], exact[place] + moved, *exact[place + 1 :]) for moved in (-step, step)]


def _limit(primitive: Primitive, function: Callable[..., Any], point: Point) -> Any:
    """What the formula tends to where it has no value, if it is the same from both sides, near and nearer."""
    for place, kind in enumerate(primitive.formula.kinds):
        if kind == "float":
            steps = [each for step in (STEP, STEP / 1000) for each in _moved(primitive, point, place, step)]
            near = [_value(function, each) for each in steps]
            if None not in near and max(near) - min(near) <= 1e-9 * (1 + abs(near[0])):
                return near[-1]
    return None


def _slopes(primitive: Primitive, function: Callable[..., Any], point: Point, value: Any) -> tuple[Any, ...]:
    if primitive.formula.expression.has(Declared):
        declared = (_value(each, _precise(primitive, point)) for each in _declared(primitive.formula))
        return tuple(None if slope is None else (slope, slope) for slope in declared)
    found: list[tuple[Any, Any] | None] = []
    for place, kind in enumerate(primitive.formula.kinds):
        sides = [None] if kind == "bool" else [_value(function, each) for each in _moved(primitive, point, place)]
        if None in sides:
            found.append(None)
            continue
        left, right = (value - sides[0]) / STEP, (sides[1] - value) / STEP
        least, most = min(left, right), max(left, right)
        if max(abs(left), abs(right)) > STEEP:
            found.append(None)
        elif most - least <= 1e-9 * (1 + abs(left)):
            found.append(((left + right) / 2,) * 2)
        else:
            found.append((least, most))
    return tuple(found)


@cache
def _declared(formula: Formula) -> list[Callable[..., Any]]:
    """The slopes of a formula that declares some, as functions: no difference of values tells them."""
    slopes = [derivative(formula.expression, symbol) if symbol.is_real else sp.nan for symbol in formula.slots]
    return [_exact(formula.slots, slope) for slope in slopes]


def _unsafe(primitive: Primitive, truths: list[_Truth]) -> Flaw | None:
    for name, place, safe in zip(primitive.operands, range(len(primitive.symbols)), primitive.safe, strict=True):
        inside = any(truth.point[place] == safe and truth.slopes[place] is not None for truth in truths)
        if safe is not None and not inside:
            return Flaw(f"safe: at {name} = {safe:g} it has no value or no slope", "give a value inside the domain")
    return None


def _unequal(primitive: Primitive, truths: list[_Truth]) -> Flaw | None:
    """Where the formula to be written differs from the one it stands for."""
    if primitive.stable_expression is None:
        return None
    function = _exact(primitive.symbols, primitive.stable_expression)
    for truth in truths:
        found = _value(function, _precise(primitive, truth.point))
        if found is None or abs(found - truth.value) > 1e-20 * (1 + abs(truth.value)):
            where, true = _where(primitive, truth.point), _text(truth.value)
            other = "none" if found is None else _text(found)
            if other == true:
                other = f"off by {_text(found - truth.value)}"
            message = f"stable: at {where} its value is {other}, the formula's {true}"
            return Flaw(message, "give an equal formula")
    return None


def _wrong(primitive: Primitive, truths: list[_Truth], dtype: str) -> Iterator[Flaw]:
    """Where a generated module of this float type computes another value or slope."""
    largest = LARGEST[dtype]
    usable = [truth for truth in truths if abs(truth.value) < largest]
    values, slopes = _computed(primitive, [truth.point for truth in usable], dtype)
    scale = _scale([truth.value for truth in usable])
    for truth, found in zip(usable, values, strict=True):
        if wrong := _differs(float(found), truth.value, truth.value, scale, dtype):
            message = (
                f"at {_where(primitive, truth.point)} its value is {found:.6g} in {dtype}, not {_text(truth.value)}"
            )
            yield Flaw(message, wrong, truth.far)
    for place, by_place in slopes.items():
        known = [(truth, found, truth.slopes[place]) for truth, found in zip(usable, by_place, strict=True)]
        scale = _scale([span[0] for _, _, span in known if span is not None])
        for truth, found, span in known:
            if span is not None and (wrong := _differs(float(found), *span, scale, dtype)):
                true = _text(span[0]) if span[0] == span[1] else f"between {_text(span[0])} and {_text(span[1])}"
                by = f" by {primitive.operands[place]}" if len(slopes) > 1 else ""
                where = _where(primitive, truth.point)
                help = wrong if primitive.stable is None else STABLE
                yield Flaw(f"at {where} its slope{by} is {found:.6g} in {dtype}, not {true}", help, truth.far)


def _scale(true: list[Any]) -> Any:
    """What an error is small beside where the true number is 0: 1, or the largest number there is."""
    return min(mpmath.mpf(1), max(map(abs, true), default=mpmath.mpf(1)))


def _differs(found: float, least: Any, most: Any, scale: Any, dtype: str) -> str:
    """The remedy if a number is not finite, or not between two others; "" if it is, or too large for the float type."""
    if max(abs(least), abs(most)) > LARGEST[dtype]:
        return ""
    if not np.isfinite(found):
        return OVERFLOWS
    margin = TOLERANCE * max(abs(least), abs(most), scale)
    return "" if dtype == "float32" or least - margin <= found <= most + margin else CANCELS


def _computed(primitive: Primitive, places: list[Point], dtype: str) -> tuple[Any, dict[int, Any]]:
    """The values, and by the operand's place the slopes, that a module computes of a graph with this one node."""
    from graphgen import ops
    from graphgen.graph import Graph
    from graphgen.loading import load

    graph = Graph("primitive", dtype)
    columns = np.array(places).T.reshape(len(primitive.symbols), -1)
    nodes, parameters, inputs = [], {}, {}
    for place, (kind, column) in enumerate(zip(primitive.formula.kinds, columns, strict=True)):
        if kind == "bool":
            nodes.append(graph.input(f"slot{place}", ("points",), "bool"))
            inputs[f"slot{place}"] = column.astype(bool)
        else:
            nodes.append(graph.param(f"slot{place}", ("points",)))
            parameters[f"slot{place}"] = column.astype(dtype)
    values = primitive(*nodes, name="values")
    graph.output(values)
    graph.loss(ops.sum(values, name="total"))
    module = load(graph)
    with np.errstate(all="ignore"):
        _, gradients = module.value_and_grad(parameters, **inputs)
        return module.forward(parameters, **inputs), {int(name[4:]): found for name, found in gradients.items()}


def _where(primitive: Primitive, point: Point) -> str:
    facts = zip(primitive.operands, point, primitive.formula.kinds, strict=True)
    return ", ".join(f"{name} = {bool(value) if kind == 'bool' else f'{value:g}'}" for name, value, kind in facts)


def _text(number: Any) -> str:
    return f"{float(number):.6g}"
