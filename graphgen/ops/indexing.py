"""Joining, slicing, padding, picking and scattering, in adjoint pairs. See ``linear.py`` for the rules."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import FULL, axis_of, indexed, key_of, key_text, number_text, size_of, whole, without
from graphgen.ops.table import Mismatch, Type, linear, need_floats


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
    jointly = True
    call = _arrays

    def canonical(*xs: Type, axis: Any) -> dict[str, Any]:
        return {"axis": axis_of(axis, xs[0].ndim)}

    def infer(*xs: Type, axis: Any = 0) -> Type:
        for place, x in enumerate(xs):
            if x.ndim != xs[0].ndim:
                raise Mismatch("GG024", f"ranks differ: {xs[0]} and {x}", "ops.stack joins along a new axis", about=place)
            if not sizes.same(without(x.shape, (axis,)), without(xs[0].shape, (axis,))):
                raise Mismatch("GG024", f"shapes differ off axis {axis}: {xs[0]} and {x}", "only the joined axis may differ", about=place)
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
    jointly = True
    call = _arrays

    def canonical(*xs: Type, axis: Any) -> dict[str, Any]:
        return {"axis": axis_of(axis, xs[0].ndim + 1)}

    def infer(*xs: Type, axis: Any = 0) -> Type:
        for place, x in enumerate(xs):
            if not sizes.same(x.shape, xs[0].shape):
                raise Mismatch("GG024", f"shapes differ: {xs[0]} and {x}", "stack takes arrays of one shape", about=place)
        return Type((*xs[0].shape[:axis], len(xs), *xs[0].shape[axis:]), _one_dtype(xs))

    def transpose(place: int, g: Any, xs: Sequence[Any], /, *, axis: int) -> Any:
        return ops.getitem(g, key=(*(FULL,) * axis, place, *(FULL,) * (g.ndim - axis - 1)))

    def numpy(*xs: Type, axis: int) -> str:
        return f"np.stack(({', '.join(f'{{{place}}}' for place in range(len(xs)))}{',' * (len(xs) == 1)}), axis={axis})"


@linear
class getitem:
    """A part of x by ints and slices, one entry for each axis."""

    formula = "y = x[key]"
    view = True

    def canonical(x: Type, /, *, key: Any) -> dict[str, Any]:
        return {"key": key_of(x, key)}

    def infer(x: Type, /, *, key: Any) -> Type:
        return Type(indexed(x.shape, key), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, key: Any) -> Any:
        return ops.assemble(g, keys=(key,), shape=x.shape)

    def numpy(x: Type, /, *, key: Any) -> str:
        return f"{{0:atom}}[{key_text(key)}]"


@linear
class assemble:
    """Zeros into which each operand is added at its key: the adjoint of several slices of one array."""

    formula = "y[keys[i]] += x_i"
    jointly = True

    def infer(*xs: Type, keys: Any, shape: Any) -> Type:
        return Type(shape, "float")

    def transpose(place: int, g: Any, xs: Sequence[Any], /, *, keys: Any, shape: Any) -> Any:
        return ops.getitem(g, key=keys[place])

    def numpy(*xs: Type, keys: Any, shape: Any) -> str:
        raise AssertionError("written as several statements: see graphgen.emit")


@linear
class pad:
    """Surround by `value`; `pad_width` is (before, after) for each axis, or one such pair for all."""

    formula = "y[before : before + n] = x, value elsewhere"
    tangent_attributes = MappingProxyType({"value": 0.0})

    def canonical(x: Type, /, *, pad_width: Any, value: Any) -> dict[str, Any]:
        if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
            raise Mismatch("GG005", f"the value of a pad is a number, got {brief(value)}", "leave it out for 0")
        return {"pad_width": _pad_width(x, pad_width), "value": float(value)}

    def infer(x: Type, /, *, pad_width: Any, value: Any = 0.0) -> Type:
        need_floats("pad", x)
        return Type(tuple(before + size + after for size, (before, after) in zip(x.shape, pad_width, strict=True)), x.dtype)

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


@linear
class take:
    """Slices of x along an axis, picked by an integer array; negative integers count from the end."""

    formula = "y[..., i, ...] = x[..., index[i], ...]"

    def canonical(x: Type, index: Type, /, *, axis: Any) -> dict[str, Any]:
        if axis is None and x.ndim != 1:
            raise Mismatch("GG023", f"which axis of {x}?", "give axis=")
        return {"axis": axis_of(0 if axis is None else axis, x.ndim)}

    def infer(x: Type, index: Type, /, *, axis: Any = None) -> Type:
        _integers(index)
        return Type(x.shape[:axis] + index.shape + x.shape[axis + 1 :], x.dtype)

    def transpose(place: int, g: Any, x: Any, index: Any, /, *, axis: int) -> Any:
        return ops.scatter_add(g, index, size=x.shape[axis], axis=axis)

    def numpy(x: Type, index: Type, /, *, axis: int) -> str:
        return "{0:atom}[{1}]" if axis == 0 and index.ndim else f"np.take({{0}}, {{1}}, axis={axis})"


def _integers(index: Type) -> None:
    if not index.dtype.startswith("int"):
        raise Mismatch("GG030", f"an index is made of integers, got {index.dtype}", 'declare it with dtype="int64"', about=1)


@linear
class scatter_add:
    """Zeros of `size` along an axis, to which the updates are added at `index`: the adjoint of take."""

    formula = "y[..., index[i], ...] += updates[..., i, ...]"

    def canonical(updates: Type, index: Type, /, *, size: Any, axis: Any) -> dict[str, Any]:
        need_floats("scatter_add", updates)
        _integers(index)
        place = axis_of(axis, updates.ndim - index.ndim + 1) if updates.ndim >= index.ndim else 0
        if not sizes.same(updates.shape[place : place + index.ndim], index.shape):
            message = f"updates {updates} do not hold the index's {index} at axis {place}"
            raise Mismatch("GG027", message, "the updates have the index's axes at this place", about=0)
        return {"size": size_of(size), "axis": place}

    def infer(updates: Type, index: Type, /, *, size: Any, axis: Any = 0) -> Type:
        return Type((*updates.shape[:axis], size, *updates.shape[axis + index.ndim :]), "float")

    def transpose(place: int, g: Any, updates: Any, index: Any, /, *, size: Any, axis: int) -> Any:
        return ops.take(g, index, axis=axis)

    def numpy(updates: Type, index: Type, /, *, size: Any, axis: int) -> str:
        return f"scatter_add({{0}}, {{1}}, {sizes.text(size)}{f', axis={axis}' if axis else ''})"


@linear
class take_along_axis:
    """Elements of x along an axis, picked by an integer array of as many axes."""

    formula = "y[..., i, ...] = x[..., index[..., i, ...], ...]"

    def canonical(x: Type, index: Type, /, *, axis: Any) -> dict[str, Any]:
        return {"axis": axis_of(axis, x.ndim)}

    def infer(x: Type, index: Type, /, *, axis: Any = -1) -> Type:
        _integers(index)
        if index.ndim != x.ndim or not sizes.same(without(index.shape, (axis,)), without(x.shape, (axis,))):
            raise Mismatch("GG027", f"index {index} does not fit {x} off axis {axis}", "all other sizes must be equal", about=1)
        return Type(index.shape, x.dtype)

    def transpose(place: int, g: Any, x: Any, index: Any, /, *, axis: int) -> Any:
        return ops.scatter_add_along_axis(g, index, size=x.shape[axis], axis=axis)

    def numpy(x: Type, index: Type, /, *, axis: int) -> str:
        return f"np.take_along_axis({{0}}, {{1}}, axis={axis})"


@linear
class scatter_add_along_axis:
    """Zeros of `size` along an axis, to which the updates are added at `index`: the adjoint of take_along_axis."""

    formula = "y[..., index[..., i, ...], ...] += updates[..., i, ...]"

    def canonical(updates: Type, index: Type, /, *, size: Any, axis: Any) -> dict[str, Any]:
        need_floats("scatter_add_along_axis", updates)
        _integers(index)
        if not sizes.same(updates.shape, index.shape):
            message = f"updates {updates} and index {index} differ in shape"
            raise Mismatch("GG027", message, "give one index for each update", about=1)
        return {"size": size_of(size), "axis": axis_of(axis, updates.ndim)}

    def infer(updates: Type, index: Type, /, *, size: Any, axis: Any = -1) -> Type:
        return Type((*updates.shape[:axis], size, *updates.shape[axis + 1 :]), "float")

    def transpose(place: int, g: Any, updates: Any, index: Any, /, *, size: Any, axis: int) -> Any:
        return ops.take_along_axis(g, index, axis=axis)

    def numpy(updates: Type, index: Type, /, *, size: Any, axis: int) -> str:
        shape = sizes.shape_text((*updates.shape[:axis], size, *updates.shape[axis + 1 :]))
        return f"scatter_add_along_axis({{0}}, {{1}}, {shape}, axis={axis})"
