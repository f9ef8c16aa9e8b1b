"""Declaring: names, numbers, scopes, layers, results, and equality."""

import linecache
import os
import runpy
import subprocess
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from graphgen import Graph, layers, losses, ops
from graphgen.check import check
from graphgen.errors import GraphError
from graphgen.raw import fingerprint

ROOT = Path(__file__).parent.parent


def keys(graph):
    return [name for name in graph.dag if not name.startswith("_constant")]


def test_names_are_those_of_variables():
    g = Graph("m")
    x, y = g.inputs("x, y")
    hidden = ops.tanh(x * y)
    for _ in range(3):
        hidden = ops.relu(hidden)
    d_x = x + y
    forward = x - y
    g.output(hidden, d_x, forward)
    assert keys(g) == ["x", "y", "_multiply_1", "hidden", "hidden_2", "hidden_3", "hidden_4", "d_x_", "forward_"]


def test_scopes_prefix_all_names():
    g = Graph("m")
    x = g.input("x", ("batch", 2))
    for step in range(2):
        with g.scope(f"t{step}"), g.scope("cell"):
            h = layers.dense(x, 2, name="fc")
            k = ops.relu(h, name="k")
            g.output(k)
    assert keys(g)[1:] == [
        *("t0_cell_fc_w", "t0_cell_fc_b", "_matmul_1", "t0_cell_h", "t0_cell_k"),
        *("t1_cell_fc_w", "t1_cell_fc_b", "_matmul_2", "t1_cell_h", "t1_cell_k"),
    ]


def test_a_layer_names_its_result_only_where_no_variable_does():
    g = Graph("m")
    x = g.input("x", ("batch", 2))
    hidden = layers.dense(x, 3, name="fc1", bias=False)
    g.output(ops.relu(layers.dense(hidden, 3, name="fc2")))
    assert keys(g) == ["x", "fc1_w", "hidden", "fc2_w", "fc2_b", "_matmul_1", "fc2", "_relu_1"]
    nodes = check(g).nodes
    assert nodes["hidden"].named and not nodes["fc2"].named
    other = Graph("m")
    x = other.input("x", ("batch", 2))
    hidden = x @ other.param("fc1_w", (2, 3))
    fc2 = hidden @ other.param("fc2_w", (3, 3)) + other.param("fc2_b", (3,), "zeros")
    other.output(ops.relu(fc2))
    assert g == other


def test_numbers_are_weak():
    g = Graph("m")
    x, i, b = g.input("x", (2,)), g.input("i", (2,), dtype="int64"), g.input("b", (2,), dtype="bool")
    float_, int_, bool_ = "float", "int64", "bool"
    for node, dtype in [
        (x + 1, float_), (2 * x, float_), (x * np.array([1, 2]), float_), (x * np.float32(0.5), float_),
        (i + 1, int_), (i * np.array([1, 2]), int_), (b * x, float_), (b * 2, float_), (b + b, float_),
        (i > 0, bool_), (x == 1, bool_), (~b, bool_), (b & (x > 0), bool_), (ops.where(b, x, 0), float_),
        (ops.where(b, i, 0), int_), (ops.cast(i, "float") * x, float_), (ops.cast(x, int), int_), (-i, int_),
        (ops.take(i, [0, 1]), int_), (g.constant([1, 2]), int_),
    ]:  # fmt: skip
        assert (node.dtype, node.shape) == (dtype, (2,))
    assert (ops.take(x, 0).shape, g.constant(1).dtype, g.constant(True).dtype) == ((), "float", "bool")
    g.output(ops.cast(b * 2, "bool"), x, i)
    check(g)


def test_shapes_hold_sizes():
    g = Graph("m")
    x = g.input("x", ("batch", "time", 6))
    batch, time, _ = x.shape
    assert x.reshape(batch * time, -1).shape == (batch * time, 6)
    assert x.reshape(batch, time // 1 * 2, 3).shape == (batch, 2 * time, 3)
    assert x[1:-2].shape == (batch - 3, time, 6)
    assert x[:, ::2].shape == (batch, (time + 1) // 2, 6)
    assert x[: batch - 1].shape == (batch - 1, time, 6)
    assert (x.sum(axis=(0, 1)) / (batch * time)).shape == (6,)
    with pytest.raises(TypeError, match="only an axis of known size"):
        iter(x)


def test_results_and_their_names():
    g = Graph("m")
    x = g.input("x", (3,))
    w = g.param("w", (3,))
    total = (x * w).sum()
    g.output(x, first=total, second=total, positive=x > 0, weights=w)
    g.loss(total)
    program = check(g)
    assert program.of("output") == {
        "x": "x", "first": "total", "second": "total", "positive": "positive", "weights": "w",
    }  # fmt: skip
    assert program.loss == "total"


def test_unnamed_results():
    g = Graph("m")
    x = g.input("x", (3,))
    g.output(ops.relu(x), ops.tanh(x))
    g.output(y=ops.exp(x))
    g.loss(losses.mse(x, x * 2))
    program = check(g)
    assert program.of("output") == {"output": "output", "output_2": "output_2", "y": "y"}
    assert program.loss == "loss"
    assert "loss_multiply" in program.nodes and "loss_error" in program.nodes


@pytest.mark.parametrize("declared", [True, False])
def test_the_loss_may_be_called_loss_and_nothing_else(declared):
    g = Graph("m")
    x = g.input("x", (3,))
    loss = x.sum()
    total = loss * 2
    g.loss(loss if declared else total)
    g.output(total, loss)
    program = check(g)
    assert program.loss == ("loss" if declared else "total")
    assert program.of("output") == (
        {"total": "total", "loss": "loss"} if declared else {"total": "total", "loss": "loss_"}
    )


def test_one_scalar_output_is_the_loss():
    g = Graph("m")
    x = g.input("x", (3,))
    total = x.sum()
    g.output(a=total, b=total, c=x)
    assert check(g).loss == "total"


def test_a_found_name_gives_way_to_a_size():
    g = Graph("m")
    x = g.input("x", ("h", 2))
    h = ops.relu(x)
    g.output(ops.tanh(h))
    assert list(check(g).nodes) == ["x", "h_", "output"]


def test_nodes_are_no_truth_values():
    g = Graph("m")
    x = g.input("x")
    with pytest.raises(GraphError, match="GG060"):
        bool(x)
    assert hash(x) == hash(x) and {x: 1}[x] == 1


def by_operators():
    g = Graph("simple")
    x, y, z = g.inputs("x y z")
    f = (x + y) * z
    g.output(f)
    return g


def by_ops():
    g = Graph("simple")
    x, y, z = g.inputs("x y z")
    g.output(ops.multiply(ops.add(x, y), z, name="f"))
    return g


def by_hand():
    dag = nx.MultiDiGraph(name="simple", outputs={"f": "f"})
    for name in "xyz":
        dag.add_node(name, op="input", shape=())
    dag.add_node("_sum", op="add", _color="red")
    dag.add_node("f", op="multiply", source=("model.py", 3))
    dag.add_edges_from([("x", "_sum", 0), ("y", "_sum", 1), ("_sum", "f", 0), ("z", "f", 1)])
    return Graph.from_networkx(dag)


def test_all_ways_of_writing_give_equal_graphs():
    graphs = [by_operators(), by_ops(), by_hand()]
    assert all(one == other for one in graphs for other in graphs)
    assert len({fingerprint(graph.dag) for graph in graphs}) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda g: g.input("w"),
        lambda g: g.output(g=g.param("w")),
        lambda g: g.dag.nodes["f"].update(op="add"),
        lambda g: g.dag.nodes["x"].update(low=0.5),
        lambda g: g.dag.nodes["x"].update(shape=(1,)),
        lambda g: g.dag.graph.update(name="other"),
        lambda g: g.dag.graph.update(dtype="float32"),
        lambda g: g.dag.graph.update(relu_at_zero=0.5),
        lambda g: g.dag.graph.update(outputs={"h": "f"}),
        lambda g: g.loss(ops.relu(g.param("w"))),
        lambda g: g.optimizer("sgd"),
        lambda g: (g.dag.remove_edge("z", "f"), g.dag.add_edge("y", "f", key=1)),
    ],
)
def test_graphs_that_differ(change):
    one, other = by_operators(), by_operators()
    assert one == other
    change(other)
    assert one != other and fingerprint(one.dag) != fingerprint(other.dag)


def test_how_an_attribute_is_written_does_not_count():
    def graph(**attributes):
        g = Graph("m")
        x = g.input("x", ("n", 3), low=attributes.pop("low"))
        g.output(y=ops.sum(x, **attributes))
        g.param("w", (2,), init=attributes.get("init", np.array([1, 2])))
        return g

    one = graph(axis=-1, low=1)
    assert one == graph(axis=(1,), keepdims=False, low=1.0) and one != graph(axis=0, low=1)
    assert fingerprint(one.dag) == fingerprint(graph(axis=[np.int64(1)], low=np.float32(1)).dag)


def test_operand_order_and_sharing_count():
    def graph(build):
        g = Graph("m")
        g.output(f=build(*g.inputs("x y")))
        return g

    assert graph(lambda x, y: x + y) != graph(lambda x, y: y + x)
    assert graph(lambda x, y: x - y) == graph(lambda x, y: x - y)
    assert graph(lambda x, y: ops.exp(x) * ops.exp(x)) != graph(lambda x, y: ops.square(ops.exp(x)))


def test_the_fingerprint_does_not_depend_on_hashing():
    code = (
        "from graphgen import Graph, ops\nfrom graphgen.raw import fingerprint\n"
        "g = Graph('m')\nx, y = g.inputs('x y')\ng.output(a=ops.sin(x) * y, b=x.sum())\ng.optimizer('adam', eps=1e-7)\n"
        "print(fingerprint(g.dag))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in "012"
    }  # fmt: skip
    assert len(printed) == 1 and len(printed.pop()) == 9


HOSTILE = 'x"""\nimport os\n"""\\N{evil}'


@pytest.mark.parametrize(
    "declare",
    [
        lambda g, x: g.input(HOSTILE),
        lambda g, x: g.input("y", (HOSTILE,)),
        lambda g, x: g.input("y", dtype=HOSTILE),
        lambda g, x: g.param("y", (), init=HOSTILE),
        lambda g, x: ops.sum(x, axis=HOSTILE),
        lambda g, x: ops.cast(x, HOSTILE),
        lambda g, x: ops.einsum(HOSTILE, x),
        lambda g, x: x[HOSTILE],
        lambda g, x: x.reshape(HOSTILE),
        lambda g, x: losses.mse(x, x, reduction=HOSTILE),
        lambda g, x: ops.relu(x, name=HOSTILE),
        lambda g, x: ops.relu(x, **{HOSTILE: 1}),
        lambda g, x: getattr(ops, HOSTILE)(x),
        lambda g, x: layers.dense(x, HOSTILE, "fc"),
        lambda g, x: layers.dense(x, 2, HOSTILE),
        lambda g, x: g.output(**{HOSTILE: x}),
        lambda g, x: g.optimizer(HOSTILE),
        lambda g, x: g.optimizer("sgd", **{HOSTILE: 1}),
        lambda g, x: g.scope(HOSTILE),
        lambda g, x: Graph(HOSTILE).output(x),
        lambda g, x: g.dag.graph.update(name=HOSTILE),
        lambda g, x: g.dag.graph.update(ties=HOSTILE),
    ],
)
def test_hostile_texts_are_refused_in_one_line(declare):
    g = Graph("m")
    x = g.input("x", (2, 2))
    declared = declare(g, x)
    with pytest.raises(GraphError) as caught:
        check(
            declared if isinstance(declared, Graph) else x.graph if g.dag.graph["problems"] else g, needs_loss="a test"
        )
    for problem in caught.value.problems:
        assert '"""' not in problem.message or "\\n" in str(caught.value)
    assert all(line.isprintable() for line in str(caught.value).split("\n"))


def test_the_file_of_a_node_is_harmless(tmp_path):
    file = tmp_path / 'a"""\nimport os\n\\N{b}.py'
    file.write_text('from graphgen import Graph\ng = Graph("m")\nx = g.input("x")\ny = x * x\ng.loss(y)\n')
    linecache.checkcache(str(file))
    program = check(runpy.run_path(str(file))["g"])
    places = {node.why.place for node in program.nodes.values()}
    assert all(place.isprintable() and '"""' not in place and "\\" not in place for place in places)
