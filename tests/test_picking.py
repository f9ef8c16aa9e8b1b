"""Elements picked by arrays of integers and by masks, and what is added at such places; gradients exact."""

import networkx as nx
import numpy as np
import pytest
from exact import check
from sample import integers, whole

from graphgen import Graph, GraphError, compile, load, ops

X = whole(3, 4, 2)
MASK = np.arange(12).reshape(3, 4) % 5 < 2
ROWS, COLUMNS = integers([0, -1, 0, 2]), integers([[1, 1, -4, 3]])

KEYS = [
    np.s_[ROWS],
    np.s_[[0, 2, -3, 0]],
    np.s_[:, COLUMNS],
    np.s_[ROWS, COLUMNS],
    np.s_[ROWS, 1],
    np.s_[:, ROWS, [0, -1, 1, 1]],
    np.s_[ROWS, :, [0, 1, 1, 0]],
    np.s_[0, :, [1, 0, 0]],
    np.s_[..., [1, 0, 0]],
    np.s_[1:, ROWS[:2], ::-1],
    np.s_[None, ROWS, None, COLUMNS[0], None],
    np.s_[ROWS, None, COLUMNS],
    np.s_[MASK],
    np.s_[MASK, 1],
    np.s_[MASK[:, 0]],
    np.s_[::2, MASK[0], None],
    np.s_[MASK, [1]],
    np.s_[np.zeros((3, 4), bool)],
    np.s_[[]],
    np.s_[np.array(1), np.int64(-1)],
    np.s_[np.zeros((2, 0), np.int64), 0, [1]],
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_indexing_by_arrays(key):
    check(lambda x: x[key], X[key], X)


@pytest.mark.parametrize("style", ["teach", "compact"])
def test_indexing_by_nodes(style):
    shape = np.array([1, 3])
    check(lambda x, i: x[i], X[ROWS], X, ROWS, style=style)
    check(lambda x, i: x[0, :, i], X[0, :, shape - 3], X, shape - 3, style=style)
    check(lambda x, i: x[1:, i], X[1:, shape], X, shape, style=style)
    check(lambda x, i: x[i], X[2], X, np.array(2), style=style)
    check(lambda x, i, j: x[i, ..., j], X[ROWS, :, COLUMNS % 2], X, ROWS, COLUMNS % 2, style=style)
    check(lambda x, i, j: x[i, j, 1], X[ROWS, COLUMNS, 1], X, ROWS, COLUMNS, style=style)
    check(lambda x, i, j: x[i, j], X[ROWS, 3], X, ROWS, np.array(3), style=style)
    check(
        lambda x, i: x[i, [0, 3]], X[np.array([[2], [0]]), [0, 3]], X, np.array([[2], [0]], dtype=np.int32), style=style
    )


def test_indexing_of_unknown_sizes():
    x, rows = whole(5, 3), integers([4, 0, -1, 2, 2])
    check(lambda a, i: a[i, i % 3] if isinstance(i, np.ndarray) else a[i], x[rows], x, rows, symbolic=True)
    check(lambda a, i: a[i, [2]], x[rows, [2]], x, rows, symbolic=True)
    check(lambda a: a[[4, 4, 0]], x[[4, 4, 0]], x, symbolic=True)
    check(lambda a: a[-1:] + a[:1], x[-1:] + x[:1], x, symbolic=True)


def _random_key(generator, shape):
    """A key of ints, slices, new axes, arrays and masks."""
    common = [(3,), (2, 3), (1, 3), (2, 1)][generator.integers(4)]
    key, axis = [], 0
    while axis < len(shape):
        size, kind = shape[axis], generator.integers(7)
        if kind == 0:
            key.append(int(generator.integers(-size, size)))
        elif kind == 1:
            key.append(slice(None, None, [None, 2, -1][generator.integers(3)]))
        elif kind == 2:
            key.append(generator.random(size) < 0.5)
        elif kind == 3:
            key.append(None)
            continue
        elif kind == 4 and Ellipsis not in [each for each in key if each is Ellipsis] and axis < len(shape) - 1:
            key.append(Ellipsis)
        else:
            key.append(generator.integers(-size, size, common))
        axis += 1
    return tuple(key)


def test_random_keys():
    generator = np.random.default_rng(0)
    checked = 0
    while checked < 60:
        shape = tuple(generator.integers(1, 5, generator.integers(1, 5)))
        x, key = whole(*shape), _random_key(generator, shape)
        try:
            expected = x[key]
        except IndexError:  # the masks and arrays do not broadcast together
            continue
        check(lambda a, key=key: a[key], expected, x)
        checked += 1


def test_gather():
    x = whole(3, 5)
    index = integers([[0, 2, -1], [1, 1, 0]])
    check(lambda a, i: ops.gather(a, 0, i), np.take_along_axis(x[:, :3], index, 0), x, index)
    check(lambda a, i: ops.gather(a, axis=1, index=i), np.take_along_axis(x[:2], index, 1), x, index)
    wide = np.arange(10).reshape(2, 5) % 3
    check(lambda a, i: ops.gather(a, 0, i), np.take_along_axis(x, wide, 0), x, wide, symbolic=True)


def test_index_add():
    for shape, axis, index in [
        ((5, 3), 0, integers([0, -1, 0])),
        ((5, 3), 1, integers([2, 2, 1])),
        ((5, 3), -1, integers([])),
    ]:
        x = whole(*shape)
        added = whole(*(len(index) if place == axis % 2 else size for place, size in enumerate(shape)))
        expected = np.array(x)
        np.add.at(np.moveaxis(expected, axis, 0), index, np.moveaxis(added, axis, 0))
        check(
            lambda a, i, s, axis=axis: ops.index_add(a, i, s, axis=axis),
            expected,
            x,
            index,
            added,
            symbolic=bool(index.size),
        )
    check(lambda a, i, s: ops.index_add(a, i, s, axis=0), whole(4) + [0, 0, 7, 0], whole(4), np.array(2), whole())


def test_one_hot():
    for labels in (integers([2, 0, 1, 1, 2]), integers(1), integers([[0, 2], [1, -1]]), integers([])):
        expected = (labels[..., None] == np.arange(3)).astype(float)
        check(lambda x, i: ops.one_hot(i, num_classes=3) * x, expected * 2.0, np.array(2.0), labels, symbolic=True)
    g = Graph("square")
    x, labels = g.param("x", ("n", 2)), g.input("labels", ("n",), "int64")
    g.loss((ops.one_hot(labels, x.shape[0]) @ x).sum())
    assert load(g, dtype="float32").value_and_grad({"x": np.ones((3, 2))}, [0, 0, 2])[1]["x"].tolist() == [
        [2, 2],
        [0, 0],
        [1, 1],
    ]
    assert '_bounds = {"labels": (0, "n")}' in compile(g)


def test_statements_show_indices_as_they_are_written():
    g = Graph("shown")
    x, rows = g.param("x", (4, 5)), g.input("rows", (2,), "int64")
    y = x[rows, [0, -1]]
    z = x[1:, np.arange(5) > 2]
    w = ops.moveaxis(ops.roll(x, 1, axis=0), 0, 1)
    g.loss(y.sum() + z.sum() + w.sum())
    source = compile(g)
    for line in (
        "# y = x[rows, [0, -1]]",
        "# z = x[1:, [3, 4]]",
        "# w = moveaxis(roll(x, shift=1, axis=0), sources=0, destinations=1)",
    ):
        assert line in source


def test_raw_dags_hold_indices_as_operands_and_arrays():
    dag = nx.MultiDiGraph(loss="total")
    dag.add_node("x", op="param", shape=(4, 5))
    dag.add_node("rows", op="input", shape=(2,), dtype="int64")
    dag.add_node("y", op="index", key=("index", np.array([0, -1])))
    dag.add_node("total", op="sum")
    dag.add_edge("x", "y", key=0)
    dag.add_edge("rows", "y", key=1)
    dag.add_edge("y", "total")
    g = Graph("graph")
    x, rows = g.param("x", (4, 5)), g.input("rows", (2,), "int64")
    y = x[rows, [0, -1]]
    total = y.sum()
    g.loss(total)
    assert Graph.from_networkx(dag) == g
    dag.nodes["y"]["key"] = ("index", np.array([0, 1]))
    assert Graph.from_networkx(dag) != g
    dag.nodes["y"]["key"] = ("index", "index")
    with pytest.raises(GraphError, match="the key has 2 places for 1 operand that is an index"):
        compile(Graph.from_networkx(dag))
