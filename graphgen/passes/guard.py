"""A gradient of 0 stays 0 behind a `where`, whatever the slope: 0 * infinity would be nan.

`protect` cannot reach what lies behind a sum or a product of matrices, as in where(c, log(x).sum(axis=1), 0). There the
slope is evaluated at something harmless wherever the gradient it is multiplied with is 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from graphgen import ops
from graphgen.passes.finite import Signs
from graphgen.passes.protect import unsafe
from graphgen.passes.rewriting import Draft, is_elementwise, literal
from graphgen.program import Node, Program

_PRODUCTS = ("matmul", "contraction", "transpose", "reshape")  # and what leads an operand to them
SWEEP, TANGENT = "reverse", "tangent"
_SURROUNDING = ("pad", "scatter_add", "scatter_add_along_axis", "assemble")  # what they put around a tangent is 0
NOTE = "0 where the gradient is 0, whatever the slope"


def guard(program: Program) -> Program:
    """The program with a strong zero in those slopes that may be infinite where what they are multiplied with is 0.

    A gradient is 0 where a later `where` takes its other branch, a tangent where constants were joined to a value. It
    comes after `gradient` and `tangent`, before any other pass.
    """
    return _guard_tangents(_guard_gradients(program))


def _guard_gradients(program: Program) -> Program:
    behind = _behind(program)
    signs = Signs(program)
    poles = {name: _poles(program, program.nodes[name], signs) for name in behind}
    infinite = _infinite(program, behind, poles)
    if not infinite:
        return program
    draft = Draft(program)
    for node in program.nodes.values():
        if node.sweep[-1:] != (SWEEP,):
            draft.put(node)
        elif is_elementwise(node):
            draft.put(_guarded(draft, node, poles, infinite))
        else:
            draft.put(_finite(draft, node, infinite) if node.op in _PRODUCTS else node)
    return draft.build()


def _finite(draft: Draft, node: Node, infinite: set[str]) -> Node:
    """A product of arrays, or what leads to one, with 0 for what is not finite: the gradient is 0 there, or nan anyway."""
    operands = list(node.args)
    for place, name in enumerate(node.args):
        if name in infinite:
            size = draft.add(node, "abs", (name,))
            known = draft.add(node, "less", (size, draft.constant(node, math.inf)))
            operands[place] = draft.add(node, "where", (known, name, draft.constant(node, 0.0)), part="finite")
    return node if tuple(operands) == node.args else node._replace(args=tuple(operands))


def _behind(program: Program) -> set[str]:
    """The declared values that a branch of a `where` depends on."""
    found: set[str] = set()
    for node in reversed(program.nodes.values()):
        if node.sweep[-1:] == (SWEEP,):
            continue
        if node.op == "where":
            found.update(node.args[1:])
        if node.name in found:
            found.update(node.args)
    return found


def _poles(program: Program, node: Node, signs: Signs) -> dict[str, float]:
    """The operands outside whose domain the node may be evaluated, and a value inside it."""
    return {
        node.args[place]: value
        for place, value in unsafe(program, node).items()
        if not _is_inside(program, node.op, program.nodes[node.args[place]], value, signs)
    }


def _is_inside(program: Program, op: str, operand: Node, safe: float, signs: Signs) -> bool:
    """Whether an operand is protected already, or positive, or shifted so that exp cannot overflow."""
    if operand.op == "where" and any(literal(program.nodes[branch]) == safe for branch in operand.args[1:]):
        return True
    if op in ("exp", "expm1", "sin", "cos"):
        return operand.op == "subtract" and program.nodes[operand.args[1]].op == "finite_max"
    return operand.name in signs.positive


def _infinite(program: Program, behind: set[str], poles: dict[str, dict[str, float]]) -> set[str]:
    """The values that may be infinite or nan in a branch not taken: at a pole, or computed of such values."""
    found: set[str] = set()
    for node in program.nodes.values():
        if node.name in behind and node.dtype == "float" and (poles[node.name] or any(map(found.__contains__, node.args))):
            found.add(node.name)
    return found


def _guarded(draft: Draft, node: Node, poles: dict[str, dict[str, float]], infinite: set[str]) -> Node:
    """A part of a gradient with harmless operands where the gradient that goes into it is 0."""
    for gradient, value in _answered(draft.program, node):
        harmless = {name: 1.0 for name in node.args if name in infinite} | poles.get(value.name, {})
        places = [place for place, name in enumerate(node.args) if name in harmless]
        if not places:
            continue
        zero = draft.add(node, "equal", (gradient, draft.constant(node, 0.0)))
        operands = list(node.args)
        for place in places:
            number = draft.constant(node, harmless[node.args[place]])
            operands[place] = draft.add(node, "where", (zero, number, node.args[place]), part="safe")
        return node._replace(args=tuple(operands), why=node.why._replace(notes=(*node.why.notes, NOTE)))
    return node


def _answered(program: Program, node: Node) -> Iterator[tuple[str, Node]]:
    """The gradient that a node multiplies with a slope, and the elementwise value whose slope that is."""
    for name in node.why.answers:
        value, gradient = program.nodes.get(name), f"d_{name}"
        if value is not None and gradient in node.args and (value.op == "map" or value.op in ops.ELEMENTWISE):
            yield gradient, value


def _guard_tangents(program: Program) -> Program:
    zeros = _partly_zero(program)
    if not zeros:
        return program
    signs = Signs(program)
    draft = Draft(program)
    for node in program.nodes.values():
        value = program.nodes.get(node.why.answers[0]) if node.sweep[-1:] == (TANGENT,) and node.why.answers else None
        dots = [name for name in dict.fromkeys(node.args) if name in zeros]
        if value is None or not dots or not is_elementwise(node) or not is_elementwise(value):
            draft.put(node)
            continue
        poles = _poles(program, value, signs)
        harmless = {**poles, **({value.name: 1.0} if poles else {})}
        draft.put(_harmless(draft, node, dots, {name: number for name, number in harmless.items() if name in node.args}))
    return draft.build()


def _harmless(draft: Draft, node: Node, dots: list[str], harmless: dict[str, float]) -> Node:
    """A tangent with harmless operands where all the tangents that go into it are 0."""
    if not harmless:
        return node
    tests = [draft.add(node, "equal", (dot, draft.constant(node, 0.0))) for dot in dots]
    zero = tests[0]
    for test in tests[1:]:
        zero = draft.add(node, "logical_and", (zero, test))
    operands = [
        draft.add(node, "where", (zero, draft.constant(node, harmless[name]), name), part="safe") if name in harmless else name
        for name in node.args
    ]
    return node._replace(args=tuple(operands), why=node.why._replace(notes=(*node.why.notes, "0 where the tangent is 0")))


def _partly_zero(program: Program) -> set[str]:
    """The tangents that are 0 in places where their values do not depend on what is differentiated for."""
    found: set[str] = set()
    for node in program.nodes.values():
        if node.sweep[-1:] != (TANGENT,):
            continue
        operands = [program.nodes[name] for name in node.args]
        joined = any(each.op == "broadcast_to" and literal(program.nodes[each.args[0]]) == 0 for each in operands)
        if joined or node.op in _SURROUNDING or any(map(found.__contains__, node.args)):
            found.add(node.name)
    return found
