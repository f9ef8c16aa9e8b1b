"""The elementwise rows: what is derived from them is their derivative, in both modes and at second order."""

import mpmath
import pytest
import sympy as sp
from elementwise import SMOOTH, calculus, exact, signature

from graphgen.calculus.formula import parse
from graphgen.calculus.slopes import jvp, vjp
from graphgen.ops import ELEMENTWISE


@pytest.mark.parametrize("name", SMOOTH)
def test_slopes_are_the_derivative_to_30_digits(name):
    """The derived formula, through the output or not, against sympy's own derivative."""
    row = ELEMENTWISE[name]
    own = row.derived()
    value = exact(own.expression, own.slots)
    with mpmath.workdps(60):
        for operand in range(len(own.slots)):
            rule = vjp(signature(name), operand)
            derived, reference = (
                exact(rule.formula.expression, rule.formula.slots),
                exact(calculus(own.expression, own.slots[operand]), own.slots),
            )
            for point in [(0.3, 1.9, 0.7), (2.7, -0.8, 0.1), (1.4, 2.2, 1.3), (0.02, 3.1, -0.4)]:
                operands = [mpmath.mpf(x) for x in point[: len(own.slots)]]
                known = {"g": mpmath.mpf(3), "y": value(*operands)} | dict(enumerate(operands))
                assert (
                    abs(derived(*(known[what] for what in rule.operands)) - 3 * reference(*operands))
                    < mpmath.mpf(10) ** -30
                )


@pytest.mark.parametrize("name", SMOOTH)
def test_forward_mode_agrees_with_reverse_mode(name):
    count = len(ELEMENTWISE[name].slots)
    own = ELEMENTWISE[name].derived()
    tangent = jvp(signature(name), tuple(range(count)))
    operands = [mpmath.mpf(x) for x in (0.3, 1.9, 0.7)[:count]]
    known = {"g": mpmath.mpf(1), "y": exact(own.expression, own.slots)(*operands)} | dict(enumerate(operands))
    known |= {("dot", at): mpmath.mpf(at + 2) for at in range(count)}
    expected = mpmath.mpf(0)
    for operand in range(count):
        rule = vjp(signature(name), operand)
        expected += (operand + 2) * exact(rule.formula.expression, rule.formula.slots)(
            *(known[what] for what in rule.operands)
        )
    found = exact(tangent.formula.expression, tangent.formula.slots)(*(known[what] for what in tangent.operands))
    assert abs(found - expected) < 1e-14


@pytest.mark.parametrize("name", SMOOTH)
def test_second_order_is_the_derivative_of_the_first(name):
    """A rule's formula is differentiated like any other: by each of its slots, against central differences."""
    for operand in range(len(ELEMENTWISE[name].slots)):
        first = vjp(signature(name), operand).formula
        at = [mpmath.mpf(x) for x in (1.5, 0.6, 2.3, 1.2)[: len(first.kinds)]]
        whole = exact(first.expression, first.slots)
        for by in range(len(first.kinds)):
            rule = vjp(signature(first), by)
            with mpmath.workdps(40):
                step = mpmath.mpf(10) ** -12
                moved = [[x + sign * step * (place == by) for place, x in enumerate(at)] for sign in (1, -1)]
                expected = (whole(*moved[0]) - whole(*moved[1])) / (2 * step)
                known = {"g": mpmath.mpf(1), "y": whole(*at)} | dict(enumerate(at))
                found = (
                    exact(rule.formula.expression, rule.formula.slots)(*(known[w] for w in rule.operands))
                    if rule
                    else 0
                )
                assert abs(found - expected) < 1e-12, (first, by)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_formulas_and_slopes_round_trip_through_text(name):
    row = ELEMENTWISE[name]
    formulas = [row.derived(), row.printed()]
    rules = [vjp(signature(name), operand) for operand in range(len(row.slots))]
    rules += [jvp(signature(name), tuple(range(len(row.slots))))]
    rules += [vjp(signature(rule.formula), by) for rule in rules if rule for by in range(len(rule.operands))]
    for each in [*formulas, *(rule.formula for rule in rules if rule)]:
        assert parse(str(each), len(each.kinds)) is each


def test_rows_without_slope():
    for name, row in ELEMENTWISE.items():
        if row.zero_slope:
            assert all(vjp(signature(name), operand) is None for operand in range(len(row.slots)))
            assert jvp(signature(name), tuple(range(len(row.slots)))) is None
    assert vjp(signature("where"), 0) is None


@pytest.mark.parametrize("name", SMOOTH)
def test_formulas_of_numbers_are_numbers(name):
    own = ELEMENTWISE[name].derived()
    value = own.expression.xreplace({each: sp.Float(0.75) for each in own.slots})
    reference = exact(own.expression, own.slots)(*(mpmath.mpf(0.75) for _ in own.slots))
    assert complex(value) == pytest.approx(complex(reference), rel=1e-14)
