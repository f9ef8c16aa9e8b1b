"""How the nodes of a graph get their keys: given, found in the model's source, or counted; all of them in a scope."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import networkx as nx

from graphgen.errors import Problem, brief
from graphgen.handle import Handle
from graphgen.names import reason_against, remedy, usable
from graphgen.ops.table import Type
from graphgen.source import site


class Naming:
    """The part of a `Graph` that names nodes, and keeps the problems that cannot stand in a DAG."""

    dag: nx.MultiDiGraph
    _types: dict[str, Type | None]

    def __init__(self) -> None:
        self._unnamed: Counter[str] = Counter()
        self._copies: Counter[str] = Counter()
        self._scopes: list[str] = []

    @property
    def _problems(self) -> list[Problem]:
        return self.dag.graph["problems"]

    def _problem(self, code: str, message: str, help: str | None, notes: tuple[str, ...] = ()) -> None:
        self._problems.append(Problem(code, site().place, message, help, notes=notes))

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Prefix names with `name` and an underscore: ``with g.scope("t0"):``."""
        reason = reason_against(name)
        if reason is not None:
            self._problem("GG011", f"{brief(name)} cannot be a scope: {reason}", remedy(name))
        return self._scoped(name if reason is None else "scope")

    @contextmanager
    def _scoped(self, name: str) -> Iterator[None]:
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def _name_result(self, result: Handle, name: str | None) -> None:
        """Name the result of a layer after the variable it is assigned to, or else `name`."""
        found = site().name
        own = found or name
        wanted = usable("".join(f"{each}_" for each in self._scopes) + own) if own else ""
        if not wanted:
            return
        old, node = result.name, dict(self.dag.nodes[result.name])
        incoming = list(self.dag.in_edges(old, keys=True, data=True))
        outgoing = list(self.dag.out_edges(old, keys=True, data=True))
        self.dag.remove_node(old)
        if old == f"_{node['op']}_{self._unnamed[node['op']]}":
            self._unnamed[node["op"]] -= 1
        new = result.name = self._free(wanted)
        layer = {} if found else {"_layer": True}
        self.dag.add_node(new, **{key: value for key, value in node.items() if key != "_layer"}, **layer)
        self.dag.add_edges_from([(operand, new, key, data) for operand, _, key, data in incoming])
        self.dag.add_edges_from([(new, reader, key, data) for _, reader, key, data in outgoing])
        self._types[new] = self._types.pop(old)
        updates = self.dag.graph["updates"]
        updates.update({state: new for state, value in updates.items() if value == old})

    def _key(self, op: str, name: Any, found: str | None) -> str:
        prefix = "".join([f"{each}_" for each in self._scopes])
        if name is not None:
            problem = self._against(name)
            if problem is None:
                return f"{prefix}{name}"
            self._problem(*problem)
        elif found is not None and (candidate := usable(f"{prefix}{found}")):
            return self._free(candidate)
        while True:
            self._unnamed[op] += 1
            key = f"_{op}_{self._unnamed[op]}"
            if key not in self.dag:  # as only a hand-made DAG can have it
                return key

    def _against(self, name: Any) -> tuple[str, str, str, tuple[str, ...]] | None:
        """The problem with an explicit name, if there is one."""
        full = "".join(f"{each}_" for each in self._scopes) + name if isinstance(name, str) else name
        reason = reason_against(full)
        if reason is not None and full != "loss":
            return "GG011", f"{brief(full)} cannot be a name: {reason}", remedy(full), ()
        if not self._is_taken(full):
            return None
        first = self.dag.nodes[full]["source"] if full in self.dag else None
        notes = (f"{full} is first declared at {first}",) if first else ()
        return "GG010", f"the name {full} is used twice", "give each node its own name", notes

    def _free(self, name: str) -> str:
        candidate = name
        while self._is_taken(candidate):
            self._copies[name] += 1
            candidate = f"{name}_{self._copies[name] + 1}"
        return candidate

    def _is_taken(self, name: str) -> bool:
        # A found d_x is kept as d_x_, which must not meet the gradient of x_.
        return name in self.dag or f"d_{name}" in self.dag or (name.startswith("d_") and name[2:] in self.dag)
