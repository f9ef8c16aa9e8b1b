"""x[key]: slices, and elements picked by arrays, in adjoint pairs. See ``layout.py`` for the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphgen import ops, sizes
from graphgen.ops.along import added_along, picked_along
from graphgen.ops.axes import FULL, axis_of, indexed, key_of, key_text, shape_of
from graphgen.ops.banding import Entry, moved
from graphgen.ops.operations import taking
from graphgen.ops.picks import INDEX, constant_index, is_array, picked, picked_shape, picking_key
from graphgen.ops.table import Type, composite, example, integers, linear


def _kept(entry: Any, axis: int, sign: int = 1) -> Entry:
    """The band of a sliced axis: known if the slice begins at a number counted from the front, and goes step by step."""
    start, _, step = entry
    if step not in (None, 1) or (isinstance(start, int) and start < 0):
        return None
    return moved(axis, sign * (start or 0))


@linear
class getitem:
    """A part of x by ints and slices, one entry for each axis."""

    formula = "y = x[key]"
    examples = (example(("m", "n"), key=((1, None, None), 0)),)
    of_scalar = True
    view = True
    chooses = True

    def canonical(x: Type, /, *, key: Any) -> dict[str, Any]:
        return {"key": key_of(x, key)}

    def infer(x: Type, /, *, key: Any) -> Type:
        return Type(indexed(x.shape, key), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, key: Any) -> Any:
        return ops.assemble(g, keys=(key,), shape=x.shape)

    def bands(place: int, x: Type, /, *, key: Any) -> tuple[Entry, ...]:
        kept = [axis for axis, entry in enumerate(key) if not isinstance(entry, int)]
        return tuple(_kept(entry, kept.index(axis)) if axis in kept else None for axis, entry in enumerate(key))

    def numpy(x: Type, /, *, key: Any) -> str:
        return f"{{0:atom}}[{key_text(key)}]"


@linear
class assemble:
    """Zeros into which each operand is added at its key: the adjoint of several slices of one array."""

    formula = "y[keys[i]] += x_i"
    examples = (example(("n",), keys=((0, (None, None, None)),), shape=(2, sizes.size("n"))),)
    jointly = True
    adds_zeros = True

    def infer(*xs: Type, keys: Any, shape: Any) -> Type:
        return Type(shape, "float")

    def transpose(place: int, g: Any, xs: Sequence[Any], /, *, keys: Any, shape: Any) -> Any:
        return ops.getitem(g, key=keys[place])

    def bands(place: int, *xs: Type, keys: Any, shape: Any) -> tuple[Entry, ...]:
        kept = [(axis, entry) for axis, entry in enumerate(keys[place]) if not isinstance(entry, int)]
        return tuple(_kept(entry, axis, -1) for axis, entry in kept)

    def numpy(*xs: Type, keys: Any, shape: Any) -> str:
        raise AssertionError("written as several statements: see graphgen.emit")

    def operations(y: Type, *xs: Type, keys: Any, shape: Any) -> dict[str, sizes.Size]:
        first = all(entry == FULL for entry in keys[0])  # then it takes the place of zeros
        return {"additions": sum(sizes.product(x.shape) for x in xs[first:])}


@linear
class pick:
    """Elements of x at integer arrays that broadcast together, along as many axes from `axis` on."""

    formula = "y[..., i, ...] = x[..., rows[i], columns[i], ...]"
    examples = (
        example(("m", "n", "k"), integers("p"), integers("p"), axis=0),
        example(("k", "m", "n"), integers("p", 1), integers("k"), axis=1),
    )
    places = True
    chooses = True

    def canonical(x: Type, /, *indices: Type, axis: Any) -> dict[str, Any]:
        return {"axis": axis_of(axis, x.ndim)}

    def infer(x: Type, /, *indices: Type, axis: Any = 0) -> Type:
        shape = sizes.broadcast(*(each.shape for each in indices))
        assert shape is not None
        return Type((*x.shape[:axis], *shape, *x.shape[axis + len(indices) :]), x.dtype)

    def indexes(x: Type, /, *indices: Type, axis: int) -> dict[int, sizes.Size]:
        return {place + 1: x.shape[axis + place] for place in range(len(indices))}

    def transpose(place: int, g: Any, x: Any, /, *indices: Any, axis: int) -> Any:
        return ops.add_at(g, *indices, shape=x.shape[axis : axis + len(indices)], axis=axis)

    def bands(place: int, x: Type, /, *indices: Type, axis: int) -> tuple[Entry, ...]:
        worked, ndim = range(axis, axis + len(indices)), max(each.ndim for each in indices)
        more = ndim - len(indices)
        return tuple(None if each in worked else each + more * (each > axis) for each in range(x.ndim))

    def numpy(x: Type, /, *indices: Type, axis: int) -> str:
        places = ", ".join(f"{{{place + 1}}}" for place in range(len(indices)))
        return f"{{0:atom}}[{':, ' * axis}{places}]"

    def mapped(operands: Sequence[Any], which: Sequence[bool], /, *, axis: int) -> Any:
        if any(which[1:]):
            return picked_along(operands, which, axis)
        return ops.pick(*operands, axis=axis + 1)


@linear
class add_at:
    """Zeros of `shape` along the axes from `axis` on, to which the updates are added at the indices: the adjoint of pick."""

    formula = "y[..., rows[i], columns[i], ...] += updates[..., i, ...]"
    examples = (
        example(("p", "n"), integers("p"), integers("p"), shape=("m", "k"), axis=0),
        example(("k", "p", "k"), integers("p", 1), integers("k"), shape=("m", "n"), axis=1),
    )
    places = True
    adds_zeros = True
    operations = taking(additions=1)

    def canonical(updates: Type, /, *indices: Type, shape: Any, axis: Any) -> dict[str, Any]:
        return {"shape": shape_of(shape), "axis": axis}

    def infer(updates: Type, /, *indices: Type, shape: Any, axis: Any = 0) -> Type:
        count = max(each.ndim for each in indices)
        return Type((*updates.shape[:axis], *shape, *updates.shape[axis + count :]), "float")

    def indexes(updates: Type, /, *indices: Type, shape: Any, axis: int) -> dict[int, sizes.Size]:
        return {place + 1: size for place, size in enumerate(shape)}

    def transpose(place: int, g: Any, updates: Any, /, *indices: Any, shape: Any, axis: int) -> Any:
        return ops.pick(g, *indices, axis=axis)

    def numpy(updates: Type, /, *indices: Type, shape: Any, axis: int) -> str:
        places = ", ".join(f"{{{place + 1}}}" for place in range(len(indices)))
        return f"add_at({{0}}, ({places}), {sizes.shape_text(shape)}{f', axis={axis}' if axis else ''})"

    def mapped(operands: Sequence[Any], which: Sequence[bool], /, *, shape: Any, axis: int) -> Any:
        if any(which[1:]):
            return added_along(operands, which, shape, axis)
        return ops.add_at(*operands, shape=shape, axis=axis + 1)


def _index_call(x: Any, key: Any) -> Any:
    operands, entries = [x], []
    for entry in key if isinstance(key, tuple) else (key,):
        if hasattr(entry, "_apply"):
            operands.append(entry)
            entry = INDEX
        elif isinstance(entry, (list, tuple)):
            try:
                entry = np.array(entry) if len(entry) else np.array(entry, dtype=np.int64)
            except ValueError as error:
                raise TypeError("an index has one length in each axis") from error
        entries.append(entry)
    return tuple(operands), {"key": tuple(entries)}


def _index_infer(x: Type, /, *indices: Type, key: Any) -> Type:
    return Type(picked_shape(x, key, indices), x.dtype)


def _index_axes(x: Type, /, *indices: Type, key: Any) -> dict[int, sizes.Size]:
    entries = [each for each in key if each is not None]
    axes = [axis for axis, each in enumerate(entries) if isinstance(each, str)]
    return {place: x.shape[axis] for place, axis in enumerate(axes, 1)}


@composite(
    _index_infer,
    formula="y = x[key]",
    call=_index_call,
    canonical=lambda x, *indices, key: {"key": picking_key(x, key, indices)},
    indexes=_index_axes,
    places=True,
    examples=(
        example(("m", "n"), key=(slice(1, None), 0)),
        example(("m", "n"), integers("k"), integers("k"), key=(INDEX, INDEX)),
        example(("m", "n"), key=np.array([1, 0, 0])),
    ),
)
def index(x: Any, /, *indices: Any, key: Any) -> Any:
    """A part of x: ints, slices, None for a new axis, arrays of integers, and masks of known values."""
    operands = iter(indices)
    arrays = [next(operands) if isinstance(each, str) else constant_index(x, each) for each in key if is_array(each)]
    if not arrays:
        return _sliced(x, key)
    ndim = max(each.ndim for each in arrays)
    steps = picked(key, ndim)
    part = x if all(entry == FULL for entry in steps.slices) else ops.getitem(x, key=steps.slices)
    first = steps.axes[0]
    if steps.axes != tuple(range(first, first + len(arrays))):
        part = ops.moveaxis(part, steps.axes, range(len(arrays)))
        first = 0
    result = ops.take(part, arrays[0], axis=first) if len(arrays) == 1 else ops.pick(part, *arrays, axis=first)
    if first != steps.start:
        result = ops.moveaxis(result, range(first, first + ndim), range(ndim))
    return ops.expand_dims(result, axis=steps.added) if steps.added else result


def _sliced(x: Any, key: Any) -> Any:
    """x by a key of ints, slices and new axes."""
    entries = tuple(entry for entry in key if entry is not None)
    added, place = [], 0
    for entry in key:
        if entry is None:
            added.append(place)
        place += not isinstance(entry, int)
    part = x if all(entry == FULL for entry in entries) and added else ops.getitem(x, key=entries)
    return ops.expand_dims(part, axis=tuple(added)) if added else part
