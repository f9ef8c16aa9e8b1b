"""Hand-made DAGs: what they may look like, and what is told of those that do not."""

import warnings

import networkx as nx
import numpy as np
import pytest

from graphgen import Graph
from graphgen.check import check
from graphgen.errors import GraphError, Place
from graphgen.raw import canonical


def scalars(kind=nx.MultiDiGraph, names="xyz", **facts):
    dag = kind(name="m", **facts)
    for name in names:
        dag.add_node(name, op="input", shape=())
    return dag


def read(dag):
    return check(Graph.from_networkx(dag))


def told(dag):
    with pytest.raises(GraphError) as caught:
        read(dag)
    assert all(problem.help for problem in caught.value.problems)
    return [problem.message for problem in caught.value.problems]


def test_edge_keys_are_places():
    dag = scalars()
    dag.add_node("f", op="subtract")
    dag.add_edge("y", "f", key=1)
    dag.add_edge("x", "f", key=0)
    with pytest.warns(match="the input z is not used"):
        assert read(dag).nodes["f"].args == ("x", "y")


@pytest.mark.parametrize("kind", [nx.MultiDiGraph, nx.DiGraph])
def test_the_attribute_place_comes_before_the_key(kind):
    dag = scalars(kind, "xy")
    dag.add_node("f", op="subtract")
    dag.add_edge("y", "f", place=np.int64(0))
    dag.add_edge("x", "f", place=1)
    assert read(dag).nodes["f"].args == ("y", "x")


def test_a_simple_edge_carries_several_places():
    dag = scalars(nx.DiGraph, "xy")
    dag.add_node("f", op="where")
    dag.add_node("c", op="greater")
    dag.add_edge("x", "c", places=(0, 1))
    dag.add_edges_from([("c", "f", {"place": 0}), ("x", "f", {"places": [2]}), ("y", "f", {"place": 1})])
    nodes = read(dag).nodes
    assert (nodes["c"].args, nodes["f"].args) == (("x", "x"), ("c", "y", "x"))


@pytest.mark.parametrize(
    ("edges", "got"),
    [
        ([("x", "f", {}), ("y", "f", {})], "0, 0"),  # as networkx numbers them
        ([("x", "f", {"place": 1}), ("y", "f", {"place": 2})], "1, 2"),
        ([("x", "f", {"place": "0"}), ("y", "f", {"place": True})], "'0', True"),
        ([("x", "f", {"places": (0, 0)})], "0, 0"),
        ([("x", "f", {"places": 3})], "3"),
    ],
)
@pytest.mark.parametrize("kind", [nx.MultiDiGraph, nx.DiGraph])
def test_wrong_places(kind, edges, got):
    dag = scalars(kind, "xy")
    dag.add_node("f", op="add", source=("model.py", 7))
    dag.add_edges_from(edges)
    with pytest.raises(GraphError) as caught:
        read(dag)
    assert str(caught.value) == (
        f"error[GG043]: the operands of 'f' have the places {got}; they must be 0 to {got.count(',')}, once each\n"
        "  --> model.py:7\n"
        "   = help: networkx numbers edges 0, or 0, 1, ... between the same two nodes: give key=, place= or places="
    )


def test_missing_and_unknown_attributes():
    dag = nx.MultiDiGraph(name="m")
    dag.add_node("x", op="input")
    dag.add_node("y", opp="input", shape=())
    dag.add_node("w", op="parm", shape=())
    dag.add_node("z", op="input", shape=(), color="red")
    dag.add_node("v", op=["input"], shape=())
    assert told(dag) == [
        "node 'y' has no attribute op",
        "node 'v': unknown op ['input']",
        "node 'x': input: keyword 'shape' is missing",
        "node 'w': unknown op 'parm'",
        "node 'z': input: unexpected keyword 'color'",
    ]


def test_problems_of_nodes_without_a_place_say_which_node():
    dag = scalars(names="x")
    dag.add_node("f", op="multiply")
    dag.add_edge("x", "f", key=0)
    assert told(dag) == ["node 'f': multiply: takes 2 operands (a, b), got 1"]


def test_keys():
    dag = nx.MultiDiGraph(name="m")
    for key in (5, ("x", 1), "a b", "class", "_relu_1"):
        dag.add_node(key, op="input", shape=())
    assert told(dag) == [
        "5 cannot be the key of a node: a name is a string",
        "('x', 1) cannot be the key of a node: a name is a string",
        "'a b' cannot be the key of a node: it is not an identifier",
        "'class' cannot be the key of a node: it is a keyword of Python",
    ]


def test_a_leaf_has_a_name():
    dag = nx.MultiDiGraph(name="m")
    dag.add_node("_x", op="input", shape=())
    assert told(dag) == ["node '_x': input: a leaf has a name of its own"]


def cyclic(source):
    dag = scalars(names="x")
    for line, name in enumerate("abcd", start=3):
        dag.add_node(name, op="add", source=source(line))
    dag.add_edges_from([("x", "a", 0), ("c", "a", 1), ("a", "b", 0), ("x", "b", 1), ("b", "c", 0), ("x", "c", 1)])
    dag.add_edges_from([("c", "d", 0), ("x", "d", 1)])
    return dag


@pytest.mark.parametrize("source", [lambda line: Place("model.py", line), lambda line: ("model.py", line, line, 4, 9)])
def test_a_cycle_is_told_with_its_places(source):
    with pytest.raises(GraphError) as caught:
        read(cyclic(source))
    (problem,) = caught.value.problems
    assert problem.message == "a cycle: a (model.py:3) -> b (model.py:4) -> c (model.py:5) -> a (model.py:3)"
    assert (problem.code, problem.where.line) == ("GG040", 3)


def test_cycles_do_not_hide_other_problems():
    dag = cyclic(lambda line: None)
    dag.add_node("e", op="rleu")
    dag.add_edges_from([("d", "e", 0), ("e", "f", 0), ("f", "f", 1)])
    dag.nodes["f"]["op"] = "add"
    assert told(dag) == [
        "a cycle: a -> b -> c -> a",
        "a cycle: f -> f",
        "node 'e': unknown op 'rleu'",
    ]


def test_a_long_cycle_is_cut_short():
    dag = nx.MultiDiGraph(name="m")
    for number in range(5000):
        dag.add_node(f"n{number}", op="relu")
        dag.add_edge(f"n{number}", f"n{(number + 1) % 5000}", key=0)
    assert told(dag) == ["a cycle: n0 -> n1 -> n2 -> n3 -> n4 -> n5 -> ... (4994 more) -> n0"]


def test_facts():
    dag = scalars(names="x", dtype="half", outputs=["x"], optimizer=3, relu_at_zero="a", loss=("x",), ties=None)
    assert told(dag) == [
        "unknown dtype 'half' of the graph",
        "relu_at_zero is a number from 0 to 1, not 'a'",
        "unknown ties None",
        "the attribute outputs of the graph is a dict of nodes by name, not ['x']",
        "the attribute optimizer of the graph is a name, or a name and a dict, not 3",
        "the loss is no node: ('x',)",
    ]


def test_results_that_are_no_nodes():
    dag = scalars(names="xy", outputs={"a": "z", "b": None, "class": "x"}, loss="xx", optimizer="adm")
    assert told(dag) == [
        "unknown optimizer 'adm'",
        "the output 'a' is no node: 'z'",
        "the output 'b' is no node: None",
        "node 'x': 'class' cannot name an output: it is a keyword of Python",
        "the loss is no node: 'xx'",
    ]


def test_sources():
    dag = scalars(names="xyz")
    dag.nodes["x"]["source"] = ("model.py", 3, 3, 4, 9)
    dag.nodes["y"]["source"] = "model.py:3"
    dag.nodes["z"]["source"] = ("model.py", -1)
    assert told(dag) == [
        "node 'y': a source is (file, line, end_line, column, end_column), not 'model.py:3'",
        "node 'z': a source is (file, line, end_line, column, end_column), not ('model.py', -1)",
    ]


@pytest.mark.parametrize("graph", [nx.Graph(), nx.MultiGraph(), None, {"x": ["y"]}])
def test_what_is_no_dag(graph):
    with pytest.raises(GraphError, match="GG042.*a graph is a networkx DAG, not"):
        Graph.from_networkx(graph)


def test_declaring_goes_on_from_a_raw_dag():
    dag = scalars(names="x")
    dag.add_node("_relu_1", op="relu")
    dag.add_edge("x", "_relu_1", key=0)
    g = Graph.from_networkx(dag)
    g.output(y=g.input("z") + 1, h=g._add("relu", [g.input("w")], {}, None))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(g)
    assert "_relu_2" in g.dag and dag.number_of_nodes() == 2


class Unprintable:
    def __repr__(self):
        raise ValueError("no repr")


VALUES = [
    None, True, -1, 10**30, 1.5, float("nan"), 1j, "", "é\n", b"b", [], [[1], [1, 2]], (), (1, None), {}, {"a": 1}, {1},
    object, Unprintable(), np.int64(1), np.bool_(True), np.array([0, 1]), np.array("s"), slice("a"), Ellipsis, range(3),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=map(str, range(len(VALUES))))
@pytest.mark.parametrize(
    ("op", "attribute"),
    [
        ("input", "shape"), ("input", "dtype"), ("input", "low"), ("param", "init"), ("param", "trainable"),
        ("constant", "value"), ("size", "size"), ("sum", "axis"), ("sum", "keepdims"), ("reshape", "shape"),
        ("transpose", "axes"), ("index", "key"), ("pad", "pad_width"), ("pad", "value"), ("cast", "dtype"),
        ("einsum", "subscripts"), ("elu", "alpha"), ("softmax", "axis"), ("expand_dims", "axis"), ("relu", "op"),
        ("relu", "source"), ("relu", "other"),
    ],
)  # fmt: skip
def test_no_value_of_an_attribute_is_a_traceback(op, attribute, value):
    dag = scalars(names="x")
    dag.nodes["x"]["shape"] = (2, 3)
    dag.add_node("f", op=op)
    if op in ("input", "param"):
        dag.nodes["f"]["shape"] = ()
    elif op not in ("constant", "size"):
        dag.add_edge("x", "f", key=0)
    dag.nodes["f"][attribute] = value
    dag.graph["outputs"] = {"y": "f"}
    graph = Graph.from_networkx(dag)
    assert canonical(graph.dag) == canonical(graph.dag)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check(graph)
        except GraphError as error:
            assert all(line.isprintable() for line in str(error).split("\n"))
