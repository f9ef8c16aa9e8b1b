"""The rules of one node alone: the same that both sweeps apply, in a program that holds nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from graphgen.checking.evaluation import Evaluator, Values
from graphgen.differentiation.gradient import constants, gradient
from graphgen.differentiation.tangent import tangent
from graphgen.program import Node, Program

RESULT, COTANGENT = "result", "cotangent"


class Rules:
    """What both modes make of one node.

    Parameters
    ----------
    program
        The node as the only one, called "result", of leaves called "operand_0" and so on: see `alone`.
    active
        The leaves that gradients go to.
    known
        The numbers that symbolic sizes stand for.
    """

    def __init__(self, program: Program, active: tuple[str, ...], known: Mapping[str, int]):
        self.program = program
        self.active = active
        self.known = known
        self.evaluator = Evaluator(program, known)

    @cached_property
    def _reverse(self) -> tuple[Program, Evaluator]:
        builder = self.program.builder()
        node = self.program.nodes[RESULT]
        builder.append(Node(COTANGENT, "input", (), {"shape": node.shape, "dtype": "float"}, node.shape, "float"))
        program = gradient(builder.build(), self.active, {RESULT: COTANGENT})
        return program, Evaluator(program, self.known)

    @cached_property
    def _forward(self) -> tuple[Program, Evaluator]:
        program = tangent(replace(self.program, results={("output", RESULT): RESULT}), self.active)
        return program, Evaluator(program, self.known)

    def reverse(self, values: Values, cotangent: np.ndarray) -> Values:
        """The gradients of the active operands, by name: what the reverse rule makes of a cotangent."""
        program, evaluator = self._reverse
        found = evaluator.evaluate({**values, COTANGENT: cotangent})
        return {name: found[program.results["gradient", name]] for name in self.active}

    def forward(self, values: Values, tangents: Values) -> np.ndarray:
        """The tangent of the result: what the forward rule makes of tangents of active operands, others being 0."""
        program, evaluator = self._forward
        dots = {f"{name}_dot": tangents.get(name, np.zeros(values[name].shape)) for name in self.active}
        return evaluator.evaluate({**values, **dots})[program.results["output_dot", RESULT]]


class AllRules:
    """The rules of a program's nodes; nodes of one kind share them."""

    def __init__(self, program: Program, known: Mapping[str, int]):
        self.program = program
        self.known = known
        self.constants = constants(program)
        self.found: dict[str, Rules] = {}

    def of(self, node: Node, active: set[str]) -> tuple[Rules, dict[str, str]]:
        """The rules of a node, and the name of the operand that each leaf stands for."""
        program, operands = alone(self.program, node, self.constants)
        wrt = tuple(leaf for leaf, name in operands.items() if name in active)
        key = f"{program} {wrt}"
        if any(isinstance(each.attributes.get("value"), np.ndarray) for each in program.leaves("constant")):
            key = node.name  # the text of a program does not tell all of a large array
        if key not in self.found:
            self.found[key] = Rules(program, wrt, self.known)
        return self.found[key], operands


def alone(program: Program, node: Node, constant: set[str]) -> tuple[Program, dict[str, str]]:
    """A program of one node, and the operand that each of its leaves stands for.

    What the rules ask of operands is kept: which of them are the same, which depend on constants alone, and which are
    numbers that are known.
    """
    builder = replace(program, nodes={}, results={}).builder()
    leaves: dict[str, str] = {}
    for argument in node.args:
        operand = program.nodes[argument]
        if argument in leaves:
            continue
        leaves[argument] = leaf = f"operand_{len(leaves)}"
        if operand.op in ("constant", "size"):
            builder.append(operand._replace(name=leaf, named=False))
            continue
        given = f"{leaf}_given" if argument in constant else leaf
        op, attributes = "input", dict[str, Any](shape=operand.shape, dtype=operand.dtype)
        if argument in constant:  # of any value, so long as it counts as constant: the value is given
            op, attributes = "constant", {"value": 0.0}
        builder.append(Node(given, op, (), attributes, operand.shape, operand.dtype))
        if given != leaf:
            builder.append(Node(leaf, "identity", (given,), {}, operand.shape, operand.dtype))
    names = tuple(leaves[argument] for argument in node.args)
    builder.append(node._replace(name=RESULT, args=names, named=False, sweep=()))
    return builder.build(), {leaf: argument for argument, leaf in leaves.items()}
