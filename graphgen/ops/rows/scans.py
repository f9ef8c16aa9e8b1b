"""Sums and products that run along an axis, and the products that prod and cumprod have for slopes.

With E[i] = x[0] * ... * x[i - 1], the product before i, the tangent of y = cumprod(x) follows from y[i] = y[i - 1] * x[i]:

    y_dot[i] = x_dot[i] * E[i] + x[i] * y_dot[i - 1]

a linear recurrence, whose adjoint runs backward. Nothing is divided by, so zeros need no care; memory and time grow
with the length of the axis alone, at every order of derivatives (Horner's scheme; G. E. Blelloch, Prefix sums and their
applications, 1990, section 1.4, treats such recurrences as scans).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from graphgen import ops
from graphgen.ops.axes import axis_of, number_text
from graphgen.ops.banding import Band, Entry, off_axis
from graphgen.ops.flattening import as_rows, from_rows
from graphgen.ops.operations import taking
from graphgen.ops.table import Mismatch, Type, example, linear, paired


def _along(x: Type, /, *, axis: Any) -> dict[str, Any]:
    if axis is None and x.ndim != 1:
        raise Mismatch("GG023", f"which axis of {x}?", "give axis=, or flatten with .reshape(-1)", about=0)
    return {"axis": axis_of(0 if axis is None else axis, x.ndim)}


def _numbers(x: Type, /, *, axis: Any = None) -> Type:
    if x.dtype == "bool":
        raise Mismatch("GG030", "needs numbers, got bool", 'convert with ops.cast({0}, "float")', about=0)
    return Type(x.shape, "float" if x.dtype == "float" else "int64")


@linear
class cumsum:
    """Running sum along an axis, which must be said unless there is one alone."""

    formula = "y[i] = sum(x[k] for k in range(i + 1))"
    examples = (example(("m", "n"), axis=1), example(("n",)))
    canonical = _along
    infer = _numbers
    operations = taking(additions=1)
    bands = off_axis

    def transpose(place: int, g: Any, x: Any, /, *, axis: int) -> Any:
        return ops.flip(ops.cumsum(ops.flip(g, axis=axis), axis=axis), axis=axis)

    def numpy(x: Type, /, *, axis: int) -> str:
        return f"{{0:atom}}.cumsum(axis={axis})"


@paired
class cumprod:
    """Running product along an axis, which must be said unless there is one alone; its slope is right with zeros too."""

    formula = "y[i] = prod(x[k] for k in range(i + 1))"
    examples = (example(("m", "n"), axis=1), example(("n",)))
    canonical = _along
    infer = _numbers
    operations = taking(multiplications=1)
    bands = off_axis

    def tangent(place: int, dot: Any, y: Any, x: Any, /, *, axis: int) -> Any:
        return ops.recurrence(dot * _before(y, axis), x, axis=axis)

    def transpose(place: int, g: Any, y: Any, x: Any, /, *, axis: int) -> Any:
        return ops.recurrence(g, x, axis=axis, backward=True) * _before(y, axis)

    def numpy(x: Type, /, *, axis: int) -> str:
        return f"{{0:atom}}.cumprod(axis={axis})"


def _before(products: Any, axis: int) -> Any:
    """For each place the product of all elements before it, of the running products."""
    return ops.shift(products, step=1, axis=axis, fill=1.0)


@linear
class shift:
    """Moved by a step of 1 or -1 along an axis, with `fill` where there is nothing to move."""

    formula = "y[i] = x[i - step] if 0 <= i - step < n else fill"
    examples = (example(("m", "n"), step=1, axis=1), example(("m", "n"), step=-1, axis=0))
    adds_zeros = True
    tangent_attributes = MappingProxyType({"fill": 0.0})

    def infer(x: Type, /, *, step: Any, axis: Any, fill: Any = 0.0) -> Type:
        return x

    def transpose(place: int, g: Any, x: Any, /, *, step: int, axis: int, fill: float) -> Any:
        return ops.shift(g, step=-step, axis=axis)

    def bands(place: int, x: Type, /, *, step: int, axis: int, fill: float) -> tuple[Entry, ...]:
        return tuple(Band(each, -step, -step) if each == axis else each for each in range(x.ndim))

    def numpy(x: Type, /, *, step: int, axis: int, fill: float) -> str:
        return f"shift({{0}}, {step}, axis={axis}{f', fill={number_text(fill)}' if fill else ''})"


@paired
class recurrence:
    """y[i] from y[i - 1] along an axis, beginning with increment[0]; backward, the adjoint of that."""

    formula = "y[i] = increment[i] + factor[i] * y[i - 1]"
    examples = (example(("m", "n"), ("m", "n"), axis=1), example(("n",), ("n",), axis=0, backward=True))
    operations = taking(additions=1, multiplications=1)
    bands = off_axis

    def infer(increment: Type, factor: Type, /, *, axis: Any, backward: Any = False) -> Type:
        return increment

    # Backward, y[i] = increment[i] + factor[i + 1] * y[i + 1].

    def tangent(place: int, dot: Any, y: Any, increment: Any, factor: Any, /, *, axis: int, backward: bool) -> Any:
        if place == 1 and backward:
            dot = ops.shift(dot * y, step=-1, axis=axis)
        elif place == 1:
            dot = dot * ops.shift(y, step=1, axis=axis)
        return ops.recurrence(dot, factor, axis=axis, backward=backward)

    def transpose(place: int, g: Any, y: Any, increment: Any, factor: Any, /, *, axis: int, backward: bool) -> Any:
        back = ops.recurrence(g, factor, axis=axis, backward=not backward)
        if place == 0:
            return back
        return ops.shift(back, step=1, axis=axis) * y if backward else back * ops.shift(y, step=1, axis=axis)

    def numpy(increment: Type, factor: Type, /, *, axis: int, backward: bool) -> str:
        return f"recurrence({{0}}, {{1}}, axis={axis}{', backward=True' if backward else ''})"


@paired
class product_of_others:
    """For each element the product of all others along axes: the slopes of prod. No product on the way overflows.

    Its own slope, the product of all but two, is symmetric. It is computed of the products before and after each
    place, which may overflow or underflow where these slopes do not; that is second order for prod.
    """

    formula = "y[i] = prod(x[k] for k along axis if k != i)"
    examples = (example(("m", "n"), axis=(1,)), example(("m", "k", "n"), axis=(0, 2)))
    of_scalar = "1.0"
    operations = taking(multiplications=3)
    analytic = False
    bands = off_axis

    def infer(x: Type, /, *, axis: Any) -> Type:
        return x

    def tangent(place: int, dot: Any, y: Any, x: Any, /, *, axis: Any) -> Any:
        rows, dots = as_rows(x, axis), as_rows(dot, axis)
        last = rows.ndim - 1
        before, before_dot = _products_before(rows, dots, last)
        after, after_dot = (
            ops.flip(each, axis=last)
            for each in _products_before(ops.flip(rows, axis=last), ops.flip(dots, axis=last), last)
        )
        return from_rows(before_dot * after + before * after_dot, x, axis)

    def transpose(place: int, g: Any, y: Any, x: Any, /, *, axis: Any) -> Any:
        return product_of_others.tangent(place, g, y, x, axis=axis)

    def numpy(x: Type, /, *, axis: Any) -> str:
        return f"product_of_others({{0}}, axis={axis[0] if len(axis) == 1 else axis})"


def _products_before(x: Any, dot: Any, axis: int) -> tuple[Any, Any]:
    """The product before each place along an axis, and its tangent."""
    before = _before(ops.cumprod(x, axis=axis), axis)
    return before, ops.shift(ops.recurrence(dot * before, x, axis=axis), step=1, axis=axis)
