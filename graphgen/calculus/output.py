"""Slopes through the output: exp' = y, tanh' = 1 - y**2. They cost less than the operand's, and the operand need not be kept.

A formula of one slot that is a ratio y = (p*t + q) / (r*t + s), of one call t of the slot, is solved for t. The slope, once t is
replaced, is taken if it keeps its digits: a power of y does; a polynomial of y does where y is bounded and moves the slope
little. So expm1's y + 1 is refused (at -40 nothing is left of it), elu's y + alpha, with y between -alpha and 0, is taken.
"""

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p

from graphgen.calculus.derivative import Conventions, derivative
from graphgen.calculus.functions import Maximum, Minimum, Sigmoid
from graphgen.targets.printer import is_negative

OUTPUT = sp.Symbol("output y", real=True)  # no slot's name
_CALL = sp.Symbol("call t", real=True)

# How much of the output's rounding may reach the slope, in units of the largest slope: sigmoid's y*(1 - y) has 4.
_LARGEST_SHARE = 4
_Span = tuple[sp.Expr, sp.Expr]
_EVERYWHERE: _Span = (-sp.oo, sp.oo)


def slope(formula: sp.Expr, symbol: sp.Symbol, conventions: Conventions) -> sp.Expr:
    """The derivative of a formula by one slot, over its slots and OUTPUT."""
    plain = derivative(formula, symbol, conventions)
    if formula.free_symbols != {symbol}:
        return _whole(formula, symbol, plain)
    if not isinstance(formula, sp.Piecewise):
        mirrored = _mirrored(formula, symbol)
        return by_sign(formula, symbol, smooth(formula, symbol, plain, _EVERYWHERE) if mirrored is None else mirrored)
    better = {}
    for (value, _), span in zip(formula.args, _spans(formula, symbol), strict=True):
        branch = derivative(value, symbol, conventions)
        better[branch] = smooth(value, symbol, branch, span)
    pairs = plain.args if isinstance(plain, sp.Piecewise) else [(plain, sp.true)]
    shown = sp.Piecewise(*((better.get(value, value), condition) for value, condition in pairs))
    return by_sign(formula, symbol, shown)


def smooth(formula: sp.Expr, symbol: sp.Symbol, plain: sp.Expr, span: _Span) -> sp.Expr:
    """The slope of a formula of one slot, where the slot lies in `span`: through the output where that is good."""
    if plain.is_number:
        return plain
    exact, decimals = _exact(formula.replace(expm1, lambda u: sp.exp(u) - 1).replace(log1p, lambda u: sp.log(1 + u)))
    for call in _calls(exact, symbol):
        ratio = exact.subs(call, _CALL)
        call_slope = derivative(call, symbol).subs(call, _CALL)
        coefficients = _ratio(ratio)
        if coefficients is None or symbol in (ratio.free_symbols | call_slope.free_symbols):
            continue
        p, q, r, s = coefficients
        solved = (q - s * OUTPUT) / (r * OUTPUT - p)
        through = flipped(sp.factor(((p * s - q * r) / (r * _CALL + s) ** 2 * call_slope).subs(_CALL, solved)))
        through = min(through, sp.expand(through), key=lambda each: each.count_ops())
        if _is_monomial(through) or _keeps_digits(through, ratio, coefficients, _range(call, symbol, span)):
            return _decimal(through, decimals)
        if call == symbol:
            return _decimal((p * s - q * r) / (r * symbol + s) ** 2, decimals)
    return _whole(formula, symbol, plain)


def _mirrored(formula: sp.Expr, symbol: sp.Symbol) -> sp.Expr | None:
    """The slope through the output of what is odd around its middle and smooth but for Abs: (1 - |y|)**2 for a/(1 + |a|)."""
    if not formula.has(sp.Abs):
        return None
    middle = formula.subs(symbol, 0)
    if not sp.expand(formula + formula.subs(symbol, -symbol) - 2 * middle).is_zero:
        return None
    positive = sp.Symbol("positive", positive=True)
    half = formula.subs(symbol, positive) - middle
    slope = smooth(half, positive, derivative(half, positive), (sp.S.Zero, sp.oo))
    return None if positive in slope.free_symbols else slope.subs(OUTPUT, sp.Abs(OUTPUT - middle))


def _whole(formula: sp.Expr, symbol: sp.Symbol, plain: sp.Expr) -> sp.Expr:
    """Put the output where the whole formula stands in its slope, and n*y/b for the slope of a quotient by b."""
    for factor in sp.Mul.make_args(formula):
        # a/b**2 overflows long before y/b does
        divides = (
            isinstance(factor, sp.Pow) and factor.base == symbol and factor.exp.is_number and factor.exp.is_negative
        )
        if divides and symbol not in (formula / factor).free_symbols:
            # As a float: 2*a may overflow where a/2 does not.
            exponent = factor.exp if factor.exp.is_Integer else sp.Float(factor.exp)
            return exponent * OUTPUT / symbol
    if isinstance(formula, sp.Pow | sp.Function) and not isinstance(formula, sp.Piecewise | Maximum | Minimum):
        return plain.xreplace({formula: OUTPUT})
    return tidied(plain)


def tidied(plain: sp.Expr) -> sp.Expr:
    """A sum of products over one bracket, where that is shorter: g*(1 - 2*y) for g*(1 - y) - g*y."""
    if isinstance(plain, sp.Add) and not plain.has(sp.Float) and plain.is_rational_function(*plain.free_symbols):
        factored = flipped(sp.factor(plain))
        return min(plain, factored, key=lambda each: each.count_ops())
    return plain


def by_sign(formula: sp.Expr, symbol: sp.Symbol, shown: sp.Expr) -> sp.Expr:
    """Ask the output's sign where it is the slot's: then the slot itself need not be kept."""
    same_sign = False
    if isinstance(formula, Maximum | Minimum):
        same_sign = set(formula.args) == {symbol, sp.S.Zero}
    elif isinstance(formula, sp.Piecewise) and len(formula.args) == 2 and formula.args[0].cond == sp.Gt(symbol, 0):
        above, below = (branch.expr for branch in formula.args)
        same_sign = _rises_above(above, symbol) and _rises_below(below, symbol)
    asked = shown.xreplace({sp.Gt(symbol, 0): sp.Gt(OUTPUT, 0), sp.Lt(symbol, 0): sp.Lt(OUTPUT, 0)})
    return asked if same_sign and symbol not in asked.free_symbols else shown


def _rises_above(value: sp.Expr, symbol: sp.Symbol) -> bool:
    """Whether a branch is positive wherever the slot is: a or 2*a; a/2 rounds to 0."""
    factor = value / symbol
    return bool(factor.is_number and factor >= 1)


def _rises_below(value: sp.Expr, symbol: sp.Symbol) -> bool:
    """Whether a branch is 0 or less wherever the slot is."""
    return value.subs(symbol, 0) == 0 and bool(derivative(value, symbol).is_nonnegative)


def _calls(formula: sp.Expr, symbol: sp.Symbol) -> list[sp.Expr]:
    """What may take the place of t: calls and roots of the slot, outermost first; the slot itself if there is none."""
    found = [each for each in sp.preorder_traversal(formula) if symbol in each.free_symbols and _is_call(each)]
    return list(dict.fromkeys(found)) or [symbol]


def _is_call(node: sp.Basic) -> bool:
    return isinstance(node, sp.Function) or (isinstance(node, sp.Pow) and not node.exp.is_Integer)


def _ratio(expression: sp.Expr) -> tuple[sp.Expr, ...] | None:
    """p, q, r, s of (p*t + q) / (r*t + s)."""
    above, below = sp.fraction(sp.together(expression))
    if not (above.is_polynomial(_CALL) and below.is_polynomial(_CALL)):
        return None
    polynomials = [sp.Poly(part, _CALL) for part in (above, below)]
    if any(each.degree() > 1 for each in polynomials):
        return None
    return tuple(each.coeff_monomial(power) for each in polynomials for power in (_CALL, 1))


def _spans(formula: sp.Piecewise, symbol: sp.Symbol) -> list[_Span]:
    """Where the slot lies in each branch, for two branches that meet at a number."""
    condition = formula.args[0].cond
    ordered = isinstance(condition, sp.Gt | sp.Ge | sp.Lt | sp.Le)
    if len(formula.args) != 2 or not (ordered and condition.lhs == symbol and condition.rhs.is_number):
        return [_EVERYWHERE] * len(formula.args)
    above, below = (condition.rhs, sp.oo), (-sp.oo, condition.rhs)
    return [above, below] if isinstance(condition, sp.Gt | sp.Ge) else [below, above]


def _range(call: sp.Expr, symbol: sp.Symbol, span: _Span) -> _Span:
    """What values t takes, for the slot itself and the monotonic calls that have bounds."""
    if call == symbol:
        return span
    if not isinstance(call, sp.exp | sp.tanh | Sigmoid) or not call.args[0].diff(symbol).is_number:
        return _EVERYWHERE
    ends = [call.subs(symbol, end) for end in span]
    return (min(ends), max(ends))


def _keeps_digits(through: sp.Expr, ratio: sp.Expr, coefficients: tuple[sp.Expr, ...], span: _Span) -> bool:
    """Whether y is bounded, and its rounding moves a polynomial of y by little beside the largest slope."""
    _, _, r, s = coefficients
    if not through.is_polynomial(OUTPUT) or sp.oo in span or -sp.oo in span:
        bounded = r != 0 and through.is_polynomial(OUTPUT) and not (span[0] <= -s / r <= span[1])
        if not bounded:
            return False
    ends = [sp.limit(ratio, _CALL, end) for end in span]
    places = [ends[0] + (ends[1] - ends[0]) * sp.Rational(step, 16) for step in range(17)]
    largest = max(abs(through.subs(OUTPUT, place)) for place in places)
    moved = max(abs((through.diff(OUTPUT) * OUTPUT).subs(OUTPUT, place)) for place in places)
    return bool(moved <= _LARGEST_SHARE * largest)


def _is_monomial(expression: sp.Expr) -> bool:
    _, rest = expression.as_independent(OUTPUT, as_Add=False)
    return rest in (1, OUTPUT, OUTPUT**2, 1 / OUTPUT)


def _exact(expression: sp.Expr) -> tuple[sp.Expr, bool]:
    """The expression with its floats as exact fractions, for algebra, and whether it had any."""
    floats = expression.atoms(sp.Float)
    return expression.xreplace({each: sp.Rational(float(each)) for each in floats}), bool(floats)


def _decimal(expression: sp.Expr, decimals: bool) -> sp.Expr:
    """The fractions of an expression as floats again."""
    if not decimals:
        return expression
    fractions = [each for each in expression.atoms(sp.Rational) if each.q > 2]
    return expression.xreplace({each: sp.Float(each.p / each.q) for each in fractions})


def flipped(product: sp.Expr) -> sp.Expr:
    """y*(1 - y) for -y*(y - 1), and (1 - y)**2 for (y - 1)**2."""
    product = product.replace(
        lambda part: part.is_Pow and part.exp.is_even and part.base.is_Add and is_negative(part.base.args[0]),
        lambda part: (-part.base) ** part.exp,
    )
    coefficient, rest = product.as_coeff_Mul()
    if not coefficient.is_negative:
        return product
    factors = list(sp.Mul.make_args(rest))
    for index, factor in enumerate(factors):
        if isinstance(factor, sp.Add) and 2 * sum(map(is_negative, factor.args)) >= len(factor.args):
            factors[index] = -factor
            return sp.Mul(-coefficient, *factors)
    return product
