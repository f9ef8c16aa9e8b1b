"""NumPy of complex numbers whose imaginary parts are derivatives: how a node is written for a complex step.

It is the *defining* formula that is written, not the one that is safe and accurate for real numbers: that one looks at
magnitudes, and its slope is what is to be checked.
"""

from __future__ import annotations

import sympy as sp

from graphgen import ops
from graphgen.calculus.formula import Formula
from graphgen.program import Node, Program
from graphgen.targets.dialects import DIALECTS, NAMES
from graphgen.targets.numpy import Target, Text
from graphgen.targets.numpy import printed as printed_of_reals
from graphgen.targets.precedence import ANY
from graphgen.targets.printer import spell
from graphgen.targets.spelling import Spelling


class ComplexTarget(Target):
    """The spelling of nodes for complex numbers."""

    def _spelling(self, node: Node) -> Spelling:
        return spell(self._printed(node), "complex")

    def _printed(self, node: Node) -> Formula:
        return defining(node, self.program)

    def _full(self, node: Node, operand: Text) -> Text:
        shape = super()._full(node, Text("0.0")).text  # zeros of the shape
        return Text(f"{shape} + {operand.text}", ANY)


def defining(node: Node, program: Program) -> Formula:
    """The formula that an elementwise node is by definition."""
    if node.op == "map":
        return node.attributes["formula"]
    if node.op == "power":  # to a number it is written as one
        return printed_of_reals(node, program)
    return ops.TABLE[node.op].derived(tuple(sorted(node.attributes.items())))


def is_analytic(node: Node, program: Program) -> bool:
    """Whether a node can be computed of complex numbers."""
    if ops.is_elementwise(node.op):
        called = {NAMES.get(type(each).__name__) for each in defining(node, program).expression.atoms(sp.Function)}
        return called.isdisjoint(DIALECTS["complex"].missing)
    return ops.TABLE[node.op].analytic is not False
