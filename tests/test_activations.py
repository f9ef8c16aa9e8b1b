"""Activations: against plain NumPy and mpmath, with other attributes than the defaults, at extremes, and as they are written."""

import itertools
import warnings

import activations
import mpmath
import numpy as np
import pytest
import sympy as sp
from elementwise import calculus, exact, slope
from runtime_module import build, source
from test_policies import gradients

from graphgen import Graph, GraphError, compile, load, ops
from graphgen.calculus.activations import (
    Hardsigmoid,
    NormalCdf,
    NormalCdfTanh,
    NormalPdf,
    NormalPdfTanh,
    Sech,
    Tanhshrink,
)
from graphgen.calculus.formula import parse
from graphgen.calculus.slopes import Signature, vjp
from graphgen.ops import ELEMENTWISE
from graphgen.targets.printer import spell, written

# The op, attributes other than the defaults, and the largest slope with them.
VARIANTS = [
    ("gelu", {"approximate": "tanh"}, 1.13),
    ("leaky_relu", {"negative_slope": 0.2}, 1.0),
    ("elu", {"alpha": 0.3}, 1.0),
    ("celu", {"alpha": 2.0}, 1.0),
    ("celu", {"alpha": 0.3}, 1.0),
    ("softplus", {"beta": 2.0}, 1.0),
    ("softplus", {"beta": 0.5, "threshold": 20.0}, 1.0),
    ("hardtanh", {"min_val": -0.25, "max_val": 2.0}, 1.0),
    ("threshold", {"threshold": 0.1, "value": 20.0}, 1.0),
    ("hardshrink", {"lambd": 1.5}, 1.0),
    ("softshrink", {"lambd": 0.1}, 1.0),
]
PLAIN = [(name, {}) for name in activations.ACTIVATIONS if name != "prelu"]
STYLES = ("teach", "compact")


def called(name, attributes):
    return lambda x: getattr(ops, name)(x, **attributes)


# -- values and slopes


@pytest.mark.parametrize(("name", "attributes"), [*PLAIN, *((name, given) for name, given, _ in VARIANTS)])
def test_values_are_those_of_plain_numpy(name, attributes):
    x = np.append(np.random.default_rng(3).normal(size=300) * 4.0, [-3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 3.0, 6.0])
    expected = activations.ACTIVATIONS[name](x, **attributes)
    for style, (dtype, tolerance) in itertools.product(STYLES, {"float64": 1e-13, "float32": 1e-5}.items()):
        g = Graph("values", dtype=dtype)
        g.output(y=called(name, attributes)(g.input("x", (309,))))
        found = load(g, style=style, inference=True).forward({}, x)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_prelu_is_a_leaky_relu_of_slopes_that_broadcast():
    generator = np.random.default_rng(4)
    x, weight, weights = generator.normal(size=(5, 3)), np.array([0.25, -0.5, 3.0]), generator.normal(size=(5, 3))
    g = Graph("prelu")
    y = ops.prelu(g.param("x", (5, 3)), g.param("weight", (3,)))
    g.output(y=y)
    g.loss((y * weights).sum())
    module = load(g)
    np.testing.assert_array_equal(
        module.forward({"x": x, "weight": weight}), activations.ACTIVATIONS["prelu"](x, weight)
    )
    found = module.value_and_grad({"x": x, "weight": weight})[1]
    np.testing.assert_allclose(found["x"], weights * np.where(x > 0, 1.0, weight))
    np.testing.assert_allclose(found["weight"], (weights * np.minimum(x, 0.0)).sum(axis=0))


def lines_of(folder, name, attributes, dialect):
    """The op with these attributes, and its slope, as functions of x and of g, y and x."""
    row, signature = ELEMENTWISE[name], Signature(name, attributes, (0,), (False,), (None,))
    rule = vjp(signature, 0)
    printed = row.printed(attributes)
    own = {"g": "g", "y": "y", 0: "x"}
    body = f"value = lambda x: {written(printed, dialect, ['x'])}\n"
    body += f"slope = lambda g, y, x: {written(rule.formula, dialect, [own[each] for each in rule.operands])}"
    helpers = {*spell(printed, dialect).helpers, *spell(rule.formula, dialect).helpers} - {"_float"}
    return build(folder, source(sorted(helpers), supplied="", body=body))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "attributes", "largest"), VARIANTS)
def test_other_attributes_are_accurate_as_well(name, attributes, largest, dtype, tmp_path):
    """As `test_accuracy` has it for the defaults."""
    given = tuple(attributes.items())
    module = lines_of(tmp_path, name, given, "numpy")
    own = ELEMENTWISE[name].derived(given)
    true_value, true_slope = exact(own.expression, own.slots), exact(calculus(own.expression, own.slots[0]), own.slots)
    sizes = (5e-324, 1e-310, 1e-45, 1e-30, 1e-8, 0.07, 0.7, 1.2, 2.5, 5.0, 9.0, 15.0, 20.3, 50.0, 100.0, 1e4, 1e8, 1e30)
    points = np.unique(np.array([sign * size for size in sizes for sign in (1, -1)], dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = module.value(points)
        slopes = module.slope(np.ones(points.shape, dtype), values, points)
    assert values.dtype == slopes.dtype == dtype
    epsilon, least = float(np.finfo(dtype).eps), float(np.finfo(dtype).smallest_subnormal)
    with mpmath.workdps(400):
        for x, value, found in zip(points.tolist(), values.tolist(), slopes.tolist(), strict=True):
            truth, steepness = true_value(mpmath.mpf(x)), true_slope(mpmath.mpf(x))
            ulp = float(np.spacing(dtype(abs(float(truth)))))
            assert abs(value - truth) <= 4.0 * ulp + abs(x) * least, (x, value, float(truth))
            assert abs(found - steepness) <= 2.0 * epsilon * largest, (x, found, float(steepness))


SPECIAL = (0.0, -0.0, 5e-324, 1e-310, 1e-30, 0.5, 1.0, 3.0, 6.0, 88.0, 710.0, 1e4, 1e30, 1e300)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("name", "attributes"), [*PLAIN, *((name, given) for name, given, _ in VARIANTS)])
def test_extremes_are_finite_and_warn_nobody(name, attributes, style):
    largest = float(np.finfo(float).max)
    # The operand's multiple by selu's scale, beta or 1 / alpha has to be a number.
    share = 0.9 if name == "selu" else 0.4 if "beta" in attributes else min(attributes.get("alpha", 1.0), 1.0)
    given = [sign * size for size in (*SPECIAL, share * largest) for sign in (1, -1)]
    found = gradients(lambda x: 1e-16 * called(name, attributes)(x), [given], style=style)[0]
    assert np.isfinite(found).all()
    g = Graph("scalar")
    g.loss(called(name, attributes)(g.param("x", ())))
    module = load(g, style=style)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(np.isfinite(module.value_and_grad({"x": each})[1]["x"]) for each in given)


@pytest.mark.parametrize("style", STYLES)
def test_float32_at_its_largest(style):
    largest = float(np.finfo(np.float32).max)
    g = Graph("float32", dtype="float32")
    x = g.param("x", (4,))
    names = [name for name, _ in PLAIN if name != "selu"]
    g.output(**{f"y_{name}": getattr(ops, name)(x) for name in names})
    g.loss(sum(ops.mean(1e-30 * getattr(ops, name)(x)) for name in names))
    module = load(g, style=style)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parameters = {"x": np.array([largest, -largest, 1e-45, -1e-45], np.float32)}
        assert all(np.isfinite(value).all() and value.dtype == np.float32 for value in module.forward(parameters))
        assert np.isfinite(module.value_and_grad(parameters)[1]["x"]).all()


@pytest.mark.parametrize("call", [Hardsigmoid, NormalCdf, NormalCdfTanh, NormalPdf, NormalPdfTanh, Sech, Tanhshrink])
def test_the_slopes_of_their_parts_are_derivatives(call):
    a = sp.Symbol("a", real=True)
    own = call(a)
    derived, reference = exact(own.fdiff(), [a]), exact(calculus(own, a), [a])
    with mpmath.workdps(60):
        for x in map(mpmath.mpf, (-4.5, -1.3, -0.2, 0.4, 2.2, 3.7)):
            assert abs(derived(x) - reference(x)) < mpmath.mpf(10) ** -40
    assert abs(own.evalf(25, subs={a: sp.Rational(3, 10)}) - exact(own, [a])(mpmath.mpf(3) / 10)) < 1e-14


# -- how they are written

TEXTS = {
    "logsigmoid": ("-softplus(-x)", "g * sigmoid(-x)"),
    "hardsigmoid": ("hardsigmoid(x)", "np.where((x > -3.0) & (x < 3.0), g / 6.0, 0.0)"),
    "softsign": ("x / (np.abs(x) + 1.0)", "g * (1.0 - np.abs(y))**2"),
    "elliot": ("(np.maximum(x, 0.0) + 0.5) / (np.abs(x) + 1.0)", "0.5 * g * (1.0 - 2.0 * np.abs(y - 0.5))**2"),
    "relu6": ("np.minimum(np.maximum(x, 0.0), 6.0)", "np.where((x > 0.0) & (x < 6.0), g, 0.0)"),
    "hardtanh": ("np.minimum(np.maximum(x, -1.0), 1.0)", "np.where((x > -1.0) & (x < 1.0), g, 0.0)"),
    "prelu": ("z * np.minimum(x, 0.0) + np.maximum(x, 0.0)", "np.where(x > 0.0, g, g * z)"),
    "celu": ("np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0)))", "np.where(y > 0.0, g, g * (y + 1.0))"),
    "selu": (
        "1.0507009873554805 * np.where(x > 0.0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0.0)))",
        "np.where(x >= 0.0, 1.0507009873554805 * g, g * (y + 1.7580993408473766))",
    ),
    "silu": ("x * sigmoid(x)", "g * sigmoid(x) * (x * sigmoid(-x) + 1.0)"),
    "mish": ("x * np.tanh(softplus(x))", "g * (x * sigmoid(x) * sech(softplus(x))**2 + np.tanh(softplus(x)))"),
    "gelu": ("x * normal_cdf(x)", "g * (x * normal_pdf(x) + normal_cdf(x))"),
    "hardswish": (
        "x * hardsigmoid(x)",
        "np.where(x <= -3.0, 0.0, np.where(x >= 3.0, g, g * (x / 3.0 + 0.5)))",
    ),
    "hardshrink": ("np.where(np.abs(x) > 0.5, x, 0.0)", "np.where(np.abs(x) > 0.5, g, 0.0)"),
    "softshrink": (
        "np.where(x > 0.5, x - 0.5, np.where(x < -0.5, x + 0.5, 0.0))",
        "np.where((x < -0.5) | (x > 0.5), g, 0.0)",
    ),
    "tanhshrink": ("tanhshrink(x)", "g * np.tanh(x)**2"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name):
    row = ELEMENTWISE[name]
    assert (written(row.printed(), "numpy", ("x", "z")[: len(row.slots)]), slope(name)) == TEXTS[name]


@pytest.mark.parametrize(
    ("name", "attributes", "value", "derived"),
    [
        ("softplus", {"beta": 2.0}, "0.5 * softplus(2.0 * x)", "g * sigmoid(2.0 * x)"),
        ("softplus", {"beta": 2.0, "threshold": 20.0}, "np.where(x > 10.0, x, 0.5 * softplus(2.0 * x))",
         "np.where(x > 10.0, g, g * sigmoid(2.0 * x))"),
        ("celu", {"alpha": 2.0}, "np.where(x > 0.0, x, 2.0 * np.expm1(0.5 * np.minimum(x, 0.0)))",
         "np.where(y > 0.0, g, g * (0.5 * y + 1.0))"),
        ("gelu", {"approximate": "tanh"}, "x * normal_cdf_tanh(x)", "g * (x * normal_pdf_tanh(x) + normal_cdf_tanh(x))"),
        ("threshold", {"threshold": 0.5, "value": 2.0}, "np.where(x > 0.5, x, 2.0)", "np.where(x > 0.5, g, 0.0)"),
    ],
)  # fmt: skip
def test_texts_with_other_attributes(name, attributes, value, derived):
    given = tuple(attributes.items())
    assert written(ELEMENTWISE[name].printed(given), "numpy", ["x"]) == value
    assert slope(name, attributes=given) == derived


def test_what_grows_is_multiplied_by_what_has_kept_its_digits():
    for text, expected in {
        "a*tanh(a)": "g * (x * sech(x)**2 + np.tanh(x))",
        "a*sigmoid(3*a)": "g * sigmoid(3.0 * x) * (3.0 * x * sigmoid(-3.0 * x) + 1.0)",
        "1000 + tanh(a)": "g * (1.0 - np.tanh(x)**2)",
        "a/(2 + abs(a))": "0.5 * g * (1.0 - np.abs(y))**2",
        "5 + a/(1 + abs(a))": "g * (1.0 - np.abs(y - 5.0))**2",
    }.items():
        assert slope(parse(text, 1)) == expected, text


@pytest.mark.parametrize("text", ["a*tanh(a)", "a*sigmoid(a)", "a*tanh(softplus(a))"])
def test_what_grows_does_not_show_lost_digits(text, tmp_path):
    own = parse(text, 1)
    rule = vjp(Signature(own, (), (0,), (False,), (None,)), 0)
    assert set(rule.operands) == {"g", 0}
    line = written(rule.formula, "numpy", ["g" if each == "g" else "x" for each in rule.operands])
    text = source(spell(rule.formula, "numpy").helpers, supplied="", body=f"slope = lambda g, x: {line}")
    module = build(tmp_path, text)
    reference = exact(calculus(own.expression, own.slots[0]), own.slots)
    for x in np.linspace(10.0, 30.0, 201).tolist():  # the factor is not yet 1 there, and its rounding has grown
        with mpmath.workdps(40):
            assert abs(module.slope(np.ones(1), np.array([x]))[0] - reference(mpmath.mpf(x))) < 1e-15


# -- comments


def comments(expression, *shape, **options) -> str:
    g = Graph("comments", **options)
    x = g.param("x", shape or (3,))
    h = x * 1.5
    y = expression(h)
    g.loss(ops.sum(y))
    return compile(g)


NOTES = {
    "at 0 the smaller slope holds": [ops.relu, ops.leaky_relu, ops.selu],
    "at 0 the slope on the left holds": [lambda x: ops.prelu(x, np.full(3, 2.0))],
    "at 0 and 6 the smaller slope holds": [ops.relu6],
    "at -3 and 3 the smaller slope holds": [ops.hardsigmoid, ops.hardswish],
    "at -1 and 1 the smaller slope holds": [ops.hardtanh],
    "at -0.5 and 0.5 the smaller slope holds": [ops.softshrink],
    "where they are equal the smaller slope holds": [lambda x: ops.maximum(x, 2.0)],
    "ties share the gradient": [lambda x: ops.maximum(x, ops.sin(x))],
}
SMOOTH = ["elu", "celu", "silu", "gelu", "mish", "softplus", "softsign", "elliot", "tanhshrink", "hardshrink"]


@pytest.mark.parametrize(("note", "op"), [(note, op) for note, found in NOTES.items() for op in found])
def test_comments_say_where_the_slope_is_a_convention(note, op):
    assert f"  {note}\n" in comments(op)


def test_comments_say_which_slope_holds():
    assert "at 0 and 6 the larger slope holds" in comments(ops.relu6, relu_at_zero=1.0)
    assert "at 0 and 6 the slopes are mixed, 0.5 of the larger slope" in comments(ops.relu6, relu_at_zero=0.5)
    (prelu,) = NOTES["at 0 the slope on the left holds"]
    assert "at 0 the slope on the right holds" in comments(prelu, relu_at_zero=1.0)
    assert "at 0 the slopes are mixed, 0.5 of the slope on the right" in comments(prelu, relu_at_zero=0.5)


@pytest.mark.parametrize("name", SMOOTH)
def test_no_comment_where_calculus_decides(name):
    text = comments(getattr(ops, name))
    assert "slope" not in text.partition("def init_parameters")[0] and "ties" not in text


# -- glu and maxout


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("shape", "axis"), [((4,), -1), ((3, 6), 1), ((6, 3), 0), ((2, 4, 3), -2)])
def test_glu_and_maxout(shape, axis, style):
    x = np.random.default_rng(5).normal(size=shape)
    g = Graph("gates")
    parameter = g.param("x", shape)
    g.output(gated=ops.glu(parameter, axis=axis), largest=ops.maxout(parameter, 2, axis=axis))
    found = load(g, style=style, inference=True).forward({"x": x})
    np.testing.assert_allclose(found.gated, activations.glu(x, axis), rtol=1e-14)
    np.testing.assert_array_equal(found.largest, activations.maxout(x, 2, axis))


def test_maxout_takes_neighbours_and_shares_ties():
    assert gradients(lambda x: ops.maxout(x, pieces=3), [[1.0, 2.0, 2.0, 5.0, 4.0, 3.0]]) == [
        [0.0, 0.5, 0.5, 1.0, 0.0, 0.0]
    ]
    assert gradients(lambda x: ops.maxout(x, pieces=1), [[1.0, 2.0]]) == [[1.0, 1.0]]


def test_unknown_sizes_are_halved_where_they_are_twice_another():
    g = Graph("sizes")
    x = g.input("x", ("n", 3))
    doubled = ops.concat((x, 2.0 * x), axis=0)
    g.output(y=ops.glu(doubled, axis=0), z=ops.maxout(ops.reshape(doubled, (-1,)), 6))
    x = np.random.default_rng(6).normal(size=(5, 3))
    found = load(g, inference=True).forward({}, x)
    np.testing.assert_allclose(found.y, x / (1 + np.exp(-2.0 * x)), rtol=1e-14)
    np.testing.assert_array_equal(found.z, np.concatenate((x, 2.0 * x)).reshape(-1, 6).max(axis=1))


# -- mistakes

MISTAKES = {
    "GG005: gelu: unknown approximate 'sigmoid'": lambda x: ops.gelu(x, approximate="sigmoid"),
    "GG005: softplus: needs (beta > 0) & (threshold >= 0), got beta=0, threshold=5": lambda x: ops.softplus(x, 0, 5),
    "GG005: softplus: threshold is a finite number, got nan": lambda x: ops.softplus(x, threshold=np.nan),
    "GG005: hardtanh: needs min_val < max_val, got min_val=2, max_val=1": lambda x: ops.hardtanh(x, 2, 1),
    "GG005: celu: needs alpha != 0, got alpha=0": lambda x: ops.celu(x, alpha=0),
    "GG005: softshrink: needs lambd >= 0, got lambd=-1": lambda x: ops.softshrink(x, -1.0),
    "GG005: maxout: pieces is an int above 0, got 0": lambda x: ops.maxout(x, 0),
    "GG005: maxout: keyword 'pieces' is missing": lambda x: ops.maxout(x),
    "GG006: prelu: takes 2 operands (a, weight), got 1": lambda x: ops.prelu(x),
    "GG023: glu: axis 2 is out of bounds for 2 dimensions": lambda x: ops.glu(x, axis=2),
    "GG027: glu: axis 1 of (n, 3) cannot be split into 2 equal parts": lambda x: ops.glu(x),
    "GG027: glu: axis 0 of (n, 3) cannot be split into 2 equal parts": lambda x: ops.glu(x, axis=0),
    "GG027: maxout: axis 1 of (n, 3) cannot be split into 2 equal parts": lambda x: ops.maxout(x, 2),
    "GG031: glu: needs floats, got int64": lambda x: ops.glu(ops.cast(x, "int64")),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_mistakes(message):
    g = Graph("mistake")
    y = MISTAKES[message](g.param("x", ("n", 3)))
    g.loss(ops.sum(y))
    with pytest.raises(GraphError) as caught:
        compile(g)
    assert [f"{each.code}: {each.message}" for each in caught.value.problems] == [message]


def test_keywords_may_be_numbers_of_numpy():
    g = Graph("scalars")
    x = g.input("x", (3,))
    g.output(y=ops.leaky_relu(x, negative_slope=np.float32(0.5)))
    assert load(g, inference=True).forward({}, np.array([-2.0, 0.0, 2.0])).tolist() == [-1.0, 0.0, 2.0]
