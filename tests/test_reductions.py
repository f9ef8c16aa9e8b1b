"""Reductions, running sums and products: zeros, kinks, ties, extreme values, empty arrays, wrong calls."""

import math
import warnings

import numpy as np
import pytest
from interpreter import evaluate
from sample import some

from graphgen import Graph, GraphError, compile, load, ops
from graphgen.check import check
from graphgen.differentiation.gradient import gradient
from graphgen.differentiation.tangent import tangent

STYLES = ("teach", "compact")
INF = math.inf


def run(expression, x, *, style="compact", weights=None, **facts):
    """The value of `expression` of x, and the gradient of its weighted sum; nothing may warn."""
    x = np.asarray(x, dtype=float)
    g = Graph("reduction", **facts)
    y = expression(g.param("x", x.shape))
    g.output(y=y)
    g.loss(ops.sum(y * g.input("weights", y.shape)))
    module = load(g, style=style, mode="both")
    weights = np.ones(y.shape) if weights is None else weights
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = module.forward({"x": x})
        found = module.value_and_grad({"x": x}, weights)[1]["x"]
        direction = np.cos(np.arange(x.size)).reshape(x.shape)
        slope = module.jvp({"x": x}, {"x": direction}, weights)[1]
    assert slope == pytest.approx(np.sum(found * direction), rel=1e-9, abs=1e-12)
    return value, found


def hessian(expression, x):
    """Second derivatives of `expression` of x: the tangent of the reverse sweep along each axis of the space."""
    x = np.asarray(x, dtype=float)
    g = Graph("curved")
    g.loss(expression(g.input("x", x.shape)))
    reverse = gradient(check(g), ["x"])
    second = tangent(reverse, ["x"])
    result = f"{reverse.of('gradient')['x']}_dot"
    if result not in second.nodes:
        return np.zeros((x.size, x.size))
    return np.array(
        [evaluate(second, {"x": x, "x_dot": each.reshape(x.shape)})[result].ravel() for each in np.eye(x.size)]
    )


# -- products

ROWS = [[2.0, 3.0, 5.0, 7.0], [0.0, 3.0, 5.0, 7.0], [2.0, 0.0, 5.0, 0.0], [0.0, 0.0, 0.0, 7.0], [0.0, 0.0, 0.0, 0.0]]


def others(row, *left_out):
    return float(np.prod([each for place, each in enumerate(row) if place not in left_out]))


@pytest.mark.parametrize("row", ROWS)
def test_products_with_zeros_at_both_orders(row):
    places = range(len(row))
    for style in STYLES:
        value, found = run(lambda x: ops.prod(x), row, style=style)
        assert value == others(row) and found.tolist() == [others(row, i) for i in places]
    expected = [[0.0 if i == j else others(row, i, j) for j in places] for i in places]
    assert hessian(lambda x: ops.prod(x), row).tolist() == expected
    assert hessian(lambda x: ops.prod(ops.reshape(x, (2, 1, 2)), axis=(0, 2)).sum(), row).tolist() == expected


@pytest.mark.parametrize("row", ROWS)
def test_running_products_with_zeros_at_both_orders(row):
    """Each running product is a product: slopes and second derivatives are the sums of theirs."""
    places, weights = range(len(row)), np.array([1.0, -2.0, 4.0, 3.0])

    def summed(*left_out):
        return sum(weights[k] * others(row[: k + 1], *left_out) for k in places if k >= max(left_out))

    for style in STYLES:
        value, found = run(lambda x: ops.cumprod(x), row, style=style, weights=weights)
        assert value.tolist() == np.cumprod(row).tolist()
        assert found.tolist() == [summed(i) for i in places]
    expected = [[0.0 if i == j else summed(i, j) for j in places] for i in places]
    assert hessian(lambda x: ops.sum(ops.cumprod(x) * weights), row).tolist() == expected


@pytest.mark.parametrize("style", STYLES)
def test_slopes_of_products_that_overflow_or_underflow(style):
    x = np.array([[1e-200, 1e-200], [1e-300, 1e10], [2.0, 1e-310]])
    assert run(lambda x: ops.prod(x, axis=1), x, style=style)[1].tolist() == x[:, ::-1].tolist()
    g = Graph("overflow")
    g.loss(ops.prod(g.param("x", (2,))))
    with np.errstate(over="ignore"):
        loss, found = load(g, style=style).value_and_grad({"x": np.array([1e200, 1e201])})
    assert loss == INF and found["x"].tolist() == [1e201, 1e200]


# -- kinks and ties

ORDERS = (1, 2, 3, 1.5, 0.5, INF, -INF)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("order", ORDERS)
def test_norms_of_nothing_have_no_slope(order, style):
    value, found = run(lambda x: ops.norm(x, ord=order, axis=1), [[0.0, -0.0, 0.0], [0.0, 3.0, -4.0]], style=style)
    assert value[0] == 0.0 and found[0].tolist() == [0.0, 0.0, 0.0] and found[1, 0] == 0.0
    assert not hessian(lambda x: ops.norm(x, ord=order), np.zeros(3)).any()
    assert np.isfinite(hessian(lambda x: ops.norm(x, ord=order), [0.0, 3.0, -4.0])).all()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e-310])
def test_norms_of_extreme_values(scale, style):
    x = np.array([3.0, -4.0]) * scale
    for order, expected in (
        (2, [0.6, -0.8]),
        (1, [1.0, -1.0]),
        (INF, [0.0, -1.0]),
        (3, [9 / 91 ** (2 / 3), -16 / 91 ** (2 / 3)]),
    ):
        value, found = run(lambda x, order=order: ops.norm(x, ord=order), x, style=style)
        exact = {1: 7.0, INF: 4.0, 2: 5.0, 3: 91 ** (1 / 3)}[order] * scale
        assert value == pytest.approx(exact, rel=1e-12)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("style", STYLES)
def test_deviations_of_equals_have_no_slope(style):
    value, found = run(lambda x: ops.std(x, axis=1), [[2.0, 2.0, 2.0], [1.0, 2.0, 3.0]], style=style)
    assert value.tolist() == [0.0, np.std([1.0, 2.0, 3.0])]
    np.testing.assert_allclose(found, [[0.0, 0.0, 0.0], [-1 / 6**0.5, 0.0, 1 / 6**0.5]], rtol=1e-14)
    assert not hessian(lambda x: ops.std(x), np.full(3, 2.0)).any()
    assert run(lambda x: ops.var(x, axis=()), [2.0, 3.0], style=style)[1].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("style", STYLES)
def test_ties(style):
    x = [[2.0, -2.0, 1.0], [0.5, 0.5, 0.5]]
    third = pytest.approx(1 / 3, rel=1e-15)
    for ties, largest, magnitude in (
        ("split", [third] * 3, [0.5, -0.5, 0.0]),
        ("first", [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
    ):
        assert run(lambda x: ops.amax(x, axis=1), x, style=style, ties=ties)[1][1].tolist() == largest
        assert run(lambda x: ops.amin(x, axis=1), x, style=style, ties=ties)[1][1].tolist() == largest
        assert run(lambda x: ops.norm(x, ord=INF, axis=1), x, style=style, ties=ties)[1][0].tolist() == magnitude


def test_comments_say_what_was_decided():
    g = Graph("model")
    x = g.param("x", ("n", 3))
    size = ops.norm(x, axis=1)
    spread = ops.std(x, axis=0)
    g.loss(ops.sum(size) + ops.sum(spread) + ops.amax(x))
    text = compile(g)
    assert "where size is 0, so is its slope; where spread is 0, so is its slope; ties share the gradient" in text
    assert "of ties the first gets the gradient" in compile(g, ties="first")
    assert text.count("so is its slope") == 2  # beside the gradient alone, not beside each part of it


# -- empty arrays


EMPTY = {
    "sum": (lambda x: ops.sum(x, axis=1), 0.0),
    "prod": (lambda x: ops.prod(x, axis=1), 1.0),
    "norm": (lambda x: ops.norm(x, axis=1), 0.0),
    "norm 3": (lambda x: ops.norm(x, ord=3, axis=1), 0.0),
    "cumsum": (lambda x: ops.sum(ops.cumsum(x, axis=1), axis=1), 0.0),
    "cumprod": (lambda x: ops.sum(ops.cumprod(x, axis=1), axis=1), 0.0),
    "sort": (lambda x: ops.sum(ops.sort(x, axis=1), axis=1), 0.0),
    "softmax": (lambda x: ops.sum(ops.softmax(x, axis=1), axis=1), 0.0),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", EMPTY)
def test_empty_axes(name, style):
    expression, expected = EMPTY[name]
    value, found = run(expression, np.zeros((2, 0)), style=style)
    assert value.tolist() == [expected] * 2 and found.shape == (2, 0)


@pytest.mark.parametrize("name", ["max", "amin", "prod", "var", "std", "norm", "median", "logsumexp"])
def test_axes_of_empty_arrays_that_are_not_empty_themselves(name):
    value, found = run(lambda x: getattr(ops, name)(x, axis=1), np.zeros((0, 3)))
    assert value.shape == (0,) and found.shape == (0, 3)
    # Where there is one element, and over no axis at all.
    one = {"prod": 1.0, "var": 0.0, "std": 0.0}.get(name, 1.0)
    for axis in (None, ()):
        value, found = run(lambda x, axis=axis: getattr(ops, name)(x, axis=axis), -2.0)
        assert value == {"var": 0.0, "std": 0.0, "norm": 2.0}.get(name, -2.0)
        assert found == (-1.0 if name == "norm" else one)


SCALARS = {"prod": (-2.0, 1.0), "norm": (2.0, -1.0), "var": (0.0, 0.0), "std": (0.0, 0.0), "amax": (-2.0, 1.0)}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", SCALARS)
def test_graphs_of_scalars_hold_python_floats(name, style):
    g = Graph("scalar")
    x = g.param("x", ())
    g.loss(getattr(ops, name)(x) + 3.0 * x)
    module = load(g, style=style, mode="both")
    value, slope = SCALARS[name]
    loss, gradients = module.value_and_grad({"x": -2.0})
    assert (loss, gradients) == (value - 6.0, {"x": slope + 3.0})
    assert type(loss) is type(gradients["x"]) is float
    assert module.jvp({"x": -2.0}, {"x": 1.0}) == (loss, slope + 3.0)


def test_methods_of_nodes_are_those_of_arrays():
    calls = [
        lambda x: x.prod(axis=(0, 1), keepdims=True),
        lambda x: x.var(axis=-1),
        lambda x: x.std(0, keepdims=True),
        lambda x: x.cumsum(axis=-1) * x.cumprod(axis=0),
        lambda x: x.prod() + x.var() * x.std(),
    ]
    for call in calls:
        np.testing.assert_allclose(run(call, some(3, 4))[0], call(some(3, 4)), rtol=1e-13)
    assert run(lambda x: x.std(axis=0, correction=1), some(3, 4))[0].tolist() == some(3, 4).std(axis=0, ddof=1).tolist()


# -- branches not taken

BEHIND = {
    "norm": lambda x: ops.norm(x, axis=1),
    "norm 3": lambda x: ops.norm(x, ord=3, axis=1, keepdims=True)[:, 0],
    "norm inf": lambda x: ops.norm(x, ord=INF, axis=1),
    "prod": lambda x: ops.prod(x, axis=1),
    "var": lambda x: ops.var(x, axis=1),
    "std": lambda x: ops.std(x, axis=1),
    "cumprod": lambda x: ops.cumprod(x, axis=1)[:, 1],
    "median": lambda x: ops.median(x, axis=1),
    "logsumexp": lambda x: ops.logsumexp(x, axis=1),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", BEHIND)
def test_the_untaken_branch_poisons_nothing(name, style):
    x = np.array([[0.5, 2.0, 1.25], [0.0, 0.0, 1.0], [0.0, 3.0, 2.0]])
    taken = np.array([True, False, False])
    for inner in (ops.log, lambda x: 1.0 / x):
        found = run(
            lambda x, inner=inner: ops.where(taken, BEHIND[name](inner(x)), 5.0 * x.sum(axis=1)), x, style=style
        )[1]
        alone = run(lambda x, inner=inner: BEHIND[name](inner(x)), x[:1], style=style)[1]
        np.testing.assert_allclose(found[:1], alone, rtol=1e-13)
        assert (found[1:] == 5.0).all()


# -- wrong calls

WRONG = {
    "GG005: prod: keepdims is True or False, got 1": lambda x, i: ops.prod(x, keepdims=1),
    "GG005: var: correction is a whole number below 2**63, got 0.5": lambda x, i: ops.var(x, correction=0.5),
    "GG005: std: correction is a whole number below 2**63, got -9223372036854775808": lambda x, i: ops.std(x, correction=-(2**63)),
    "GG005: norm: ord is a number above 0, or -inf, got 0": lambda x, i: ops.norm(x, ord=0),
    "GG005: norm: ord is a number above 0, or -inf, got 'fro'": lambda x, i: ops.norm(x, ord="fro"),
    "GG005: topk_indices: k is a whole number, got 1.5": lambda x, i: ops.topk(x, 1.5)[0],
    "GG005: topk_indices: largest is True or False, got 1": lambda x, i: ops.topk(x, 1, largest=1)[0],
    "GG005: argsort: descending is True or False, got 'yes'": lambda x, i: ops.argsort(x, descending="yes"),
    "GG023: prod: an axis is given twice: (0, -2)": lambda x, i: ops.prod(x, axis=(0, -2)),
    "GG023: norm: axis 2 is out of bounds for 2 dimensions": lambda x, i: ops.norm(x, axis=2),
    "GG023: cumprod: which axis of (0, 3)?": lambda x, i: ops.cumprod(x),
    "GG023: argmax: a place is counted along one axis, got (0, 1)": lambda x, i: ops.argmax(x, axis=(0, 1)),
    "GG023: argmin: (0, 3) has no element to choose along these axes": lambda x, i: ops.argmin(x, axis=0),
    "GG023: median: (0, 3) has no element to choose along these axes": lambda x, i: ops.median(x),
    "GG023: amax: axis 0 of (0, 3) is empty: there is no element to choose": lambda x, i: ops.amax(x),
    "GG023: norm: axis 0 of (0, 3) is empty: there is no element to choose": lambda x, i: ops.norm(x, ord=INF),
    "GG027: std: no variance of 3 elements of (0, 3) with correction 3: it divides by 0": lambda x, i: ops.std(x, 1, 3),
    "GG027: topk_indices: 4 of an axis of size 3: (0, 3)": lambda x, i: ops.topk(x, 4)[0],
    "GG027: topk_indices: 2 of an axis of size n: there may be fewer": lambda x, i: ops.topk(i, 2)[0],
    "GG030: cumsum: needs numbers, got bool": lambda x, i: ops.cumsum(x > 0, axis=1),
    "GG030: prod: needs numbers, got bool": lambda x, i: ops.prod(x > 0),
    "GG031: norm: needs floats, got int64": lambda x, i: ops.norm(i),
    "GG031: median: needs floats, got int64": lambda x, i: ops.median(i),
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_calls(message):
    g = Graph("wrong")
    node = WRONG[message](g.input("x", (0, 3)), g.input("i", ("n",), dtype="int64"))
    g.output(y=node)
    with pytest.raises(GraphError) as caught:
        compile(g, inference=True)
    (problem,) = caught.value.problems
    assert f"{problem.code}: {problem.message}" == message and problem.help
