"""Joining and padding. See ``layout.py`` for the rules."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import FULL, axis_of, number_text, whole, without
from graphgen.ops.table import Mismatch, Type, example, linear, need_floats


def _arrays(arrays: Any, *others: Any, axis: Any = 0) -> tuple[Any, Any]:
    if not isinstance(arrays, (tuple, list)):
        return (arrays, *others), {"axis": axis}
    return tuple(arrays), {"axis": others[0] if others else axis}


def _one_dtype(xs: Sequence[Type]) -> str:
    for place, x in enumerate(xs):
        if x.dtype != xs[0].dtype:
            raise Mismatch("GG030", f"dtypes differ: {xs[0].dtype} and {x.dtype}", "convert with ops.cast", about=place)
    return xs[0].dtype


def _total(xs: Sequence[Any], axis: int) -> sizes.Size:
    total: sizes.Size = 0
    for x in xs:
        total = total + x.shape[axis]
    return total


@linear
class concat:
    """Join arrays along an axis."""

    formula = "y = x0 followed by x1, ... along axis"
    examples = (example(("m", "n"), ("k", "n"), axis=0),)
    jointly = True
    call = _arrays

    def canonical(*xs: Type, axis: Any) -> dict[str, Any]:
        return {"axis": axis_of(axis, xs[0].ndim)}

    def infer(*xs: Type, axis: Any = 0) -> Type:
        for place, x in enumerate(xs):
            if x.ndim != xs[0].ndim:
                raise Mismatch(
                    "GG024", f"ranks differ: {xs[0]} and {x}", "ops.stack joins along a new axis", about=place
                )
            if not sizes.same(without(x.shape, (axis,)), without(xs[0].shape, (axis,))):
                raise Mismatch(
                    "GG024",
                    f"shapes differ off axis {axis}: {xs[0]} and {x}",
                    "only the joined axis may differ",
                    about=place,
                )
        return Type((*xs[0].shape[:axis], _total(xs, axis), *xs[0].shape[axis + 1 :]), _one_dtype(xs))

    def transpose(place: int, g: Any, xs: Sequence[Any], /, *, axis: int) -> Any:
        start = _total(xs[:place], axis)
        stop = _total(xs[: place + 1], axis) if place < len(xs) - 1 else None
        return ops.getitem(g, key=(*(FULL,) * axis, (start or None, stop, None), *(FULL,) * (g.ndim - axis - 1)))

    def numpy(*xs: Type, axis: int) -> str:
        return f"np.concatenate(({', '.join(f'{{{place}}}' for place in range(len(xs)))}{',' * (len(xs) == 1)}), axis={axis})"


@linear
class stack:
    """Join arrays of one shape along a new axis."""

    formula = "y[..., i, ...] = x_i"
    examples = (example(("m", "n"), ("m", "n"), axis=0),)
    jointly = True
    call = _arrays

    def canonical(*xs: Type, axis: Any) -> dict[str, Any]:
        return {"axis": axis_of(axis, xs[0].ndim + 1)}

    def infer(*xs: Type, axis: Any = 0) -> Type:
        for place, x in enumerate(xs):
            if not sizes.same(x.shape, xs[0].shape):
                raise Mismatch(
                    "GG024", f"shapes differ: {xs[0]} and {x}", "stack takes arrays of one shape", about=place
                )
        return Type((*xs[0].shape[:axis], len(xs), *xs[0].shape[axis:]), _one_dtype(xs))

    def transpose(place: int, g: Any, xs: Sequence[Any], /, *, axis: int) -> Any:
        return ops.getitem(g, key=(*(FULL,) * axis, place, *(FULL,) * (g.ndim - axis - 1)))

    def numpy(*xs: Type, axis: int) -> str:
        return f"np.stack(({', '.join(f'{{{place}}}' for place in range(len(xs)))}{',' * (len(xs) == 1)}), axis={axis})"


@linear
class pad:
    """Surround by `value`; `pad_width` is (before, after) for each axis, or one such pair for all."""

    formula = "y[before : before + n] = x, value elsewhere"
    examples = (example(("m", "n"), pad_width=((1, 1), (0, 0))),)
    of_scalar = True
    tangent_attributes = MappingProxyType({"value": 0.0})

    def canonical(x: Type, /, *, pad_width: Any, value: Any) -> dict[str, Any]:
        if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
            raise Mismatch("GG005", f"the value of a pad is a number, got {brief(value)}", "leave it out for 0")
        return {"pad_width": _pad_width(x, pad_width), "value": float(value)}

    def infer(x: Type, /, *, pad_width: Any, value: Any = 0.0) -> Type:
        need_floats("pad", x)
        return Type(
            tuple(before + size + after for size, (before, after) in zip(x.shape, pad_width, strict=True)), x.dtype
        )

    def transpose(place: int, g: Any, x: Any, /, *, pad_width: Any, value: float) -> Any:
        return ops.getitem(g, key=tuple((before or None, -after or None, None) for before, after in pad_width))

    def numpy(x: Type, /, *, pad_width: Any, value: float) -> str:
        width = f"({', '.join(map(str, pad_width))}{',' * (len(pad_width) == 1)})"
        return f"np.pad({{0}}, {width}{f', constant_values={number_text(value)}' if value else ''})"


def _pad_width(x: Type, width: Any) -> tuple[tuple[int, int], ...]:
    entries = width if isinstance(width, (tuple, list)) else (width, width)
    if entries and all(whole(each) is not None for each in entries):
        entries = (entries,) * x.ndim
    pairs = tuple(tuple(each) if isinstance(each, (tuple, list)) else (each, each) for each in entries)
    counts = [tuple(-1 if whole(each) is None else int(each) for each in pair) for pair in pairs]
    if len(pairs) != x.ndim or not all(len(pair) == 2 and min(pair) >= 0 for pair in counts):
        help = f"give {x.ndim} pairs (before, after) of ints, none below 0"
        raise Mismatch("GG027", f"pad_width {brief(width)} does not fit {x}", help, about=0)
    return tuple((before, after) for before, after in counts)
