"""What can be wrong with the updates of state: those that `Graph.update` or the ``updates`` of a raw DAG declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphgen import sizes
from graphgen.errors import brief, did_you_mean
from graphgen.ops.table import Type


def update_problems(
    updates: Mapping[Any, Any], nodes: Mapping[str, Mapping[str, Any]], types: Mapping[str, Type | None]
) -> Iterator[tuple[Any, str, str, str]]:
    """The problems of updates, new values by state: each with the state, its code, message and help."""
    for state, value in updates.items():
        unknown = [each for each in (state, value) if not isinstance(each, str) or each not in nodes]
        for each in unknown:
            near = did_you_mean(each, nodes) if isinstance(each, str) else None
            message = f"an update of the state {brief(state)}: {brief(each)} is no node"
            yield state, "GG042", message, near or "give the key of a node"
        if not unknown:
            yield from _update_problems(state, nodes[state]["op"], types[state], types[value])


def _update_problems(state: str, op: str, old: Type | None, new: Type | None) -> Iterator[tuple[str, str, str, str]]:
    """The problems of an update of a node of this op and type with a value of type `new`; None is unknown."""
    if op != "state":
        message = f"update: {brief(state)} is no state, its op is {op}"
        yield state, "GG055", message, "declare it with g.state(name, shape)"
    elif old is None or new is None:
        return
    elif new.dtype != old.dtype:
        message = f"update: the state {state} holds floats, its new value {new.dtype}"
        yield state, "GG030", message, 'convert it with ops.cast(x, "float")'
    elif not sizes.same(new.shape, old.shape):
        message = f"update: the state {state} has shape {old}, its new value {new}"
        help = "bring it to the state's shape, as with .mean(axis=0), or declare the state of the value's"
        yield state, "GG020", message, help
