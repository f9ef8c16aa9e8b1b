"""Layers: composites over ops that declare their own parameters; there is no gradient code in any of them."""

from __future__ import annotations

from typing import Any

from graphgen import ops, source
from graphgen.errors import GraphError, Problem, UnknownName, did_you_mean
from graphgen.graph import Handle


def dense(x: Handle, units: Any, name: str, *, init: Any = "glorot_uniform", bias: bool = True) -> Any:
    """An affine map of the last axis: ``x @ w + b``.

    Parameters
    ----------
    x
        Shape (..., features).
    units
        The size of the result's last axis.
    name
        Names the parameters: `name`_w of shape (features, units), `name`_b of shape (units,), zeros at first. The result
        is called so only if it is assigned to no variable.
    init
        The initializer of the weights.
    bias
        Whether there is a `name`_b.

    Returns
    -------
    Handle
        Shape (..., units).
    """
    graph = graph_of("dense", x)
    if not x.shape:
        raise GraphError(Problem("GG027", source.site().place, "dense: needs an axis of features, got a scalar", "multiply scalars with *"))
    with source.quiet():
        w = graph.param(f"{name}_w", (x.shape[-1], units), init)
        b = graph.param(f"{name}_b", (units,), "zeros") if bias else None
        product = ops.matmul(x, w) if bias else None
    found = source.site().name
    result = name if found is None else None
    if b is None:
        return ops.matmul(x, w, name=result)
    return ops.add(product, b, name=result)


def graph_of(layer: str, x: Any) -> Any:
    """The graph that a layer's input belongs to."""
    if not isinstance(x, Handle):
        message = f"{layer}: the first argument is a node, not {x!r}"
        raise GraphError(Problem("GG061", source.site().place, message, "declare it with g.input"))
    return x.graph


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    help = did_you_mean(name, ("dense",)) or "the layers are: dense"
    raise UnknownName(Problem("GG003", source.site().place, f"unknown layer {name!r}", help))
