"""State and updates as they are declared, by calls and by hand: what is wrong with them is told."""

import networkx as nx
import numpy as np
import pytest

from graphgen import Graph, check, load, ops
from graphgen.errors import GraphError, GraphWarning
from graphgen.raw import fingerprint


def problems(declare):
    g = Graph("wrong")
    x = g.input("x", ("n", 3))
    w = g.param("w", (3,))
    s = g.state("s", (3,))
    declare(g, x, w, s)
    g.loss((x * w * s).sum())
    with pytest.raises(GraphError) as caught:
        check.check(g)
    return [(each.code, each.message, bool(each.where), bool(each.help)) for each in caught.value.problems]


def twice(g, x, w, s):
    g.update(s, 2.0 * s)
    g.update(s, 3.0 * s)


def of_another_graph(g, x, w, s):
    other = Graph("other")
    g.update(other.state("foreign", (3,)), s)
    g.update(s, other.input("y", (3,)))


@pytest.mark.parametrize(
    ("declare", "expected"),
    [
        (lambda g, x, w, s: g.update(w, 2.0 * w), [("GG055", "update: 'w' is no state, its op is param")]),
        (lambda g, x, w, s: g.update("s", s), [("GG012", "the state of an update is no node of this graph, but 's'")]),
        (
            lambda g, x, w, s: g.update(s, x),
            [("GG020", "update: the state s has shape (3,), its new value (n, 3)")],
        ),
        (lambda g, x, w, s: g.update(s, 0.0), [("GG020", "update: the state s has shape (3,), its new value ()")]),
        (lambda g, x, w, s: g.update(s, w > 0.0), [("GG030", "update: the state s holds floats, its new value bool")]),
        (twice, [("GG010", "the state s is updated twice")]),
        (
            of_another_graph,
            [
                ("GG012", "the state of an update is no node of this graph, but foreign of the graph other"),
                ("GG012", "an update is no node of this graph, but y of the graph other"),
            ],
        ),
        (lambda g, x, w, s: g.update(s, s @ x), [("GG021", "matmul: inner sizes differ: (3,) @ (n, 3)")]),
        (
            lambda g, x, w, s: g.update(s, "s"),
            [("GG061", "update: an operand is a node, a number or an array, not 's'")],
        ),
        (lambda g, x, w, s: g.state("t", ("n",)), [("GG022", "state: the size n of t is not a number")]),
        (
            lambda g, x, w, s: g.state("t", (2,), init="zeros"),
            [("GG002", "state: the init of a state is a number or an array, not 'zeros'")],
        ),
        (
            lambda g, x, w, s: g.state("t", (2,), init=[1.0, 2.0, 3.0]),
            [("GG020", "state: the init has shape (3,), t has (2,)")],
        ),
        (lambda g, x, w, s: g.state("t", init=np.inf), [("GG002", "state: the init holds nan or infinity")]),
        (lambda g, x, w, s: g.state("x", ()), [("GG010", "the name x is used twice")]),
    ],
)
def test_mistakes_have_a_place_and_a_remedy(declare, expected):
    assert problems(declare) == [(*each, True, True) for each in expected]


def test_state_that_nothing_needs_is_a_warning():
    g = Graph("idle")
    x = g.input("x", (3,))
    idle, read_by_idle, needed, by_update = (g.state(name, (3,)) for name in ("idle", "read", "needed", "by_update"))
    g.update(idle, idle + read_by_idle)
    g.update(needed, by_update)
    g.loss((x * needed).sum())
    with pytest.warns(GraphWarning) as caught:
        check.check(g)
    said = [str(each.message).split("\n")[0] for each in caught]
    assert said == [f"warning[GG056]: no output and no loss depends on the state {name}" for name in ("idle", "read")]


def by_hand(**facts):
    dag = nx.MultiDiGraph(name="counting", **facts)
    dag.add_node("x", op="input", shape=(3,))
    dag.add_node("s", op="state", shape=(3,), init=1.0)
    dag.add_node("new", op="multiply")
    dag.add_edges_from([("x", "new", 0), ("s", "new", 1)])
    dag.add_node("total", op="sum")
    dag.add_edge("new", "total", 0)
    return dag


def test_a_raw_dag_has_state():
    g = Graph("counting")
    x = g.input("x", (3,))
    s = g.state("s", (3,), init=1.0)
    new = x * s
    g.update(s, new)
    total = new.sum()
    g.loss(total)
    graph = Graph.from_networkx(by_hand(updates={"s": "new"}, loss="total"))
    assert graph == g and fingerprint(graph.dag) == fingerprint(g.dag)
    module = load(by_hand(updates={"s": "new"}, loss="total"))
    value, _, state = module.value_and_grad({}, np.arange(3.0), state=module.init_state())
    assert value == 3.0 and state["s"].tolist() == [0.0, 1.0, 2.0]
    assert Graph.from_networkx(g.dag) == g
    assert Graph.from_networkx(by_hand(updates={"s": "s"}, loss="total")) != g
    assert fingerprint(Graph.from_networkx(by_hand(loss="total")).dag) != fingerprint(g.dag)


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        ({"t": "new"}, "an update of the state 't': 't' is no node"),
        ({"s": "newer"}, "an update of the state 's': 'newer' is no node"),
        ({"s": 3}, "an update of the state 's': 3 is no node"),
        (["s"], "the attribute updates of the graph is a dict of new values by state, not ['s']"),
        ({"x": "new"}, "update: 'x' is no state, its op is input"),
        ({"s": "total"}, "update: the state s has shape (3,), its new value ()"),
    ],
)
def test_updates_of_a_raw_dag_are_checked(updates, message):
    with pytest.raises(GraphError) as caught:
        check.check(Graph.from_networkx(by_hand(updates=updates, loss="total")))
    (problem,) = caught.value.problems
    assert problem.message == message and problem.help


def test_what_only_an_update_reads_is_no_output():
    g = Graph("outputs")
    x = g.input("x", (3,))
    s = g.state("s", (3,))
    new = 0.5 * s + x
    g.update(s, new)
    result = ops.exp(s + x)
    assert list(check.check(g).of("output")) == [result.name]
