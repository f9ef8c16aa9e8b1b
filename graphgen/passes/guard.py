"""A gradient of 0 stays 0 behind a `where`, whatever the slope: 0 * infinity would be nan.

`protect` cannot reach what lies behind a sum or a product of matrices, as in where(c, log(x).sum(axis=1), 0). There the
slope is evaluated at something harmless wherever the gradient it is multiplied with is 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from graphgen import ops
from graphgen.passes.finite import OVERFLOWING, Signs
from graphgen.passes.protect import unsafe
from graphgen.passes.rewriting import Draft, is_elementwise, literal
from graphgen.program import Node, Program

_STEEP = tuple(name for name, row in ops.ELEMENTWISE.items() if row.steep)
SWEEP, TANGENT = "reverse", "tangent"
NOTE = "0 where the gradient is 0, whatever the slope"
NOTE_OF_BOTH = "0 where the gradient and its tangent are 0"


def guard(program: Program) -> Program:
    """The program with a strong zero in those slopes that may be infinite where what they are multiplied with is 0.

    A gradient is 0 where a later `where` takes its other branch, a tangent where constants were joined to a value. It
    comes after `gradient` and `tangent`, before any other pass.
    """
    return _guard_tangents(_guard_gradients(_guard_curvature(program)))


def _guard_gradients(program: Program) -> Program:
    poles, infinite = untaken(program)
    if not infinite:
        return program
    weights = _weights(program, infinite)
    draft = Draft(program)
    for node in program.nodes.values():
        if node.sweep[-1:] != (SWEEP,):
            draft.put(node)
            continue
        guarded = _guarded(draft, node, poles, infinite, weights) if is_elementwise(node) else node
        if guarded is node and (node.op == "multiply" or not is_elementwise(node)):
            guarded = _finite(draft, node, infinite & _factors(program, node))
        draft.put(guarded)
    return draft.build()


def _guard_curvature(program: Program) -> Program:
    """Tangents of gradients are 0 where a gradient and its tangent both are: one alone may be 0 by chance."""
    if not any(node.sweep[-2:] == (SWEEP, TANGENT) for node in program.nodes.values()):
        return program
    poles, infinite = untaken(program)
    weights = _with_dots(_weights(program, infinite))
    infinite = _with_dots(infinite)
    draft = Draft(program)
    for node in program.nodes.values():
        part = program.nodes.get(node.why.answers[0]) if node.sweep[-2:] == (SWEEP, TANGENT) and node.why.answers else None
        if part is None:
            draft.put(node)
            continue
        guarded = node
        if is_elementwise(node) and is_elementwise(part):
            guarded = _guarded_tangent(draft, node, part, poles, infinite, weights)
        if guarded is node and (node.op == "multiply" or not is_elementwise(node)):
            guarded = _finite(draft, node, infinite & _with_dots(_factors(program, part)))
        draft.put(guarded)
    return draft.build()


def _guarded_tangent(
    draft: Draft, node: Node, part: Node, poles: dict[str, dict[str, float]], infinite: set[str], weights: set[str]
) -> Node:
    """The tangent of a part of a gradient, with harmless operands where it is 0."""
    for gradient, value in _answered(draft.program, part):
        harmless = _harmless_of(draft.program, gradient, value, node, poles, infinite, weights)
        if harmless:
            both = [name for name in (gradient, f"{gradient}_dot") if name in draft.program.nodes]
            return _harmless(draft, node, both, harmless, NOTE_OF_BOTH)
    return node


def _with_dots(names: set[str]) -> set[str]:
    """These values and their tangents."""
    return names | {f"{name}_dot" for name in names}


def _weights(program: Program, infinite: set[str]) -> set[str]:
    """What is made of such values for gradients to be multiplied with: the weights of reductions, up to gradients themselves."""
    found: set[str] = set()
    for node in program.nodes.values():
        part = node.sweep[-1:] == (SWEEP,) and node.dtype == "float" and node.name.removeprefix("d_") not in program.nodes
        if part and any(name in infinite or name in found for name in node.args):
            found.add(node.name)
    return found


def _factors(program: Program, node: Node) -> set[str]:
    """The operands of the products of arrays whose gradient a node is a part of; of running products the result too."""
    answered = [program.nodes[name] for name in node.why.answers if name in program.nodes]
    paired = {each.name for each in answered if isinstance(ops.TABLE[each.op], ops.Paired)}
    return paired | {name for each in answered if each.name in paired or _is_product(program, each) for name in each.args}


def _is_product(program: Program, node: Node) -> bool:
    """Whether a node is linear in each of several operands, so that the gradient of one is multiplied with the others."""
    row = ops.TABLE.get(node.op)
    floats = [name for name in node.args if program.nodes[name].dtype == "float"]
    return isinstance(row, ops.Linear) and not row.jointly and len(floats) > 1


def _finite(draft: Draft, node: Node, infinite: set[str]) -> Node:
    """A product of arrays, or what leads to one, with 0 for what is not finite: the gradient is 0 there, or nan anyway."""
    operands = list(node.args)
    for place, name in enumerate(node.args):
        if name in infinite:
            size = draft.add(node, "abs", (name,))
            known = draft.add(node, "less", (size, draft.constant(node, math.inf)))
            operands[place] = draft.add(node, "where", (known, name, draft.constant(node, 0.0)), part="finite")
    return node if tuple(operands) == node.args else node._replace(args=tuple(operands))


def untaken(program: Program) -> tuple[dict[str, dict[str, float]], set[str]]:
    """What is behind a `where`: the operands there that may be at a pole, and the values that may be infinite or nan."""
    behind = _behind(program)
    signs = Signs(program)
    poles = {name: _poles(program, program.nodes[name], signs) for name in behind}
    return poles, _infinite(program, behind, poles)


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
    """Whether an operand is protected already, or positive, or shifted so that exp cannot overflow, or may be any number."""
    if operand.op == "where" and any(literal(program.nodes[branch]) == safe for branch in operand.args[1:]):
        return True
    if op in OVERFLOWING:
        return operand.op == "subtract" and program.nodes[operand.args[1]].op == "finite_max"
    row = ops.ELEMENTWISE.get(op)
    if row is not None and row.restricted is None:
        return op not in _STEEP
    return row is not None and row.takes_positive() and operand.name in signs.positive


def _infinite(program: Program, behind: set[str], poles: dict[str, dict[str, float]]) -> set[str]:
    """The values that may be infinite or nan in a branch not taken: at a pole, or computed of such values."""
    found: set[str] = set()
    for node in program.nodes.values():
        at_pole = node.name in behind and poles[node.name] and node.op not in _STEEP
        if node.name in behind and node.dtype == "float" and (at_pole or any(map(found.__contains__, node.args))):
            found.add(node.name)
    return found


def _guarded(
    draft: Draft, node: Node, poles: dict[str, dict[str, float]], infinite: set[str], weights: set[str]
) -> Node:
    """A part of a gradient with harmless operands where the gradient that goes into it is 0."""
    for gradient, value in _answered(draft.program, node):
        harmless = _harmless_of(draft.program, gradient, value, node, poles, infinite, weights)
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


def _harmless_of(
    program: Program, gradient: str, value: Node, node: Node, poles: dict[str, dict[str, float]], infinite: set[str], weights: set[str]
) -> dict[str, float]:
    """The operands of a part of a gradient, or of its tangent, that may be infinite, and harmless numbers for them."""
    wild = infinite if is_elementwise(value) else weights
    safe = {value.args[place]: number for place, number in unsafe(program, value).items()}
    harmless = {name: safe.get(name, 1.0) for name in node.args if name in wild and name != gradient} | poles.get(value.name, {})
    return {name: number for name, number in harmless.items() if name in node.args}


def _answered(program: Program, node: Node) -> Iterator[tuple[str, Node]]:
    """The gradient that a node multiplies with a slope or weights, and the value whose slope or weights these are."""
    for name in node.why.answers:
        value, gradient = program.nodes.get(name), f"d_{name}"
        if value is not None and gradient in node.args and is_elementwise(value):
            yield gradient, value
        if value is not None and isinstance(ops.TABLE[value.op], ops.Reduction):
            for operand in node.args:
                made = program.nodes[operand]
                if gradient in (operand, made.args[0] if made.op == "expand_dims" else ""):
                    yield operand, value


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
        harmless = {name: number for name, number in harmless.items() if name in node.args}
        draft.put(_harmless(draft, node, dots, harmless, "0 where the tangent is 0"))
    return draft.build()


def _harmless(draft: Draft, node: Node, dots: list[str], harmless: dict[str, float], note: str) -> Node:
    """A tangent with harmless operands where all of `dots` are 0, with which it would be."""
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
    return node._replace(args=tuple(operands), why=node.why._replace(notes=(*node.why.notes, note)))


def _partly_zero(program: Program) -> set[str]:
    """The tangents that are 0 in places where their values do not depend on what is differentiated for."""
    found: set[str] = set()
    for node in program.nodes.values():
        if node.sweep[-1:] != (TANGENT,):
            continue
        operands = [program.nodes[name] for name in node.args]
        joined = any(each.op == "broadcast_to" and literal(program.nodes[each.args[0]]) == 0 for each in operands)
        row = ops.TABLE.get(node.op)
        surrounded = isinstance(row, ops.Linear) and row.adds_zeros
        if joined or surrounded or any(map(found.__contains__, node.args)):
            found.add(node.name)
    return found
