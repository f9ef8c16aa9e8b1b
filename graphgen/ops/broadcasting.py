"""Repeating along axes, its adjoint, and the weights of reductions, in terms of ops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphgen import ops, sizes


def expand_to(g: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """The gradient `g` of a reduction of `x` with the reduced axes back, of size 1."""
    return g if keepdims or not axis or not g.shape else ops.expand_dims(g, axis=axis)


def deepened(x: Any, ndim: int) -> Any:
    """x with axes of size 1 after its leading one, up to `ndim` in all: the others broadcast as they did."""
    missing = ndim - x.ndim
    return ops.expand_dims(x, axis=tuple(range(1, missing + 1))) if missing > 0 else x


def unbroadcast(g: Any, shape: sizes.Shape) -> Any:
    """Sum `g` over the axes along which a value of `shape` was repeated to get g's shape: the adjoint of broadcasting."""
    leading = g.ndim - len(shape)
    ones = tuple(
        leading + axis
        for axis, size in enumerate(shape)
        if isinstance(size, int)
        and size == 1
        and not (isinstance(g.shape[leading + axis], int) and g.shape[leading + axis] == 1)
    )
    if leading and ones:
        summed = ops.sum(g, axis=(*range(leading), *ones))
        return ops.expand_dims(summed, axis=tuple(axis - leading for axis in ones))
    if ones:
        return ops.sum(g, axis=ones, keepdims=True)
    return ops.sum(g, axis=tuple(range(leading))) if leading else g


def weights_of(row: Any, x: Any, y: Any, policies: Any, attributes: Mapping[str, Any]) -> Any:
    """The weights of a reduction y of x, of x's shape; y has the reduced axes, with size 1."""
    return row.weights(x, y, policies, **own_attributes(attributes))


def own_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a reduction that its weights depend on."""
    return {keyword: value for keyword, value in attributes.items() if keyword != "keepdims"}
