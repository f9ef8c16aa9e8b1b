"""What `graphgen train` finds out about a model: which accuracy to show, and which integers an input may hold."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from graphgen.cli.shared import wrong
from graphgen.errors import GraphWarning, did_you_mean
from graphgen.graph import Graph
from graphgen.model import run_file, split
from graphgen.structure import Operands, ancestors, operands_of
from graphgen.train import accuracy, binary_accuracy
from graphgen.train.measures import Metric

# Losses of classes, and the ops that leave the largest along their axis where it is.
_OF_CLASSES = ("cross_entropy", "nll")
_KEEPING = ("softmax", "log_softmax", "exp", "log")
# Losses of yes and no, and above which the output of each op says yes; "" is the score itself.
_OF_TWO: dict[str, dict[str, float]] = {"bce": {"": 0.5}, "bce_with_logits": {"": 0.0, "sigmoid": 0.5}}


def accuracies(graph: Graph, module: ModuleType) -> dict[str, Metric]:
    """Where the loss has one cross-entropy of an input and of what an output shows, its accuracy."""
    dag, operands = graph.dag, operands_of(graph.dag)
    loss = dag.graph["loss"]
    if loss is None:
        return {}
    known = [key for key in ancestors(operands, [loss]) if dag.nodes[key]["op"] in (*_OF_CLASSES, *_OF_TWO)]
    if len(known) != 1:
        return {}
    node, (scores, target) = dag.nodes[known[0]], operands[known[0]][:2]
    if dag.nodes[target]["op"] != "input":
        return {}
    for name, key in dag.graph["outputs"].items():
        if name not in module.OUTPUTS:
            continue
        if node["op"] in _OF_TWO:
            made = "" if key == scores else dag.nodes[key]["op"] if operands[key][:1] == [scores] else "another"
            if made in _OF_TWO[node["op"]]:
                return {"accuracy": binary_accuracy(name, target, threshold=_OF_TWO[node["op"]][made])}
        elif _root(graph, operands, key, node.get("axis", -1)) == _root(graph, operands, scores, node.get("axis", -1)):
            return {
                "accuracy": accuracy(name, target, axis=node.get("axis", -1), ignore_index=node.get("ignore_index"))
            }
    return {}


def _root(graph: Graph, operands: Operands, key: str, axis: int) -> str:
    """What a value was before ops that leave the largest along the axis where it is."""
    nodes = graph.dag.nodes
    while nodes[key]["op"] in _KEEPING:
        found = graph._types[key]
        own = nodes[key].get("axis", axis if nodes[key]["op"] in ("exp", "log") else -1)
        if found is None or not isinstance(own, int) or (own - axis) % len(found.shape):
            break
        key = operands[key][0]
    return key


def ranges(graph: Graph) -> dict[str, tuple[int | None, int | None]]:
    """The integers that inputs may hold, as far as they are numbers: classes and indices have as many as an axis."""
    from graphgen.check import check
    from graphgen.module.tables import bounds

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GraphWarning)  # compiling has told them
        program = check(graph)
    found = {name: pair for name, pair in bounds(program, guarded=False).items() if program.nodes[name].dtype != "float"}
    return {name: (_number(low), _number(high)) for name, (low, high) in found.items()}


def _number(bound: Any) -> int | None:
    return int(bound) if isinstance(bound, int) else None


def user_metrics(given: Iterable[str]) -> dict[str, Metric]:
    """The functions that ``FILE.py:NAME`` mean; the file is run as Python, as a model is."""
    found: dict[str, Metric] = {}
    for text in given:
        file, name = split(text)
        if name is None:
            raise wrong("GG080", f"--metrics {text} names no function", "give FILE.py:NAME")
        values = run_file(file)
        functions = [each for each, value in values.items() if callable(value) and not each.startswith("_")]
        if name not in functions:
            raise wrong("GG083", f"{file} holds no function called {name!r}", did_you_mean(name, functions))
        found[name] = values[name]
    return found
