"""A model's functions as they are written, for their operations to be counted."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from graphgen.check import check
from graphgen.compiler import build
from graphgen.emit import Body
from graphgen.errors import GraphError, GraphWarning, Problem
from graphgen.graph import Graph
from graphgen.program import Program


def written(graph: Graph, **options: Any) -> Mapping[str, Body]:
    """The statements of each function: with a loss those of all modes, without one those of derivatives of the outputs.

    The keywords are those of `build`.
    """
    program = _checked(graph)
    if program.loss is not None:
        return build(graph, mode="both", hvp=True, **options).written
    leaves = [node for node in program.nodes.values() if node.op in ("param", "input")]
    outputs = [program.nodes[name] for name in program.of("output").values()]
    if not all(any(node.dtype == "float" for node in nodes) for nodes in (leaves, outputs)):
        return build(graph, inference=True, **options).written
    return build(graph, vjp=True, jacobian=True, **options).written


def of_loss(graph: Graph, **options: Any) -> Mapping[str, Body]:
    """The statements of the loss in both modes. Raises a GraphError if there is none."""
    if _checked(graph).loss is None:
        help = "declare it with g.loss(node), or leave out --side-by-side"
        raise GraphError(Problem("GG051", None, "no loss is declared, and both modes are of one", help))
    return build(graph, mode="both", **options).written


def _checked(graph: Graph) -> Program:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GraphWarning)  # build tells them
        return check(graph)
