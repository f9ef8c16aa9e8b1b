"""Primitives whose slopes are declared, and formulas that hold controls."""

import numpy as np
import pytest
import sympy as sp
from controls import DTYPES, STYLES, WEIGHTS, W, graph_of

from graphgen import Graph, GraphError, GraphWarning, compile, load, ops

v, beta = sp.symbols("v beta")
STEP = sp.Piecewise((1.0, v > 0), (0.0, True))


@pytest.mark.parametrize("style", STYLES)
def test_primitives_with_declared_slopes(style):
    spike = ops.elementwise("spike", STEP, slopes={v: 1 / (1 + (3 * v) ** 2)})  # Neftci, Mostafa and Zenke 2019
    for dtype, tolerance in DTYPES:
        module = load(graph_of(spike, dtype), style=style, mode="both")
        np.testing.assert_array_equal(module.forward({"w": W}), W > 0)
        gradient = module.value_and_grad({"w": W}, WEIGHTS)[1]["w"]
        np.testing.assert_allclose(gradient, WEIGHTS / (1 + 9 * W**2), rtol=10 * tolerance)
        assert module.check_gradients()["w"] < 1e-9
    source = compile(graph_of(spike), style=style)
    assert "# y = spike(w)" in source and "declared slope" in source
    assert "custom_gradient" not in source[source.index("def forward") : source.index("def loss")]
    assert module._declared == {"w": "as declared at y"}
    assert "\\frac{d_{y}}{9 \\, v^{2} + 1}" in spike.latex


def test_primitives_of_several_operands_with_declared_slopes():
    swish = ops.elementwise("swish", v * ops.sigmoid(beta * v), args=(v, beta), slopes={"v": beta, "beta": v**2})
    one_way = ops.elementwise("one_way", v * beta, args=(v, beta), slopes={v: beta, beta: 0})
    no_way = ops.elementwise("no_way", v * v, slopes={v: 0})
    g = Graph("several")
    x, b = g.param("x", (3, 1), init=2.0), g.param("b", (4,), init=3.0)
    g.loss((swish(x, b) + one_way(x, b) + no_way(x)).sum())
    module = load(g, mode="both")
    gradients = module.value_and_grad(module.init_parameters())[1]
    assert gradients["x"].ravel().tolist() == [4 * (3.0 + 3.0)] * 3
    assert gradients["b"].tolist() == [3 * 4.0] * 4
    assert max(module.check_gradients().values()) < 1e-9


def test_formulas_may_hold_controls():
    rounded = ops.elementwise("rounded", ops.straight_through(ops.round(v), v) * v)
    module = load(graph_of(rounded))
    gradient = module.value_and_grad({"w": W}, WEIGHTS)[1]["w"]
    np.testing.assert_allclose(gradient, WEIGHTS * (np.round(W) + W), rtol=1e-14)
    assert module.check_gradients()["w"] < 1e-9


@pytest.mark.parametrize("style", STYLES)
def test_values_in_formulas_have_the_shape_of_all_operands(style):
    rounded = ops.elementwise("rounded", ops.straight_through(ops.round(v), v * beta), args=(v, beta))
    g = Graph("wider")
    g.loss(rounded(g.param("x", (3, 1), init=1.75), g.param("b", (4,), init=0.5)).sum())
    module = load(g, style=style)
    loss, gradients = module.value_and_grad(module.init_parameters())
    assert loss == 24.0 == module.loss(module.init_parameters())
    assert gradients["b"].tolist() == [5.25] * 4 and gradients["x"].ravel().tolist() == [2.0] * 3
    assert max(module.check_gradients().values()) < 1e-9


def test_declared_slopes_are_checked_as_they_are_computed():
    with pytest.raises(GraphError, match="GG063.*its slope is .* not"):
        ops.elementwise("lost", STEP, slopes={v: (ops.exp(1e-12 * v) - 1) * 1e12})
    with pytest.warns(GraphWarning, match="at v = 1000 its slope is nan"):
        ops.elementwise("steep", STEP, slopes={v: ops.exp(v) / (1 + ops.exp(v)) ** 2})


@pytest.mark.parametrize(
    ("slopes", "message"),
    [
        ([1.0], "slopes is no dict"),
        ({}, "slopes are those by nothing, its operands v"),
        ({v: 1, beta: 2}, "slopes are those by v, beta, its operands v"),
        ({v: beta}, "the slope by v is not over v"),
        ({v: "v"}, "the slope by v is no sympy expression"),
    ],
)
def test_wrong_slopes_are_refused(slopes, message):
    with pytest.raises(GraphError, match=message):
        ops.elementwise("wrong", STEP, slopes=slopes)
