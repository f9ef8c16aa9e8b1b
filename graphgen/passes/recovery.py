"""Whether a value may be infinite or nan on the way to results that are finite.

NumPy warns of such a value where it arises: of 1 / 0 behind a `where` that then takes the other branch, of exp(1000) in
1 / (1 + exp(1000)), which is 0. Functions in which that may happen are told to keep quiet.
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from graphgen import ops
from graphgen.calculus.formula import Formula
from graphgen.passes.finite import OVERFLOWING, Signs, may_be_infinite
from graphgen.passes.rewriting import is_elementwise
from graphgen.program import Node, Program
from graphgen.targets.dialects import NAMES

# Elementwise ops that answer an infinite operand or nan with what is not finite either. All others count as forgetting it:
# that is safe to assume of an op that is not listed here.
_KEEPING = ("add", "subtract", "multiply", "negative", "abs", "square", "sqrt", "cbrt", "hypot", "lerp", "identity", "stop_gradient",
            "floor", "ceil", "round", "trunc", "log", "log2", "log10", "log1p", "logit", "sin", "cos", "tan", "asin", "acos", "sinh",
            "cosh", "asinh", "acosh", "atanh", "sinc", "lgamma", "digamma", "leaky_relu", "prelu", "silu", "mish", "gelu", "hardswish",
            "softsign", "symmetric_elliot", "tanhshrink")  # fmt: skip
_CHOOSING = ("max", "min", "finite_max", "argmax", "argmin", "argsort")


def recovers(program: Program) -> bool:
    """Whether something infinite may become finite again: poles and exponentials, read by an op that forgets them."""
    signs = Signs(program)
    wild: set[str] = set()
    for node in program.nodes.values():
        # A declared slope is no part of the value.
        read = node.args[:1] if ops.is_elementwise(node.op) and ops.TABLE[node.op].controls else node.args
        from_wild = any(map(wild.__contains__, read))
        if from_wild and _forgets(node, wild):
            return True
        if node.op == "logaddexp":  # its a - b may overflow, and does not matter
            return True
        if node.op == "map" and _recovers_within(node.attributes.get("stable") or node.attributes["formula"]):
            return True
        if from_wild or (is_elementwise(node) and _may_be_wild(node, signs, program)):
            wild.add(node.name)
    return False


def _forgets(node: Node, wild: set[str]) -> bool:
    if ops.TABLE[node.op].controls:
        return False  # its value is its first operand
    if node.op == "divide":
        return node.args[1] in wild
    if node.op == "map":
        return any(map(_is_forgetful, sp.preorder_traversal(node.attributes["formula"].expression)))
    return node.op in _CHOOSING or (is_elementwise(node) and node.op not in _KEEPING)


def _is_forgetful(part: sp.Basic) -> bool:
    """Whether a part of a formula may be finite of an infinite argument: a quotient, or a call of most functions."""
    if isinstance(part, sp.Function):
        return NAMES.get(type(part).__name__) not in _KEEPING  # a Piecewise has no name
    return isinstance(part, sp.Pow) and bool(part.exp.is_negative)


@cache
def _recovers_within(formula: Formula) -> bool:
    """Whether an exponential in a formula may overflow inside of what forgets it: exp(-exp(-a))."""
    return any(_is_forgetful(part) and _overflows_inside(part) for part in sp.preorder_traversal(formula.expression))


def _overflows_inside(part: sp.Basic) -> bool:
    inside = (each for argument in part.args for each in sp.preorder_traversal(argument))
    return any(NAMES.get(type(each).__name__) in OVERFLOWING for each in inside)


def _may_be_wild(node: Node, signs: Signs, program: Program) -> bool:
    row = ops.ELEMENTWISE.get(node.op)
    operand = program.nodes[node.args[0 if row is None or row.restricted is None else row.restricted]]
    if node.op in OVERFLOWING:
        shift = program.nodes[operand.args[1]] if operand.op == "subtract" else operand
        return shift.op != "finite_max"
    if operand.op == "where" and operand.name.endswith("_safe"):
        return False
    if row is not None and row.restricted is not None and row.takes_positive() and row.takes(row.restricted, 0.0):
        return operand.name not in signs.at_least_zero
    return may_be_infinite(node, signs)
