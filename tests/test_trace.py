"""The checked variant: it computes the same, and names the first value that is not finite and reaches a result."""

import importlib.util
import re
import warnings

import numpy as np
import pytest
from random_graphs import draw

import graphgen
from graphgen import Graph, losses, ops
from graphgen.loading import load
from graphgen.module.remedies import remedies


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def traced(declare, dtype="float64", **options):
    """The checked variant of a graph that a function declares."""
    g = Graph("traced", dtype=dtype)
    declare(g)
    return load(g, trace=True, mode="both", **options)


def finding(function, *arguments):
    """What a function finds."""
    with pytest.raises(FloatingPointError) as caught:
        function(*arguments)
    found = caught.value.finding
    assert found["statement"] in str(caught.value) and found["help"] in str(caught.value)
    assert found["place"] in str(caught.value) and all(each in str(caught.value) for each in found["operands"][:3])
    return found


def ones(parameters):
    return {name: np.ones_like(value) for name, value in parameters.items()}


def logarithm(g):
    x, w = g.input("x", shape=("n", 3)), g.param("w", shape=(3,))
    z = x * w
    g.loss(ops.log(z, name="l").sum())


def test_the_logarithm_of_a_negative_number():
    module = traced(logarithm)
    x = np.ones((4, 3))
    x[2, 1] = x[3, 0] = -2.0
    found = finding(module.loss, {"w": np.array([1.0, 3.0, 1.0])}, x)
    assert (found["name"], found["statement"], found["value"]) == ("l", "l = log(z)", "nan")
    assert (found["sweep"], found["index"], found["count"], found["size"]) == ("forward", (2, 1), 2, 12)
    assert found["operands"] == ["z[2, 1] = -6"]
    assert found["place"].startswith("test_trace.py:") and "ops.maximum" in found["help"]
    assert found["results"] == ["the loss is nan"]


def test_zero_divided_by_zero_names_both_entries_where_they_are_broadcast():
    def declare(g):
        x, w = g.input("x", shape=("n", 3)), g.param("w", shape=(3,))
        z = x * w
        q = z / z.sum(axis=1, keepdims=True)
        g.loss((q * q).sum())

    module = traced(declare)
    x = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    found = finding(module.value_and_grad, {"w": np.ones(3)}, x)
    assert (found["name"], found["index"], found["count"]) == ("q", (1, 0), 3)
    assert found["operands"] == ["z[1, 0] = 0", "q_sum[1, 0] = 0"]
    assert found["results"] == ["the loss is nan", "the gradient of w is nan"]


@pytest.mark.parametrize(("dtype", "at"), [("float32", 100.0), ("float64", 800.0)])
def test_an_exponential_that_overflows_says_where_that_begins(dtype, at):
    def declare(g):
        x, w = g.input("x", shape=("n", 2)), g.param("w", shape=(2,))
        e = ops.exp(x * w)
        g.loss(-ops.log(e / e.sum(axis=1, keepdims=True)).mean())

    found = finding(traced(declare, dtype).loss, {"w": np.ones(2)}, [[0.0, 1.0], [at, 1.0]])
    assert (found["name"], found["value"], found["index"]) == ("e", "inf", (1, 0))
    assert found["operands"] == [f"e_multiply[1, 0] = {at:g}"]
    assert {"float32": "above 88.7", "float64": "above 709.8"}[dtype] in found["help"]


def root(g):
    x, w = g.input("x", shape=("n", 2)), g.param("w", shape=(2,))
    s = ops.sqrt(ops.square(x * w).sum(axis=1))
    g.loss(s.sum())


def test_an_infinite_slope_is_found_in_its_sweep():
    module, point = traced(root), ({"w": np.ones(2)}, np.array([[3.0, 4.0], [0.0, 0.0]]))
    assert module.loss(*point) == 5.0
    found = finding(module.value_and_grad, *point)
    assert (found["sweep"], found["value"], found["index"]) == ("reverse", "inf", (1,))
    assert found["operands"] == ["d_s[1] = 1", "s[1] = 0"] and "slope of sqrt" in found["help"]
    assert found["whole"] == "s = sqrt(sum(square(x * w), axis=1))"
    found = finding(module.jvp, point[0], ones(point[0]), point[1])
    assert (found["sweep"], found["name"], found["index"]) == ("tangent", "s_dot", (1,))


def test_a_constant_batch_without_an_epsilon():
    def declare(g):
        x, w = g.input("x", shape=("n", 2)), g.param("w", shape=(2,))
        centred = x * w - (x * w).mean(axis=0)
        normal = centred / ops.sqrt(ops.square(centred).mean(axis=0))
        g.loss(normal.sum())

    found = finding(traced(declare).loss, {"w": np.ones(2)}, np.ones((4, 2)))
    assert (found["name"], found["operands"]) == ("normal", ["centred[0, 0] = 0", "normal_sqrt[0] = 0"])


def attention(g, additive):
    q, w = g.input("q", shape=("b", 4, 3)), g.param("w", shape=(3, 3))
    mask = g.input("mask", shape=(4, 4), **({} if additive else {"dtype": "bool"}))
    k = q @ w
    scores = q @ ops.swapaxes(k, 1, 2)
    masked = scores + mask if additive else ops.where(mask, scores, float("-inf"))
    weights = ops.softmax(masked)
    g.output(masked=masked)
    g.loss(ops.square(weights @ k).sum())


@pytest.mark.parametrize("additive", [False, True])
def test_masks_of_minus_infinity_are_left_alone(additive):
    module = traced(lambda g: attention(g, additive))
    generator = np.random.default_rng(0)
    parameters, q = {"w": generator.normal(size=(3, 3))}, generator.normal(size=(2, 4, 3))
    seen = np.tril(np.ones((4, 4), bool))
    mask = np.where(seen, 0.0, -np.inf) if additive else seen
    assert np.isfinite(module.loss(parameters, q, mask))
    assert np.isfinite(module.value_and_grad(parameters, q, mask)[1]["w"]).all()
    assert np.isfinite(module.jvp(parameters, ones(parameters), q, mask)).all()
    assert np.isneginf(module.forward(parameters, q, mask)).sum() == 2 * 6  # an output that is meant to be infinite


@pytest.mark.parametrize("additive", [False, True])
def test_a_row_that_is_all_masked_is_not_blamed_on_the_mask(additive):
    module = traced(lambda g: attention(g, additive))
    mask = np.full((4, 4), -np.inf) if additive else np.zeros((4, 4), bool)
    found = finding(module.loss, {"w": np.ones((3, 3))}, np.ones((2, 4, 3)), mask)
    assert found["name"] == "weights" and "every entry of a row is -inf" in found["help"]


def test_infinity_minus_infinity_is_found_where_it_is_made():
    def declare(g):
        x, w = g.input("x", shape=("n", 2)), g.param("w", shape=())
        s = ops.where(x > 0.0, x * w, float("-inf"))
        shifted = s - ops.max(s, axis=1, keepdims=True)
        g.loss(ops.exp(shifted).sum())

    found = finding(traced(declare).loss, {"w": 1.0}, [[1.0, 2.0], [-1.0, -1.0]])
    assert (found["name"], found["index"]) == ("shifted", (1, 0))
    assert found["operands"] == ["s[1, 0] = -inf", "shifted_max[1, 0] = -inf"] and "inf - inf" in found["help"]


def test_the_branch_that_is_not_taken_is_neither_an_error_nor_to_blame():
    def declare(g):
        x, w = g.input("x", shape=("n", 2)), g.param("w", shape=())
        logs = ops.log(x).sum(axis=1)
        powers = ops.exp(-w * x).sum(axis=1)
        chosen = ops.where(x[:, 0] > 0.0, logs, powers)
        g.loss(chosen.sum())

    module = traced(declare)
    assert module.loss({"w": 1.0}, [[1.0, 1.0], [0.0, 0.0]]) == 2.0
    found = finding(module.loss, {"w": 1.0}, [[1.0, 1.0], [-1000.0, 0.0]])
    assert found["statement"] == "powers_exp = exp(powers_multiply)" and found["operands"] == [
        "powers_multiply[1, 0] = 1000"
    ]


def test_an_infinity_that_becomes_finite_again_is_not_to_blame():
    def declare(g):
        x, w = g.input("x", shape=("n",)), g.param("w", shape=())
        d = ops.expm1(w * x)
        q = 1.0 / d
        g.loss(q.sum())

    module = traced(declare)
    assert module.loss({"w": 1.0}, [1000.0]) == 0.0
    found = finding(module.loss, {"w": 1.0}, [1000.0, 0.0])
    assert (found["name"], found["index"], found["operands"]) == ("q", (1,), ["d[1] = 0"])


def test_of_two_the_first_is_named():
    def declare(g):
        x, w = g.input("x", shape=("n",)), g.param("w", shape=())
        first, second = ops.log(w * x), ops.sqrt(w * x)
        g.loss(second.sum() + first.sum())

    assert finding(traced(declare).loss, {"w": 1.0}, [-1.0])["name"] == "first"


def test_weights_and_data_that_come_broken():
    def declare(g):
        x, w = g.input("x", shape=("n", 2)), g.param("w", shape=(2, 2))
        g.loss(ops.tanh(x @ w).sum())

    module = traced(declare)
    bad = np.ones((2, 2))
    bad[1, 0] = np.nan
    found = finding(module.value_and_grad, {"w": bad}, np.ones((3, 2)))
    assert (found["statement"], found["index"], found["count"]) == ("the parameter w", (1, 0), 1)
    found = finding(module.loss, {"w": np.eye(2)}, [[0.0, np.nan]])
    assert (found["statement"], found["index"]) == ("the input x", (0, 1))


def test_weights_beyond_float32():
    module = traced(lambda g: g.loss(g.param("w", shape=(2,), init=np.full(2, 1e39)).sum()), "float32")
    with np.errstate(over="ignore"):
        parameters = module.init_parameters()
    assert finding(module.loss, parameters)["statement"] == "the parameter w"


def test_the_step_at_which_a_recurrence_explodes():
    def declare(g):
        x, w = g.input("x", shape=("n", 2)), g.param("w", shape=(2, 2))
        h = x
        for _ in range(50):
            h = h @ w
        g.loss(ops.square(h).sum())

    found = finding(traced(declare, "float32").loss, {"w": np.full((2, 2), 10.0)}, np.ones((1, 2)))
    assert (found["name"], found["statement"]) == ("h_30", "h_30 = h_29 @ w")
    assert found["operands"][1] == "w of shape (2, 2) from 10 to 10" and "float32 ends at 3.4e+38" in found["help"]


def scalar(g):
    x, w = g.input("x"), g.param("w")
    z = x * w
    y = ops.log(z)
    g.output(root=ops.sqrt(z))
    g.loss(ops.exp(y * y) / y)


@pytest.mark.parametrize(
    ("w", "name", "operands"),
    [
        (-1.0, "y", ["z = -2"]),
        (0.0, "y", ["z = 0"]),
        (0.5, "loss", ["loss_exp = 1", "y = 0"]),
        (1e20, "loss_exp", None),
    ],
)
def test_what_math_raises_for_scalars(w, name, operands):
    module = traced(scalar)
    for function, given in ((module.loss, ()), (module.value_and_grad, ()), (module.jvp, ({"w": 1.0},))):
        found = finding(function, {"w": w}, *given, 2.0)
        assert (found["name"], found["sweep"]) == (name, "forward")
        assert operands is None or found["operands"] == operands
    with pytest.raises(ValueError, match="w: missing"):
        module.loss({}, 2.0)


def test_a_slope_of_scalars():
    module = traced(lambda g: g.loss(ops.sqrt(g.input("x") * g.param("w"))))
    assert module.loss({"w": 0.0}, 2.0) == 0.0
    found = finding(module.value_and_grad, {"w": 0.0}, 2.0)
    assert found["sweep"] == "reverse" and "slope of sqrt" in found["help"]


def test_functions_of_other_modes_are_checked_too():
    g = Graph("all")
    x, w = g.input("x", shape=("n", 2)), g.param("w", shape=(2,))
    p = ops.sigmoid(x @ w)
    g.output(p=p)
    g.loss(losses.mse(p, g.input("y", shape=("n",))))
    module = load(g, trace=True, mode="both", split=True, vjp=True, jacobian=True, hvp=True, per_example=True)
    plain = load(g, mode="both", split=True, vjp=True, jacobian=True, hvp=True, per_example=True)
    point, bad = ({"w": np.ones(2)}, np.ones((3, 2)), np.array([1.0, 0.0, 1.0])), {"w": np.array([np.nan, 1.0])}
    saved = module.forward_sweep(*point)[1]
    assert np.array_equal(module.backward(saved)["w"], plain.value_and_grad(*point)[1]["w"])
    assert np.array_equal(
        module.hvp(point[0], point[0], *point[1:])["w"], plain.hvp(point[0], point[0], *point[1:])["w"]
    )
    calls = {"forward_sweep": (bad, *point[1:]), "hvp": (bad, point[0], *point[1:]), "jacobian": (bad, point[1])}
    calls |= {"vjp": (bad, {"p": np.ones(3)}, point[1]), "per_example_gradients": (bad, *point[1:])}
    for name, arguments in calls.items():
        assert finding(getattr(module, name), *arguments)["statement"] == "the parameter w", name


def test_it_raises_what_trainings_and_checks_take_for_out_of_domain():
    module = traced(lambda g: g.loss(ops.log(g.param("w", shape=(2,), init=np.array([0.5, 2.0]))).sum()))
    assert (
        max(module.check_gradients({"w": np.array([0.01, 2.0])}).values()) < 1e-6
    )  # steps of differences leave the domain


@pytest.mark.parametrize("seed", range(8))
def test_it_computes_what_the_module_computes(seed):
    model = draw(seed)
    plain, checked = load(model.graph, style="teach"), load(model.graph, trace=True)
    point = (model.parameters, *model.inputs.values())
    value, gradients = plain.value_and_grad(*point)
    found, others = checked.value_and_grad(*point)
    assert found == pytest.approx(value, rel=1e-12, abs=1e-12)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(others[name], gradient, rtol=1e-9, atol=1e-12)


def test_nothing_of_it_is_in_a_module_that_is_not_asked_for():
    g = Graph("plain")
    logarithm(g)
    source = graphgen.compile(g)
    assert source == graphgen.compile(g, trace=False)
    assert not any(name in source for name in ("_expect_finite", "_traced", "_facts", "_remedies"))


def test_the_source_is_read_like_any_other(tmp_path):
    g = Graph("read")
    logarithm(g)
    source = graphgen.compile(g, trace=True)
    assert source.startswith(
        '"""read: forward and reverse sweeps of test_trace.py, a checked variant that names the first nan'
    )
    assert re.search(r"^    l = np.log\(z\) +# test_trace.py:\d+  \(n, 3\)$", source, re.MULTILINE)
    assert '    _expect_finite("loss", locals())\n    return float(loss)' in source
    assert max(map(len, source[source.index("_traced = {") :].splitlines())) <= 120
    file = tmp_path / "read_trace.py"
    file.write_text(source)
    spec = importlib.util.spec_from_file_location("read_trace", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert list(module._traced["loss"][1]) == ["z", "l", "loss"]


def test_saving_less_is_refused():
    g = Graph("both")
    logarithm(g)
    with pytest.raises(graphgen.GraphError, match=r"GG119.*keeps every value"):
        graphgen.compile(g, trace=True, save="minimal")


def test_remedies_know_limits_and_domains():
    found = remedies(
        ["exp", "cosh", "acosh", "slope of acosh", "slope of add", "softmax: divide", "bce: log", "matmul"], "float32"
    )
    assert "above 88.7" in found["exp"] and "beyond 89.4 on both sides" in found["cosh"]
    assert found["acosh"] == "acosh needs x >= 1: keep it there with ops.clip or ops.maximum"
    assert "slope of acosh is infinite" in found["slope of acosh"] and "row" in found["softmax: divide"]
    assert found["bce: log"] == remedies(["log"], "float32")["log"]
    assert set(found) == {"exp", "cosh", "acosh", "slope of acosh", "softmax: divide", "bce: log", "inf", "nan"}
