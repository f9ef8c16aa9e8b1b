"""Derivatives of elementwise expressions, with the decisions that calculus leaves open: kinks, ties, jumps, 0**p.

sympy differentiates what is smooth. What it would answer elsewhere (0.5 for relu at 0, DiracDelta for sign, nan for a**b at 0)
is answered here.
"""

from typing import Literal, NamedTuple

import sympy as sp
from sympy.core.relational import Relational

from graphgen.calculus.formula import piecewise
from graphgen.calculus.functions import Exponent, Maximum, Minimum, Nonzero


class Policies(NamedTuple):
    """The slopes that are a convention.

    Attributes
    ----------
    relu_at_zero : k; at a kink the slope is (1 - k) * the one-sided slope smaller in magnitude + k * the other.
    ties : how maximum and minimum of two variables that are equal share the gradient.
    """

    relu_at_zero: float = 0.0
    ties: Literal["split", "first"] = "split"


class Conventions(NamedTuple):
    """The policies, and which symbols do not vary: against those maximum and minimum have a kink, not a tie."""

    policies: Policies = Policies()
    constant: frozenset[sp.Symbol] = frozenset()


DEFAULT = Conventions()


def derivative(node: sp.Expr, symbol: sp.Symbol, conventions: Conventions = DEFAULT) -> sp.Expr:
    """The derivative of an expression; it holds no Derivative, Subs or DiracDelta."""
    if symbol not in node.free_symbols:
        return sp.S.Zero
    if node == symbol:
        return sp.S.One
    if not node.has(*_OPEN) and not any(power.exp.free_symbols for power in node.atoms(sp.Pow)):
        return node.diff(symbol)
    parts = [derivative(part, symbol, conventions) if isinstance(part, sp.Expr) else sp.S.Zero for part in node.args]
    if isinstance(node, sp.Piecewise):
        slopes = [derivative(branch.expr, symbol, conventions) for branch in node.args]
        return at_kinks(node, slopes, symbol, conventions.policies)
    if isinstance(node, Maximum | Minimum):
        return _larger(node, parts, conventions)
    if isinstance(node, sp.sign | sp.floor):
        return sp.S.Zero
    if isinstance(node, sp.Abs):
        return sp.sign(node.args[0]) * parts[0]
    if isinstance(node, sp.Pow):
        return _power(*node.args, *parts)
    if isinstance(node, sp.Add):
        return sp.Add(*parts)
    if isinstance(node, sp.Mul):
        others = [sp.Mul(*node.args[:index], *node.args[index + 1 :]) for index in range(len(parts))]
        return sp.Add(*(part * other for part, other in zip(parts, others, strict=True)))
    assert isinstance(node, sp.Function), f"no derivative for {type(node).__name__}"
    return sp.Add(*(node.fdiff(index) * part for index, part in enumerate(parts, start=1) if part != 0))


_OPEN = (sp.Piecewise, Maximum, Minimum, sp.sign, sp.floor, sp.Abs)


def _power(base: sp.Expr, exponent: sp.Expr, base_slope: sp.Expr, exponent_slope: sp.Expr) -> sp.Expr:
    """The derivative of base**exponent, finite at 0 wherever the truth is."""
    if exponent.is_number:
        return exponent * base ** (exponent - 1) * base_slope
    # The power 0 is 1 whatever the base, so its slope is 0, not 0 * 0**-1; y*log(base) tends to 0 with the base.
    by_base = exponent * base ** (Exponent(base, exponent) - 1)
    by_exponent = base**exponent * sp.log(base if base.is_positive else Nonzero(base))
    return by_base * base_slope + by_exponent * exponent_slope


def _larger(node: sp.Function, slopes: list[sp.Expr], conventions: Conventions) -> sp.Expr:
    """The derivative of maximum or minimum: that of the one chosen; where they are equal, what the policies say."""
    (one, other), (slope, other_slope) = node.args, slopes
    fixed, other_fixed = (part.free_symbols <= conventions.constant for part in (one, other))
    if fixed and not other_fixed:
        one, other, slope, other_slope = other, one, other_slope, slope
    if fixed != other_fixed:
        share = number(conventions.policies.relu_at_zero)
    else:
        share = sp.S.One if conventions.policies.ties == "first" else sp.S.Half
    strictly, or_equal = (sp.Gt, sp.Ge) if isinstance(node, Maximum) else (sp.Lt, sp.Le)
    if share == 0:
        return sp.Piecewise((slope, strictly(one, other)), (other_slope, True))
    if share == 1:
        return sp.Piecewise((slope, or_equal(one, other)), (other_slope, True))
    shared = share * slope + (1 - share) * other_slope
    return sp.Piecewise((slope, strictly(one, other)), (shared, sp.Eq(one, other)), (other_slope, True))


def at_kinks(node: sp.Piecewise, slopes: list[sp.Expr], symbol: sp.Symbol, policies: Policies) -> sp.Expr:
    """The derivative of a Piecewise, given its branches', with the policy's slope wherever two branches meet in a kink."""
    conditions = [branch.cond for branch in node.args]
    added = []
    for index, condition in enumerate(conditions):
        if not (isinstance(condition, _ORDER) and condition.lhs == symbol and condition.rhs.is_number):
            continue
        place = condition.rhs
        left, right, here = (_branch_at(conditions, symbol, place + step) for step in (-_STEP, _STEP, 0))
        met = [node.args[side].expr.subs(symbol, place) for side in (left, right)]
        sides = [slopes[side].subs(symbol, place) for side in (left, right)]
        if not all(value.is_number for value in (*met, *sides)) or met[0] != met[1] or sides[0] == sides[1]:
            continue  # one branch, or a jump, or no kink
        smaller, larger = sorted(sides, key=abs)
        k = number(policies.relu_at_zero)
        wanted = (1 - k) * smaller + k * larger
        if wanted == slopes[here].subs(symbol, place):
            continue
        if wanted in sides:
            conditions[index] = _FLIPPED[type(condition)](symbol, place)
        else:
            added.append((wanted, sp.Eq(symbol, place)))
    return piecewise(*added, *zip(slopes, conditions, strict=True))


_ORDER = (sp.Gt, sp.Ge, sp.Lt, sp.Le)
_FLIPPED = {sp.Gt: sp.Ge, sp.Ge: sp.Gt, sp.Lt: sp.Le, sp.Le: sp.Lt}
_STEP = sp.Rational(1, 10**6)


def _branch_at(conditions: list[Relational], symbol: sp.Symbol, place: sp.Expr) -> int:
    """Which branch is taken; the last one where a condition cannot be decided."""
    for index, condition in enumerate(conditions):
        if condition.subs(symbol, place) == sp.true:
            return index
    return len(conditions) - 1


def number(value: float) -> sp.Expr:
    """A Python number as sympy's: whole and half numbers exact, so that a**0.5 is a square root; others as they are."""
    twice = 2 * float(value)
    if twice.is_integer() and abs(twice) < 2**53:
        return sp.Rational(int(twice), 2)
    return sp.Float(float(value))
