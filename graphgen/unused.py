"""What works in a graph, and is probably not what was meant: values that nothing is made of."""

from __future__ import annotations

from graphgen.errors import Problem
from graphgen.forms import SWITCH, TRAINING
from graphgen.lower import Checked
from graphgen.structure import ancestors


def unused(graph: Checked) -> list[Problem]:
    """A warning for each input that no result needs, parameter that no loss depends on, and state that no one reads."""
    needed = ancestors(graph.operands, graph.results.values())
    to_loss = needed if ("loss", "loss") not in graph.results else _in_training(graph, graph.results["loss", "loss"])
    read = _read_states(graph)
    found = []
    for name in graph.order:
        node = graph.nodes[name]
        op, place = node["op"], node["source"]
        if op == "input" and name not in needed:
            found.append(Problem("GG053", place, f"the input {name} is not used", "remove it, or use it"))
        elif op == "param" and graph.attributes[name]["trainable"] and name not in to_loss:
            message = f"the loss does not depend on {name}: its gradient is zeros"
            found.append(Problem("GG052", place, message, "remove it, use it, or declare trainable=False"))
        elif op == "state" and name not in read:
            message = f"no output and no loss depends on the state {name}"
            found.append(Problem("GG056", place, message, "remove it and its update, or use it"))
    return found


def _in_training(graph: Checked, loss: str) -> set[str]:
    """What the loss depends on in the form that is differentiated."""
    switches = [name for name in graph.order if graph.nodes[name]["op"] == SWITCH]
    chosen = {name: [graph.operands[name][TRAINING]] for name in switches}
    return ancestors({**graph.operands, **chosen}, [loss])


def _read_states(graph: Checked) -> set[str]:
    """What an output or the loss depends on, directly or through the updates of states."""
    updates = {name: value for (kind, name), value in graph.results.items() if kind == "state"}
    waiting = [name for (kind, _), name in graph.results.items() if kind != "state"]
    read: set[str] = set()
    while waiting:
        fresh = ancestors(graph.operands, waiting) - read
        read |= fresh
        waiting = [value for name, value in updates.items() if name in fresh]
    return read
