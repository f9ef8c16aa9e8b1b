"""Derivatives of elementwise expressions, with the decisions that calculus leaves open: kinks, ties, jumps, 0**p.

sympy differentiates what is smooth. What it would answer elsewhere (0.5 for relu at 0, DiracDelta for sign, nan for a**b at 0)
is answered here.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Literal, NamedTuple

import sympy as sp
from sympy.core.relational import Relational

from graphgen.calculus.elementary import SLOPES, Nonzero
from graphgen.calculus.formula import piecewise
from graphgen.calculus.functions import Maximum, Minimum


class Policies(NamedTuple):
    """The slopes that are a convention.

    Attributes
    ----------
    relu_at_zero : k; at a kink the slope is (1 - k) * the one-sided slope smaller in magnitude + k * the other.
    ties : how maximum and minimum of two variables that are equal share the gradient.
    """

    relu_at_zero: float = 0.0
    ties: Literal["split", "first"] = "split"

    @property
    def of_ties(self) -> str:
        """What comments say of ties."""
        return "ties share the gradient" if self.ties == "split" else "of ties the first gets the gradient"

    def of_kinks(self, kinks: "Kinks") -> list[str]:
        """What comments say of kinks: that the smaller slope holds, or one side's where it cannot be known to be smaller."""
        said = [(kinks.where, "smaller slope", "larger slope")] * bool(kinks.places)
        for place, side in kinks.sided:
            other = "right" if side == "left" else "left"
            said.append((f"at {float(place):g}", f"slope on the {side}", f"slope on the {other}"))
        k = self.relu_at_zero
        if k in (0.0, 1.0):
            return [f"{where} the {larger if k else smaller} holds" for where, smaller, larger in said]
        return [f"{where} the slopes are mixed, {k:g} of the {larger}" for where, _, larger in said]


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
    return sp.Add(*(_slope(node, place) * part for place, part in enumerate(parts) if part != 0))


_OPEN = (sp.Piecewise, Maximum, Minimum, sp.Abs, *SLOPES)


def _slope(call: sp.Function, place: int) -> sp.Expr:
    """The derivative of a function by one of its arguments."""
    known = SLOPES.get(call.func)
    return known[place](*call.args) if known else call.fdiff(place + 1)


def _power(base: sp.Expr, exponent: sp.Expr, base_slope: sp.Expr, exponent_slope: sp.Expr) -> sp.Expr:
    """The derivative of base**exponent, finite at 0 wherever the truth is."""
    if exponent.is_number:
        return exponent * base ** (exponent - 1) * base_slope
    # The power 0 is 1 whatever the base, so its slope is 0, not 0 * 0**-1; y*log(base) tends to 0 with the base.
    by_base = exponent * base ** (Nonzero(exponent) - 1)
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
    """The derivative of a Piecewise, given its branches', with the policy's slope wherever two branches meet."""
    conditions = [branch.cond for branch in node.args]
    added = []
    for kink in _meetings(node, slopes, symbol):
        k = number(policies.relu_at_zero)
        wanted = (1 - k) * kink.smaller + k * kink.larger
        if wanted == kink.here:
            continue
        if wanted in (kink.smaller, kink.larger):
            condition = conditions[kink.branch]
            conditions[kink.branch] = _FLIPPED[type(condition)](symbol, kink.place)
        else:
            added.append((wanted, sp.Eq(symbol, kink.place)))
    found = piecewise(*added, *zip(slopes, conditions, strict=True))
    if not isinstance(found, sp.Piecewise) or len(found.args) != 2:
        return found
    first, otherwise = found.args
    if first.expr == 0 and first.cond.has(Relational):
        return sp.Piecewise((otherwise.expr, _opposite(first.cond)), (0, True))
    return found


def _opposite(condition: sp.Basic) -> sp.Basic:
    """(a > 0) & (a < 6) for (a <= 0) | (a >= 6)."""
    return sp.And(*map(sp.Not, condition.args)) if isinstance(condition, sp.Or) else sp.Not(condition)


class _Meeting(NamedTuple):
    """A place where two branches of a Piecewise have one value.

    Attributes
    ----------
    branch : whose condition changes there.
    left : the slope on the left.
    smaller, larger : the slopes on either side, by their magnitude. One that is no number counts as the smaller.
    here : the slope of the branch that the place belongs to.
    """

    branch: int
    place: sp.Expr
    left: sp.Expr
    smaller: sp.Expr
    larger: sp.Expr
    here: sp.Expr


def _meetings(node: sp.Piecewise, slopes: list[sp.Expr], symbol: sp.Symbol) -> Iterator[_Meeting]:
    conditions = [branch.cond for branch in node.args]
    places = {index: each.rhs for index, each in enumerate(conditions) if is_order(each) and each.lhs == symbol}
    gaps = [abs(one - other) for one, other in combinations(set(places.values()), 2)]
    step = min(gaps, default=sp.S.One) / 2
    for index, place in places.items():
        left, right, here = (_branch_at(conditions, symbol, place + moved) for moved in (-step, step, 0))
        met = [node.args[side].expr.subs(symbol, place) for side in (left, right)]
        if not _same(*met):
            continue  # a jump
        *sides, own = (slopes[branch].subs(symbol, place) for branch in (left, right, here))
        known = [each for each in sides if each.is_number]
        if known and all(each.is_finite for each in known) and not (_same(*sides) and _same(own, *known[:1])):
            smaller, larger = sorted(sides, key=lambda slope: (slope.is_number, abs(slope) if slope.is_number else 0))
            yield _Meeting(index, place, sides[0], smaller, larger, own)


def _same(one: sp.Expr, other: sp.Expr) -> bool:
    """Whether two values are equal, but for the rounding of numbers in them."""
    difference = one - other
    scale = max(1, abs(one)) if one.is_number else 1
    return bool(difference.is_number and abs(difference) <= 1e-12 * scale)


def is_order(condition: sp.Basic) -> bool:
    """Whether a condition says on which side of a number a symbol is."""
    return type(condition) in _FLIPPED and condition.args[0].is_Symbol and condition.args[1].is_number


_FLIPPED = {sp.Gt: sp.Ge, sp.Ge: sp.Gt, sp.Lt: sp.Le, sp.Le: sp.Lt}


def _branch_at(conditions: list[Relational], symbol: sp.Symbol, place: sp.Expr) -> int:
    """Which branch is taken; the last one where a condition cannot be decided."""
    for index, condition in enumerate(conditions):
        if condition.subs(symbol, place) == sp.true:
            return index
    return len(conditions) - 1


class Kinks(NamedTuple):
    """Where the slope of an expression is a convention.

    Attributes
    ----------
    places : of kinks; None stands for wherever the expression equals something constant that is no number.
    sided : other kinks, one slope of which depends on operands and counts as the smaller: the place, "left" or "right".
    ties : whether two variables may be equal.
    """

    places: tuple[sp.Expr | None, ...] = ()
    sided: tuple[tuple[sp.Expr, str], ...] = ()
    ties: bool = False

    @property
    def where(self) -> str:
        """The places, for people."""
        numbers = [f"{float(place):g}" for place in self.places if place is not None]
        said = [f"at {' and '.join(numbers)}"] * bool(numbers) + ["where they are equal"] * (None in self.places)
        return " and ".join(said)


def kinks(expression: sp.Expr, symbol: sp.Symbol, constant: frozenset[sp.Symbol]) -> Kinks:
    """Where the derivative of an expression by a symbol depends on the policies."""
    places: dict[sp.Expr | None, None] = {}
    sided: dict[tuple[sp.Expr, str], None] = {}
    ties = False
    for node in sp.preorder_traversal(expression):
        if symbol not in node.free_symbols:
            continue
        if isinstance(node, sp.Piecewise):
            slopes = [derivative(branch.expr, symbol, Conventions(constant=constant)) for branch in node.args]
            for each in _meetings(node, slopes, symbol):
                if not each.smaller.is_number:
                    sided[each.place, "left" if each.smaller == each.left else "right"] = None
                elif each.smaller != each.larger:
                    places[each.place] = None
        elif isinstance(node, Maximum | Minimum):
            fixed = [part for part in node.args if part.free_symbols <= constant]
            ties = ties or not fixed
            places |= {each if each.is_number and symbol in node.args else None: None for each in fixed}
    numbers = sorted(place for place in places if place is not None)
    return Kinks((*numbers, None) if None in places else tuple(numbers), tuple(sided), ties)


def number(value: float) -> sp.Expr:
    """A Python number as sympy's: whole and half numbers exact, so that a**0.5 is a square root; others as they are."""
    twice = 2 * float(value)
    if twice.is_integer() and abs(twice) < 2**53:
        return sp.Rational(int(twice), 2)
    return sp.Float(float(value))
