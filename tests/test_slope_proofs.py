"""Each derived slope is proved by sympy to be the derivative of its row's formula, branch by branch."""

import itertools

import pytest
import sympy as sp
from elementwise import calculus, plain, signature

from graphgen.calculus.declared import Declared
from graphgen.calculus.derivative import derivative
from graphgen.calculus.formula import slot
from graphgen.calculus.functions import FUNCTIONS
from graphgen.calculus.slopes import vjp
from graphgen.ops import ELEMENTWISE

# Slopes that are declared are no derivatives: see test_control.py.
SLOPES = [(name, {}, place) for name, row in ELEMENTWISE.items() if not row.controls for place in range(len(row.slots))]
OTHERS = [
    ("gelu", {"approximate": "tanh"}),
    ("leaky_relu", {"negative_slope": -0.25}),
    ("elu", {"alpha": 2.5}),
    ("celu", {"alpha": 2.0}),
    ("celu", {"alpha": -0.5}),
    ("softplus", {"beta": 2.0}),
    ("softplus", {"beta": 0.5, "threshold": 1.0}),
    ("hardtanh", {"min_val": -0.25, "max_val": 2.0}),
    ("threshold", {"threshold": 0.5, "value": 2.0}),
    ("hardshrink", {"lambd": 1.5}),
    ("softshrink", {"lambd": 0.25}),
    ("clipped", {"low": -0.25, "high": 2.0}),
]
ARGUMENTS = {"polygamma": [sp.Integer(2), slot(0)]}  # its order is no variable
CHOICES = (sp.re, sp.im, sp.Piecewise, sp.Max, sp.Min, sp.Abs, sp.sign, sp.Heaviside, sp.floor)


def is_truth_value(symbol: sp.Symbol) -> bool:
    return symbol.is_real is None


def samples(expression: sp.Expr, slots) -> list[dict[sp.Symbol, sp.Basic]]:
    """A place between any two numbers of the expression, and beyond them, for each slot; no two are equal, none is whole."""
    numbers = sorted({sp.S.Zero, *(number for number in expression.atoms(sp.Number) if abs(number) < 100)})
    between = [(one + other) / 2 for one, other in itertools.pairwise(numbers)]
    places = [numbers[0] - 3, *between, numbers[-1] + 3]
    values = []
    for at, symbol in enumerate(slots, start=1):
        apart = sp.Rational(at, 1000)
        numbers = [place + side * apart for place in places for side in (1, -1)]
        values.append([sp.true, sp.false] if is_truth_value(symbol) else numbers)
    return [dict(zip(slots, chosen, strict=True)) for chosen in itertools.product(*values)]


def smooth(expression: sp.Expr, sample: dict[sp.Symbol, sp.Basic]) -> sp.Expr:
    """What an expression is around a sample: of each choice the branch that is taken there, and floor a constant."""

    def chosen(part: sp.Basic) -> sp.Basic:
        if isinstance(part, sp.Piecewise):
            return next(value for value, condition in part.args if condition.subs(sample) == sp.true)
        if isinstance(part, sp.Max | sp.Min):
            return next(each for each in part.args if each.subs(sample) == part.subs(sample))
        if isinstance(part, sp.re | sp.im):  # all is real, which sympy does not know of gamma
            return part.args[0] if isinstance(part, sp.re) else sp.S.Zero
        if isinstance(part, sp.Abs):
            return part.args[0] if part.args[0].subs(sample) > 0 else -part.args[0]
        return sp.Symbol(f"floor {part.args[0]}", real=True) if isinstance(part, sp.floor) else part.subs(sample)

    found = expression.replace(lambda part: isinstance(part, CHOICES), chosen)
    numbers = {symbol: value for symbol, value in sample.items() if not is_truth_value(symbol)}
    return found.subs(
        {each: sp.sign(value) * sp.Symbol(f"{each} in size", positive=True) for each, value in numbers.items()}
    )


def is_zero(expression: sp.Expr, rounding: float) -> bool:
    """Whether sympy can show it, up to the rounding of constants."""
    for form in (expression, expression.rewrite(sp.exp)):
        terms = sp.Add.make_args(sp.expand(sp.simplify(form)))
        if all(abs(term.as_coeff_Mul()[0]) <= rounding for term in terms):
            return True
    return False


def prove_equal(one: sp.Expr, other: sp.Expr, slots) -> None:
    """Show that two expressions are equal, away from where a choice changes."""
    difference = plain(one) - plain(other)
    floats = difference.atoms(sp.Float)
    difference = difference.xreplace({each: sp.Rational(repr(float(each))) for each in floats})
    for cell in {smooth(difference, sample) for sample in samples(difference, slots)}:
        assert is_zero(cell, 1e-15 if floats else 0.0), sp.simplify(cell)


@pytest.mark.parametrize(("name", "attributes", "place"), [*SLOPES, *((*each, 0) for each in OTHERS)])
def test_slopes_of_rows(name, attributes, place):
    row, given = ELEMENTWISE[name], tuple(attributes.items())
    own = row.derived(given)
    rule = vjp(signature(name, given), place)
    if row.zero_slope or is_truth_value(own.slots[place]):
        assert rule is None
        return
    known = {"g": sp.S.One, "y": own.expression} | dict(enumerate(own.slots))
    slots = dict(zip(rule.formula.slots, (known[what] for what in rule.operands), strict=True))
    slope = rule.formula.expression.xreplace(slots)
    prove_equal(slope, calculus(own.expression, own.slots[place]), own.slots)


@pytest.mark.parametrize(("name", "attributes"), [*((name, {}) for name in ELEMENTWISE), *OTHERS])
def test_what_is_printed_is_what_is_derived(name, attributes):
    row, given = ELEMENTWISE[name], tuple(attributes.items())
    derived, printed = row.derived(given), row.printed(given)
    if printed is not derived:
        prove_equal(printed.expression, derived.expression, derived.slots)


def test_other_attributes_are_proved_too():
    assert {name for name, _ in OTHERS} == {name for name, row in ELEMENTWISE.items() if row.attributes}


@pytest.mark.parametrize(
    "name",
    [name for name, function in FUNCTIONS.items() if isinstance(function, type) and not issubclass(function, Declared)],
)
def test_slopes_of_functions(name):
    """Those that stand in slopes too, which second derivatives need."""
    function = FUNCTIONS[name]
    arguments = ARGUMENTS.get(name) or [slot(place) for place in range(min(function.nargs))]  # log takes a base as well
    slots = [each for each in arguments if each.is_Symbol]
    for each in slots:
        prove_equal(derivative(function(*arguments), each), calculus(function(*arguments), each), slots)
