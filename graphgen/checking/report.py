"""What a check comes to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphgen.checking.nodes import COMPLEX, DIFFERENCES, Fault, NodeReport
from graphgen.checking.parameters import FLOAT64, FORWARD, ParameterReport

# The largest errors that pass, by what is compared with: the first two lose nothing but rounding.
TOLERANCES = {FORWARD: 1e-10, COMPLEX: 1e-10, DIFFERENCES: 1e-6, FLOAT64: 1e-4}


@dataclass
class Report:
    """What a check comes to.

    Attributes
    ----------
    name
        Of the graph.
    dtype
        Of the gradients that were checked.
    loss
        Its value at the point.
    tolerances
        The largest errors that pass, by what is compared with.
    parameters, nodes
        One for each gradient, and for each node that a gradient passes through.
    problems
        What else is wrong.
    notes
        What a reader should know of the point.
    """

    name: str
    dtype: str
    loss: float
    tolerances: Mapping[str, float]
    parameters: list[ParameterReport]
    nodes: list[NodeReport] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.wrong and not self.faulty and not self.problems

    @property
    def wrong(self) -> list[ParameterReport]:
        """The gradients that are wrong."""
        return [each for each in self.parameters if each.wrong(self.tolerances)]

    @property
    def faulty(self) -> list[NodeReport]:
        """The nodes whose rules are wrong."""
        return [each for each in self.nodes if each.fault is not None]

    @property
    def worst(self) -> float:
        errors = [error for each in self.parameters for error in (each.forward, each.measured) if not math.isnan(error)]
        return max(errors, default=math.nan)


def named(report: NodeReport) -> str:
    """A node as its user knows it: ``hidden (tanh, model.py:7)``."""
    node = report.node
    op = f"{report.op} of {node.why.composite}" if node.why.composite else report.op
    return f"{node.name} ({', '.join(filter(None, [op, node.why.place]))})"


def said(report: NodeReport) -> list[str]:
    """What is wrong with a node: a line that names it, and one for what was measured."""
    fault = report.fault
    assert fault is not None
    if len(fault.modes) == 1:
        which = f"the {fault.modes[0]} rule of node {named(report)} is wrong"
    else:
        which = f"the slope of node {named(report)} is wrong in both modes"
    slope = f"d {report.node.name}{_index(fault.result_index)} / d {fault.operand}{_index(fault.operand_index)}"
    found = ", ".join(f"{fault.found[mode]:.9g} ({mode} mode)" for mode in fault.modes)
    where = f"where {fault.operand}{_index(fault.operand_index)} is {fault.at:.6g}"
    lines = [which, f"{slope} is {fault.expected:.9g} ({report.method}), found {found}, {where}"]
    return [*lines, f"in {report.node.why.statement}"] if report.node.why.statement else lines


def _index(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""


def as_dict(report: Report) -> dict:
    """The report for JSON; nan is null, and infinity a text."""
    return {
        "model": report.name,
        "passed": report.passed,
        "dtype": report.dtype,
        "loss": _number(report.loss),
        "tolerances": dict(report.tolerances),
        "parameters": [{**_parameter(each), "wrong": each.wrong(report.tolerances)} for each in report.parameters],
        "nodes": [_node(each) for each in report.nodes],
        "problems": report.problems,
        "notes": report.notes,
    }


def _number(value: float) -> float | str | None:
    return None if math.isnan(value) else value if math.isfinite(value) else str(value)


def _parameter(report: ParameterReport) -> dict:
    return {
        "name": report.name,
        "shape": list(report.shape),
        "largest": _number(report.largest),
        "forward": _number(report.forward),
        "measured": _number(report.measured),
        "method": report.method,
        "notes": report.notes,
    }


def _node(report: NodeReport) -> dict:
    return {
        "name": report.node.name,
        "op": report.op,
        "place": report.node.why.place,
        "statement": report.node.why.statement,
        "method": report.method,
        "reverse": _number(report.reverse),
        "forward": _number(report.forward),
        "fault": None if report.fault is None else _fault(report.fault),
        "notes": report.notes,
    }


def _fault(fault: Fault) -> dict:
    return {
        "modes": list(fault.modes),
        "operand": fault.operand,
        "operand_index": list(fault.operand_index),
        "result_index": list(fault.result_index),
        "at": _number(fault.at),
        "expected": _number(fault.expected),
        "found": {mode: _number(value) for mode, value in fault.found.items()},
    }
