"""Arithmetic that changes no number: neutral elements, signs, and powers of two."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import sympy as sp

from graphgen import ops, sizes
from graphgen.calculus.formula import Formula, formula
from graphgen.passes.rewriting import Draft, rewrite
from graphgen.program import Node, Program


def algebra(program: Program) -> Program:
    """The program without identities, neutral elements and pairs of signs."""
    return rewrite(program, RULES)


def _fits(draft: Draft, name: str, node: Node) -> bool:
    """Whether a value has a node's full shape and dtype, so that it can be read instead."""
    other = draft.nodes[name]
    return other.dtype == node.dtype and sizes.same(other.shape, node.shape)


def _identity(draft: Draft, node: Node) -> str:
    return node.args[0]


def _multiply(draft: Draft, node: Node) -> Node | str | None:
    """x*1 is x; x*(-1) is -x."""
    for factor, other in (node.args, node.args[::-1]):
        value = draft.number(factor)
        if value == 1 and _fits(draft, other, node):
            return other
        if value == -1 and _fits(draft, other, node):
            return draft.changed(node, "negative", (other,))
    return None


def _divide(draft: Draft, node: Node) -> Node | str | None:
    """x/1 is x; x/(-1) is -x."""
    above, below = node.args
    value = draft.number(below)
    if value not in (1, -1) or not _fits(draft, above, node):
        return None
    return above if value == 1 else draft.changed(node, "negative", (above,))


def _add(draft: Draft, node: Node) -> Node | str | None:
    """x + 0 is x; x + -y is x - y."""
    for term, other in (node.args, node.args[::-1]):
        if draft.number(term) == 0 and _fits(draft, other, node):
            return other
    one, other = node.args
    if (positive := _negated(draft, other, node)) is not None:
        return draft.changed(node, "subtract", (one, positive))
    if (positive := _negated(draft, one, node)) is not None:
        return draft.changed(node, "subtract", (other, positive))
    return None


def _subtract(draft: Draft, node: Node) -> Node | str | None:
    """x - 0 is x; 0 - x is -x; x - -y is x + y."""
    one, other = node.args
    if draft.number(other) == 0 and _fits(draft, one, node):
        return one
    if draft.number(one) == 0 and _fits(draft, other, node):
        return draft.changed(node, "negative", (other,))
    if (positive := _negated(draft, other, node)) is not None:
        return draft.changed(node, "add", (one, positive))
    return None


def _negated(draft: Draft, name: str, reader: Node) -> str | None:
    """x if a value is -x."""
    found = draft.seen(name, reader)
    return found.args[0] if found is not None and found.op == "negative" else None


def _negative(draft: Draft, node: Node) -> str | None:
    """-(-x) is x."""
    return _negated(draft, node.args[0], node)


def _signs(draft: Draft, node: Node) -> Node | None:
    """-x * -y is x * y, and a sign goes into a number: -x * 2 is x * -2; likewise quotients."""
    insides = [_negated(draft, each, node) for each in node.args]
    if None not in insides:
        return draft.changed(node, node.op, [str(each) for each in insides])
    for place, inside in enumerate(insides):
        number = draft.number(node.args[1 - place])
        if inside is not None and number is not None and node.dtype == "float":
            operands = [inside, draft.constant(node, -number)]
            return draft.changed(node, node.op, operands if place == 0 else operands[::-1])
    return None


def _powers_of_two(draft: Draft, node: Node) -> Node | None:
    """x * 2 * 4 is x * 8: exact, and what overflows does so either way. Other numbers would round differently."""
    for factor, other in (node.args, node.args[::-1]):
        outer = draft.number(factor)
        inner = draft.seen(other, node)
        if outer is None or inner is None or inner.op != "multiply" or node.dtype != "float" or not _enlarges(outer):
            continue
        for number, value in (inner.args, inner.args[::-1]):
            first = draft.number(number)
            if first is not None and _enlarges(first) and math.isfinite(first * outer):
                return draft.changed(node, "multiply", (value, draft.constant(node, first * outer)))
    return None


def _enlarges(value: float) -> bool:
    """Whether a number is a power of two, of either sign, that makes nothing smaller: what gets smaller may underflow."""
    return abs(value) >= 1 and math.isfinite(value) and abs(math.frexp(value)[0]) == 0.5


def _power(draft: Draft, node: Node) -> str | None:
    """x**1 is x."""
    base, exponent = node.args
    return base if draft.number(exponent) == 1 and _fits(draft, base, node) else None


def _unit_slot(draft: Draft, node: Node) -> Node | str | None:
    """A derived formula of the seed 1, without it: 1 * (y * (1 - y)) is y * (1 - y)."""
    if not node.sweep:
        return None  # the user's own formula stays as it is
    for place, name in enumerate(node.args):
        if draft.number(name) != 1:
            continue
        rest = _without(node.attributes["formula"], place)
        operands = node.args[:place] + node.args[place + 1 :]
        shape = sizes.broadcast(*(draft.nodes[each].shape for each in operands)) if rest is not None else None
        if rest is None or shape is None or not sizes.same(shape, node.shape):
            continue
        if rest.expression in rest.slots:
            return operands[0]
        op = ops.op_of(rest)
        if op is not None:
            return draft.changed(node, op, operands)
        return node._replace(args=operands, attributes={"formula": rest})
    return None


@cache
def _without(derived: Formula, place: int) -> Formula | None:
    """The formula with 1 in a slot that is but a factor; None if there is nothing else in it."""
    symbol = derived.slots[place]
    if derived.is_bool or not _is_factor(derived.expression, symbol):
        return None
    others = [each for each in derived.slots if each != symbol]
    rest = derived.expression.xreplace({symbol: sp.S.One})
    return formula(rest, others) if others and rest.free_symbols == set(others) else None


def _is_factor(expression: sp.Basic, symbol: sp.Symbol) -> bool:
    """Whether an expression is the symbol times something without it, in every branch that is not 0."""
    if isinstance(expression, sp.Piecewise):
        branches = [value for value, _ in expression.args if value != 0]
        free = not any(symbol in condition.free_symbols for _, condition in expression.args)
        return free and all(_is_factor(value, symbol) for value in branches)
    factors = sp.Mul.make_args(expression)
    return symbol in factors and sum(symbol in factor.free_symbols for factor in factors) == 1


RULES: dict[str, Any] = {
    "identity": (_identity,),
    "multiply": (_multiply, _signs, _powers_of_two),
    "divide": (_divide, _signs),
    "add": (_add,),
    "subtract": (_subtract,),
    "negative": (_negative,),
    "power": (_power,),
    "map": (_unit_slot,),
}
