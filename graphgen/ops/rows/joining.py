"""Joining and padding. See ``layout.py`` for the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import sympy as sp

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import FULL, axis_of, number_text, whole, without
from graphgen.ops.banding import Entry, moved
from graphgen.ops.table import Mismatch, Type, composite, example, linear, several


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

    formula = "y[..., start[i] + j, ...] = x_i[..., j, ...]; start[i] = sum(shape(x_k)[axis] for k < i)"
    origin = "the array API standard"
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

    def bands(place: int, *xs: Type, axis: int) -> tuple[Entry, ...]:
        before = _total(xs[:place], axis)
        return tuple(moved(each, -before) if each == axis else each for each in range(xs[place].ndim))

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

    def bands(place: int, *xs: Type, axis: int) -> tuple[Entry, ...]:
        return tuple(each + (each >= axis) for each in range(xs[place].ndim))

    def numpy(*xs: Type, axis: int) -> str:
        return f"np.stack(({', '.join(f'{{{place}}}' for place in range(len(xs)))}{',' * (len(xs) == 1)}), axis={axis})"


def _sections(x: Type, /, *, sections: Any, axis: Any, place: Any) -> dict[str, Any]:
    along = axis_of(axis, x.ndim)
    size = x.shape[along]
    if isinstance(sections, (tuple, list)):
        if any(not isinstance(each, sp.Expr) and whole(each) is None for each in sections):
            help = "as in ops.split(x, [2, 5])"
            raise Mismatch("GG005", f"indices to split at are ints, got {brief(sections)}", help)
        return {"sections": tuple(sections), "axis": along, "place": _place(place, len(sections) + 1)}
    count = whole(sections)
    if count is None or count < 1:
        message = f"sections are a number of parts or a tuple of indices, got {brief(sections)}"
        raise Mismatch("GG005", message, "as in ops.split(x, 2), or ops.split(x, [2, 5])")
    if sizes.quotient(size, count) is None:
        help = f"ops.chunk gives parts that differ in size; indices split anywhere: ops.split(x, [1, 3], axis={along})"
        if not isinstance(size, int):
            help = f"declare the size as an int, or as {count} times another"
        message = f"axis {along} of {x} cannot be split into {count} equal parts"
        raise Mismatch("GG027", message, help, about=0)
    return {"sections": count, "axis": along, "place": _place(place, count)}


def _place(place: Any, count: int) -> int:
    """Which part it is; in a hand-made DAG it may be none."""
    found = whole(place)
    if found is None or not 0 <= found < count:
        raise Mismatch("GG005", f"place is that of one of {count} parts, got {brief(place)}", "places count from 0")
    return found


@composite(
    canonical=_sections,
    formula="y = split(x)[place]",
    examples=(example((4, "n"), sections=2, place=1), example((4, "n"), sections=(1, 3), place=1)),
)
def split_part(x: Any, /, *, sections: Any, axis: Any = 0, place: Any) -> Any:
    """One of the parts of a split."""
    bounds = sections
    if isinstance(sections, int):
        size = sizes.quotient(x.shape[axis], sections)
        bounds = tuple(sizes.product((each, size)) for each in range(1, sections))
    return _between(x, axis, bounds, place)


def _between(x: Any, axis: int, bounds: Sequence[Any], place: int) -> Any:
    """What lies before, between or behind the bounds, by its place."""
    start, stop = (None, *bounds)[place], (*bounds, None)[place]
    return ops.getitem(x, key=(*(FULL,) * axis, slice(start, stop), *(FULL,) * (x.ndim - axis - 1)))


@several(formula="y_i = x[..., bounds[i] : bounds[i + 1], ...]", examples=(example((4, "n"), sections=2),))
def split(x: Any, /, *, sections: Any, axis: Any = 0) -> Iterator[Any]:
    """The parts of x along an axis: so many of equal size, or what lies before, between and behind the indices given."""
    sections = sections.tolist() if isinstance(sections, np.ndarray) else sections
    count = len(sections) + 1 if isinstance(sections, (tuple, list)) else whole(sections) or 1
    for place in range(max(count, 1)):
        yield ops.split_part(x, sections=sections, axis=axis, place=place)


def _chunk_bounds(size: int, chunks: int) -> tuple[int, ...]:
    """Where the chunks but the first begin: torch's rule, under which there may be fewer."""
    if not size:
        return (0,) * (chunks - 1)
    step = -(-size // chunks)
    return tuple(range(step, size, step))


def _chunks(x: Type, /, *, chunks: Any, axis: Any, place: Any) -> dict[str, Any]:
    along, count = axis_of(axis, x.ndim), whole(chunks)
    if count is None or count < 1:
        raise Mismatch("GG005", f"chunks are a number of parts, got {brief(chunks)}", "as in ops.chunk(x, 2)")
    size = x.shape[along]
    if isinstance(size, int):
        return {"chunks": count, "axis": along, "place": _place(place, len(_chunk_bounds(size, count)) + 1)}
    if sizes.quotient(size, count) is None:
        message = f"the sizes of {count} chunks of axis {along} of {x} are not known"
        help = f"declare the size as an int, or as {count} times another"
        raise Mismatch("GG027", message, help, about=0)
    return {"chunks": count, "axis": along, "place": _place(place, count)}


@composite(canonical=_chunks, formula="y = chunk(x)[place]", examples=(example((4, "n"), chunks=3, place=1),))
def chunk_part(x: Any, /, *, chunks: Any, axis: Any = 0, place: Any) -> Any:
    """One of the parts of a chunk."""
    size = x.shape[axis]
    if isinstance(size, int):
        return _between(x, axis, _chunk_bounds(size, chunks), place)
    return ops.split_part(x, sections=chunks, axis=axis, place=place)


@several(
    formula="y_i = x[..., i * size : (i + 1) * size, ...]", examples=(example((3, "n"), chunks=2),), origin="torch"
)
def chunk(x: Any, /, *, chunks: Any, axis: Any = 0) -> Iterator[Any]:
    """Up to so many parts of x along an axis, all of one size but for the last, which may be smaller."""
    count, known, along = whole(chunks) or 1, x._known_type, whole(axis)
    if known is not None and along is not None and -known.ndim <= along < known.ndim and count > 0:
        size = known.shape[along]
        count = len(_chunk_bounds(size, count)) + 1 if isinstance(size, int) else count
    for place in range(max(count, 1)):
        yield ops.chunk_part(x, chunks=chunks, axis=axis, place=place)


MODES = ("constant", "reflect", "edge")


@linear
class pad:
    """Surround x: by a constant, its reflection in the edge, or its edge; `pad_width` is (before, after) for each axis."""

    formula = "y[before : before + n] = x"
    examples = (
        example(("m", "n"), pad_width=((1, 1), (0, 0))),
        example((3, "n"), pad_width=((2, 1), (0, 0)), mode="reflect"),
        example(("m", "n"), pad_width=1, mode="edge"),
    )
    of_scalar = True
    adds_zeros = True
    tangent_attributes = MappingProxyType({"constant_values": 0.0})

    def canonical(x: Type, /, *, pad_width: Any, mode: Any, constant_values: Any) -> dict[str, Any]:
        if not isinstance(mode, str) or mode not in MODES:
            raise Mismatch("GG005", f"unknown mode {brief(mode)}", 'one of "constant", "reflect", "edge"')
        number = isinstance(constant_values, (int, float, np.floating, np.integer))
        if not number or isinstance(constant_values, bool):
            message = f"constant_values is a number, got {brief(constant_values)}"
            raise Mismatch("GG005", message, "leave it out for 0; pad several times for several numbers")
        if x.dtype != "float" and constant_values != int(constant_values):
            raise Mismatch(
                "GG030", f"an array of {x.dtype} cannot hold {constant_values:g}", "cast it to floats", about=0
            )
        width = _pad_width(x, pad_width)
        for axis, (size, pair) in enumerate(zip(x.shape, width, strict=True)):
            _check_room(x, mode, axis, size, max(pair))
        return {"pad_width": width, "mode": mode, "constant_values": float(constant_values)}

    def infer(x: Type, /, *, pad_width: Any, mode: Any = "constant", constant_values: Any = 0.0) -> Type:
        return Type(
            tuple(before + size + after for size, (before, after) in zip(x.shape, pad_width, strict=True)), x.dtype
        )

    def transpose(place: int, g: Any, x: Any, /, *, pad_width: Any, mode: str, constant_values: float) -> Any:
        if mode == "constant":
            return ops.getitem(g, key=tuple((before or None, -after or None, None) for before, after in pad_width))
        for axis, (before, after) in enumerate(pad_width):
            if before or after:
                g = _unpadded(g, axis, x.shape[axis], before, after, mode)
        return g

    def bands(place: int, x: Type, /, *, pad_width: Any, mode: str, constant_values: float) -> tuple[Entry, ...]:
        if mode != "constant":
            return tuple(axis if pads == (0, 0) else None for axis, pads in enumerate(pad_width))
        return tuple(moved(axis, -before) for axis, (before, _) in enumerate(pad_width))

    def numpy(x: Type, /, *, pad_width: Any, mode: str, constant_values: float) -> str:
        width = f"({', '.join(map(str, pad_width))}{',' * (len(pad_width) == 1)})"
        if mode != "constant":
            return f'np.pad({{0}}, {width}, mode="{mode}")'
        number = number_text(constant_values if x.dtype == "float" else int(constant_values))
        return f"np.pad({{0}}, {width}{f', constant_values={number}' if constant_values else ''})"


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


def _check_room(x: Type, mode: str, axis: int, size: sizes.Size, width: int) -> None:
    """Whether an axis has the elements that it is to be padded with."""
    if mode == "constant" or not width:
        return
    if mode == "edge" and isinstance(size, int) and not size:
        raise Mismatch("GG027", f"axis {axis} of {x} is empty: it has no edge", "pad with a constant", about=0)
    if mode == "reflect" and not (isinstance(size, int) and width < size):
        message = f"axis {axis} of {x} cannot be shown to reflect {width} element{'s' * (width != 1)}"
        if isinstance(size, int):
            message = f"axis {axis} of {x} has no {width} elements to reflect beside its edge"
        raise Mismatch("GG027", message, 'pad less, or with mode="edge"', about=0)


def _unpadded(g: Any, axis: int, size: sizes.Size, before: int, after: int, mode: str) -> Any:
    """The gradient of what was padded along an axis: its own part of `g`, and what its copies in the padding hand back."""

    def at(*entry: Any) -> Any:
        return (*(FULL,) * axis, entry, *(FULL,) * (g.ndim - axis - 1))

    own = ops.getitem(g, key=at(before or None, -after or None, None))
    edge = mode == "edge"
    copies = []  # for each side: what the padding hands back, and to where
    if before:
        copies.append((at(None, before, None), at(None, 1, None) if edge else at(1, before + 1, None)))
    if after:
        copies.append((at(-after, None, None), at(-1, None, None) if edge else at(size - after - 1, size - 1, None)))
    given = [ops.getitem(g, key=source) for source, _ in copies]
    back = [ops.sum(each, axis=axis, keepdims=True) if edge else ops.flip(each, axis=axis) for each in given]
    return ops.assemble(own, *back, keys=(at(*FULL), *(target for _, target in copies)), shape=own.shape)
