"""Values alone: where nothing is differentiated, what is declared of gradients does not matter."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from graphgen import sizes
from graphgen.calculus.declared import Declared
from graphgen.calculus.formula import Formula, formula
from graphgen.display import declared
from graphgen.passes.prune import prune
from graphgen.program import Node, Program


def values_alone(program: Program) -> Program:
    """The program without control of gradients, for functions that answer with values: ``straight_through(a, b)`` is a."""
    nodes = {name: _value(node, program) for name, node in program.nodes.items()}
    return prune(replace(program, nodes=nodes)) if nodes != program.nodes else program


def _value(node: Node, program: Program) -> Node:
    """A node as what it answers with: of a control, its first operand."""
    said = declared(node, program.nodes)
    if not said:
        return node
    node = node._replace(why=node.why._replace(notes=tuple(note for note in node.why.notes if note != said)))
    if node.op == "map":
        given = {key: node.attributes[key] for key in ("formula", "stable") if key in node.attributes}
        return node._replace(attributes={**node.attributes, **{key: _undeclared(each) for key, each in given.items()}})
    first = program.nodes[node.args[0]]
    if sizes.same(first.shape, node.shape):
        return node._replace(op="identity", args=(first.name,), attributes={})
    return node._replace(op="broadcast_to", args=(first.name,), attributes={"shape": node.shape})


@cache
def _undeclared(given: Formula) -> Formula:
    """A formula without declared slopes, unless its value depends on fewer operands."""
    value = given.expression.replace(lambda part: isinstance(part, Declared), lambda part: part.args[0])
    return formula(value, given.slots) if value.free_symbols == set(given.slots) else given
