"""Picking and adding at indices along a new leading axis that the indices have too: see ``differentiation/vmap.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphgen import ops, sizes
from graphgen.ops.broadcasting import deepened


def picked_along(operands: Sequence[Any], which: Sequence[bool], axis: int) -> Any:
    """``pick(x, *indices, axis=axis)`` for each entry of the leading axis that some of the indices have, and maybe x."""
    (x, *given), (of_x, *of_indices) = operands, which
    indices, ndim = _aligned(given, of_indices)
    if not of_x:
        return ops.moveaxis(ops.pick(x, *indices, axis=axis), axis, 0)
    count = len(indices)
    front = ops.moveaxis(x, _range(axis + 1, count), _range(1, count))
    found = ops.pick(front, _entries(x, ndim), *indices, axis=0)
    return ops.moveaxis(found, _range(1, ndim), _range(axis + 1, ndim))


def added_along(operands: Sequence[Any], which: Sequence[bool], shape: sizes.Shape, axis: int) -> Any:
    """``add_at(updates, *indices, shape=shape, axis=axis)`` for each entry of the leading axis: adjoint to the other."""
    (updates, *given), (of_updates, *of_indices) = operands, which
    indices, ndim = _aligned(given, of_indices)
    size = next(index.shape[0] for index, has in zip(given, of_indices, strict=True) if has)
    if not of_updates:
        updates = ops.broadcast_to(updates, shape=(size, *updates.shape))
    front = ops.moveaxis(updates, _range(axis + 1, ndim), _range(1, ndim))
    total = ops.add_at(front, _entries(updates, ndim), *indices, shape=(size, *shape), axis=0)
    return ops.moveaxis(total, _range(1, len(shape)), _range(axis + 1, len(shape)))


def _aligned(indices: Sequence[Any], which: Sequence[bool]) -> tuple[list[Any], int]:
    """The indices with their leading axes in one place, and how many axes they have besides."""
    ndim = max(index.ndim - has for index, has in zip(indices, which, strict=True))
    return [deepened(index, ndim + 1) if has else index for index, has in zip(indices, which, strict=True)], ndim


def _entries(x: Any, ndim: int) -> Any:
    """The places along the leading axis of x, to go with indices of `ndim` axes."""
    places = x._apply("arange", (), {"size": x.shape[0]}, "places")
    return ops.expand_dims(places, axis=_range(1, ndim)) if ndim else places


def _range(start: int, count: int) -> tuple[int, ...]:
    return tuple(range(start, start + count))
