"""Whether a value may be infinite or nan on the way to results that are finite.

NumPy warns of such a value where it arises: of 1 / 0 behind a `where` that then takes the other branch, of exp(1000) in
1 / (1 + exp(1000)), which is 0. Functions in which that may happen are told to keep quiet.
"""

from __future__ import annotations

import sympy as sp

from graphgen.passes.finite import Signs, may_be_infinite
from graphgen.passes.rewriting import is_elementwise
from graphgen.program import Node, Program

# Ops that answer a finite number to an infinite one, or choose between values.
_RECOVERING = ("where", "tanh", "sigmoid", "softplus", "relu", "elu", "maximum", "minimum", "sign", "exp", "expm1", "reciprocal",
               "max", "min", "finite_max", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal")  # fmt: skip


def recovers(program: Program) -> bool:
    """Whether something infinite may become finite again: poles and exponentials, read by an op that forgets them."""
    signs = Signs(program)
    wild: set[str] = set()
    for node in program.nodes.values():
        from_wild = any(map(wild.__contains__, node.args))
        if from_wild and _forgets(node, wild):
            return True
        if from_wild or (is_elementwise(node) and _may_be_wild(node, signs, program)):
            wild.add(node.name)
    return False


def _forgets(node: Node, wild: set[str]) -> bool:
    if node.op == "divide":
        return node.args[1] in wild
    if node.op == "map":
        expression = node.attributes["formula"].expression
        return expression.has(sp.Piecewise) or any(power.exp.is_negative for power in expression.atoms(sp.Pow))
    return node.op in _RECOVERING


def _may_be_wild(node: Node, signs: Signs, program: Program) -> bool:
    first = program.nodes[node.args[0]]
    if node.op in ("exp", "expm1"):
        shift = program.nodes[first.args[1]] if first.op == "subtract" else first
        return shift.op != "finite_max"
    if first.op == "where" and first.name.endswith("_safe"):
        return False
    if node.op in ("sqrt", "log1p"):
        return node.args[0] not in signs.at_least_zero
    return may_be_infinite(node, signs)
