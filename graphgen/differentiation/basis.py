"""Directions that a sweep runs along all at once: unit vectors, and sums of those that cannot meet in any result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphgen import ops, sizes
from graphgen.ops.axes import FULL
from graphgen.ops.banding import Band
from graphgen.program import Builder, Program, Value

Colours = tuple[int | None, ...]  # for each axis, of how many colours its indices are; None: each has its own


def seeded(program: Program, seeds: Mapping[str, Callable[[Builder], Value]]) -> Program:
    """The program with values made in place of some of its inputs."""
    builder = replace(program, nodes={}, results={}).builder()
    builder.reserve(program.nodes)
    builder.results = dict(program.results)
    for node in program.nodes.values():
        if node.name not in seeds:
            builder.append(node)
            continue
        notes = () if node.shape else ("the seed",)
        with builder.making(node.name, node.sweep, node.why._replace(notes=notes)) as finish:
            made = finish(seeds[node.name](builder))
        assert sizes.same(made.shape, node.shape), f"{node.name} has shape {made.shape}, not {node.shape}"
    return builder.build()


def count(shape: sizes.Shape, colours: Colours) -> sizes.Size:
    """How many directions there are."""
    return sizes.product(tuple(size if own is None else own for size, own in zip(shape, colours, strict=True)))


def directions(builder: Builder, shape: sizes.Shape, colours: Colours) -> Value:
    """All directions, along a leading axis: entries of an array of `shape` whose indices have equal colours share one.

    Index j has the colour j % w on an axis of w colours: indices of one colour are w apart (Curtis, Powell and Reid 1974,
    "On the estimation of sparse Jacobian matrices", for matrices with a band).
    """
    if all(own is None for own in colours):
        total = sizes.product(shape)
        unit = builder.add("eye", (), {"size": total})
        return unit if len(shape) == 1 else ops.reshape(unit, shape=(total, *shape))
    rank = len(shape)
    counts = tuple(size if own is None else own for size, own in zip(shape, colours, strict=True))
    product: Value | None = None
    for axis, (size, own) in enumerate(zip(shape, colours, strict=True)):
        if own == 1:
            continue
        one = builder.add("eye", (), {"size": size}) if own is None else _coloured(builder, size, own)
        at = tuple(each for each in range(2 * rank) if each not in (axis, rank + axis))
        one = ops.expand_dims(one, axis=at) if at else one
        product = one if product is None else product * one
    whole = builder.constant(1.0) if product is None else product
    spread = ops.broadcast_to(whole, shape=(*counts, *shape))
    return ops.reshape(spread, shape=(sizes.product(counts), *shape))


def units(builder: Builder, shapes: Sequence[sizes.Shape], place: int) -> Value:
    """The part of one of several arrays in the directions of all their entries, one after the other."""
    total, start, stop = _extent(shapes, place)
    rows = ops.getitem(builder.add("eye", (), {"size": total}), key=(FULL, (start, stop, None)))
    return ops.reshape(rows, shape=(total, *shapes[place]))


def block(found: Value, shapes: Sequence[sizes.Shape], place: int) -> Value:
    """What was found along the directions of one of several arrays."""
    _, start, stop = _extent(shapes, place)
    return ops.getitem(found, key=((start, stop, None), *[FULL] * (found.ndim - 1)))


def _extent(shapes: Sequence[sizes.Shape], place: int) -> tuple[sizes.Size, sizes.Size, sizes.Size]:
    """The number of entries of all arrays, and where those of one begin and end."""
    counts = [sizes.product(shape) for shape in shapes]
    start = sum(counts[:place], start=0)
    return sum(counts, start=0), start, start + counts[place]


def _coloured(builder: Builder, size: sizes.Size, own: int) -> Value:
    """For each colour, 1 at the indices that have it."""
    colours = builder.add("arange", (), {"size": own}, "colours")
    return ops.cast(_colour_of(builder, size, own) == ops.expand_dims(colours, axis=1), "float")


def _colour_of(builder: Builder, size: sizes.Size, own: int) -> Value:
    """The colour of each index."""
    return ops.remainder(builder.add("arange", (), {"size": size}, "index"), own, name="colour")


def spread(found: Value, shape: sizes.Shape, bands: tuple[Band | None, ...], colours: Colours, first: bool) -> Value:
    """All derivatives, of what was found along `directions`.

    Parameters
    ----------
    found
        For each direction an array of the other side.
    shape, bands, colours
        Of the side that the directions run over.
    first
        Whether this side's axes come first in the result; else the other's do.
    """
    rank, other = len(shape), found.ndim - 1
    counts = tuple(size if own is None else own for size, own in zip(shape, colours, strict=True))
    result = found if rank == 1 else ops.reshape(found, shape=(*counts, *found.shape[1:]))
    for axis, own in enumerate(colours):
        if own is not None and own > 1:
            result = ops.take(result, _colour_of(found.builder, shape[axis], own), axis=axis, name="spread")
    if not first:
        result = ops.moveaxis(result, tuple(range(rank)), tuple(range(other, other + rank)))
    for axis, (band, own) in enumerate(zip(bands, colours, strict=True)):
        if own is not None:
            assert band is not None
            near = (axis, rank + band.axis) if first else (other + axis, band.axis)
            size = found.shape[1 + band.axis]
            result = ops.where(_within(found.builder, band, near, rank + other, shape[axis], size), result, 0.0)
    return result


def _within(builder: Builder, band: Band, axes: tuple[int, int], ndim: int, own: sizes.Size, other: sizes.Size) -> Value:
    """Where the index of the first axis is within the band around that of the second."""

    def index(axis: int, size: sizes.Size) -> Any:
        places = builder.add("arange", (), {"size": size}, "index")
        at = tuple(each for each in range(ndim) if each != axis)
        return ops.expand_dims(places, axis=at) if at else places

    one, two = index(axes[0], own), index(axes[1], other)
    if band.low == band.high == 0:
        return ops.equal(one, two, name="near")
    apart = ops.subtract(one, two, name="apart")
    if band.low == band.high:
        return ops.equal(apart, band.low, name="near")
    return ops.logical_and(apart >= band.low, apart <= band.high, name="near")
