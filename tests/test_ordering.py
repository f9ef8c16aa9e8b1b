"""Order: sorting, places, selection by rank; what is stable, who gets the gradient, and what integers are."""

import numpy as np
import pytest
from sample import distinct
from test_reductions import STYLES, run

from graphgen import Graph, compile, load, ops


@pytest.mark.parametrize("style", STYLES)
def test_sorting_is_stable_and_gradients_find_their_way_back(style):
    x, weights = [2.0, 1.0, 2.0, 0.0], np.array([1.0, 10.0, 100.0, 1000.0])
    value, found = run(lambda x: ops.sort(x), x, style=style, weights=weights)
    assert value.tolist() == [0.0, 1.0, 2.0, 2.0] and found.tolist() == [100.0, 10.0, 1000.0, 1.0]
    value, found = run(lambda x: ops.sort(x, descending=True), x, style=style, weights=weights)
    assert value.tolist() == [2.0, 2.0, 1.0, 0.0] and found.tolist() == [1.0, 100.0, 10.0, 1000.0]
    value, found = run(lambda x: ops.topk(x, 2, largest=False)[0], x, style=style, weights=weights[:2])
    assert value.tolist() == [0.0, 1.0] and found.tolist() == [0.0, 10.0, 0.0, 1.0]


def test_descending_order_of_integers_and_bools():
    g = Graph("order")
    i, b = g.input("i", (4,), dtype="int64"), g.input("b", (3,), dtype="bool")
    g.output(i=ops.argsort(i, descending=True), b=ops.argsort(b, descending=True), s=ops.sort(i, descending=True))
    found = load(g, inference=True).forward({}, np.array([3, -(2**63), 2**63 - 1, 3]), np.array([False, True, True]))
    assert [each.tolist() for each in found] == [[2, 0, 3, 1], [1, 2, 0], [2**63 - 1, 3, 3, -(2**63)]]


def test_places_of_nan_are_those_of_numpy():
    x = np.array([1.0, np.nan, 0.0])
    g = Graph("nan")
    node = g.input("x", (3,))
    g.output(a=ops.argmax(node), b=ops.argmin(node), c=ops.argsort(node), d=ops.argsort(node, descending=True))
    found = load(g, inference=True).forward({}, x)
    assert [each.tolist() for each in found] == [1, 1, [2, 0, 1], [0, 2, 1]]


def test_one_argsort_serves_all_that_ask_for_the_same_order():
    g = Graph("model")
    x = g.param("x", (4, "n"))
    best, places = ops.topk(x, 2, axis=0)
    ordered = ops.sort(x, axis=0, descending=True)
    g.output(places=places)
    g.loss(ops.sum(best) * ops.sum(ordered**2))
    text = compile(g).split("def value_and_grad")[1]
    assert text.count("np.argsort(") == 1
    assert "    places = places_order[:2]" in text and "    best = np.take_along_axis(x, places, axis=0)" in text


def test_medians_over_unknown_sizes():
    g = Graph("median")
    x = g.param("x", ("m", "n"))
    g.loss(ops.sum(ops.median(x, axis=0)) + 3.0 * ops.median(x))
    module = load(g)
    for shape in ((1, 1), (4, 1), (3, 5), (2, 4)):
        values = distinct(*shape)
        loss, found = module.value_and_grad({"x": values})
        assert loss == pytest.approx(np.median(values, axis=0).sum() + 3.0 * np.median(values), rel=1e-13)
        assert found["x"].sum() == pytest.approx(shape[1] + 3.0) and np.count_nonzero(found["x"]) <= 2 * shape[1] + 2


def test_integers():
    g = Graph("integers")
    small, i = g.input("small", (2, 3), dtype="int32"), g.input("i", (2, 3), dtype="int64")
    made = {
        "total": small.sum(),
        "product": small.prod(axis=1),
        "sums": small.cumsum(axis=0),
        "largest": ops.amax(i, axis=0),
    }
    made |= {"place": i.argmax(axis=1), "order": i.argsort(), "flat": i.argmin(), "kept": i.argmax(keepdims=True)}
    g.output(**made)
    values = np.arange(6).reshape(2, 3) - 2
    found = load(g, inference=True).forward({}, values.astype(np.int32), values)
    expected = [
        values.sum(),
        values.prod(1),
        values.cumsum(0),
        values.max(0),
        values.argmax(1),
        values.argsort(),
        values.argmin(),
    ]
    for result, each in zip(found, [*expected, values.argmax(keepdims=True)], strict=True):
        np.testing.assert_array_equal(result, each)
        assert result.dtype == np.int64
    assert all(node.dtype == "int64" for node in made.values())
