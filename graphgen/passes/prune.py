"""Leave out what no result needs, such as the gradients of inputs that nobody asked for. Leaves stay."""

from __future__ import annotations

from dataclasses import replace

from graphgen.program import GIVEN, Program


def prune(program: Program) -> Program:
    """The program without nodes that no result depends on; inputs, parameters and state stay."""
    needed = program.needed(program.results.values())
    nodes = {name: node for name, node in program.nodes.items() if name in needed or node.op in GIVEN}
    return program if len(nodes) == len(program.nodes) else replace(program, nodes=nodes)
