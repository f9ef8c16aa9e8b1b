"""Generated modules as their users meet them: names that yield, fresh results, corner cases of the public face."""

import ast
import re

import numpy as np
import pytest

from graphgen import Graph, GraphWarning, compile, layers, load, losses, ops
from graphgen.wrap import wrapped

STYLES = ["teach", "compact"]


@pytest.mark.parametrize("style", STYLES)
def test_helpers_and_arguments_yield_to_names_of_the_user(style):
    g = Graph("yielding", dtype="float32")
    parameters = g.input("parameters", shape=("n", 3))
    sigmoid = g.param("sigmoid", (3, 3))
    learning_rate = g.input("learning_rate", shape=())
    tangents = ops.sigmoid(parameters @ sigmoid)
    finite_max = ops.softmax(tangents * learning_rate)
    g.output(Outputs=tangents, step=finite_max)
    g.loss(losses.mse(finite_max, parameters))
    g.optimizer("adam")
    module = load(g, style=style, mode="both")
    assert max(module.check_gradients().values()) < 1e-6
    given = module.init_parameters()
    state = module.init_optimizer_state(given)
    values = np.ones((2, 3), dtype=np.float32)
    before = module.loss(given, parameters=values, learning_rate=1.0)
    assert module.train_step(given, state, values, 1.0) == before
    assert module.loss(given, values, 1.0) < before


@pytest.mark.parametrize("name", ["check", "hash", "float", "bounds", "trained", "main", "packed"])
def test_constants_do_not_meet_the_names_of_the_module(name):
    g = Graph("constants")
    w = g.param("w", (3,))
    table = g.constant(np.array([1.0, 2.0, 3.0]), name=f"{name}_")
    kernel = g.constant(np.array([2.0, 0.0, 1.0]), name=name) if name not in ("hash", "float") else table
    g.loss((w * table * kernel).sum())
    assert max(load(g).check_gradients().values()) < 1e-6


@pytest.mark.parametrize("style", STYLES)
def test_results_are_fresh_and_writable(style):
    g = Graph("fresh")
    x = g.input("x", shape=("n", 2))
    w = g.param("w", (2, 2))
    b = g.param("b", (2, 2))
    scale = g.constant(np.array([1.0, 2.0]), name="scale")
    g.output(given=x, turned=w.T, kept=b, same=b, broad=ops.broadcast_to(w[0], shape=(3, 2)), scale=scale, row=x[0])
    g.loss((w + b).sum() + (x * scale).sum() + (w * b).sum() * 0.0)
    module = load(g, style=style, wrt=["x"])
    parameters = {"w": np.ones((2, 2)), "b": np.ones((2, 2))}
    value = np.ones((4, 2))
    arrays = [*module.forward(parameters, value), *module.value_and_grad(parameters, value)[1].values()]
    arrays += module.value_and_grad(parameters, value)[1].values()
    for place, array in enumerate(arrays):
        assert array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in [*parameters.values(), value, *arrays[:place]])
    expected = [array.copy() for array in module.forward(parameters, value)]
    for array in module.forward(parameters, value):
        array[...] = np.nan
    assert all(map(np.array_equal, module.forward(parameters, value), expected))


@pytest.mark.parametrize("style", STYLES)
def test_formulas_that_are_their_operand_share_no_memory(style):
    g = Graph("itself")
    x = g.input("x", shape=("n", 3))
    w = g.param("w", (1, 3))
    g.output(leaky=ops.leaky_relu(x, negative_slope=1.0), power=x**1)
    g.loss((w.mean(axis=0) * x).sum())
    module = load(g, style=style)
    value = np.ones((2, 3))
    results = [*module.forward(module.init_parameters(), value)]
    assert not any(np.shares_memory(each, value) for each in results)
    assert not np.shares_memory(*results)
    assert module.value_and_grad(module.init_parameters(), value)[1]["w"].flags.writeable


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "value",
    [
        lambda w: ops.sqrt(ops.concat([w**2, np.zeros(1)], axis=0)),
        lambda w: ops.tanh(ops.pad(w, ((0, 1),)) ** -2),
        lambda w: ops.stack([w**2 + 1.0, w * w * 0.0 + ops.stop_gradient(w) * 0.0], axis=0) ** 1.5,
    ],
)
def test_tangents_of_constants_beside_values_stay_zero(style, value):
    g = Graph("beside")
    w = g.param("w", (3,), init=np.array([1.0, 2.0, 3.0]))
    g.loss(value(w).sum())
    module = load(g, style=style, mode="both")
    parameters, direction = module.init_parameters(), np.array([0.3, -0.2, 0.1])
    expected = module.value_and_grad(parameters)[1]["w"] @ direction
    assert module.jvp(parameters, {"w": direction})[1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_in_a_branch_not_taken_do_not_poison(style, dtype):
    g = Graph("products", dtype=dtype)
    x = g.input("x", shape=("n", 3))
    w = g.param("w", (3, 2), init=1.0)
    v = g.param("v", (3,), init=1.0)
    positive = ops.min(x, axis=1, keepdims=True) > 0
    product = ops.where(positive, ops.log(x) @ w, 0.0)
    contraction = ops.where(positive[:, 0], ops.einsum("ni,i->n", ops.log(x), v), 0.0)
    g.loss(product.sum() + contraction.sum())
    module = load(g, style=style)
    value = np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]])
    _, gradients = module.value_and_grad(module.init_parameters(), value)
    expected = np.log(value[0])
    assert gradients["w"] == pytest.approx(np.stack([expected, expected], axis=1), rel=1e-6)
    assert gradients["v"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_the_check_holds_still_what_stop_gradient_passes(style, mode, shape):
    g = Graph("stopped")
    w = g.param("w", shape, init=0.7)
    weight = ops.stop_gradient(ops.exp(w))
    g.loss((w * weight + ops.stop_gradient(w) ** 2 * ops.sin(w)).sum())
    module = load(g, style=style, mode=mode)
    assert max(module.check_gradients().values()) < 1e-8
    assert max(module.check_gradients(seed=1).values()) < 1e-8
    value = np.full(shape, 0.7)
    expected = (value * np.exp(value) + value**2 * np.sin(value)).sum()
    assert module.loss({"w": value}) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("style", STYLES)
def test_exponents_without_a_slope(style):
    for exponent, expected in ((0, 6.0), (0.0, 6.0), (float("inf"), 6.0)):
        g = Graph("exponents")
        x = g.input("x", shape=("n", 3))
        w = g.param("w", (3,), init=1.0)
        g.loss((x**exponent * w).sum())
        module = load(g, style=style)
        loss, gradients = module.value_and_grad(module.init_parameters(), np.ones((2, 3)))
        assert loss == expected
        assert gradients["w"].tolist() == [2.0, 2.0, 2.0]


def test_sizes_called_like_the_generator_s_own_names():
    g = Graph("sizes")
    w = g.param("w", ("seed", "generator"))
    table = g.constant(np.zeros((0, 2)), name="table")
    g.output(table=table)
    g.loss(w.mean())
    module = load(g)
    assert module.init_parameters(1, seed=2, generator=3)["w"].shape == (2, 3)
    assert module.forward(module.init_parameters(1, seed=2, generator=3)).shape == (0, 2)


@pytest.mark.parametrize("style", STYLES)
def test_many_parameters_keep_lines_short(style):
    g = Graph("wide")
    x = g.input("x", shape=("array", "dtype"))
    parameters = [g.param(f"parameter_{place}", (3,)) for place in range(14)]
    g.output(y=x * 2.0)
    g.loss(x.sum() + sum(parameter.sum() for parameter in parameters))
    source = compile(g, style=style, mode="both")
    assert max(map(len, source.splitlines())) <= 120
    assert "    *_, x = _check(parameters, x=x)\n" in source
    assert "array = x.shape" not in source
    assert max(load(source).check_gradients().values()) < 1e-6


def test_what_the_loss_does_not_read_is_not_unpacked():
    g = Graph("unread")
    x = g.input("x", ("batch", 3))
    w, v = g.param("w", (3,)), g.param("v", (3,))
    g.output(x * w * v)
    g.loss((x * w).mean())
    with pytest.warns(GraphWarning, match="does not depend on v"):
        source = compile(g, mode="both")
    assert "    w, _, x = _check(parameters, x=x)\n" in source.partition("def value_and_grad")[2].partition("def ")[0]
    assert "    w_dot, _ = _check_tangents(tangents" in source


@pytest.mark.parametrize("length", [80, 100, 300])
def test_names_longer_than_a_line_stay_whole(length):
    g = Graph("long")
    x = g.input("x" * length, (3,))
    w = g.param("w" * length, (3,))
    g.loss((x * w).sum())
    assert max(load(g, mode="both").check_gradients().values()) < 1e-6


def test_a_step_that_cannot_be_taken_changes_nothing():
    g = Graph("step")
    first, second = g.param("first", (2,), init=1.0), g.param("second", (2,), init=1.0)
    g.loss((first * second).sum())
    g.optimizer("momentum")
    module = load(g)
    parameters = module.init_parameters()
    state = module.init_optimizer_state(parameters)
    parameters["second"].flags.writeable = False
    with pytest.raises(ValueError, match="second: expected a writable array of floats"):
        module.train_step(parameters, state)
    assert parameters["first"].tolist() == [1.0, 1.0]
    assert state["velocity"]["first"].tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="velocity is missing; start with init_optimizer_state"):
        module.train_step(module.init_parameters(), {})


@pytest.mark.parametrize("style", STYLES)
def test_parameters_with_symbolic_sizes(style):
    g = Graph("symbolic")
    x = g.input("x", shape=("rows", "features"))
    w = g.param("w", (x.shape[1], 2 * x.shape[1]))
    b = g.param("b", (2 * x.shape[1],), init="zeros")
    g.output(h=ops.tanh(x @ w + b).reshape(x.shape[0] * 2, x.shape[1]))
    g.loss(ops.tanh(x @ w + b).mean())
    module = load(g, style=style)
    assert max(module.check_gradients().values()) < 1e-6
    parameters = module.init_parameters(seed=3, features=4)
    assert {name: array.shape for name, array in parameters.items()} == {"w": (4, 8), "b": (8,)}
    assert module.forward(parameters, np.ones((3, 4))).shape == (6, 4)
    parameters["b"] = np.zeros(7)
    with pytest.raises(ValueError, match="b"):
        module.forward(parameters, np.ones((3, 4)))


def test_a_module_without_parameters_or_inputs():
    g = Graph("nothing")
    g.loss(ops.sin(g.constant(2.0)))
    module = load(g)
    assert module.init_parameters() == {}
    assert module.value_and_grad({}) == (pytest.approx(np.sin(2.0)), {})


def test_inference_needs_no_loss_and_no_other_parameters():
    g = Graph("served", dtype="float32")
    x = g.input("x", shape=("n", 3))
    target = g.input("target", shape=("n", 2))
    unused = g.param("unused", (2,))
    y = layers.dense(x, 2, name="fc")
    g.output(y=y)
    g.loss(losses.mse(y * unused, target))
    source = compile(g, inference=True)
    functions = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    assert functions[0] == "forward"
    assert not {"loss", "value_and_grad", "train_step", "init_parameters"} & set(functions)
    module = load(source)
    assert list(module.PARAMETERS) == ["fc_w", "fc_b"]
    assert list(module.INPUTS) == ["x"]


@pytest.mark.parametrize("style", STYLES)
def test_a_line_that_says_its_statement_has_the_place_beside_it(style):
    g = Graph("parts")
    x = g.input("x", shape=(3, 2))
    first = x[0]
    y = ops.logsumexp(x, axis=0)
    g.output(first, y)
    source = compile(g, style=style, inference=True)
    assert re.search(r"^    first = x\[0\] +# test_module\.py:\d+  \(2,\)$", source, re.MULTILINE)
    assert "# first =" not in source
    assert "# y = logsumexp(x, axis=0)  test_module.py:" in source


def test_long_sums_are_broken_and_right():
    g = Graph("long")
    w = g.param("w", (3,))
    g.loss(ops.stack([ops.tanh(w * float(place)) for place in range(60)]).sum())
    source = compile(g)
    assert max(map(len, source.splitlines())) <= 120
    assert max(load(source).check_gradients().values()) < 1e-6


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("x = f(a, b)", ["x = f(a, b)"]),
        ("value = function(alpha, beta)", ["value = function(", "    alpha, beta", ")"]),
        ("value = function(alpha, beta, gamma, delta)", ["value = function(", "    alpha,", "    beta,", "    gamma,", "    delta,", ")"]),
        ("value = alpha * beta + gamma * delta", ["value = (", "    alpha * beta", "    + gamma * delta", ")"]),
        (
            "f(alpha * beta * gamma + delta * epsilon, 1)",
            ["f(", "    alpha * beta * gamma", "    + delta * epsilon,", "    1,", ")"],
        ),
        ("f(alpha_beta_gamma_delta_epsilon)", ["f(", "    alpha_beta_gamma_delta_epsilon", ")"]),
        # Many names fill the lines, as words do.
        ("f(h1, h2, h3, h4, h5, h6, h7, h8, h9)", ["f(", "    h1, h2, h3, h4, h5,", "    h6, h7, h8, h9,", ")"]),
    ],
)
def test_wrapped(code, lines):
    assert wrapped(code, 0, width=26).split("\n") == lines
