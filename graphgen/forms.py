"""The two forms of a program: in training, and in inference.

``ops.in_training(training, inference)`` is the one op that tells them apart. It is resolved here, before anything is
differentiated: what a generated function computes has no switch in it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

from graphgen import ops
from graphgen.passes.protect import protect
from graphgen.passes.prune import prune
from graphgen.program import LEAVES, Node, Program

SWITCH = "in_training"
TRAINING, INFERENCE = 0, 1  # the operand that each form takes


class Forms(NamedTuple):
    """A checked program, and what its functions compute.

    Attributes
    ----------
    declared
        All that is declared, with both operands of each ``in_training``.
    training
        What loss, value_and_grad, jvp and train_step compute.
    inference
        What forward and evaluate compute: state does not change. The same object where nothing tells the two apart.
    """

    declared: Program
    training: Program
    inference: Program

    def of_outputs(self, pruned: bool) -> Forms:
        """What forward needs alone; `pruned`: without what is given but not read."""
        program = self.inference.restrict("output")
        if pruned:
            read = program.read()
            program = replace(program, nodes={name: node for name, node in program.nodes.items() if name in read})
        return Forms(program, program, program)

    def differ(self, *kinds: str) -> bool:
        """Whether results of these kinds depend on the form."""
        if self.training is self.inference:
            return False
        needed = self.declared.needed(self.declared.of(*kinds).values())
        return any(self.declared.nodes[name].op == SWITCH for name in needed)


def forms(program: Program) -> Forms:
    """Both forms of a checked program, ready for differentiation."""
    if not any(node.op == SWITCH for node in program.nodes.values()):
        only = drawn_alike(protect(program), program)
        return Forms(program, only, only)
    training, inference = (drawn_alike(protect(resolved(program, place)), program) for place in (TRAINING, INFERENCE))
    return Forms(program, training, inference)


def resolved(program: Program, place: int) -> Program:
    """The program with the operand at `place` instead of each ``in_training``.

    A value that the user named keeps its name: the operand takes it over if it was made for this alone, else the value
    is that operand once more.
    """
    wanted = {key: name for key, name in program.results.items() if place == TRAINING or key[0] != "state"}
    chosen = {name: _chosen(node, place) for name, node in program.nodes.items()}
    program = prune(replace(program, nodes=chosen, results=wanted))
    uses = Counter(argument for node in program.nodes.values() for argument in node.args)
    uses.update(program.results.values())
    nodes: dict[str, Node] = {}
    instead: dict[str, str] = {}
    taken_over: dict[str, str] = {}
    for name, node in program.nodes.items():
        node = node._replace(args=tuple([instead.get(each, each) for each in node.args]))
        if node.op != SWITCH:
            nodes[name] = node
            continue
        operand = nodes[node.args[0]]
        if operand.op not in LEAVES and not operand.named and uses[operand.name] == 1:
            nodes[operand.name] = operand._replace(named=node.named)
            taken_over[operand.name] = name
        elif node.named:
            nodes[name] = node._replace(op="identity")
            continue
        instead[name] = operand.name
        uses[operand.name] += uses[name] - 1
    return _renamed(
        replace(program, nodes=nodes, results={key: instead.get(name, name) for key, name in program.results.items()}),
        taken_over,
    )


def _chosen(node: Node, place: int) -> Node:
    return node._replace(args=(node.args[place],)) if node.op == SWITCH else node


def _renamed(program: Program, names: dict[str, str]) -> Program:
    renamed = [
        node._replace(name=names.get(node.name, node.name), args=tuple([names.get(each, each) for each in node.args]))
        for node in program.nodes.values()
    ]
    results = {key: names.get(name, name) for key, name in program.results.items()}
    return replace(program, nodes={node.name: node for node in renamed}, results=results)


def drawn_alike(program: Program, declared: Program) -> Program:
    """The program with its random numbers in an order in which each function draws the same for one seed.

    They are drawn as declared, unless only a part of the functions needs some: what all of them need is then drawn first.
    """
    draws = [name for name, node in program.nodes.items() if node.op in ops.DRAWING]
    if not draws:
        return program
    needed = [program.needed(program.of(kind).values()) for kind in ("loss", "output", "state") if program.of(kind)]
    first = [name for name in declared.nodes if name in program.nodes and program.nodes[name].op in ops.DRAWING]
    first.sort(key=lambda name: [name not in each for each in needed])
    if first == draws:
        return program
    order = dict.fromkeys([*first, *program.nodes])
    return replace(program, nodes={name: program.nodes[name] for name in order})
