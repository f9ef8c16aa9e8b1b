"""Checked graph -> program: composites are expanded, and every value gets its name, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from graphgen import ops, sizes
from graphgen.calculus.slopes import Policies
from graphgen.display import LONGEST, Shown, declared, plain, shown
from graphgen.names import usable
from graphgen.ops.table import Type
from graphgen.program import GIVEN, Builder, Node, Program, Why
from graphgen.structure import Operands, ancestors, readers_of


class Checked(NamedTuple):
    """A graph without problems, as check knows it; all but the facts and the results by the nodes' keys.

    Attributes
    ----------
    facts
        The graph's name, dtype and policies.
    nodes
        The attributes that the DAG holds.
    order
        The keys, operands first.
    types, attributes
        The types, and the ops' keywords in canonical form.
    results
        The key of each result, by kind and name.
    """

    facts: Mapping[str, Any]
    nodes: Mapping[str, Mapping[str, Any]]
    operands: Operands
    order: Sequence[str]
    types: Mapping[str, Type]
    attributes: Mapping[str, dict[str, Any]]
    results: Mapping[tuple[str, str], str]


def lower(graph: Checked) -> Program:
    """The program of a graph: what its results need, and all inputs, parameters and state."""
    nodes = graph.nodes
    needed = ancestors(graph.operands, graph.results.values())
    order = [key for key in graph.order if key in needed or nodes[key]["op"] in GIVEN]
    graph = graph._replace(order=order, operands={key: graph.operands[key] for key in order})
    readers = readers_of(graph.operands)
    names = value_names(graph, readers)
    said = statements(graph, readers, names)
    facts = graph.facts
    policies = Policies(float(facts["relu_at_zero"]), facts["ties"])
    builder = Builder(Program(facts["name"], facts["dtype"], policies))
    builder.reserve(names.values())
    for key in order:
        node = nodes[key]
        why = Why(plain(str(node["source"] or "")), said[key])
        named = not key.startswith("_") and "_layer" not in node
        operands = tuple([names[each] for each in graph.operands[key]])
        _add(builder, Node(names[key], node["op"], operands, graph.attributes[key], *graph.types[key], (), why, named))
        made = builder.nodes[names[key]]
        if note := declared(made, builder.nodes):
            builder.nodes[made.name] = made._replace(why=why._replace(notes=(note,)))
    for (kind, name), key in graph.results.items():
        if kind == "state" and key != name:
            made = builder.nodes[names[key]]
            note = "after the step" if made.name == f"{name}_new" else f"{name} after the step"
            builder.nodes[made.name] = made._replace(why=made.why._replace(notes=(*made.why.notes, note)))
    builder.results = {
        (kind, names[key] if name.startswith("_") else name): names[key] for (kind, name), key in graph.results.items()
    }
    return builder.build()


def _add(builder: Builder, node: Node) -> None:
    """Add a node; composites are expanded, and bools that take part in arithmetic converted."""
    row = ops.TABLE[node.op]
    composite = isinstance(row, ops.Composite)
    if not composite and not (ops.is_elementwise(node.op) and _reads_bools(builder, node)):
        builder.append(node)
        return
    why = node.why
    if composite:
        why = why._replace(composite=node.op, notes=(row.note,) if row.note else ())
    with builder.making(node.name, (), why) as finish:
        value = finish(builder.add(node.op, [builder[operand] for operand in node.args], node.attributes))
    builder.nodes[node.name] = value.node._replace(named=node.named)


def _reads_bools(builder: Builder, node: Node) -> bool:
    return any(builder.nodes[operand].dtype == "bool" for operand in node.args)


def statements(graph: Checked, readers: Mapping[str, list[str]], names: Mapping[str, str]) -> dict[str, str]:
    """The statement that each node is a part of, unnamed values written inside: "hidden = relu(x @ fc1_w + fc1_b)"."""
    texts: dict[str, Shown] = {}
    own: dict[str, str] = {}
    for key in graph.order:
        op = graph.nodes[key]["op"]
        text = shown(op, [texts[each] for each in graph.operands[key]], graph.attributes[key])
        layer = "_layer" in graph.nodes[key] and len(readers[key]) < 2  # written inside its reader, as in compact code
        if op in GIVEN or not (key.startswith("_") or layer) or len(text.text) > LONGEST:
            texts[key] = Shown(names[key])
            own[key] = plain(f"{names[key]} = {text.text}")
        else:
            texts[key] = text
    said: dict[str, str] = {}
    for key in reversed(graph.order):
        if key in own:
            said[key] = own[key]
        else:
            said[key] = said[readers[key][0]] if readers[key] else plain(f"{names[key]} = {texts[key].text}")
    return said


def value_names(graph: Checked, readers: Mapping[str, list[str]]) -> dict[str, str]:
    """The name of each node's value.

    An unnamed output takes its keyword, an unnamed loss is called loss, other unnamed values are called after the
    nearest named value that reads them, the first if several. A found name that is a size's gets an underscore.
    """
    size_names = _size_names(graph)
    loss = graph.results.get(("loss", "loss"))
    chosen = {key: key for key in graph.order if not key.startswith("_")}
    free = _Free({*chosen, *size_names})
    for key in chosen:
        if key in size_names or (key == "loss" and key != loss):
            chosen[key] = free(f"{key}_")
    for (kind, name), key in graph.results.items():
        if key not in chosen:
            wanted = {"loss": "loss", "state": f"{name}_new"}.get(kind, usable(name))
            chosen[key] = free(wanted or ("loss" if key == loss else "output"))
    owners = _owners(graph, readers, chosen)
    return {
        key: chosen[key] if key in chosen else free(f"{owners.get(key, 'unused')}_{ops.spoken(graph.nodes[key]['op'], graph.nodes[key])}")
        for key in graph.order
    }


def _size_names(graph: Checked) -> set[str]:
    found: set[str] = set()
    for key in graph.order:
        found.update(sizes.symbols(graph.types[key].shape))
        if graph.nodes[key]["op"] == "size":
            found.update(sizes.symbols((graph.attributes[key]["size"],)))
    return found


class _Free:
    """Gives names that nothing has yet; counts on, so that many of one kind stay cheap."""

    def __init__(self, taken: set[str]):
        self.taken = taken
        self.counters: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        candidate = name
        while candidate in self.taken:
            self.counters[name] = self.counters.get(name, 1) + 1
            candidate = f"{name}_{self.counters[name]}"
        self.taken.add(candidate)
        return candidate


def _owners(graph: Checked, readers: Mapping[str, list[str]], chosen: Mapping[str, str]) -> dict[str, str]:
    """For each unnamed node, the nearest named value that depends on it."""
    found: dict[str, tuple[int, str]] = {}
    for key in reversed(graph.order):
        best: tuple[int, str] | None = None
        for reader in readers[key]:
            near = (0, chosen[reader]) if reader in chosen else found.get(reader)
            if near is not None and (best is None or near[0] + 1 < best[0]):
                best = near[0] + 1, near[1]
        if best is not None:
            found[key] = best
    return {key: name for key, (_, name) in found.items()}
