"""Sums of gradients: a sum that only another sum reads becomes a part of it, and a sum of two is an addition."""

from __future__ import annotations

from graphgen.passes.rewriting import Draft
from graphgen.program import Node, Program


def sums(program: Program) -> Program:
    """The program with its accumulations flat. The gradient of a value that the user named keeps its line."""
    draft = Draft(program)
    inside = _inside(program)
    for node in program.nodes.values():
        if node.name in inside:
            continue
        if node.op == "accumulate":
            terms = _terms(program, node, inside)
            if len(terms) == 2:
                node = draft.changed(node, "add", terms)
            elif len(terms) > len(node.args):
                node = node._replace(args=tuple(terms))
        draft.put(node)
    return draft.build()


def _inside(program: Program) -> set[str]:
    """The accumulations that become parts of their only reader, another one of the same sweep."""
    readers: dict[str, list[Node]] = {node.name: [] for node in program.leaves("accumulate")}
    for node in program.nodes.values():
        for name in node.args:
            if name in readers:
                readers[name].append(node)
    results = set(program.results.values())
    inside = set()
    for name, found in readers.items():
        node, primal = program.nodes[name], program.nodes.get(name.removeprefix("d_"))
        shown = name in results or node.named or (primal is not None and primal.named)
        if not shown and len(found) == 1 and found[0].op == "accumulate" and found[0].sweep == node.sweep:
            inside.add(name)
    return inside


def _terms(program: Program, node: Node, inside: set[str]) -> list[str]:
    """What is added, in order, once those inside are written out."""
    terms = []
    waiting = list(reversed(node.args))
    while waiting:
        name = waiting.pop()
        if name in inside:
            waiting.extend(reversed(program.nodes[name].args))
        else:
            terms.append(name)
    return terms
