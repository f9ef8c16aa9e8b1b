"""The DAG as a structure: operands in their places, order, ancestors, cycles. Linear in the graph's size, no recursion."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

import networkx as nx

Operands = Mapping[str, list[str]]


def operands_of(dag: nx.MultiDiGraph) -> dict[str, list[str]]:
    """The operands of every node, in order of their places, which are the edges' keys."""
    found: dict[str, list[tuple[int, str]]] = {name: [] for name in dag}
    for operand, reader, place in dag.edges(keys=True):
        found[reader].append((place, operand))
    return {name: [operand for _, operand in sorted(places)] for name, places in found.items()}


def readers_of(operands: Operands) -> dict[str, list[str]]:
    """The readers of every node, each once, in order of insertion."""
    readers: dict[str, list[str]] = {name: [] for name in operands}
    for name, names in operands.items():
        for operand in dict.fromkeys(names):
            readers[operand].append(name)
    return readers


def ancestors(operands: Operands, names: Iterable[str]) -> set[str]:
    """The names of all nodes that these depend on, themselves included."""
    found: set[str] = set()
    stack = list(names)
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack.extend(operands[name])
    return found


def topological_order(operands: Operands) -> list[str]:
    """Operands first, ties by insertion; nodes on or behind a cycle are left out."""
    readers = readers_of(operands)
    names = list(operands)
    rank = {name: place for place, name in enumerate(names)}
    waiting = {name: len(set(each)) for name, each in operands.items()}
    ready = [rank[name] for name in names if not waiting[name]]
    order = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        for reader in readers[name]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, rank[reader])
    return order


def cycles(operands: Operands, order: Iterable[str]) -> list[list[str]]:
    """A cycle of every tangle among the nodes that `order` leaves out, as the values flow."""
    ordered = set(order)
    rest = {name: each for name, each in operands.items() if name not in ordered}
    rank = {name: place for place, name in enumerate(rest)}
    tangled = nx.DiGraph((operand, name) for name, each in rest.items() for operand in each if operand in rest)
    # Sets come in no order.
    tangles = [sorted(tangle, key=rank.__getitem__) for tangle in nx.strongly_connected_components(tangled)]
    found = []
    for tangle in sorted(tangles, key=lambda tangle: rank[tangle[0]]):
        inside = set(tangle)
        path: dict[str, None] = {}
        name: str | None = tangle[0]
        while name is not None and name not in path:
            path[name] = None
            name = next((operand for operand in rest[name] if operand in inside), None)
        if name is not None:
            steps = list(path)
            found.append(steps[steps.index(name) :][::-1])
    return found
