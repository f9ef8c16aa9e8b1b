"""Layers: composites over ops that declare their own parameters; there is no gradient code in any of them."""

from __future__ import annotations

from typing import Any

from graphgen import sizes, source
from graphgen.errors import GraphError, Problem, brief, did_you_mean
from graphgen.graph import Handle
from graphgen.ops.table import unknown

LAYERS = ("dense",)


def dense(x: Handle, units: Any, name: str, *, init: Any = "glorot_uniform", bias: bool = True) -> Handle:
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
    graph = _graph_of("dense", x)
    found = x._known_type
    problem = graph._against(f"{name}_w" if isinstance(name, str) else name)
    if problem is not None:
        return graph._unknown(*problem)
    if found is None:  # what x is has been said
        return graph._stand_in()
    if not found.shape:
        return graph._unknown("GG027", "dense: needs an axis of features, got a scalar", "multiply scalars with *")
    try:
        shape = (found.shape[-1], sizes.size(units))
    except (TypeError, ValueError) as error:
        return graph._unknown("GG022", f"dense: {brief(units)} units: {error}", "give a number, or the name of a size")
    with source.quiet():
        w = graph.param(f"{name}_w", shape, init)
        if not bias:
            operands = "matmul", (x, w)
        else:
            b = graph.param(f"{name}_b", shape[1:], "zeros")
            operands = "add", (graph._add("matmul", (x, w), {}, None), b)
    return graph._add_layer(*operands, name)


def _graph_of(layer: str, x: Any) -> Any:
    """The graph that a layer's input belongs to."""
    if not isinstance(x, Handle):
        message = f"{layer}: the first argument is a node, not {brief(x)}"
        raise GraphError(Problem("GG061", source.site().place, message, "declare it with g.input"))
    return x.graph


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module 'graphgen.layers' has no attribute {name!r}")
    return unknown("GG003", f"unknown layer {name!r}", did_you_mean(name, LAYERS) or f"one of {', '.join(LAYERS)}")
