"""Axes, shapes and keys that users give, in canonical form."""

from __future__ import annotations

from typing import Any

import sympy as sp

from graphgen import sizes
from graphgen.ops.table import Mismatch, Type


def axis_of(axis: Any, ndim: int) -> int:
    """One axis, counted from the front."""
    if isinstance(axis, bool) or not hasattr(axis, "__index__"):
        raise Mismatch("GG023", f"an axis is an int, got {axis!r}")
    place = axis.__index__()
    if not -ndim <= place < ndim:
        least = f"axes run from {-ndim} to {ndim - 1}" if ndim else "a scalar has no axes"
        raise Mismatch("GG023", f"axis {place} is out of bounds for {ndim} dimension{'s' * (ndim != 1)}", least)
    return place % ndim


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes counted from the front, in rising order; None means all of them."""
    if axis is None:
        return tuple(range(ndim))
    axes = [axis_of(each, ndim) for each in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    if len(set(axes)) < len(axes):
        raise Mismatch("GG023", f"an axis is given twice: {axis!r}", "name each axis once")
    return tuple(sorted(axes))


def shape_of(shape: Any) -> sizes.Shape:
    """A shape of ints, names and sizes; a single size stands for a shape of one axis."""
    entries = shape if isinstance(shape, (tuple, list)) else (shape,)
    try:
        return tuple(sizes.size(each) for each in entries)
    except (TypeError, ValueError) as error:
        raise Mismatch("GG022", f"{shape!r} is not a shape: {error}", "give ints and names of sizes") from None


def reshaped(x: Type, shape: Any) -> sizes.Shape:
    """The shape that `x` is given, -1 filled in; raises `Mismatch` unless the number of elements can be shown to be kept."""
    entries = list(shape) if isinstance(shape, (tuple, list)) else [shape]
    unknown = [place for place, each in enumerate(entries) if isinstance(each, int) and each == -1]
    if len(unknown) > 1:
        raise Mismatch("GG022", f"only one size can be -1, got {tuple(entries)!r}", "spell out the others")
    for place in unknown:
        entries[place] = 1
    result = list(shape_of(entries))
    whole, part = sizes.product(x.shape), sizes.product(tuple(result))
    if unknown:
        quotient = sizes.quotient(whole, part)
        if quotient is None:
            raise Mismatch(
                "GG022",
                f"cannot be shown to fit: {sizes.text(whole)} elements over {sizes.text(part)}",
                "the other sizes must divide the number of elements for every value of the symbolic sizes",
            )
        result[unknown[0]] = quotient
    elif not sizes.equal(whole, part):
        raise Mismatch(
            "GG022",
            f"{x} has {sizes.text(whole)} elements, {sizes.shape_text(tuple(result))} has {sizes.text(part)}",
            "the number of elements must stay; one size may be -1",
        )
    return tuple(result)


def without(shape: sizes.Shape, axes: tuple[int, ...], keepdims: bool = False) -> sizes.Shape:
    """`shape` after a reduction over `axes`."""
    if keepdims:
        return tuple(1 if place in axes else size for place, size in enumerate(shape))
    return tuple(size for place, size in enumerate(shape) if place not in axes)


Slice = tuple[Any, Any, int | None]  # start and stop are sizes or None
FULL: Slice = (None, None, None)
Key = tuple[Any, ...]  # one entry for each axis of x: an int, or a Slice


def key_of(x: Type, key: Any) -> Key:
    """`key` with one entry for each axis and new axis: ints, None and (start, stop, step); raises `Mismatch`."""
    entries = list(key) if isinstance(key, tuple) else [key]
    dots = [place for place, each in enumerate(entries) if each is Ellipsis]
    if len(dots) > 1:
        raise Mismatch("GG026", "an index has at most one '...'")
    missing = x.ndim - sum(each is not None and each is not Ellipsis for each in entries)
    if missing < 0:
        raise Mismatch("GG026", f"{x.ndim - missing} indices for {x.ndim} dimension{'s' * (x.ndim != 1)}: {x}")
    at = dots[0] if dots else len(entries)
    entries[at : at + len(dots)] = [slice(None)] * missing
    result: list[Any] = []
    axis = 0
    for each in entries:
        if each is None:
            result.append(None)
            continue
        result.append(_entry(each, x.shape[axis], axis))
        axis += 1
    return tuple(result)


def _entry(entry: Any, size: sizes.Size, axis: int) -> Any:
    if isinstance(entry, slice):
        entry = (entry.start, entry.stop, entry.step)
    if isinstance(entry, (tuple, list)):
        return _slice(tuple(entry), size, axis)
    if isinstance(entry, bool) or not hasattr(entry, "__index__"):
        raise Mismatch("GG026", f"an index is made of ints, slices, None and '...', not {entry!r}", "ops.take picks by an array of ints")
    place = entry.__index__()
    if isinstance(size, int) and not -size <= place < size:
        raise Mismatch("GG026", f"index {place} is out of bounds for axis {axis} of size {size}")
    return place % size if isinstance(size, int) else place


def _slice(entry: tuple[Any, ...], size: sizes.Size, axis: int) -> Slice:
    if any(isinstance(each, sp.Expr) for each in entry):
        slice_size(entry, size)
        return entry
    if len(entry) != 3 or not all(each is None or (hasattr(each, "__index__") and not isinstance(each, bool)) for each in entry):
        raise Mismatch("GG026", f"a slice of axis {axis} is made of ints and None, not {entry!r}", "write x[1:-1], with numbers")
    start, stop, step = (None if each is None else each.__index__() for each in entry)
    if step == 0:
        raise Mismatch("GG026", f"the step of a slice of axis {axis} is 0", "leave the step out, or give another")
    if isinstance(size, int):
        start, stop, step = slice(start, stop, step).indices(size)
        count = len(range(start, stop, step))
        if step == 1:
            return (None if start == 0 else start, None if start + count == size else start + count, None)
        # A stop below zero would count from the end.
        return (start, None if stop < 0 else stop, step)
    slice_size((start, stop, step), size)
    return (start or None if (step or 1) > 0 else start, stop, None if step == 1 else step)


def slice_size(entry: Slice, size: sizes.Size) -> sizes.Size:
    """The size of an axis after slicing; raises `Mismatch` where it depends on which of two sizes is larger."""
    start, stop, step = entry
    if isinstance(start, sp.Expr) or isinstance(stop, sp.Expr):
        first, last = start or 0, size if stop is None else stop
        if step is None and sp.And(first >= 0, last >= first, sp.expand(size - last) >= 0) == True:  # noqa: E712
            return sizes.product((sp.expand(last - first),))
        raise Mismatch("GG026", f"a slice from {first} to {last} cannot be shown to lie in an axis of size {sizes.text(size)}")
    if isinstance(size, int):
        return len(range(*slice(start, stop, step).indices(size)))
    step = 1 if step is None else step
    first, last = (start or 0, stop) if step > 0 else (0 if start is None else -1 - start, None if stop is None else -1 - stop)
    # Known for every size are only slices that leave out a fixed number of elements at either end.
    if first < 0 or (last is not None and last >= 0):
        raise Mismatch(
            "GG026",
            f"the size of this slice of an axis of size {sizes.text(size)} is not known",
            "count from the front for the start and from the back for the stop, as in x[1:-1]",
        )
    return (size - first + (last or 0) + abs(step) - 1) // abs(step)


def indexed(shape: sizes.Shape, key: Key) -> sizes.Shape:
    """The shape of x[key], for a key without None."""
    return tuple(slice_size(entry, size) for entry, size in zip(key, shape, strict=True) if not isinstance(entry, int))


def key_text(key: Key) -> str:
    """`key` as Python writes it between brackets; trailing full slices are left out."""
    entries = ["None" if each is None else str(each) if isinstance(each, int) else _slice_text(each) for each in key]
    while len(entries) > 1 and entries[-1] == ":":
        entries.pop()
    return ", ".join(entries)


def _slice_text(entry: Slice) -> str:
    start, stop, step = ("" if each is None else sizes.text(each) for each in entry)
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
