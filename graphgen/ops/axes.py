"""Axes, shapes and keys that users give, in canonical form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import sympy as sp

from graphgen import sizes
from graphgen.errors import brief
from graphgen.ops.table import Mismatch, Type


def whole(value: Any) -> int | None:
    """A Python or NumPy integer as an int; None for anything else, bools included."""
    return int(value) if isinstance(value, (int, np.integer)) and not isinstance(value, bool) else None


def flag(keyword: str, value: Any) -> bool:
    """True or False; raises `Mismatch` for anything else."""
    if not isinstance(value, bool):
        raise Mismatch("GG005", f"{keyword} is True or False, got {brief(value)}", "leave it out for its default")
    return value


def axis_of(axis: Any, ndim: int) -> int:
    """One axis, counted from the front."""
    place = whole(axis)
    if place is None:
        raise Mismatch(
            "GG023", f"an axis is an int, got {brief(axis)}", "axes are counted from 0, or from -1 at the end"
        )
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
        raise Mismatch("GG023", f"an axis is given twice: {brief(axis)}", "name each axis once")
    return tuple(sorted(axes))


def shape_of(shape: Any) -> sizes.Shape:
    """A shape of ints, names and sizes; a single size stands for a shape of one axis."""
    entries = shape if isinstance(shape, (tuple, list)) else (shape,)
    try:
        return tuple(sizes.size(each) for each in entries)
    except (TypeError, ValueError) as error:
        raise Mismatch("GG022", f"{brief(shape)} is no shape: {error}", "give ints and names of sizes") from None


def size_of(size: Any) -> sizes.Size:
    """One size, as an attribute of an op."""
    try:
        return sizes.size(size)
    except (TypeError, ValueError) as error:
        raise Mismatch("GG022", str(error), "give an int or the name of a size") from None


def reshaped(x: Type, shape: Any) -> sizes.Shape:
    """The shape that `x` is given, -1 filled in; raises `Mismatch` unless the number of elements can be shown to be kept."""
    entries = list(shape) if isinstance(shape, (tuple, list)) else [shape]
    unknown = [place for place, each in enumerate(entries) if whole(each) == -1]
    if len(unknown) > 1:
        raise Mismatch("GG022", f"only one size can be -1, got {brief(tuple(entries))}", "spell out the others")
    for place in unknown:
        entries[place] = 1
    result = list(shape_of(entries))
    count, part = sizes.product(x.shape), sizes.product(tuple(result))
    if unknown:
        quotient = sizes.quotient(count, part)
        if quotient is None:
            raise Mismatch(
                "GG022",
                f"{_counted(count)} of {x} cannot be spread over {sizes.text(part)}",
                "the other sizes must divide the number of elements, for every value of the symbolic sizes",
                about=0,
            )
        result[unknown[0]] = quotient
    elif not sizes.equal(count, part):
        raise Mismatch(
            "GG022",
            f"{x} has {_counted(count)}, {sizes.shape_text(tuple(result))} has {sizes.text(part)}",
            "the number of elements must stay; one size may be -1",
            about=0,
        )
    return tuple(result)


def _counted(count: sizes.Size) -> str:
    return f"{sizes.text(count)} element{'s' * (count != 1)}"


def without(shape: sizes.Shape, axes: tuple[int, ...], keepdims: bool = False) -> sizes.Shape:
    """`shape` after a reduction over `axes`."""
    if keepdims:
        return tuple(1 if place in axes else size for place, size in enumerate(shape))
    return tuple(size for place, size in enumerate(shape) if place not in axes)


Slice = tuple[Any, Any, int | None]  # start and stop are sizes or None
FULL: Slice = (None, None, None)
REVERSED: Slice = (None, None, -1)
Key = tuple[Any, ...]  # one entry for each axis of x: an int, or a Slice


def key_of(x: Type, key: Any) -> Key:
    """`key` with one entry for each axis and new axis: ints, None and (start, stop, step); raises `Mismatch`.

    A tuple of symbolic sizes is taken as it is: it is in canonical form, or that of a part of what was joined, which lies
    within it whatever the sizes are.
    """
    result: list[Any] = []
    axis = 0
    for each in spread(x, key):
        if each is None:
            result.append(None)
            continue
        result.append(each if _is_symbolic(each) else entry_of(each, x.shape[axis], axis))
        axis += 1
    return tuple(result)


def _is_symbolic(entry: Any) -> bool:
    """Whether an entry is a slice, as a tuple, by a size that is known only at run time."""
    return isinstance(entry, tuple) and len(entry) == 3 and any(isinstance(each, sp.Expr) for each in entry)


def spread(x: Type, key: Any, width: Callable[[Any], int] = lambda entry: 1) -> list[Any]:
    """The entries of a key, with "..." and what is left out spelled out; `width` says how many axes one stands for."""
    entries = list(key) if isinstance(key, tuple) else [key]
    dots = [place for place, each in enumerate(entries) if each is Ellipsis]
    if len(dots) > 1:
        raise Mismatch("GG026", "an index has at most one '...'", "spell out the others with :")
    missing = x.ndim - sum(width(each) for each in entries if each is not None and each is not Ellipsis)
    if missing < 0:
        given = x.ndim - missing
        message = f"{given} ind{'ices' if given > 1 else 'ex'} for {x.ndim} dimension{'s' * (x.ndim != 1)}: {x}"
        raise Mismatch("GG026", message, "give at most one for each axis", about=0)
    at = dots[0] if dots else len(entries)
    entries[at : at + len(dots)] = [slice(None)] * missing
    return entries


def entry_of(entry: Any, size: sizes.Size, axis: int) -> Any:
    """One entry of a key, for an axis of this size, in canonical form; raises `Mismatch`."""
    if isinstance(entry, slice):
        entry = (entry.start, entry.stop, entry.step)
    if isinstance(entry, (tuple, list)):
        return FULL if entry is FULL or [*entry] == [None] * 3 else _slice(tuple(entry), size, axis)
    place = whole(entry)
    if place is None:
        message = f"an index is made of ints, slices, arrays of ints, None and '...', not {brief(entry)}"
        raise Mismatch("GG026", message, "ops.take picks along an axis, ops.where by an array of bools")
    if isinstance(size, int) and not -size <= place < size:
        bounds = f"indices run from {-size} to {size - 1}" if size else "the axis is empty"
        raise Mismatch("GG026", f"index {place} is out of bounds for axis {axis} of size {size}", bounds, about=0)
    return place % size if isinstance(size, int) else place


def _slice(entry: tuple[Any, ...], size: sizes.Size, axis: int) -> Slice:
    if _is_symbolic(entry):
        return _symbolic_slice(entry, size)
    numbers = [None if each is None else whole(each) for each in entry]
    if len(entry) != 3 or any(number is None for number, each in zip(numbers, entry, strict=True) if each is not None):
        message = f"a slice of axis {axis} is made of ints and None, not {brief(entry)}"
        raise Mismatch("GG026", message, "write x[1:-1], with numbers; in a raw DAG (start, stop, step)")
    start, stop, step = numbers
    if step == 0:
        raise Mismatch("GG026", f"the step of a slice of axis {axis} is 0", "leave the step out, or give another")
    if isinstance(size, int):
        start, stop, step = slice(start, stop, step).indices(size)
        count = len(range(start, stop, step))
        if step == 1:
            return (None if start == 0 else start, None if start + count == size else start + count, None)
        if step == -1 and count == size:
            return REVERSED
        # A stop below zero would count from the end.
        return (start, None if stop < 0 else stop, step)
    slice_size((start, stop, step), size)
    return (start or None if (step or 1) > 0 else start, stop, None if step == 1 else step)


def _symbolic_slice(entry: tuple[Any, ...], size: sizes.Size) -> Slice:
    """A slice whose start or stop is a size that is known only at run time."""
    start, stop, step = entry
    try:
        result = (None if start is None else sizes.size(start), None if stop is None else sizes.size(stop), None)
    except (TypeError, ValueError) as error:
        raise Mismatch("GG026", f"a slice is made of sizes: {error}", "write x[: size]") from None
    if step is not None and whole(step) != 1:
        raise Mismatch("GG026", f"a slice by symbolic sizes has no step, got {brief(step)}", "leave the step out")
    first, last = _ends(result, size)
    if not _lies_within(first, last, size):
        raise Mismatch(
            "GG026", f"a slice from {first} to {last} cannot be shown to lie in an axis of size {sizes.text(size)}"
        )
    return result


def slice_size(entry: Slice, size: sizes.Size) -> sizes.Size:
    """The size of an axis after slicing; raises `Mismatch` where it depends on which of two sizes is larger."""
    if entry == FULL:
        return size
    start, stop, step = entry
    first, last = _ends(entry, size)
    if _is_symbolic(entry) or (step is None and isinstance(size, sp.Expr) and _lies_within(first, last, size)):
        return sizes.product((sp.expand(last - first),))
    if isinstance(size, int):
        return len(range(*slice(start, stop, step).indices(size)))
    step = 1 if step is None else step
    first, last = (
        (start or 0, stop) if step > 0 else (0 if start is None else -1 - start, None if stop is None else -1 - stop)
    )
    # Known for every size are only slices that leave out a fixed number of elements at either end.
    if first < 0 or (last is not None and last >= 0):
        raise Mismatch(
            "GG026",
            f"the size of this slice of an axis of size {sizes.text(size)} is not known",
            "count from the front for the start and from the back for the stop, as in x[1:-1]",
        )
    return (size - first + (last or 0) + abs(step) - 1) // abs(step)


def _ends(entry: Slice, size: sizes.Size) -> tuple[sizes.Size, sizes.Size]:
    """Where a slice begins and ends, counted from the front."""
    start, stop, _ = entry
    return _from_front(start or 0, size), size if stop is None else _from_front(stop, size)


def _lies_within(first: sizes.Size, last: sizes.Size, size: sizes.Size) -> bool:
    """Whether that can be shown for all sizes."""
    return sp.And(first >= 0, last >= first, sp.expand(size - last) >= 0) == True


def _from_front(bound: sizes.Size, size: sizes.Size) -> sizes.Size:
    """A bound of a slice that may count from the end."""
    return size + bound if isinstance(bound, int) and bound < 0 else bound


def indexed(shape: sizes.Shape, key: Key) -> sizes.Shape:
    """The shape of x[key]."""
    remaining = iter(shape)
    result = []
    for entry in key:
        if entry is None:
            result.append(1)
            continue
        size = next(remaining)
        if not isinstance(entry, int):
            result.append(size if entry == FULL else slice_size(entry, size))
    return tuple(result)


def key_text(key: Key, indices: Iterable[str] = ()) -> str:
    """`key` as Python writes it between brackets; trailing full slices are left out.

    `indices` are the texts of the arrays among its entries, in order.
    """
    arrays = iter(indices)
    entries = [_entry_text(each, arrays) for each in key]
    while len(entries) > 1 and entries[-1] == ":":
        entries.pop()
    return ", ".join(entries)


def _entry_text(entry: Any, arrays: Iterator[str]) -> str:
    if entry is None or isinstance(entry, int):
        return str(entry)
    return _slice_text(entry) if isinstance(entry, tuple) else next(arrays)


def _slice_text(entry: Slice) -> str:
    start, stop, step = ("" if each is None else sizes.text(each) for each in entry)
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"


def number_text(value: float) -> str:
    """A number as Python source; infinities and nan have no literal."""
    return repr(value) if np.isfinite(value) else f'float("{value!r}")'


def axis_text(axis: tuple[int, ...], ndim: int) -> str:
    """The keyword that says these axes, nothing for all of them."""
    if axis == tuple(range(ndim)):
        return ""
    return f"axis={axis[0]}" if len(axis) == 1 else f"axis={axis}"


def reduction_axes(x: Type, /, *, axis: Any, keepdims: Any) -> dict[str, Any]:
    """The attributes of a reduction in canonical form."""
    if not isinstance(keepdims, (bool, np.bool_)):
        raise Mismatch("GG005", f"keepdims is True or False, got {brief(keepdims)}", "leave it out for False")
    return {"axis": axes_of(axis, x.ndim), "keepdims": bool(keepdims)}
