"""Keys that hold arrays of integers, as in x[rows, columns], by NumPy's rules; and whether indices are in bounds.

An operand that is an index stands in a key as `INDEX`; arrays of integers and masks stand there themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphgen import sizes
from graphgen.errors import brief
from graphgen.ops.axes import FULL, Key, entry_of, indexed, spread, whole
from graphgen.ops.table import Mismatch, Row, Type

INDEX = "index"  # in a key: the next of the operands that are indices


def picking_key(x: Type, key: Any, indices: Sequence[Type]) -> Key:
    """`key` in canonical form: as `key_of` has it, with arrays of int64 (a mask is one for each of its axes) and INDEX."""
    _check_dots(x, key)
    entries = spread(x, key, _width)
    count = sum(isinstance(each, str) and each == INDEX for each in entries)
    if count != len(indices):
        operands = f"{len(indices)} operand{'s that are indices' if len(indices) != 1 else ' that is an index'}"
        message = f"the key has {count} place{'s' * (count != 1)} for {operands}"
        raise Mismatch("GG026", message, f"each of them stands in the key as {INDEX!r}")
    for place, each in enumerate(indices):
        _check_index(each, place + 1)
    result: list[Any] = []
    axis = 0
    for each in entries:
        if each is None:
            result.append(None)
        elif isinstance(each, np.ndarray):
            result += _of_array(each, x, axis)
        elif is_array(each):
            result.append(INDEX)
        else:
            result.append(entry_of(each, x.shape[axis], axis))
        axis += 0 if each is None else _width(each)
    return tuple(result)


def _check_dots(x: Type, key: Any) -> None:
    """Refuse a "..." that stands for no axis between two indices: NumPy takes these apart, as if there were one."""
    entries = key if isinstance(key, tuple) else (key,)
    if not any(map(is_array, entries)):
        return
    at = next((place for place, each in enumerate(entries) if each is Ellipsis), 0)
    sides = [
        [each for each in side if is_array(each) or whole(each) is not None] for side in (entries[:at], entries[at:])
    ]
    if all(sides) and sum(_width(each) for each in entries if each is not None and each is not Ellipsis) == x.ndim:
        raise Mismatch("GG026", "'...' stands for no axis here, between two indices", "leave it out", about=0)


def _width(entry: Any) -> int:
    """How many axes an entry stands for."""
    return entry.ndim if isinstance(entry, np.ndarray) and entry.dtype.kind == "b" else 1


def _check_index(index: Type, place: int) -> None:
    if index.dtype == "bool":
        help = "choose with ops.where(mask, x, 0), or give the mask as a NumPy array, whose elements are known"
        raise Mismatch("GG026", "how many elements a mask picks is not known when it is a node", help, about=place)
    if not index.dtype.startswith("int"):
        help = 'declare it with dtype="int64"'
        raise Mismatch("GG030", f"an index is made of integers, got {index.dtype}", help, about=place)


def _of_array(array: np.ndarray, x: Type, axis: int) -> list[Any]:
    """An array of a key in canonical form, one entry for each axis."""
    if array.dtype.kind == "b" and array.ndim:
        size = x.shape[axis : axis + array.ndim]
        if not sizes.same(size, array.shape):
            message = f"a mask of shape {array.shape} does not fit the axes of size {sizes.shape_text(size)} of {x}"
            raise Mismatch("GG026", message, "a mask has the sizes of the axes it picks from", about=0)
        return [_frozen(each) for each in np.nonzero(array)]
    if array.dtype.kind not in "iu":
        message = f"an index holds integers or bools, not {brief(array.tolist())}"
        raise Mismatch("GG026", message, "convert it with astype(int)")
    if not array.ndim:
        return [entry_of(array.item(), x.shape[axis], axis)]
    _check_bounds(array, x.shape[axis], f"axis {axis}")
    return [_frozen(array)]


def _frozen(array: np.ndarray) -> np.ndarray:
    result = array.astype(np.int64)
    result.flags.writeable = False
    return result


def _check_bounds(indices: np.ndarray, size: sizes.Size, axis: str) -> None:
    if not isinstance(size, int):
        return
    outside = indices[(indices < -size) | (indices >= size)]
    if outside.size:
        bounds = f"indices run from {-size} to {size - 1}" if size else "the axis is empty"
        message = f"index {int(outside[0])} is out of bounds for {axis} of size {size}"
        raise Mismatch("GG026", message, bounds, about=0)


def check_indices(row: Row, types: Sequence[Type], attributes: Mapping[str, Any], values: Sequence[Any]) -> None:
    """Raise `Mismatch` for an operand of known value that indexes an axis out of its bounds.

    Parameters
    ----------
    values
        Those of the operands that are constants, None for the others.
    """
    if row.indexes is None or all(each is None for each in values):
        return
    for place, size in row.indexes(*types, **attributes).items():
        if values[place] is not None:
            _check_bounds(np.asarray(values[place]), size, "an axis")


def is_array(entry: Any) -> bool:
    """Whether an entry of a canonical key is an array of integers, or stands for one."""
    return isinstance(entry, np.ndarray) or (isinstance(entry, str) and entry == INDEX)


def _start(key: Key) -> int:
    """Where in x[key] the arrays' axes stand: where the arrays do if they follow each other, in front otherwise.

    That is NumPy's rule ("Combining advanced and basic indexing" in its user guide); ints count as arrays in it.
    """
    places = [place for place, each in enumerate(key) if is_array(each) or isinstance(each, int)]
    return places[0] if places[-1] - places[0] == len(places) - 1 else 0


def picked_shape(x: Type, key: Key, indices: Sequence[Type]) -> sizes.Shape:
    """The shape of x[key] for a canonical key; raises `Mismatch` if its arrays do not broadcast together."""
    operands = iter(indices)
    arrays = [next(operands).shape if isinstance(each, str) else each.shape for each in key if is_array(each)]
    others = indexed(x.shape, tuple(0 if is_array(each) else each for each in key))
    if not arrays:
        return others
    common = sizes.broadcast(*arrays)
    if common is None:
        shapes = " and ".join(map(sizes.shape_text, arrays))
        raise Mismatch("GG026", f"the indices do not broadcast together: {shapes}", "their sizes must be equal, or 1")
    start = _start(key)
    return (*others[:start], *common, *others[start:])


class Picked(NamedTuple):
    """The steps that a key with arrays comes down to.

    Attributes
    ----------
    slices
        First a key of ints and slices: what there is besides arrays and new axes.
    axes
        Then the arrays pick along these axes of what is left.
    start
        The axes that they answer with are wanted from this one on.
    added
        Last, new axes of size 1 here.
    """

    slices: Key
    axes: tuple[int, ...]
    start: int
    added: tuple[int, ...]


def picked(key: Key, ndim: int) -> Picked:
    """The steps of a canonical key whose arrays broadcast to `ndim` axes."""
    slices = tuple(FULL if is_array(each) else each for each in key if each is not None)
    left = [each for each in key if each is not None and not isinstance(each, int)]
    axes = tuple(place for place, each in enumerate(left) if is_array(each))
    start = _start(key)
    others = [each for each in key if not is_array(each) and not isinstance(each, int)]
    added = tuple(place + ndim * (place >= start) for place, each in enumerate(others) if each is None)
    return Picked(slices, axes, start - sum(each is None for each in others[:start]), added)


def constant_index(x: Any, array: np.ndarray) -> Any:
    """An array of integers beside `x`, for an op to read."""
    attributes = {"value": array, "shape": array.shape, "dtype": "int64"}
    return x._apply("constant", (), attributes, INDEX)
