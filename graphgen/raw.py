"""Hand-made DAGs: taken in, and graphs compared."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import networkx as nx
import numpy as np
import sympy as sp

from graphgen import ops
from graphgen.calculus.formula import Formula
from graphgen.errors import GraphError, Place, Problem, brief, did_you_mean
from graphgen.graph import FACTS, MISSING
from graphgen.inference import infer, infer_type
from graphgen.names import fact_problems, reason_against, remedy
from graphgen.ops.table import Mismatch, Type
from graphgen.program import GIVEN
from graphgen.structure import operands_of, topological_order

PLACES_HELP = "networkx numbers edges 0, or 0, 1, ... between the same two nodes: give key=, place= or places="


def adopt(cls: Any, dag: nx.DiGraph) -> Any:
    """A Graph of a hand-made DAG; see ``Graph.from_networkx``.

    Whatever was given, the result's DAG is well formed, and what was not is among its problems.
    """
    if not isinstance(dag, nx.DiGraph):
        help = "give a networkx.MultiDiGraph or DiGraph"
        raise GraphError(Problem("GG042", None, f"a graph is a networkx DAG, not {brief(dag)}", help))
    graph = cls(FACTS["name"])
    own, problems = graph.dag, graph.dag.graph["problems"]
    keys = _keys(dag)
    _adopt_facts(own, dag.graph, keys)
    for name, attributes in dag.nodes(data=True):
        own.add_node(keys[name])
        own.nodes[keys[name]].update(attributes)
        _adopt_node(own.nodes[keys[name]], name, problems)
    for name, key in keys.items():
        for place, operand in enumerate(_operands(dag, name, own.nodes[key], problems)):
            own.add_edge(keys[operand], key, key=place)
    operands = operands_of(own)
    graph._types.update(dict.fromkeys(own))
    for key in topological_order(operands):
        types = [graph._types[each] for each in operands[key]]
        graph._types[key] = infer(own.nodes[key]["op"], types, own_attributes(own.nodes[key]))
    return graph


def is_well_formed(dag: nx.MultiDiGraph) -> bool:
    """Whether a DAG, to which users have access, is still as ``Graph`` and `adopt` make them."""
    for name, attributes in dag.nodes(data=True):
        told = isinstance(attributes.get("op"), str) and isinstance(attributes.get("source", 0), (Place, type(None)))
        if not isinstance(name, str) or not told:
            return False
    places: dict[str, list[Any]] = {name: [] for name in dag}
    for _, name, place, attributes in dag.edges(keys=True, data=True):
        if type(place) is not int or attributes:
            return False
        places[name].append(place)
    return all(sorted(each) == list(range(len(each))) for each in places.values())


def _keys(dag: nx.DiGraph) -> dict[Any, str]:
    """The key of each node in our own DAG: what is no string has a stand-in."""
    spare = (f"_{MISSING}_{number}" for number in itertools.count(1) if f"_{MISSING}_{number}" not in dag)
    return {name: name if isinstance(name, str) else next(spare) for name in dag}


def _adopt_facts(own: nx.MultiDiGraph, given: Mapping[str, Any], keys: Mapping[Any, str]) -> None:
    """Take over what a DAG says of the whole graph."""
    facts = {**FACTS, **given}
    problems = own.graph["problems"]
    kept = given.get("problems")
    problems += [each for each in kept if isinstance(each, Problem)] if isinstance(kept, list) else []
    for key, (code, message, help) in fact_problems(facts):
        problems.append(Problem(code, None, message, help))
        facts[key] = FACTS[key]
    own.graph.update({key: facts[key] for key in FACTS})
    outputs = given.get("outputs", {})
    if isinstance(outputs, Mapping):
        own.graph["outputs"] = {name: _key(keys, node) for name, node in outputs.items()}
    else:
        message = f"the attribute outputs of the graph is a dict of nodes by name, not {brief(outputs)}"
        problems.append(Problem("GG042", None, message, 'give outputs={"y": "y"}'))
    own.graph["loss"] = _key(keys, given.get("loss"))
    updates = given.get("updates", {})
    if isinstance(updates, Mapping):
        own.graph["updates"] = {_key(keys, state): _key(keys, value) for state, value in updates.items()}
    else:
        message = f"the attribute updates of the graph is a dict of new values by state, not {brief(updates)}"
        problems.append(Problem("GG042", None, message, 'give updates={"mean": "mean_new"}'))
    optimizer = given.get("optimizer")
    match optimizer:
        case None | (_, {}):
            own.graph["optimizer"] = optimizer
        case str(name):
            own.graph["optimizer"] = (name, {})
        case _:
            message = f"the attribute optimizer of the graph is a name, or a name and a dict, not {brief(optimizer)}"
            problems.append(
                Problem("GG042", None, message, 'give optimizer="adam" or ("adam", {"learning_rate": 0.01})')
            )
    for key in ("loss_source", "optimizer_source"):
        if isinstance(given.get(key), Place):
            own.graph[key] = given[key]
    places = given.get("update_sources")
    if isinstance(places, Mapping):
        own.graph["update_sources"] = {key: place for key, place in places.items() if isinstance(place, Place)}


def _key(keys: Mapping[Any, str], node: Any) -> Any:
    """The key in our own DAG; what is no node stays, for check to tell."""
    if isinstance(node, str):
        return node
    return next((key for name, key in keys.items() if type(name) is type(node) and name == node), node)


def _adopt_node(attributes: dict[Any, Any], name: Any, problems: list[Problem]) -> None:
    """Bring a node's own attributes, ``op`` and ``source``, into form."""
    source = attributes.get("source")
    where = attributes["source"] = _place(source)
    if where is None and source is not None:
        message = f"node {brief(name)}: a source is (file, line, end_line, column, end_column), not {brief(source)}"
        problems.append(
            Problem("GG042", None, message, "lines count from 1, columns from 0; what is not known is None")
        )
    reason = reason_against(name)
    unnamed = isinstance(name, str) and name.startswith("_") and name.isidentifier()
    if reason is not None and not unnamed and name != "loss":
        help = f"{remedy(name)}; _<op>_<n> is the key of an unnamed node"
        problems.append(Problem("GG011", where, f"{brief(name)} cannot be the key of a node: {reason}", help))
    op = attributes.setdefault("op", None)
    if isinstance(op, str) and (op != MISSING or problems):
        return
    attributes["op"] = MISSING
    if op is None:
        near = did_you_mean("op", [key for key in attributes if isinstance(key, str) and key != "op"])
        help = near or 'give op=, such as op="multiply"'
        problems.append(Problem("GG042", where, f"node {brief(name)} has no attribute op", help))
    else:
        message = f"node {brief(name)}: unknown op {brief(op)}"
        problems.append(Problem("GG001", where, message, "`graphgen ops` lists them all"))


def _place(source: Any) -> Place | None:
    """A source as a Place, if it can be read as one."""
    if not isinstance(source, tuple) or not 1 <= len(source) <= 5 or not isinstance(source[0], str):
        return None
    if not all(number is None or (type(number) is int and number >= 0) for number in source[1:]):
        return None
    return Place(*source)


def _operands(dag: nx.DiGraph, name: Any, attributes: dict[str, Any], problems: list[Problem]) -> list[Any]:
    """The operands of a node in their order; places that are not 0..n-1, once each, are a problem."""
    found: list[tuple[Any, Any]] = []
    edges = (
        dag.in_edges(name, keys=True, data=True)
        if dag.is_multigraph()
        else ((operand, name, 0, data) for operand, _, data in dag.in_edges(name, data=True))
    )
    for operand, _, key, data in edges:
        several = data.get("places")
        if isinstance(several, (tuple, list)):
            found += [(operand, place) for place in several]
        else:
            found.append((operand, data.get("place", key) if several is None else several))
    places = [place for _, place in found]
    whole = all(isinstance(place, Integral) and not isinstance(place, bool) for place in places)
    if whole and sorted(places) == list(range(len(found))):
        return [operand for operand, _ in sorted(found, key=lambda pair: pair[1])]
    got = ", ".join(map(brief, places)) or "none"
    message = f"the operands of {brief(name)} have the places {got}; they must be 0 to {len(found) - 1}, once each"
    problems.append(Problem("GG043", attributes["source"], message, PLACES_HELP))
    attributes["op"] = MISSING
    return [operand for operand, _ in found]


def own_attributes(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """The keywords of a node's op, among its attributes."""
    return {key: value for key, value in attributes.items() if key not in ("op", "source") and not _is_private(key)}


def _is_private(key: Any) -> bool:
    return isinstance(key, str) and key.startswith("_")


def canonical(dag: nx.MultiDiGraph) -> tuple[Any, ...]:
    """What is equal for equal graphs.

    Sources do not count, nor does how an attribute is written (axis -1 of two is axis 1, a default may be given or not).
    Unnamed nodes are known by what they compute, and inputs and parameters come in order.
    """
    operands = operands_of(dag)
    order = topological_order(operands)
    types: dict[str, Type | None] = dict.fromkeys(operands)
    labels: dict[str, str] = {name: name for name in operands}
    nodes: Counter[tuple[Any, ...]] = Counter()
    for name in dict.fromkeys([*order, *operands]):
        op = dag.nodes[name].get("op")
        own = own_attributes(dag.nodes[name])
        types[name], own = _inferred(op, [types[operand] for operand in operands[name]], own)
        inside = (op, tuple(labels[operand] for operand in operands[name]), _comparable(own))
        if name.startswith("_"):
            labels[name] = hashlib.sha256(repr(inside).encode()).hexdigest()
        nodes[labels[name], *inside] += 1
    leaves = tuple(name for op in GIVEN for name in dag if dag.nodes[name].get("op") == op)
    facts = {key: dag.graph[key] for key in (*FACTS, "optimizer")}
    outputs = tuple((str(name), _label(labels, node)) for name, node in dag.graph["outputs"].items())
    loss = _label(labels, dag.graph["loss"])
    updates = tuple(sorted((str(state), _label(labels, value)) for state, value in dag.graph["updates"].items()))
    stateful = (updates,) if updates else ()  # the hash of a graph without state does not know of it
    return nodes, leaves, _comparable(facts), outputs, loss, len(dag.graph["problems"]), *stateful


def _label(labels: Mapping[str, str], node: Any) -> str | None:
    return labels.get(node, node) if isinstance(node, str) else None if node is None else brief(node)


def fingerprint(dag: nx.MultiDiGraph) -> str:
    """Eight hexadecimal digits that equal graphs share."""
    nodes, *facts = canonical(dag)
    return hashlib.sha256(repr((sorted(map(repr, nodes.items())), facts)).encode()).hexdigest()[:8]


def _inferred(op: Any, types: list[Type | None], own: dict[str, Any]) -> tuple[Type | None, dict[str, Any]]:
    """The type and the canonical attributes of a node, or its attributes as they are where they do not fit."""
    if op not in ops.TABLE or None in types:
        return None, own
    try:
        return infer_type(op, tuple(types), own)  # type: ignore[arg-type]
    except Mismatch:
        return None, own


def _comparable(value: Any) -> Any:
    """A value that can be compared, hashed and printed, the same for equal ones."""
    if isinstance(value, dict):
        return tuple(
            (brief(key), _comparable(each)) for key, each in sorted(value.items(), key=lambda item: brief(item[0]))
        )
    if isinstance(value, (np.ndarray, np.generic)) and value.ndim:
        numbers = value.dtype.kind in "biuf"
        contents = value.astype("float64").tobytes() if numbers else repr(value.tolist()).encode()
        return "array", value.shape, hashlib.sha256(contents).hexdigest()
    if isinstance(value, (tuple, list)):
        return tuple(_comparable(each) for each in value)
    if isinstance(value, slice):
        return (value.start, value.stop, value.step)
    if isinstance(value, (sp.Expr, Formula)):
        return str(value)  # a size is equal to its name, a formula to its text
    if isinstance(value, (str, bool, type(None))):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return int(number) if number.is_integer() else repr(number)
    return brief(value)
