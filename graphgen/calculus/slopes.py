"""Slopes of elementwise ops, for both modes, as formulas: derived once for each signature, never for each node."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import sympy as sp

from graphgen import ops
from graphgen.calculus.activations import Sech
from graphgen.calculus.derivative import Conventions, Kinks, Policies, derivative, is_order, kinks, number
from graphgen.calculus.formula import Formula, formula, piecewise, recognise
from graphgen.calculus.functions import Maximum, Minimum, Sigmoid
from graphgen.calculus.output import OUTPUT, slope
from graphgen.targets.printer import Attributes

__all__ = ["Policies", "Rule", "Signature", "derivative", "jvp", "undecided", "vjp"]

_GRADIENT = sp.Symbol("gradient g", real=True)  # no slot's name


class Signature(NamedTuple):
    """What a slope depends on, besides the values of the operands.

    Attributes
    ----------
    op : the name of a row, or the formula of a map node.
    attributes : (name, value) pairs, sorted.
    same : for each operand, the first one that is the same node.
    constant : whether an operand depends on constants only.
    numbers : an operand that is a literal number.
    """

    op: str | Formula
    attributes: Attributes
    same: tuple[int, ...]
    constant: tuple[bool, ...]
    numbers: tuple[float | None, ...]
    policies: Policies = Policies()


class Rule(NamedTuple):
    """A slope as a formula, and what goes into its slots.

    `operands` holds "g" for the gradient of the output, "y" for the output, i for operand i, ("dot", i) for its tangent.
    """

    formula: Formula
    operands: tuple[Any, ...]


def vjp(signature: Signature, operand: int) -> Rule | None:
    """The gradient of an operand: g times the slope, summed over all places where the operand stands.

    Branches that do not depend on the operand are 0 whatever g is. None if the slope is zero everywhere.
    """
    return _vjp(_essential(signature), signature.same[operand])


def jvp(signature: Signature, active: tuple[int, ...]) -> Rule | None:
    """The tangent of the output: the sum, over the operands in `active`, of slope times tangent. None if it is zero everywhere."""
    return _jvp(_essential(signature), tuple(sorted({signature.same[operand] for operand in active})))


@cache
def _vjp(signature: Signature, operand: int) -> Rule | None:
    found = _slope(signature, operand)
    if found == 0:
        return None
    return _rule(times(_GRADIENT, found), [("g", _GRADIENT)], signature)


@cache
def _jvp(signature: Signature, active: tuple[int, ...]) -> Rule | None:
    dots = [(("dot", operand), sp.Symbol(f"dot {operand}", real=True)) for operand in active]
    terms = [times(dot, _slope(signature, operand)) for operand, (_, dot) in zip(active, dots, strict=True)]
    total = _sum(terms)
    return None if total == 0 else _rule(total, dots, signature)


def undecided(signature: Signature, operand: int) -> Kinks:
    """Where the slope by one operand is what the policies say."""
    return _undecided(_essential(signature), signature.same[operand])


@cache
def _undecided(signature: Signature, operand: int) -> Kinks:
    if _slope(signature, operand) == 0:
        return Kinks()
    expression, symbol, constant = _differentiated(signature, operand)
    return kinks(expression, symbol, constant)


@cache
def _slope(signature: Signature, operand: int) -> sp.Expr:
    """The slope by one operand, over the slots of the op's own formula and OUTPUT."""
    if isinstance(signature.op, str) and ops.TABLE[signature.op].zero_slope:
        return sp.S.Zero
    own = _formula_of(signature)
    if own.is_bool or own.kinds[operand] == "bool":
        return sp.S.Zero
    expression, symbol, constant = _differentiated(signature, operand)
    found = slope(expression, symbol, Conventions(signature.policies, constant))
    if found.has(sp.I):  # the logarithm of a negative number: nan when it runs
        return _slope(signature._replace(numbers=(None,) * len(signature.numbers)), operand)
    found = _sharpened(recognise(found))
    assert not found.has(sp.Derivative, sp.Subs, sp.DiracDelta), f"{found} is no formula"
    return found


def _differentiated(signature: Signature, operand: int) -> tuple[sp.Expr, sp.Symbol, frozenset[sp.Symbol]]:
    """The formula with what is known of its operands, the slot to differentiate by, and the slots that do not vary."""
    own = _formula_of(signature)
    numbers = {own.slots[at]: value for at, value in enumerate(signature.numbers) if value is not None}
    bases = {power.base for power in own.expression.atoms(sp.Pow) if power.exp.free_symbols}
    # The power of a negative number stays one of a slot, which sympy takes for real, as it is for whole exponents.
    values = {each: number(value) for each, value in numbers.items() if value >= 0 or each not in bases}
    values |= {own.slots[at]: own.slots[first] for at, first in enumerate(signature.same) if at != first}
    constant = frozenset(own.slots[at] for at, is_constant in enumerate(signature.constant) if is_constant)
    return recognise(own.expression.xreplace(values)), own.slots[operand], constant


def _sharpened(slope: sp.Expr) -> sp.Expr:
    """The slope with 1 - tanh(u)**2 as sech(u)**2, and 1 - sigmoid(u) as sigmoid(-u), wherever something multiplies it.

    Another factor may grow as these go to 0, and would show that they have lost their digits.
    """

    def factor(part: sp.Expr) -> sp.Expr:
        rest = 1 - part
        if isinstance(rest, Sigmoid):
            return Sigmoid(-rest.args[0])
        if rest.is_Pow and rest.exp == 2 and isinstance(rest.base, sp.tanh):
            return Sech(rest.base.args[0]) ** 2
        return part

    def product(*factors: sp.Expr) -> sp.Expr:
        return sp.Mul(*(map(factor, factors) if sum(bool(each.free_symbols) for each in factors) > 1 else factors))

    sharp = slope.replace(sp.Mul, product)
    return slope if sharp == slope else sp.factor_terms(sharp)


def _formula_of(signature: Signature) -> Formula:
    if isinstance(signature.op, Formula):
        return signature.op
    return ops.TABLE[signature.op].derived(signature.attributes)


def _rule(expression: sp.Expr, first: Sequence[tuple[Any, sp.Symbol]], signature: Signature) -> Rule:
    slots = enumerate(_formula_of(signature).slots)
    known = [*first, ("y", OUTPUT), *slots]
    used = [(what, symbol) for what, symbol in known if symbol in expression.free_symbols]
    return Rule(formula(expression, [symbol for _, symbol in used]), tuple(what for what, _ in used))


def times(factor: sp.Expr, expression: sp.Expr) -> sp.Expr:
    """A product that is zero in the branches that are zero, even if the factor is not finite there."""
    if not expression.has(sp.Piecewise):
        return factor * expression
    if isinstance(expression, sp.Piecewise):
        return piecewise(*((times(factor, value), condition) for value, condition in expression.args))
    if isinstance(expression, sp.Add):
        plain = [term for term in expression.args if not term.has(sp.Piecewise)]
        return _sum([factor * sp.Add(*plain), *(times(factor, term) for term in expression.args if term not in plain)])
    if isinstance(expression, sp.Mul):
        for index, part in enumerate(expression.args):
            if isinstance(part, sp.Piecewise):  # which does not cancel in a quotient: 1/part has a pole
                others = sp.Mul(*expression.args[:index], *expression.args[index + 1 :])
                return times(times(factor, others), part)
    return factor * expression


def _sum(terms: list[sp.Expr]) -> sp.Expr:
    """The sum; Piecewise terms with the same conditions are added branch by branch."""
    plain = [term for term in terms if not isinstance(term, sp.Piecewise)]
    branches: dict[tuple[sp.Basic, ...], list[sp.Expr]] = {}
    for term in terms:
        if isinstance(term, sp.Piecewise):
            conditions = tuple(condition for _, condition in term.args)
            values = [value for value, _ in term.args]
            known = branches.setdefault(conditions, [sp.S.Zero] * len(values))
            branches[conditions] = [sum(pair) for pair in zip(known, values, strict=True)]
    chosen = [piecewise(*zip(values, conditions, strict=True)) for conditions, values in branches.items()]
    return sp.Add(*plain, *chosen)


def _essential(signature: Signature) -> Signature:
    """The signature without what does not matter, so that x * 2.0 and x * 3.0 share one derivation."""
    folds, compares = _matters(_formula_of(signature))
    matters = [folded or (compares and value == 0) for folded, value in zip(folds, signature.numbers, strict=True)]
    numbers = tuple(value if kept else None for kept, value in zip(matters, signature.numbers, strict=True))
    constant = signature.constant if compares else (False,) * len(signature.constant)
    policies = signature.policies if compares or _formula_of(signature).expression.has(sp.Piecewise) else Policies()
    return signature._replace(numbers=numbers, constant=constant, policies=policies)


@cache
def _matters(own: Formula) -> tuple[tuple[bool, ...], bool]:
    """Whether a number in each slot is worth its own derivation, and whether it matters which slots are constant."""
    compares = own.expression.has(Maximum, Minimum)
    inside: set[sp.Basic] = set()
    for node in sp.preorder_traversal(own.expression):
        is_power = isinstance(node, sp.Pow) and not node.exp.is_Integer
        if is_power or (isinstance(node, sp.Function) and not isinstance(node, sp.Piecewise | Maximum | Minimum)):
            inside |= node.free_symbols
        elif isinstance(node, sp.Piecewise) and any(is_order(condition) for _, condition in node.args):
            inside |= node.free_symbols  # which side of a kink is the steeper
    return tuple(symbol in inside for symbol in own.slots), compares
