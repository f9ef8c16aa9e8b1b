"""Gauss-Newton products: curvature of the loss by a value, carried to the parameters as if the network were linear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from graphgen.differentiation.gradient import gradient
from graphgen.differentiation.tangent import tangent
from graphgen.passes.guard import guard
from graphgen.program import Node, Program


def gauss_newton(program: Program, value: str, wrt: Iterable[str]) -> Program:
    """J.T @ H @ J times a direction, with J the derivatives of `value` and H the second derivatives of the loss by it.

    Schraudolph, "Fast curvature matrix-vector products for second-order gradient descent", Neural Computation 14 (2002),
    section 3: a forward-mode sweep through the network, second order in the loss, a reverse sweep back.

    Returns
    -------
    Program
        The direction is given like tangents are; results ("gradient", name) for each of `wrt`.
    """
    wrt = tuple(wrt)
    network = replace(program, results={("output", value): value}).restrict("output")
    forward = tangent(network, wrt)
    whole = program.nodes[value]
    leaf = Node(value, "input", (), {"shape": whole.shape, "dtype": "float"}, whole.shape, "float", (), whole.why, whole.named)
    head = replace(program, nodes={**program.nodes, value: leaf})  # whole, so that its names stay apart from the network's
    curved = tangent(gradient(head, [value]), [value])
    curvature = curved.results["gradient_dot", value]
    nodes = {**forward.nodes, **{name: node for name, node in curved.nodes.items() if name not in forward.nodes}}
    joined = replace(forward, nodes=nodes, results={})
    return guard(gradient(joined, wrt, {value: curvature})).restrict("gradient")
