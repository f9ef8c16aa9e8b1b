"""Hand-made DAGs: taken in, and compared."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import networkx as nx
import numpy as np
import sympy as sp

from graphgen import ops
from graphgen.errors import GraphError, Problem, did_you_mean
from graphgen.names import reason_against
from graphgen.ops.table import REQUIRED

DEFAULTS = {"dtype": "float64", "relu_at_zero": 0.0, "ties": "split", "outputs": {}, "loss": None, "optimizer": None}
EDGE_HELP = "networkx numbers parallel edges 0, 1, ... by itself and others 0, 0: give key= or place="


def adopt(cls: Any, dag: nx.DiGraph) -> Any:
    """A Graph of a hand-made DAG; see ``Graph.from_networkx``."""
    if not isinstance(dag, nx.DiGraph):
        raise GraphError(Problem("GG042", None, f"a graph is a networkx.MultiDiGraph or DiGraph, not {type(dag).__name__}"))
    facts = {**DEFAULTS, **dag.graph}
    graph = cls(str(facts["name"]) if "name" in facts else "graph", facts["dtype"], relu_at_zero=facts["relu_at_zero"], ties=facts["ties"])
    own = graph.dag
    own.graph.update({key: value for key, value in facts.items() if key != "problems"}, outputs=dict(facts["outputs"]))
    own.graph["problems"] = list(facts.get("problems", ()))
    for name, attributes in dag.nodes(data=True):
        own.add_node(name, **{"source": None, **attributes})
        _check_node(graph, name, attributes)
    for name in dag:
        for operand, place in _operands(graph, dag, name):
            own.add_edge(operand, name, key=place)
    _infer(graph)
    return graph


def _report(graph: Any, name: Any, code: str, message: str, help: str) -> None:
    source = graph.dag.nodes[name].get("source") if name in graph.dag else None
    graph.dag.graph["problems"].append(Problem(code, source, message, help))


def _check_node(graph: Any, name: Any, attributes: dict[str, Any]) -> None:
    reason = reason_against(name)
    unnamed = isinstance(name, str) and name.startswith("_") and name.isidentifier()
    if reason is not None and not unnamed and name != "loss":
        _report(graph, name, "GG011", f"{name!r} cannot be a name: {reason}", "choose another node key; _<op>_<n> for an unnamed node")
    if "op" not in attributes:
        near = did_you_mean("op", [key for key in attributes if isinstance(key, str)])
        _report(graph, name, "GG042", f"node {name!r} has no attribute op", near or 'give op=, such as op="multiply"')
        graph.dag.nodes[name]["op"] = "missing"


def _operands(graph: Any, dag: nx.DiGraph, name: Any) -> list[tuple[Any, int]]:
    """The operands of a node with their places, in order; places that are not 0..n-1, once each, are reported."""
    found: list[tuple[Any, Any]] = []
    edges = dag.in_edges(name, keys=True, data=True) if dag.is_multigraph() else ((u, v, 0, data) for u, v, data in dag.in_edges(name, data=True))
    for operand, _, key, data in edges:
        found += [(operand, place) for place in data["places"]] if "places" in data else [(operand, data.get("place", key))]
    places = [place for _, place in found]
    if all(isinstance(place, int) and not isinstance(place, bool) for place in places) and sorted(places) == list(range(len(found))):
        return sorted(found, key=lambda pair: pair[1])
    message = f"the operands of {name!r} have the places {', '.join(map(repr, places))}; they must be 0 to {len(found) - 1}, once each"
    _report(graph, name, "GG043", message, EDGE_HELP)
    graph.dag.nodes[name]["op"] = "missing"
    return [(operand, place) for place, (operand, _) in enumerate(found)]


def _infer(graph: Any) -> None:
    """Shapes of what can be ordered; check reports what cannot."""
    from graphgen.graph import infer

    graph._types = dict.fromkeys(graph.dag)
    if not nx.is_directed_acyclic_graph(graph.dag):
        return
    for name in nx.topological_sort(graph.dag):
        attributes = own_attributes(graph.dag, name)
        operands = [graph._types[operand] for operand in operand_names(graph.dag, name)]
        op = graph.dag.nodes[name]["op"]
        graph._types[name] = infer(op, operands, attributes) if isinstance(op, str) else None


def operand_names(dag: nx.MultiDiGraph, name: str) -> list[str]:
    """The operands of a node, in order of their places."""
    found = [(key, operand) for operand, edges in dag.pred[name].items() for key in edges]
    return [operand for _, operand in sorted(found, key=lambda pair: pair[0])]


def own_attributes(dag: nx.MultiDiGraph, name: str) -> dict[str, Any]:
    """The keywords of a node's op."""
    return {key: value for key, value in dag.nodes[name].items() if key not in ("op", "source") and not str(key).startswith("_")}


def canonical(dag: nx.MultiDiGraph) -> Any:
    """What is equal for equal graphs: sources are left out, attributes completed, unnamed nodes known by what they compute."""
    order = list(nx.topological_sort(dag)) if nx.is_directed_acyclic_graph(dag) else list(dag)
    labels: dict[Any, str] = {}
    for name in order:
        if str(name).startswith("_"):
            operands = [labels.get(operand, str(operand)) for operand in operand_names(dag, name)]
            inside = repr((dag.nodes[name]["op"], operands, _comparable(_completed(dag, name))))
            labels[name] = hashlib.sha256(inside.encode()).hexdigest()
        else:
            labels[name] = str(name)
    nodes = Counter(
        (labels[name], dag.nodes[name]["op"], tuple(labels[each] for each in operand_names(dag, name)), _comparable(_completed(dag, name)))
        for name in order
    )
    facts = {key: dag.graph[key] for key in ("name", "dtype", "relu_at_zero", "ties", "optimizer")}
    outputs = {name: labels.get(node, node) for name, node in dag.graph["outputs"].items()}
    return nodes, _comparable(facts), outputs, labels.get(dag.graph["loss"]), len(dag.graph["problems"])


def fingerprint(dag: nx.MultiDiGraph) -> str:
    """Eight hexadecimal digits that equal graphs share."""
    nodes, *facts = canonical(dag)
    return hashlib.sha256(repr((sorted(map(repr, nodes.items())), facts)).encode()).hexdigest()[:8]


def _completed(dag: nx.MultiDiGraph, name: str) -> dict[str, Any]:
    op, attributes = dag.nodes[name]["op"], own_attributes(dag, name)
    row = ops.TABLE.get(op) if isinstance(op, str) else None
    if row is None:
        return attributes
    return {**{key: value for key, value in row.attributes.items() if value is not REQUIRED}, **attributes}


def _comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple((key, _comparable(each)) for key, each in sorted(value.items(), key=lambda item: str(item[0])))
    if isinstance(value, np.ndarray):
        return ("array", value.shape, tuple(value.ravel().tolist()))
    if isinstance(value, (tuple, list)):
        return tuple(_comparable(each) for each in value)
    if isinstance(value, slice):
        return (value.start, value.stop, value.step)
    return str(value) if isinstance(value, sp.Expr) else value  # a size is equal to its name
