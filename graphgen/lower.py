"""Checked graph -> program: composites are expanded, and every value gets its name, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx

from graphgen import ops, sizes
from graphgen.display import LONGEST, Shown, shown
from graphgen.names import usable
from graphgen.ops.slopes import Policies
from graphgen.ops.table import Type
from graphgen.program import LEAVES, Builder, Node, Program, Why
from graphgen.raw import operand_names


def lower(
    dag: nx.MultiDiGraph,
    order: list[str],
    types: Mapping[str, Type | None],
    attributes: Mapping[str, dict[str, Any]],
    outputs: Mapping[str, str],
    loss: str | None,
) -> Program:
    """The program of a graph without problems; only what its results need, and all inputs and parameters."""
    facts = dag.graph
    policies = Policies(float(facts["relu_at_zero"]), facts["ties"])
    results = {("output", name): node for name, node in outputs.items()}
    if loss is not None:
        results["loss", "loss"] = loss
    needed = _needed(dag, list(results.values()))
    order = [name for name in order if name in needed or dag.nodes[name]["op"] in ("input", "param")]
    names = value_names(dag, order, types, attributes, results)
    builder = Builder(Program(facts["name"], facts["dtype"], policies))
    builder.reserve(names.values())
    operands = {key: operand_names(dag, key) for key in order}
    said = statements(dag, order, operands, names, attributes)
    for key in order:
        found, node = types[key], dag.nodes[key]
        assert found is not None
        why = Why(str(node["source"] or ""), said[key])
        _add(builder, names[key], node["op"], tuple(names[each] for each in operands[key]), attributes[key], found, why, not str(key).startswith("_"))
    builder.results = {(kind, names[key] if name.startswith("_") else name): names[key] for (kind, name), key in results.items()}
    return builder.build()


def _needed(dag: nx.MultiDiGraph, names: list[str]) -> set[str]:
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            names.extend(dag.pred[name])
    return found


def _add(builder: Builder, name: str, op: str, operands: tuple[str, ...], attributes: dict[str, Any], found: Type, why: Why, named: bool) -> None:
    row = ops.TABLE[op]
    if isinstance(row, ops.Composite):
        why = why._replace(composite=op, notes=(row.note,) if row.note else ())
    mixed = isinstance(row, ops.Elementwise) and any(builder.nodes[operand].dtype == "bool" for operand in operands)
    if isinstance(row, ops.Composite) or mixed:
        with builder.making(name, (), why) as finish:
            value = finish(builder.add(op, [builder[operand] for operand in operands], attributes))
        builder.nodes[name] = value.node._replace(named=named)
    else:
        builder.append(Node(name, op, operands, attributes, found.shape, found.dtype, (), why, named))


def statements(
    dag: nx.MultiDiGraph, order: list[str], operands: Mapping[str, list[str]], names: Mapping[str, str], attributes: Mapping[str, dict[str, Any]]
) -> dict[str, str]:
    """The statement that each node is a part of, unnamed values written inside: "hidden = relu(x @ fc1_w + fc1_b)"."""
    texts: dict[str, Shown] = {}
    own: dict[str, str] = {}
    for key in order:
        text = shown(dag.nodes[key]["op"], [texts[each] for each in operands[key]], attributes[key])
        declared = not str(key).startswith("_") or dag.nodes[key]["op"] in LEAVES[:2]
        texts[key] = Shown(names[key]) if declared or len(text.text) > LONGEST else text
        if texts[key] is not text:
            own[key] = f"{names[key]} = {text.text}"
    said: dict[str, str] = {}
    present = set(order)
    for key in reversed(order):
        reader = next((reader for reader in dag.succ[key] if reader in present), None)
        said[key] = own.get(key) or (said[reader] if reader is not None else f"{names[key]} = {texts[key].text}")
    return said


def value_names(
    dag: nx.MultiDiGraph,
    order: list[str],
    types: Mapping[str, Type | None],
    attributes: Mapping[str, dict[str, Any]],
    results: Mapping[tuple[str, str], str],
) -> dict[str, str]:
    """The name of each node's value.

    An unnamed output takes its keyword, an unnamed loss is called loss, other unnamed values are called after the
    nearest named value that reads them, the first if several. A found name that is a size's gets an underscore.
    """
    size_names = {symbol for key in order for symbol in sizes.symbols(types[key].shape)}  # type: ignore[union-attr]
    size_names |= {symbol for key in order if dag.nodes[key]["op"] == "size" for symbol in sizes.symbols((attributes[key]["size"],))}
    chosen = {key: key for key in order if not str(key).startswith("_")}
    for (kind, name), key in results.items():
        if key not in chosen and (kind == "loss" or name not in dag):
            chosen[key] = "loss" if kind == "loss" else usable(name) or "output"
    loss = results.get(("loss", "loss"))
    free = _Free(set(chosen.values()) | size_names)
    for key, name in chosen.items():
        if name in size_names or (name == "loss" and key != loss):
            chosen[key] = free(f"{name}_")
    owners = _owners(dag, order, chosen)
    result: dict[str, str] = {}
    for key in order:
        result[key] = chosen.get(key) or free(f"{owners.get(key, 'unused')}_{dag.nodes[key]['op']}")
    return result


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


def _owners(dag: nx.MultiDiGraph, order: list[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """For each unnamed node, the nearest named value that depends on it."""
    found: dict[str, tuple[int, str]] = {}
    present = set(order)
    for key in reversed(order):
        best: tuple[int, str] | None = None
        for reader in dag.succ[key]:
            if reader not in present:
                continue
            candidate = (1, chosen[reader]) if reader in chosen else (found[reader][0] + 1, found[reader][1]) if reader in found else None
            if candidate is not None and (best is None or candidate[0] < best[0]):
                best = candidate
        if best is not None:
            found[key] = best
    return {key: name for key, (_, name) in found.items()}
