"""Slicing, picking and scattering, in adjoint pairs. See ``layout.py`` for the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphgen import ops, sizes
from graphgen.ops.axes import FULL, axis_of, indexed, key_of, key_text, size_of, without
from graphgen.ops.table import Mismatch, Type, composite, example, integers, linear, need_floats


@linear
class getitem:
    """A part of x by ints and slices, one entry for each axis."""

    formula = "y = x[key]"
    examples = (example(("m", "n"), key=((1, None, None), 0)),)
    of_scalar = True
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
    examples = (example(("n",), keys=((0, (None, None, None)),), shape=(2, sizes.size("n"))),)
    jointly = True

    def infer(*xs: Type, keys: Any, shape: Any) -> Type:
        return Type(shape, "float")

    def transpose(place: int, g: Any, xs: Sequence[Any], /, *, keys: Any, shape: Any) -> Any:
        return ops.getitem(g, key=keys[place])

    def numpy(*xs: Type, keys: Any, shape: Any) -> str:
        raise AssertionError("written as several statements: see graphgen.emit")


@linear
class take:
    """Slices of x along an axis, picked by an integer array; negative integers count from the end."""

    formula = "y[..., i, ...] = x[..., index[i], ...]"
    examples = (example(("m", "n"), integers("k"), axis=0),)
    places = True

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
        raise Mismatch(
            "GG030", f"an index is made of integers, got {index.dtype}", 'declare it with dtype="int64"', about=1
        )


@linear
class scatter_add:
    """Zeros of `size` along an axis, to which the updates are added at `index`: the adjoint of take."""

    formula = "y[..., index[i], ...] += updates[..., i, ...]"
    examples = (example(("k", "n"), integers("k"), size="m", axis=0),)
    places = True

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
    examples = (example(("m", "n"), integers("m", "k"), axis=1),)
    places = True

    def canonical(x: Type, index: Type, /, *, axis: Any) -> dict[str, Any]:
        return {"axis": axis_of(axis, x.ndim)}

    def infer(x: Type, index: Type, /, *, axis: Any = -1) -> Type:
        _integers(index)
        if index.ndim != x.ndim or not sizes.same(without(index.shape, (axis,)), without(x.shape, (axis,))):
            raise Mismatch(
                "GG027", f"index {index} does not fit {x} off axis {axis}", "all other sizes must be equal", about=1
            )
        return Type(index.shape, x.dtype)

    def transpose(place: int, g: Any, x: Any, index: Any, /, *, axis: int) -> Any:
        return ops.scatter_add_along_axis(g, index, size=x.shape[axis], axis=axis)

    def numpy(x: Type, index: Type, /, *, axis: int) -> str:
        return f"np.take_along_axis({{0}}, {{1}}, axis={axis})"


@linear
class scatter_add_along_axis:
    """Zeros of `size` along an axis, to which the updates are added at `index`: the adjoint of take_along_axis."""

    formula = "y[..., index[..., i, ...], ...] += updates[..., i, ...]"
    examples = (example(("m", "k"), integers("m", "k"), size="n", axis=1),)
    places = True

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


def _indexed(x: Type, /, *, key: Any) -> Type:
    return Type(indexed(x.shape, key), x.dtype)


@composite(
    _indexed,
    formula="y = x[key]",
    call=lambda x, key: ((x,), {"key": key}),
    canonical=lambda x, *, key: {"key": key_of(x, key)},
    examples=(example(("m", "n"), key=(slice(1, None), 0)),),
)
def index(x: Any, /, *, key: Any) -> Any:
    """A part of x: ints, slices, None for a new axis."""
    entries = tuple(entry for entry in key if entry is not None)
    added, place = [], 0
    for entry in key:
        if entry is None:
            added.append(place)
        place += not isinstance(entry, int)
    part = x if all(entry == FULL for entry in entries) and added else ops.getitem(x, key=entries)
    return ops.expand_dims(part, axis=tuple(added)) if added else part
