"""Penalties on the size of parameters, to be added to a loss.

Unlike ``weight_decay``, they are part of the loss: it is reported with them, and every optimizer sees their gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from graphgen import ops, source
from graphgen.errors import brief, did_you_mean
from graphgen.handle import Handle
from graphgen.initializers import is_finite

if TYPE_CHECKING:
    from graphgen.graph import Graph

__all__ = ["l1", "l2"]


def l1(g: Graph, strength: float, *parameters: Handle | str) -> Handle:
    """``strength * sum(|w|)`` over parameters: Goodfellow et al. (2016), section 7.1.2; Tibshirani (1996).

    Parameters
    ----------
    g
        The graph that the parameters belong to.
    strength
        A number, 0 or above.
    parameters
        Nodes, or names of parameters declared so far and patterns such as ``"*_w"``. By default all that are trained.
    """
    return _penalty(g, "l1", strength, 1.0, ops.abs, parameters)


def l2(g: Graph, strength: float, *parameters: Handle | str) -> Handle:
    """``strength / 2 * sum(w**2)`` over parameters: Goodfellow et al. (2016), section 7.1.1.

    Its gradient is ``strength * w``, as that of sgd's ``weight_decay=strength``. Parameters are given as in `l1`.
    """
    return _penalty(g, "l2", strength, 0.5, ops.square, parameters)


def _penalty(
    g: Graph, name: str, strength: Any, factor: float, each: Callable[[Any], Any], parameters: tuple[Handle | str, ...]
) -> Handle:
    if not is_finite(strength) or strength < 0:
        message = f"{name}: the strength is a finite number, not below 0, got {brief(strength)}"
        return g._unknown("GG005", message, f"as in penalties.{name}(g, 0.001)")
    with source.quiet():
        chosen = _chosen(g, name, parameters or ("*",))
        if not chosen:
            return g._stand_in()
        total = ops.sum(each(chosen[0]))
        for parameter in chosen[1:]:
            total = total + ops.sum(each(parameter))
    return factor * float(strength) * total


def _chosen(g: Graph, name: str, parameters: tuple[Any, ...]) -> list[Handle]:
    """The nodes, each once; what is none is a problem."""
    trained = [
        key for key, node in g.dag.nodes(data=True) if node["op"] == "param" and node.get("trainable", True) is True
    ]
    found: dict[str, Handle] = {}
    for given in parameters:
        if isinstance(given, Handle):
            key = g._own(f"{name}: a parameter", given)
            found.setdefault(key, Handle(g, key))
            continue
        members = [key for key in trained if fnmatchcase(key, given)] if isinstance(given, str) else []
        if not members:
            near = did_you_mean(given, trained) if isinstance(given, str) else None
            message = f"{name}: no trained parameter is called {brief(given)}"
            g._problem("GG005", message, near or f"one of {', '.join(trained) or 'none'}, declared before it")
        for key in members:
            found.setdefault(key, Handle(g, key))
    return list(found.values())
