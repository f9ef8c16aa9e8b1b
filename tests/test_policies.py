"""What calculus leaves open, in compiled modules: kinks, ties, branches that are not taken, stopped gradients."""

import itertools
import warnings

import numpy as np
import pytest

from graphgen import Graph, load, ops

STYLES = ("teach", "compact")


def gradients(expression, values, *, style="compact", mode="reverse", **policies):
    """The gradients of the sum of `expression` of parameters x, y, ... with these values; nothing may warn."""
    arrays = {name: np.asarray(value, dtype=float) for name, value in zip("xyzw", values, strict=False)}
    g = Graph("policy", **policies)
    result = expression(*(g.param(name, array.shape) for name, array in arrays.items()))
    g.loss(ops.sum(result) if result.shape else result)
    module = load(g, style=style, mode="both")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, found = module.value_and_grad(arrays)
        generator = np.random.default_rng(0)
        tangents = {name: generator.normal(size=array.shape) for name, array in arrays.items()}
        same, slope = module.jvp(arrays, tangents)
    assert same == value and np.isfinite(value)
    assert slope == pytest.approx(sum(np.sum(found[name] * tangents[name]) for name in arrays), rel=1e-12, abs=1e-12)
    return [np.asarray(each).tolist() for each in found.values()]


# -- kinks

RELUS = {
    "relu": lambda x: ops.relu(x),
    "maximum": lambda x: ops.maximum(x, 0),
    "maximum, the other way round": lambda x: ops.maximum(0.0, x),
    "maximum with an array": lambda x: ops.maximum(x, np.zeros(3)),
    "where": lambda x: ops.where(x > 0, x, 0),
    "mask": lambda x: x * (x > 0),
    "cast mask": lambda x: x * ops.cast(x > 0, "float"),
    "clip": lambda x: ops.clip(x, 0, None),
    "clip from below by name": lambda x: ops.clip(x, min=0.0),
    "clip on both sides": lambda x: ops.clip(x, 0.0, 5.0),
    "minimum of the negative": lambda x: -ops.minimum(-x, 0.0),
}
LITERAL = ("where", "mask", "cast mask")  # they say what they mean: 0 at 0, whatever the policy


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", RELUS)
def test_spellings_of_relu_agree_at_zero(name, style):
    for k in (0.0, 0.5, 1.0):
        at_zero = 0.0 if name in LITERAL else k
        assert gradients(RELUS[name], [[-1.0, 0.0, 2.0]], style=style, relu_at_zero=k) == [[0.0, at_zero, 1.0]]


def test_the_option_overrides_the_graph():
    g = Graph("option", relu_at_zero=1.0)
    x = g.param("x", (2,))
    g.loss(ops.sum(ops.relu(x)))
    point = {"x": np.zeros(2)}
    assert load(g).value_and_grad(point)[1]["x"].tolist() == [1.0, 1.0]
    assert load(g, relu_at_zero=0.25).value_and_grad(point)[1]["x"].tolist() == [0.25, 0.25]


# The point, then the slope for k = 0, 0.5 and 1: (1 - k) * the one-sided slope smaller in magnitude + k * the other.
KINKS = {
    "the upper end of clip": (lambda x: ops.clip(x, None, 1.0), 1.0, (0.0, 0.5, 1.0)),
    "the upper end of a clip on both sides": (lambda x: ops.clip(x, -1.0, 1.0), 1.0, (0.0, 0.5, 1.0)),
    "the lower end of a clip on both sides": (lambda x: ops.clip(x, -1.0, 1.0), -1.0, (0.0, 0.5, 1.0)),
    "minimum": (lambda x: ops.minimum(x, 2.0), 2.0, (0.0, 0.5, 1.0)),
    "leaky_relu": (lambda x: ops.leaky_relu(x, negative_slope=0.2), 0.0, (0.2, 0.6, 1.0)),
    "a steep leaky_relu": (lambda x: ops.leaky_relu(x, negative_slope=3.0), 0.0, (1.0, 2.0, 3.0)),
    "elu": (lambda x: ops.elu(x, alpha=0.5), 0.0, (0.5, 0.75, 1.0)),
    "elu without a kink": (lambda x: ops.elu(x), 0.0, (1.0, 1.0, 1.0)),
    "selu": (lambda x: ops.selu(x), 0.0, (1.0507009873554805, 1.4044001641014285, 1.7580993408473766)),
    "prelu": (lambda x: ops.prelu(x, 0.25), 0.0, (0.25, 0.625, 1.0)),
    "relu6": (lambda x: ops.relu6(x), 6.0, (0.0, 0.5, 1.0)),
    "hardtanh": (lambda x: ops.hardtanh(x, min_val=-2.0), -2.0, (0.0, 0.5, 1.0)),
    "hardsigmoid": (lambda x: 6.0 * ops.hardsigmoid(x), 3.0, (0.0, 0.5, 1.0)),
    "the lower end of hardswish": (lambda x: ops.hardswish(x), -3.0, (0.0, -0.25, -0.5)),
    "the upper end of hardswish": (lambda x: ops.hardswish(x), 3.0, (1.0, 1.25, 1.5)),
    "softshrink": (lambda x: ops.softshrink(x), -0.5, (0.0, 0.5, 1.0)),
    "threshold": (lambda x: ops.threshold(x, 0.5, 0.5), 0.5, (0.0, 0.5, 1.0)),
    "threshold that jumps": (lambda x: ops.threshold(x, 0.5, 0.0), 0.5, (0.0, 0.0, 0.0)),
    "hardshrink": (lambda x: ops.hardshrink(x), 0.5, (0.0, 0.0, 0.0)),
    "celu": (lambda x: ops.celu(x, alpha=0.3), 0.0, (1.0, 1.0, 1.0)),
    "softsign": (lambda x: ops.softsign(x), 0.0, (1.0, 1.0, 1.0)),
    "abs": (lambda x: ops.abs(x), 0.0, (0.0, 0.0, 0.0)),
    "relu of a sum": (lambda x: ops.relu(2.0 * x - 2.0), 1.0, (0.0, 1.0, 2.0)),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", KINKS)
def test_slopes_at_kinks(name, style):
    expression, at, slopes = KINKS[name]
    for k, slope in zip((0.0, 0.5, 1.0), slopes, strict=True):
        assert gradients(expression, [[at]], style=style, relu_at_zero=k) == [[pytest.approx(slope, abs=1e-15)]]
        assert gradients(expression, [at], style=style, relu_at_zero=k) == [pytest.approx(slope, abs=1e-15)]


# -- ties

X = [[1.0, 3.0, 3.0], [3.0, -1.0, -1.0]]
TIES = {
    "max": (lambda x: ops.max(x), [[0, 1 / 3, 1 / 3], [1 / 3, 0, 0]], [[0, 1, 0], [0, 0, 0]]),
    "max of rows": (lambda x: ops.max(x, axis=1), [[0, 0.5, 0.5], [1, 0, 0]], [[0, 1, 0], [1, 0, 0]]),
    "max of columns": (lambda x: ops.max(x, axis=0, keepdims=True), [[0, 1, 1], [1, 0, 0]], [[0, 1, 1], [1, 0, 0]]),
    "max over both": (lambda x: ops.max(x, axis=(0, 1)), [[0, 1 / 3, 1 / 3], [1 / 3, 0, 0]], [[0, 1, 0], [0, 0, 0]]),
    "min": (lambda x: ops.min(x), [[0, 0, 0], [0, 0.5, 0.5]], [[0, 0, 0], [0, 1, 0]]),
    "min of rows": (lambda x: x.min(-1), [[1, 0, 0], [0, 0.5, 0.5]], [[1, 0, 0], [0, 1, 0]]),
    "max of three axes": (
        lambda x: ops.max(ops.stack([x, x]), axis=(0, 2)),
        [[0, 0.5, 0.5], [1, 0, 0]],
        [[0, 1, 0], [1, 0, 0]],
    ),
    "max of the outer axes": (
        lambda x: ops.max(ops.stack([x, x], axis=1), axis=(0, 1)),
        [[0, 1, 1], [1, 0, 0]],
        [[0, 1, 1], [1, 0, 0]],
    ),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", TIES)
def test_ties_within_an_array(name, style):
    expression, split, first = TIES[name]
    np.testing.assert_allclose(gradients(expression, [X], style=style)[0], split, rtol=1e-15)
    np.testing.assert_array_equal(gradients(expression, [X], style=style, ties="first")[0], first)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("op", ["maximum", "minimum"])
def test_ties_between_two(op, style):
    def expression(x, y):
        return getattr(ops, op)(x, y)

    one, two = [1.0, 2.0, 2.0], [2.0, 2.0, -2.0]
    lower = op == "minimum"
    split, first = [float(lower), 0.5, float(not lower)], [float(lower), 1.0, float(not lower)]
    assert gradients(expression, [one, two], style=style) == [split, [1.0 - each for each in split]]
    assert gradients(expression, [one, two], style=style, ties="first") == [first, [1.0 - each for each in first]]
    # The kinks' policy is not asked.
    assert gradients(expression, [one, two], style=style, relu_at_zero=1.0)[0] == split
    assert gradients(lambda x: expression(x, x), [one], style=style) == [[1.0, 1.0, 1.0]]


# -- branches that are not taken

# The op, a place outside its domain or on its edge, and its slope inside.
RESTRICTED = {
    "log": (lambda x: ops.log(x), -1.0, lambda x: 1 / x),
    "log of zero": (lambda x: ops.log(x), 0.0, lambda x: 1 / x),
    "log1p": (lambda x: ops.log1p(x), -1.0, lambda x: 1 / (1 + x)),
    "sqrt": (lambda x: ops.sqrt(x), -2.0, lambda x: 0.5 / np.sqrt(x)),
    "sqrt of zero": (lambda x: ops.sqrt(x), 0.0, lambda x: 0.5 / np.sqrt(x)),
    "divide": (lambda x: 1.0 / x, 0.0, lambda x: -1 / x**2),
    "divide itself": (lambda x: ops.sin(x) / x, 0.0, lambda x: np.cos(x) / x - np.sin(x) / x**2),
    "reciprocal": (lambda x: ops.reciprocal(x), 0.0, lambda x: -1 / x**2),
    "power": (lambda x: x**0.3, -2.0, lambda x: 0.3 * x**-0.7),
    "negative power": (lambda x: x**-2, 0.0, lambda x: -2 * x**-3.0),
    "power of itself": (lambda x: ops.power(x, x), -2.5, lambda x: x**x * (1 + np.log(x))),
    "exp": (lambda x: ops.exp(x), 2000.0, np.exp),
    "exp2": (lambda x: ops.exp2(x), 2000.0, lambda x: np.log(2) * 2**x),
    "sinh": (lambda x: ops.sinh(x), 2000.0, np.cosh),
    "cosh": (lambda x: ops.cosh(x), -2000.0, np.sinh),
    "log2": (lambda x: ops.log2(x), 0.0, lambda x: 1 / (x * np.log(2))),
    "log10": (lambda x: ops.log10(x), -3.0, lambda x: 1 / (x * np.log(10))),
    "rsqrt": (lambda x: ops.rsqrt(x), -1.0, lambda x: -0.5 * x**-1.5),
    "rsqrt of zero": (lambda x: ops.rsqrt(x), 0.0, lambda x: -0.5 * x**-1.5),
    "cbrt of zero": (lambda x: ops.cbrt(x), 0.0, lambda x: x ** (-2 / 3) / 3),
    "asin": (lambda x: ops.asin(x - 1.0), 5.0, lambda x: 1 / np.sqrt(1 - (x - 1) ** 2)),
    "asin of one": (lambda x: ops.asin(x - 1.0), 2.0, lambda x: 1 / np.sqrt(1 - (x - 1) ** 2)),
    "acos": (lambda x: ops.acos(x - 1.0), -5.0, lambda x: -1 / np.sqrt(1 - (x - 1) ** 2)),
    "acosh": (lambda x: ops.acosh(x), -1.0, lambda x: 1 / np.sqrt(x**2 - 1)),
    "acosh of one": (lambda x: ops.acosh(x), 1.0, lambda x: 1 / np.sqrt(x**2 - 1)),
    "atanh": (lambda x: ops.atanh(x - 1.0), 3.0, lambda x: 1 / (1 - (x - 1) ** 2)),
    "atanh of one": (lambda x: ops.atanh(x - 1.0), 2.0, lambda x: 1 / (1 - (x - 1) ** 2)),
    "logit": (lambda x: ops.logit(x - 1.0), -3.0, lambda x: 1 / ((x - 1) * (2 - x))),
    "logit of zero": (lambda x: ops.logit(x - 1.0), 1.0, lambda x: 1 / ((x - 1) * (2 - x))),
    "logit of one": (lambda x: ops.logit(x - 1.0), 2.0, lambda x: 1 / ((x - 1) * (2 - x))),
    "xlogy": (lambda x: ops.xlogy(2.0, x), -3.0, lambda x: 2 / x),
    "xlogy of itself": (lambda x: ops.xlogy(x, x), -3.0, lambda x: 1 + np.log(x)),
    "fmod": (lambda x: ops.fmod(4.0, x), 0.0, lambda x: -2.0),
    "remainder": (lambda x: ops.remainder(-4.0, x), 0.0, lambda x: 3.0),
    "atan2": (lambda x: ops.atan2(x, x), 0.0, lambda x: 0.0),
    "hypot": (lambda x: ops.hypot(x, x), 0.0, lambda x: np.sqrt(2)),
    "a chain": (
        lambda x: ops.sqrt(ops.log(x)) + ops.log(ops.sqrt(x) + 1.0),
        -3.0,
        lambda x: 0.5 / np.sqrt(np.log(x)) / x + 0.5 / np.sqrt(x) / (np.sqrt(x) + 1),
    ),
}
INSIDE = 1.7


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", RESTRICTED)
def test_the_untaken_branch_poisons_nothing(name, style):
    expression, outside, slope = RESTRICTED[name]
    x = [INSIDE, outside]
    condition = np.array([True, False])
    for taken_first in (True, False):

        def chosen(x, taken_first=taken_first):
            other = 3.0 * x
            return (
                ops.where(condition, expression(x), other)
                if taken_first
                else ops.where(~condition, other, expression(x))
            )

        found = gradients(chosen, [x], style=style)[0]
        np.testing.assert_allclose(found, [slope(INSIDE), 3.0], rtol=1e-12)
    # In a graph of scalars, where Python's own functions raise; and the condition made of the operand itself.
    for at, expected in ((INSIDE, slope(INSIDE)), (outside, 3.0)):
        inside = 1.6 <= at <= 1.8
        assert inside == (at == INSIDE)
        found = gradients(lambda x: ops.where((x >= 1.6) & (x <= 1.8), expression(x), 3.0 * x), [at], style=style)[0]
        assert found == pytest.approx(expected, rel=1e-12)


BEHIND = {
    "sum": lambda x: ops.sum(ops.log(x), axis=1),
    "mean of a square root": lambda x: ops.mean(ops.sqrt(x), axis=1),
    "matmul": lambda x: ops.log(x) @ np.array([1.0, 2.0]),
    "max": lambda x: ops.max(1.0 / x, axis=1),
}
SLOPES = {
    "sum": lambda x: 1 / x,
    "mean of a square root": lambda x: 0.25 / np.sqrt(x),
    "matmul": lambda x: np.array([1.0, 2.0]) / x,
    "max": lambda x: np.where(x == x.min(), -1 / x**2, 0.0),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", BEHIND)
def test_the_untaken_branch_poisons_nothing_behind_other_ops(name, style):
    """Only the gradient is protected there: forward may hold what is not finite."""
    x = np.array([[0.5, 2.0], [0.0, 0.0], [0.0, 3.0]])
    taken = np.array([True, False, False])
    found = np.array(
        gradients(lambda x: ops.where(taken, BEHIND[name](x), 5.0 * ops.sum(x, axis=1)), [x], style=style)[0]
    )
    np.testing.assert_allclose(found[0], SLOPES[name](x[0]), rtol=1e-12)
    np.testing.assert_array_equal(found[1:], 5.0)


@pytest.mark.parametrize("style", STYLES)
def test_a_condition_may_broadcast_or_be_declared_later(style):
    def later(x, y):
        value = ops.log(x) * y
        return ops.where(y > 0, value, -y)

    x, y = gradients(lambda x, y: ops.where(y > 0, ops.sqrt(y), y) * x, [[[1.0, 2.0]], [[4.0], [-9.0]]], style=style)
    assert x == [[2.0 - 9.0, 2.0 - 9.0]]
    assert y == [[pytest.approx(3 * 0.25)], [3.0]]
    x, y = gradients(later, [[2.0, -1.0], [3.0, -3.0]], style=style)
    assert x == [1.5, 0.0] and y == [pytest.approx(np.log(2.0)), -1.0]


@pytest.mark.parametrize("style", STYLES)
def test_infinities_that_are_not_chosen(style):
    """0 * inf would be nan in a mask; where has a strong zero."""
    found = gradients(lambda x: ops.where(x > 0, x, ops.exp(-1000.0 * x)), [[1.0, 2.0]], style=style)
    assert found == [[1.0, 1.0]]
    with np.errstate(all="raise"):
        assert gradients(lambda x: ops.where(x < 700, ops.exp(x), 0.0), [[1.0, 5000.0]], style=style)[0] == [
            pytest.approx(np.e),
            0.0,
        ]


# -- what stops a gradient

STOPS = {
    "stop_gradient": lambda x: ops.stop_gradient(x),
    "sign": lambda x: ops.sign(x),
    "floor": lambda x: ops.floor(x),
    "comparison": lambda x: ops.cast(x > 0, "float"),
    "integer cast": lambda x: ops.cast(ops.cast(x, "int64"), "float"),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", STOPS)
def test_stopped_gradients(name, style):
    stop = STOPS[name]
    value = {"stop_gradient": 1.5, "integer cast": 1.0}.get(name, 1.0)
    assert gradients(lambda x: stop(x) * x, [[1.5]], style=style) == [[value]]
    # What no gradient passes through does not keep its operands' other gradients.
    assert gradients(lambda x: stop(2.0 * x) + x, [[1.5]], style=style) == [[1.0]]


@pytest.mark.parametrize("style", STYLES)
def test_a_stopped_sum_stays_one_operand(style):
    g = Graph("stopped")
    x, y, z = (g.param(name, (2,)) for name in "xyz")
    g.loss((ops.stop_gradient(x + y) * z).sum())
    module = load(g, style=style)
    point = {"x": np.array([1.0, 2.0]), "y": np.array([3.0, 4.0]), "z": np.array([5.0, 6.0])}
    assert module.loss(point) == 56.0
    assert module.value_and_grad(point)[1]["z"].tolist() == [4.0, 6.0]


# -- nothing warns

EXTREMES = [-800.0, -100.0, -1.0, -1e-300, 0.0, 1e-300, 1.0, 100.0, 800.0]
QUIET = ("sigmoid", "softplus", "tanh", "relu", "leaky_relu", "elu", "abs", "square", "sin", "cos", "negative", "tan", "atan",
         "asinh", "sinc")  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", QUIET)
def test_extreme_values_warn_nobody(name, style):
    op = getattr(ops, name)
    assert np.isfinite(gradients(lambda x: op(x), [EXTREMES], style=style)[0]).all()
    for each in EXTREMES:
        assert np.isfinite(gradients(lambda x: op(x), [each], style=style)[0])


@pytest.mark.parametrize("style", STYLES)
def test_differences_that_overflow_warn_nobody(style):
    largest = float(np.finfo(float).max)
    one, other = [largest, -largest, -largest, 1.0], [-largest, largest, -largest, -largest]
    found = gradients(lambda x, y: 0.25 * ops.logaddexp(x, y), [one, other], style=style)
    assert found == [[0.25, 0.0, 0.125, 0.25], [0.0, 0.25, 0.125, 0.0]]


@pytest.mark.parametrize("style", STYLES)
def test_logits_far_apart_warn_nobody(style):
    rows = [[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [800.0, 0.0, -800.0]]
    for op, axis in itertools.product((ops.softmax, ops.log_softmax, ops.logsumexp), (0, 1)):
        found = gradients(lambda x, op=op, axis=axis: op(x, axis=axis) * 1.5, [rows], style=style)
        assert np.isfinite(found[0]).all()
