"""Several axes as one, in terms of ops: what runs along one axis then runs over them, the last fastest."""

from __future__ import annotations

from typing import Any

from graphgen import ops, sizes


def as_rows(x: Any, axis: tuple[int, ...]) -> Any:
    """x with these axes as one, the last."""
    moved = ops.transpose(x, axes=_order(x, axis))
    kept = moved.shape[: x.ndim - len(axis)]
    return ops.reshape(moved, shape=(*kept, sizes.product(moved.shape[len(kept) :])))


def from_rows(rows: Any, x: Any, axis: tuple[int, ...]) -> Any:
    """What `as_rows` made of an array of x's shape, in that shape again."""
    order = _order(x, axis)
    moved = ops.reshape(rows, shape=tuple(x.shape[place] for place in order))
    return ops.transpose(moved, axes=tuple(map(order.index, range(x.ndim))))


def _order(x: Any, axis: tuple[int, ...]) -> tuple[int, ...]:
    return (*(place for place in range(x.ndim) if place not in axis), *axis)
