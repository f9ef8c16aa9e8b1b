"""Formulas: one object for each, the same through text, and nothing in them that graphgen cannot print."""

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from graphgen.calculus.formula import FUNCTIONS, FormulaError, formula, parse, recognise, slot
from graphgen.calculus.functions import Maximum, Minimum, Sigmoid, Softplus
from graphgen.targets.dialects import NAMES

x, y = sp.symbols("x y")
u = sp.Symbol("u", real=True)


def test_the_same_formula_is_the_same_object():
    assert formula(x * sp.sin(y), [x, y]) is formula(y * sp.sin(x), [y, x])
    assert formula(x * sp.sin(y), [x, y]) is not formula(x * sp.sin(y), [y, x])
    assert formula(x * sp.sin(y), [x, y]) is parse("a*sin(b)", 2)


def test_slots():
    assert [slot(index).name for index in (0, 1, 25, 26, 52)] == ["a", "b", "z", "a1", "a2"]
    assert slot(0).is_real and slot(0, "bool").is_real is None
    assert slot(0) != slot(0, "bool")


def test_conditions_are_bool_slots():
    chosen = formula(sp.Piecewise((x, y), (0, True)), [y, x])
    assert chosen.kinds == ("bool", "float")
    assert str(chosen) == "where(a, b, 0)"
    assert formula(sp.And(x, sp.Not(y)), [x, y]).kinds == ("bool", "bool")
    assert formula(x < y, [x, y]).is_bool and formula(x < y, [x, y]).kinds == ("float", "float")


@pytest.mark.parametrize(
    "text",
    [
        "a*b*(1 - b)",
        "1 - b*a**2",
        "a/(2*b)",
        "-2*a/3 - b",
        "0.1*a + 1e-05*b",
        "a**(3/2) + 1/sqrt(b)",
        "1/a**1.5 - b",
        "a**(-b)",
        "where(a > 0, b, where(a < -1, 0, -b))",
        "where((a > 0) & (b != 2), a, maximum(b, 0))",
        "where(~(a == 0) | (b >= 0.5), a, b)",
        "exp(1)*a + pi*b",
        "sqrt(2)*a + b",
        "abs(a)*sign(b) + floor(a)",
        "sigmoid(a) + softplus(-b)",
    ],
)
def test_text_round_trips(text):
    once = parse(text, 2)
    assert parse(str(once), 2) is once


def test_text_is_readable():
    assert str(formula(x * (1 - x) * y, [x, y])) == "a*b*(1 - a)"
    assert str(formula(sp.Piecewise((x, x > 0), (0.01 * x, True)), [x])) == "where(a > 0, a, 0.01*a)"
    assert str(formula(sp.Float(0.1) * x, [x])) == "0.1*a"
    assert str(formula(x / 3, [x])) == "a/3"


leaves = st.sampled_from([slot(0), slot(1), sp.Integer(2), sp.Integer(-1), sp.Rational(1, 3), sp.Float(0.1), sp.pi])
one = st.sampled_from(
    [sp.exp, sp.tanh, sp.sin, sp.Abs, sp.sign, Sigmoid, Softplus, FUNCTIONS["log1p"], lambda e: 1 / (3 + e**2)]
)
two = st.sampled_from(
    [sp.Add, sp.Mul, Maximum, Minimum, lambda a, b: sp.Piecewise((a, slot(0) > 0), (b, True)), lambda a, b: a - b]
)
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda f, a: f(a), one, inner),
        st.builds(lambda f, a, b: f(a, b), two, inner, inner),
        st.builds(lambda a, n: a**n, inner, st.sampled_from([2, 3])),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(expressions)
def test_random_formulas_round_trip(expression):
    whole = slot(0) * slot(1) + expression
    if whole.free_symbols != {slot(0), slot(1)} or whole.has(sp.zoo, sp.nan, sp.oo):
        return
    made = formula(whole, [slot(0), slot(1)])
    assert parse(str(made), 2) is made


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (1 / (1 + sp.exp(-u)), Sigmoid(u)),
        (1 / (1 + sp.exp(u)), Sigmoid(-u)),
        (sp.exp(u) / (1 + sp.exp(u)), Sigmoid(u)),
        (u * sp.exp(2 * u) / (1 + sp.exp(2 * u)), u * Sigmoid(2 * u)),
        (1 / (1 + sp.exp(-u)) ** 2, Sigmoid(u) ** 2),
        (sp.log(1 + sp.exp(u)), Softplus(u)),
        (-sp.log(1 + sp.exp(-u)), -Softplus(-u)),
        (sp.Max(u, 0), Maximum(u, 0)),
        (sp.Min(sp.Max(u, -1), 1), Minimum(Maximum(u, -1), 1)),
        (1 / (2 + sp.exp(u)), 1 / (2 + sp.exp(u))),
    ],
)
def test_recognised(given_, expected):
    assert recognise(given_) == expected


REFUSED = {
    "__import__('os')": "not part of a formula: __import__('os')",
    "a.real": "not part of a formula: a.real",
    "gamma(a)": "not part of a formula: gamma(a)",
    "a if a else a": "not part of a formula: a if a else a",
    "a < a < a": "not part of a formula: a < a < a",
    "'a'": "not part of a formula: 'a'",
    "z": "not part of a formula: z",
    "exp(a, x=1)": "not part of a formula: exp(a, x=1)",
    "a +": "not a formula: 'a +'",
    "a\0": "not a formula: 'a\\x00'",
    "exp(a, a)": "not a formula: 'exp(a, a)'",
    "-" * 3000 + "a": f"not a formula: '{'-' * 27}...{'-' * 27}a'",
    "a + 9**9**9": "a power of numbers in the formula is too large to compute",
    "7": "the formula does not depend on a",
}


@pytest.mark.parametrize("text", REFUSED)
def test_text_that_is_no_formula(text):
    with pytest.raises(FormulaError) as error:
        parse(text, 1)
    assert str(error.value) == REFUSED[text]


def test_expressions_that_are_no_formula():
    with pytest.raises(FormulaError, match="^graphgen knows no function gamma$"):
        formula(sp.gamma(x), [x])
    with pytest.raises(FormulaError, match="^x is used both as a number and as a condition$"):
        formula(sp.Piecewise((x, x), (0, True)), [x])
    with pytest.raises(FormulaError, match="^add "):
        formula(sp.Piecewise((x, x > 0)), [x])
    with pytest.raises(FormulaError, match="^the formula does not depend on x$"):
        formula(sp.Abs(x) - sp.sqrt(x**2), [x])
    with pytest.raises(AssertionError):
        formula(x, [x, y])


def test_every_function_has_one_name():
    names = {name: NAMES[each.__name__] for name, each in FUNCTIONS.items() if isinstance(each, type)}
    assert all(name == printed for name, printed in names.items())
    assert {*names, "sqrt"} == set(FUNCTIONS) and set(names) == set(NAMES.values())
