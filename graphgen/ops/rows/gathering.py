"""Slices and elements picked along one axis, and added along it, in adjoint pairs. See ``layout.py`` for the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from graphgen import ops, sizes
from graphgen.ops.along import added_along, picked_along
from graphgen.ops.axes import FULL, axis_of, size_of, without
from graphgen.ops.banding import Entry, off_axis
from graphgen.ops.operations import taking
from graphgen.ops.table import Mismatch, Type, composite, example, integers, linear, need_floats


@linear
class take:
    """Slices of x along an axis, picked by an integer array; negative integers count from the end."""

    formula = "y[..., i, ...] = x[..., index[i], ...]"
    examples = (example(("m", "n"), integers("k"), axis=0),)
    places = True
    chooses = True

    def canonical(x: Type, index: Type, /, *, axis: Any) -> dict[str, Any]:
        if axis is None and x.ndim != 1:
            raise Mismatch("GG023", f"which axis of {x}?", "give axis=")
        return {"axis": axis_of(0 if axis is None else axis, x.ndim)}

    def infer(x: Type, index: Type, /, *, axis: Any = None) -> Type:
        _integers(index)
        return Type(x.shape[:axis] + index.shape + x.shape[axis + 1 :], x.dtype)

    def indexes(x: Type, index: Type, /, *, axis: int) -> dict[int, sizes.Size]:
        return {1: x.shape[axis]}

    def transpose(place: int, g: Any, x: Any, index: Any, /, *, axis: int) -> Any:
        return ops.scatter_add(g, index, size=x.shape[axis], axis=axis)

    def bands(place: int, x: Type, index: Type, /, *, axis: int) -> tuple[Entry, ...]:
        return tuple(None if each == axis else each + (index.ndim - 1) * (each > axis) for each in range(x.ndim))

    def numpy(x: Type, index: Type, /, *, axis: int) -> str:
        return "{0:atom}[{1}]" if axis == 0 and index.ndim else f"np.take({{0}}, {{1}}, axis={axis})"

    def mapped(operands: Sequence[Any], which: Sequence[bool], /, *, axis: int) -> Any:
        (x, index), (_, indexed) = operands, which
        return picked_along(operands, which, axis) if indexed else ops.take(x, index, axis=axis + 1)


def _integers(index: Type) -> None:
    if not index.dtype.startswith("int"):
        raise Mismatch(
            "GG030", f"an index is made of integers, got {index.dtype}", 'declare it with dtype="int64"', about=1
        )


@linear
class scatter_add:
    """Zeros of `size` along an axis, to which the updates are added at `index`: the adjoint of take."""

    formula = "y[..., index[i], ...] += updates[..., i, ...]"
    examples = (example(("k", "n"), integers("k"), size="m", axis=0),)
    origin = "graphgen; torch's index_add(x, axis, index, updates) adds this to x"
    places = True
    adds_zeros = True
    operations = taking(additions=1)

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

    def indexes(updates: Type, index: Type, /, *, size: Any, axis: int) -> dict[int, sizes.Size]:
        return {1: size}

    def transpose(place: int, g: Any, updates: Any, index: Any, /, *, size: Any, axis: int) -> Any:
        return ops.take(g, index, axis=axis)

    def bands(place: int, updates: Type, index: Type, /, *, size: Any, axis: int) -> tuple[Entry, ...]:
        after = axis + index.ndim
        return tuple(each if each < axis else None if each < after else each - index.ndim + 1 for each in range(updates.ndim))

    def numpy(updates: Type, index: Type, /, *, size: Any, axis: int) -> str:
        return f"scatter_add({{0}}, {{1}}, {sizes.text(size)}{f', axis={axis}' if axis else ''})"

    def mapped(operands: Sequence[Any], which: Sequence[bool], /, *, size: Any, axis: int) -> Any:
        (updates, index), (_, indexed) = operands, which
        if indexed:
            return added_along(operands, which, (size,), axis)
        return ops.scatter_add(updates, index, size=size, axis=axis + 1)


@linear
class take_along_axis:
    """Elements of x along an axis, picked by an integer array of as many axes; one of size 1 stands for all of x's."""

    formula = "y[..., i, ...] = x[..., index[..., i, ...], ...]"
    examples = (example(("m", "n"), integers("m", "k"), axis=1),)
    places = True
    chooses = True
    bands = off_axis

    def canonical(x: Type, index: Type, /, *, axis: Any) -> dict[str, Any]:
        return {"axis": axis_of(axis, x.ndim)}

    def infer(x: Type, index: Type, /, *, axis: Any = -1) -> Type:
        _integers(index)
        if not _goes_along(index, x, axis):
            message = f"index {index} does not fit {x} off axis {axis}"
            raise Mismatch("GG027", message, "all other sizes must be equal, or 1", about=1)
        return Type((*x.shape[:axis], index.shape[axis], *x.shape[axis + 1 :]), x.dtype)

    def indexes(x: Type, index: Type, /, *, axis: int) -> dict[int, sizes.Size]:
        return {1: x.shape[axis]}

    def transpose(place: int, g: Any, x: Any, index: Any, /, *, axis: int) -> Any:
        return ops.scatter_add_along_axis(g, index, size=x.shape[axis], axis=axis)

    def numpy(x: Type, index: Type, /, *, axis: int) -> str:
        return f"np.take_along_axis({{0}}, {{1}}, axis={axis})"

    def mapped(operands: Sequence[Any], which: Sequence[bool], /, *, axis: int) -> Any:
        return ops.take_along_axis(*_alike(operands, which), axis=axis + 1)


@linear
class scatter_add_along_axis:
    """Zeros of `size` along an axis, to which the updates are added at `index`: the adjoint of take_along_axis."""

    formula = "y[..., index[..., i, ...], ...] += updates[..., i, ...]"
    examples = (example(("m", "k"), integers("m", "k"), size="n", axis=1),)
    origin = "graphgen; torch's scatter_add(x, axis, index, updates) adds this to x"
    places = True
    adds_zeros = True
    operations = taking(additions=1)
    bands = off_axis

    def canonical(updates: Type, index: Type, /, *, size: Any, axis: Any) -> dict[str, Any]:
        need_floats("scatter_add_along_axis", updates)
        _integers(index)
        along = axis_of(axis, updates.ndim)
        if not _goes_along(index, updates, along) or not sizes.equal(index.shape[along], updates.shape[along]):
            message = f"updates {updates} and index {index} differ in shape"
            raise Mismatch("GG027", message, "give one index for each update", about=1)
        return {"size": size_of(size), "axis": along}

    def infer(updates: Type, index: Type, /, *, size: Any, axis: Any = -1) -> Type:
        return Type((*updates.shape[:axis], size, *updates.shape[axis + 1 :]), "float")

    def indexes(updates: Type, index: Type, /, *, size: Any, axis: int) -> dict[int, sizes.Size]:
        return {1: size}

    def transpose(place: int, g: Any, updates: Any, index: Any, /, *, size: Any, axis: int) -> Any:
        return ops.take_along_axis(g, index, axis=axis)

    def numpy(updates: Type, index: Type, /, *, size: Any, axis: int) -> str:
        shape = sizes.shape_text((*updates.shape[:axis], size, *updates.shape[axis + 1 :]))
        return f"scatter_add_along_axis({{0}}, {{1}}, {shape}, axis={axis})"

    def mapped(operands: Sequence[Any], which: Sequence[bool], /, *, size: Any, axis: int) -> Any:
        return ops.scatter_add_along_axis(*_alike(operands, which), size=size, axis=axis + 1)


def _goes_along(index: Type, x: Type, axis: int) -> bool:
    """Whether the index has an entry for each row of x along the axis, or one for all of them."""
    pairs = zip(without(index.shape, (axis,)), without(x.shape, (axis,)), strict=False)
    return index.ndim == x.ndim and all(sizes.equal(one, other) or sizes.equal(one, 1) for one, other in pairs)


def _alike(operands: Sequence[Any], which: Sequence[bool]) -> tuple[Any, Any]:
    """An array and its index along a leading axis that one of them has, or both."""
    (x, index), (given, indexed) = operands, which
    if not indexed:
        return x, ops.expand_dims(index, axis=0)
    return (x if given else ops.broadcast_to(x, shape=(index.shape[0], *x.shape))), index


def _gathered(x: Type, index: Type, /, *, axis: Any) -> dict[str, Any]:
    along = axis_of(axis, x.ndim)
    _integers(index)
    if index.ndim != x.ndim:
        raise Mismatch("GG027", f"ranks differ: {x} and index {index}", "the index has as many axes as x", about=1)
    _corner(x.shape, index.shape, along)
    return {"axis": along}


def _corner(shape: sizes.Shape, wanted: sizes.Shape, axis: int) -> Any:
    """The key of the first elements of each axis but one, as many as wanted; raises `Mismatch` if there are fewer."""
    key: list[Any] = []
    for place, (size, count) in enumerate(zip(shape, wanted, strict=True)):
        fits = place == axis or sizes.equal(size, count)
        if not fits and (sp.expand(size - count) >= 0) != True:
            message = f"the index has {sizes.text(count)} places along axis {place}, x only {sizes.text(size)}"
            help = f"along all axes but {axis} the index is as long as x, or shorter"
            raise Mismatch("GG027", message, help, about=1)
        key.append(FULL if fits else (None, count, None))
    return tuple(key)


@composite(
    canonical=_gathered,
    call=lambda x, axis, index: ((x, index), {"axis": axis}),
    formula="y[..., i, ...] = x[..., index[..., i, ...], ...]",
    indexes=lambda x, index, *, axis: {1: x.shape[axis]},
    places=True,
    origin="torch",
    examples=(example(("m", "n"), integers("m", "k"), axis=1), example((3, "n"), integers("m", "n"), axis=0)),
)
def gather(x: Any, index: Any, /, *, axis: Any) -> Any:
    """torch's take_along_axis: along the other axes the index may be shorter than x."""
    key = _corner(x.shape, index.shape, axis)
    part = x if all(each == FULL for each in key) else ops.getitem(x, key=key)
    return ops.take_along_axis(part, index, axis=axis)


def _added(x: Type, index: Type, source: Type, /, *, axis: Any) -> dict[str, Any]:
    need_floats("index_add", x)
    along = axis_of(axis, x.ndim)
    _integers(index)
    if index.ndim > 1:
        raise Mismatch("GG027", f"the index has one axis, got {index}", "ops.scatter_add takes any number", about=1)
    expected = (*x.shape[:along], *index.shape, *x.shape[along + 1 :])
    if not sizes.same(source.shape, expected):
        message = f"source {source} does not fit x {x} and index {index} at axis {along}"
        raise Mismatch("GG027", message, f"expected {sizes.shape_text(expected)}", about=2)
    return {"axis": along}


@composite(
    canonical=_added,
    formula="y = x; y[..., index[i], ...] += source[..., i, ...]",
    indexes=lambda x, index, source, *, axis: {1: x.shape[axis]},
    places=True,
    origin="torch",
    examples=(example(("m", "n"), integers("k"), ("k", "n"), axis=0),),
)
def index_add(x: Any, index: Any, source: Any, /, *, axis: Any) -> Any:
    """x with slices added to it along an axis, each at its place; slices of one place add up."""
    return x + ops.scatter_add(source, index, size=x.shape[axis], axis=axis)
