"""What losses have in common: how they are reduced, and how their operands fit each other."""

from __future__ import annotations

from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import axis_of
from graphgen.ops.table import Mismatch, Type

REDUCTIONS = ("mean", "sum", "none")


def reduced(values: Any, reduction: str) -> Any:
    """The mean or the sum of all values, or the values as they are."""
    if reduction == "none":
        return values
    return ops.mean(values) if reduction == "mean" else ops.sum(values)


def check_reduction(reduction: Any, known: tuple[str, ...] = REDUCTIONS) -> None:
    """Raise `Mismatch` for a reduction that there is not."""
    if not isinstance(reduction, str) or reduction not in known:
        listed = ", ".join(f'"{each}"' for each in known)
        raise Mismatch("GG005", f"unknown reduction {brief(reduction)}", f"one of {listed}")


def number(
    keyword: str, value: Any, least: float = float("-inf"), above: bool = False, most: float = float("inf")
) -> float:
    """A finite number from `least`, or above it, up to `most`, as a float; raises `Mismatch`."""
    found = isinstance(value, (int, float)) or hasattr(value, "__float__")
    if found and not isinstance(value, bool):
        result = float(value)
        if least <= result <= most and abs(result) != float("inf") and not (above and result == least):
            return result
    bounds = []
    if least > float("-inf"):
        bounds.append(f"above {least:g}" if above else f"from {least:g}")
    if most < float("inf"):
        bounds.append(f"to {most:g}")
    wanted = " ".join(["a finite number", *bounds])
    raise Mismatch("GG005", f"{keyword} is {wanted}, got {brief(value)}", "leave it out for its default")


def check_floats(*types: Type) -> None:
    """Raise `Mismatch` for the first operand that does not hold floats."""
    for place, each in enumerate(types):
        if each.dtype != "float":
            remedy = 'declare it with dtype="float64", or ops.cast it'
            raise Mismatch("GG031", f"needs floats, got {each.dtype}", remedy, about=place)


def check_pair(one: Type, other: Type, names: tuple[str, str] = ("prediction", "target")) -> None:
    """Raise `Mismatch` unless the first two operands are floats of one shape."""
    check_floats(one, other)
    if not sizes.same(one.shape, other.shape):
        remedy = "reshape one of them: a loss that broadcasts compares every row with every other"
        message = f"{names[0]} and {names[1]} differ in shape: {one} and {other}"
        raise Mismatch("GG020", message, remedy, about=1)


def check_weight(name: str, weight: Type, shape: sizes.Shape, place: int) -> None:
    """Raise `Mismatch` unless weights broadcast to the elements that they weigh."""
    common = sizes.broadcast(weight.shape, shape)
    if common is None or not sizes.same(common, shape):
        message = f"{name} {weight} does not broadcast to {sizes.shape_text(shape)}"
        raise Mismatch("GG020", message, "give one for each element, or axes of size 1 to share them", about=place)


def rows_axis(what: str, x: Type, axis: Any) -> int:
    """The axis of `x` that holds classes or features: -1 for the last, others from the front; raises `Mismatch`."""
    if not x.ndim:
        raise Mismatch("GG027", f"{what}, got a scalar", "the last axis holds them, unless axis= says another", about=0)
    place = axis_of(axis, x.ndim)
    return -1 if place == x.ndim - 1 else place
