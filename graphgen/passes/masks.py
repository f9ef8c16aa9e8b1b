"""A gradient that passes where a condition holds is the gradient times the mask, as a reader would write it.

Only for gradients that are surely finite: 0 times infinity is nan, where `where` answers 0.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import sympy as sp
from sympy.core.relational import Relational

from graphgen import ops
from graphgen.calculus.formula import Formula, formula
from graphgen.passes.finite import doubtful
from graphgen.passes.guard import TANGENT, untaken
from graphgen.passes.rewriting import Draft
from graphgen.program import Node, Program

_COMPARISONS = {sp.Gt: "greater", sp.Ge: "greater_equal", sp.Lt: "less", sp.Le: "less_equal", sp.Eq: "equal", sp.Ne: "not_equal"}


def masks(program: Program) -> Program:
    """The program with where(condition, gradient, 0) as gradient * condition."""
    candidates = [node for node in program.leaves("map") if node.sweep and _masked(node.attributes["formula"]) is not None]
    if not candidates:
        return program
    infinite = doubtful(program) | _infinite_tangents(program)
    fitting = {node.name for node in candidates if not any(map(infinite.__contains__, (node.name, *node.args)))}
    draft = Draft(program)
    for node in program.nodes.values():
        draft.put(_multiplied(draft, node) if node.name in fitting else node)
    return draft.build()


def _infinite_tangents(program: Program) -> set[str]:
    """The tangents of values that may be infinite in a branch not taken: no gradient of 0 guards them."""
    if not any(TANGENT in node.sweep for node in program.nodes.values()):
        return set()
    _, infinite = untaken(program)
    found: set[str] = set()
    for node in program.nodes.values():
        if TANGENT in node.sweep and any(name in found or name in infinite for name in node.args):
            found.add(node.name)
    return found


def _multiplied(draft: Draft, node: Node) -> Node:
    found = _masked(node.attributes["formula"])
    assert found is not None
    if found.comparison is None:
        mask = node.args[found.sides[0]]  # type: ignore[index]
    else:
        sides = [node.args[side] if isinstance(side, int) else draft.constant(node, side) for side in found.sides]
        mask = draft.add(node, found.comparison, sides)
    factor = draft.add(node, "cast", (mask,), {"dtype": "float"}, "mask")
    operands = (*(node.args[place] for place in found.operands), factor)
    op = ops.op_of(found.product)
    if op is not None:
        return node._replace(op=op, args=operands, attributes={})
    return node._replace(args=operands, attributes={"formula": found.product})


class _Masked(NamedTuple):
    """A formula where(condition, value, 0) taken apart.

    Attributes
    ----------
    product : the value times the mask, which is the last slot.
    operands : the places of what goes into the other slots.
    comparison, sides : the op of the condition and what it compares, slots' places or numbers; None: a bool slot's place.
    """

    product: Formula
    operands: tuple[int, ...]
    comparison: str | None
    sides: tuple[int | float, ...]


@cache
def _masked(derived: Formula) -> _Masked | None:
    expression = derived.expression
    if not isinstance(expression, sp.Piecewise) or len(expression.args) != 2 or expression.args[1].expr != 0:
        return None
    value, condition = expression.args[0]
    if value.has(sp.Piecewise) or value.is_number or value.free_symbols & condition.free_symbols:
        return None
    compared = _compared(derived, condition)
    if compared is None:
        return None
    used = [place for place, symbol in enumerate(derived.slots) if symbol in value.free_symbols]
    mask = sp.Symbol("mask", real=True)  # no slot's name
    product = formula(sp.Mul(value, mask, evaluate=False), [*(derived.slots[place] for place in used), mask])
    return _Masked(product, tuple(used), *compared)


def _compared(derived: Formula, condition: sp.Basic) -> tuple[str | None, tuple[int | float, ...]] | None:
    if condition in derived.slots:
        return None, (derived.slots.index(condition),)
    if not isinstance(condition, Relational) or type(condition) not in _COMPARISONS:
        return None
    sides: list[int | float] = []
    for side in condition.args:
        if side in derived.slots:
            sides.append(derived.slots.index(side))
        elif side.is_number:
            sides.append(float(side))
        else:
            return None
    return _COMPARISONS[type(condition)], tuple(sides)
