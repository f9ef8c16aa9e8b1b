"""Run the checked variant of a model, and tell of the first value that is not finite as of any problem of it."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import chain, cycle
from types import ModuleType
from typing import Any

import numpy as np

from graphgen.errors import Place, Problem
from graphgen.graph import Graph
from graphgen.health.sample import Sample

FUNCTIONS = ("forward", "loss", "value_and_grad", "jvp")
_TOLD = 6  # results that a message lists


@dataclass
class Trace:
    """What came of it.

    Attributes
    ----------
    label
        Where the model was looked at.
    problems
        One for each value to blame, with its place in the model.
    values
        How many values each function has computed.
    harmless
        Values that are not finite and reach no result, with the places that declare them.
    """

    label: str
    problems: list[Problem] = field(default_factory=list)
    values: dict[str, int] = field(default_factory=dict)
    harmless: dict[str, str] = field(default_factory=dict)


def trace(graph: Graph, module: ModuleType, sample: Sample, steps: int = 0) -> Trace:
    """Call the functions of a checked variant with all rows, and stop at the first that go wrong.

    Parameters
    ----------
    module
        The graph, compiled with ``trace=True`` in both modes.
    steps
        As many steps of the optimizer are taken before, with batches of rows in their order.
    """
    result = Trace(sample.label)
    expect_finite = module._expect_finite

    def watched(function: str, values: dict[str, Any]) -> None:
        facts = module._facts_of(function)
        result.values[function] = len(facts)
        for name, fact in facts.items():
            if module._not_finite(values[name]).any():
                result.harmless[name] = fact[-1]
        expect_finite(function, values)

    vars(module)["_expect_finite"] = watched
    try:
        sample = replace(sample, parameters=deepcopy(sample.parameters), state=deepcopy(sample.state))
        for where, findings in chain(_stepped(module, sample, steps), _looked_at(module, sample)):
            result.problems = [_problem(graph, finding, where) for finding in findings]
            if findings:
                break
    finally:
        vars(module)["_expect_finite"] = expect_finite
    return result


def _stepped(module: ModuleType, sample: Sample, steps: int) -> Iterator[tuple[str, list[dict]]]:
    """Take steps of the optimizer, in place; each with where it is and what is found there."""
    memory = module.init_optimizer_state(sample.parameters) if steps else {}
    batches = cycle(sample.batches())
    for step in range(steps):
        rows, inputs = next(batches)
        where = ", ".join(filter(None, [f"step {step + 1}", rows]))
        try:
            replace(sample, seed=sample.seed + step).call(module.train_step, inputs, memory)
            yield where, []
        except FloatingPointError as error:
            yield where, [error.finding]  # type: ignore[attr-defined]


def _looked_at(module: ModuleType, sample: Sample) -> Iterator[tuple[str, list[dict]]]:
    """Call each function with all rows; each batch with which rows it is and what is found there."""
    for rows, inputs in sample.batches():
        yield rows, _findings(module, sample, inputs)


def _findings(module: ModuleType, sample: Sample, inputs: dict[str, np.ndarray]) -> list[dict]:
    """What each function finds, each value once; jvp is asked if nothing else has gone wrong."""
    found: dict[str, dict] = {}
    moved: dict[str, Any] = {}
    for name in FUNCTIONS:
        if not hasattr(module, name) or (name == "jvp" and found):
            continue
        try:
            tangents = [moved] if name == "jvp" else []
            answer = sample.call(getattr(module, name), inputs, *tangents)
            if name == "value_and_grad":  # a direction that changes all that has a gradient
                moved = {each: np.ones_like(gradient) for each, gradient in answer[1].items()}
        except FloatingPointError as error:
            finding = error.finding  # type: ignore[attr-defined]
            found.setdefault(finding["name"], finding)
    return [*found.values()]


def _problem(graph: Graph, finding: dict, where: str) -> Problem:
    """A finding as people read those of a model."""
    many = f", {finding['count']} of {finding['size']} entries" if finding["size"] > 1 else ""
    at = f" at [{', '.join(map(str, finding['index']))}]" if finding["index"] else ""
    sweep = (
        f", in the {finding['sweep']} sweep of {finding['function']}"
        if finding["sweep"]
        else f", as {finding['function']} reads it"
    )
    results = finding["results"]
    more = f" and {len(results) - _TOLD} more" if len(results) > _TOLD else ""
    notes = [*finding["operands"], f"so {', '.join(results[:_TOLD])}{more}", *([where] if where else [])]
    message = f"{finding['statement']} is {finding['value']}{at}{many}{sweep}"
    return Problem("GG125", place(graph, finding), message, finding["help"], None, tuple(notes))


def place(graph: Graph, finding: dict) -> Place | None:
    """The expression of the model that a value is made by.

    A module knows its line alone; of several expressions there, it is the one of the value's name, or of its op.
    """
    nodes = graph.dag.nodes
    if finding["name"] in nodes:
        return nodes[finding["name"]]["source"]
    ops = finding["op"].removeprefix("slope of ").split(": ")
    here = [
        node for _, node in nodes(data=True) if node["source"] is not None and str(node["source"]) == finding["place"]
    ]
    best = [node for node in here if node["op"] in ops] or here
    return best[0]["source"] if best else None
