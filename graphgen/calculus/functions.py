"""The functions that formulas may hold: sympy's, by NumPy's names, and our own where sympy's would not do."""

from numbers import Integral, Real
from typing import Any

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p


class Sigmoid(sp.Function):
    """1 / (1 + exp(-a)), kept in one piece so that it prints as the helper that never overflows."""

    nargs = 1
    is_real = True
    is_positive = True

    @classmethod
    def eval(cls, argument: sp.Expr) -> sp.Expr | None:
        return {sp.S.Zero: sp.S.Half, sp.oo: sp.S.One, -sp.oo: sp.S.Zero}.get(argument)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self * (1 - self)

    def _eval_evalf(self, precision: int) -> sp.Expr:
        return (1 / (1 + sp.exp(-self.args[0])))._eval_evalf(precision)


class Softplus(sp.Function):
    """log(1 + exp(a)), kept in one piece so that it prints as the helper that never overflows."""

    nargs = 1
    is_real = True
    is_positive = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return Sigmoid(self.args[0])

    def _eval_evalf(self, precision: int) -> sp.Expr:
        return sp.log(1 + sp.exp(self.args[0]))._eval_evalf(precision)


class Maximum(sp.Function):
    """The larger of two. sp.Max would sort and drop its arguments, and halve the slope at a kink."""

    nargs = 2
    is_real = True

    def _eval_evalf(self, precision: int) -> sp.Expr:
        return sp.Max(*self.args)._eval_evalf(precision)


class Minimum(sp.Function):
    """The smaller of two."""

    nargs = 2
    is_real = True

    def _eval_evalf(self, precision: int) -> sp.Expr:
        return sp.Min(*self.args)._eval_evalf(precision)


class Nonzero(sp.Function):
    """The argument, but 1 where it is 0: log(nonzero(a)) is finite where something else makes the product 0."""

    nargs = 1
    is_real = True

    @classmethod
    def eval(cls, argument: sp.Expr) -> sp.Expr | None:
        if argument.is_number:
            return sp.S.One if argument == 0 else argument
        return None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.One


class Exponent(sp.Function):
    """The second argument, but 1 where both are 0: base**(exponent(base, b) - 1) is finite where b makes the product 0."""

    nargs = 2
    is_real = True

    @classmethod
    def eval(cls, base: sp.Expr, exponent: sp.Expr) -> sp.Expr | None:
        return exponent if any(each.is_number and each != 0 for each in (base, exponent)) else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.Integer(argindex - 1)


FUNCTIONS: dict[str, Any] = {
    "exp": sp.exp,
    "expm1": expm1,
    "log": sp.log,
    "log1p": log1p,
    "sqrt": sp.sqrt,
    "sin": sp.sin,
    "cos": sp.cos,
    "tan": sp.tan,
    "arcsin": sp.asin,
    "arccos": sp.acos,
    "arctan": sp.atan,
    "sinh": sp.sinh,
    "cosh": sp.cosh,
    "tanh": sp.tanh,
    "abs": sp.Abs,
    "sign": sp.sign,
    "floor": sp.floor,
    "sigmoid": Sigmoid,
    "softplus": Softplus,
    "maximum": Maximum,
    "minimum": Minimum,
    "nonzero": Nonzero,
    "exponent": Exponent,
}


def as_expression(value: object) -> sp.Basic:
    """A sympy expression or condition as it is, a number as sympy's; raises TypeError for anything else, such as a text."""
    if isinstance(value, sp.Basic):
        return value
    if isinstance(value, bool):
        return sp.true if value else sp.false
    if isinstance(value, Integral):
        return sp.Integer(int(value))
    if isinstance(value, Real):
        return sp.Float(float(value))
    raise TypeError(f"no sympy expression: {value!r}")
