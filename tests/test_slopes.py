"""Slopes as they are written: short where calculus allows it, and what the policies say at kinks and ties."""

import pytest
from elementwise import exact, names, signature, slope

from graphgen.calculus.formula import parse
from graphgen.calculus.slopes import Policies, jvp, vjp
from graphgen.ops import ELEMENTWISE
from graphgen.targets.printer import written

EXACT_TEXT = {
    ("add", 0): "g",
    ("subtract", 1): "-g",
    ("multiply", 0): "g * z",
    ("divide", 0): "g / z",
    ("divide", 1): "-g * y / z",
    ("power", 0): "g * z * x**(np.where(z == 0.0, 1.0, z) - 1.0)",
    ("power", 1): "g * y * np.log(np.where(x == 0.0, 1.0, x))",
    ("abs", 0): "g * np.sign(x)",
    ("sqrt", 0): "g / (2.0 * y)",
    ("square", 0): "2.0 * g * x",
    ("reciprocal", 0): "-g * y**2",
    ("exp", 0): "g * y",
    ("expm1", 0): "g * np.exp(x)",
    ("log", 0): "g / x",
    ("log1p", 0): "g / (x + 1.0)",
    ("tanh", 0): "g * (1.0 - y**2)",
    ("sigmoid", 0): "g * y * (1.0 - y)",
    ("softplus", 0): "g * sigmoid(x)",
    ("relu", 0): "np.where(y > 0.0, g, 0.0)",
    ("leaky_relu", 0): "np.where(y > 0.0, g, 0.01 * g)",
    ("elu", 0): "np.where(y > 0.0, g, g * (y + 1.0))",
    ("maximum", 0): "np.where(x > z, g, np.where(x == z, 0.5 * g, 0.0))",
    ("maximum", 1): "np.where(x > z, 0.0, np.where(x == z, 0.5 * g, g))",
    ("minimum", 0): "np.where(x < z, g, np.where(x == z, 0.5 * g, 0.0))",
    ("where", 1): "np.where(x, g, 0.0)",
    ("where", 2): "np.where(x, 0.0, g)",
}


@pytest.mark.parametrize(("op", "operand"), EXACT_TEXT)
def test_text_of_slopes(op, operand):
    assert slope(op, operand) == EXACT_TEXT[op, operand]


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [
        (0.0, "0"),
        (1.0, "g"),
        (2.0, "2.0 * g * x"),
        (3.0, "3.0 * g * x**2"),
        (0.5, "g / (2.0 * y)"),
        (1.5, "1.5 * g * np.sqrt(x)"),
        (-1.0, "-g * y**2"),
        (-2.0, "-2.0 * g * y / x"),
        (-0.3, "-0.3 * g * y / x"),
    ],
)
def test_powers_by_a_number(exponent, expected):
    assert slope("power", 0, numbers=(None, exponent), constant=(False, True)) == expected


def test_powers_of_a_number():
    assert slope("power", 1, numbers=(2.0, None), constant=(True, False)) == "0.6931471805599453 * g * y"
    assert slope("power", 1, numbers=(-2.0, None), constant=(True, False)) == EXACT_TEXT["power", 1]


KINKS = [
    ("relu", {}, 0, {0.0: "np.where(y > 0.0, g, 0.0)", 0.5: "np.where(x > 0.0, g, np.where(x == 0.0, 0.5 * g, 0.0))",
                     1.0: "np.where(x >= 0.0, g, 0.0)"}),
    ("maximum", {"numbers": (None, 0.0), "constant": (False, True)}, 0,
     {0.0: "np.where(y > 0.0, g, 0.0)", 1.0: "np.where(x >= 0.0, g, 0.0)"}),
    ("maximum", {"numbers": (0.0, None), "constant": (True, False)}, 1,
     {0.0: "np.where(y > 0.0, g, 0.0)", 1.0: "np.where(z >= 0.0, g, 0.0)"}),
    ("minimum", {"constant": (False, True)}, 0,
     {0.0: "np.where(x < z, g, 0.0)", 0.5: "np.where(x < z, g, np.where(x == z, 0.5 * g, 0.0))", 1.0: "np.where(x <= z, g, 0.0)"}),
    ("leaky_relu", {}, 0, {0.5: "np.where(x == 0.0, 0.505 * g, np.where(x > 0.0, g, 0.01 * g))",
                           1.0: "np.where(x >= 0.0, g, 0.01 * g)"}),
    ("leaky_relu", {"attributes": (("negative_slope", -0.5),)}, 0, {0.0: "np.where(x > 0.0, g, -0.5 * g)"}),
    ("leaky_relu", {"attributes": (("negative_slope", 3.0),)}, 0, {0.0: "np.where(x >= 0.0, g, 3.0 * g)"}),
    ("elu", {}, 0, {1.0: "np.where(y > 0.0, g, g * (y + 1.0))"}),
    ("elu", {"attributes": (("alpha", 0.1),)}, 0, {0.0: "np.where(y > 0.0, g, g * (y + 0.1))",
                                                  1.0: "np.where(x >= 0.0, g, g * (y + 0.1))"}),
    (parse("where(a >= 0, a, 0)", 1), {}, 0, {0.0: "np.where(x > 0.0, g, 0.0)", 1.0: "np.where(x >= 0.0, g, 0.0)"}),
]  # fmt: skip


@pytest.mark.parametrize(("op", "facts", "operand", "expected"), KINKS)
def test_kinks(op, facts, operand, expected):
    for k, text in expected.items():
        assert slope(op, operand, policies=Policies(relu_at_zero=k), **facts) == text


def test_a_jump_is_no_kink():
    step = parse("where(a > 0, a + 1, 0)", 1)
    assert slope(step, policies=Policies(relu_at_zero=1.0)) == "np.where(x > 0.0, g, 0.0)"


def test_ties_go_to_the_first_when_asked():
    first = Policies(ties="first")
    assert slope("maximum", 0, policies=first) == "np.where(x >= z, g, 0.0)"
    assert slope("maximum", 1, policies=first) == "np.where(x >= z, 0.0, g)"
    assert slope("minimum", 0, policies=first) == "np.where(x <= z, g, 0.0)"


@pytest.mark.parametrize("policies", [Policies(), Policies(ties="first")])
def test_shares_of_a_tie_sum_to_one(policies):
    shares = 0.0
    for operand in (0, 1):
        rule = vjp(signature("maximum", policies=policies), operand)
        shares += exact(rule.formula.expression, rule.formula.slots)(1.0, 2.0, 2.0)
    assert shares == 1.0


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("add", "2.0 * g"),
        ("subtract", "0"),
        ("multiply", "2.0 * g * x"),
        ("divide", "0"),
        ("maximum", "g"),
        ("minimum", "g"),
    ],
)
def test_the_same_operand_twice(op, expected):
    assert slope(op, 0, same=(0, 0)) == expected
    assert slope(op, 1, same=(0, 0)) == expected


def test_tangents_of_branches_stay_one_where():
    def tangent(op):
        rule = jvp(signature(op), tuple(range(len(ELEMENTWISE[op].slots))))
        return written(rule.formula, "numpy", names(rule))

    assert tangent("where") == "np.where(x, z_dot, w_dot)"
    assert tangent("maximum") == "np.where(x > z, x_dot, np.where(x == z, 0.5 * x_dot + 0.5 * z_dot, z_dot))"
    assert tangent("multiply") == "x_dot * z + z_dot * x"
    assert tangent("divide") == "x_dot / z - z_dot * y / z"


def test_zero_branches_are_zero_whatever_the_gradient():
    steep = parse("where(b, exp(a)/c, 0)", 3)
    assert slope(steep, 0) == "np.where(z, g * np.exp(np.where(z, x, 0.0)) / np.where(z, w, 1.0), 0.0)"


def test_numbers_that_do_not_matter_share_one_derivation():
    rules = {id(vjp(signature("multiply", numbers=(None, float(n)), constant=(False, True)), 0)) for n in range(9)}
    assert len(rules) == 1


def test_through_the_output_only_where_digits_are_kept():
    for text, expected in {
        "3*tanh(a)": "g * (3.0 - y**2 / 3.0)",
        "1000 + tanh(a)": "g * (1.0 - np.tanh(x)**2)",
        "1/(1 + a)": "-g * y**2",
        "a/(1 + a)": "g / (x + 1.0)**2",
        "2*exp(a) - 5": "2.0 * g * np.exp(x)",
        "exp(a*a)": "2.0 * g * y * x",
        "sigmoid(3*a)": "3.0 * g * y * (1.0 - y)",
    }.items():
        assert slope(parse(text, 1)) == expected, text
