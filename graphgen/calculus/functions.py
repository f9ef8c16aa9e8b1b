"""The functions that formulas may hold: sympy's, by NumPy's names, and our own where sympy's would not do."""

from numbers import Integral, Real
from typing import Any

import sympy as sp
from sympy.codegen.cfunctions import exp2, expm1, log1p, log2, log10

from graphgen.calculus.activations import (
    Hardsigmoid,
    NormalCdf,
    NormalCdfTanh,
    NormalPdf,
    NormalPdfTanh,
    Sech,
    Tanhshrink,
)
from graphgen.calculus.declared import Clipped, CustomGradient, ScaleGradient, StopGradient, StraightThrough
from graphgen.calculus.elementary import (
    Atan2,
    Cbrt,
    Fmod,
    Hypot,
    Logit,
    Nonzero,
    OverSquares,
    Quotient,
    Remainder,
    Round,
    Sinc,
    SincSlope,
    Trunc,
    XLogY,
)
from graphgen.calculus.own import Own
from graphgen.calculus.special import Digamma, Erf, Erfc, Gaussian, Lgamma, Polygamma


class Sigmoid(Own):
    """1 / (1 + exp(-a)), kept in one piece so that it prints as the helper that never overflows."""

    nargs = 1
    is_positive = True

    @classmethod
    def eval(cls, argument: sp.Expr) -> sp.Expr | None:
        return {sp.S.Zero: sp.S.Half, sp.oo: sp.S.One, -sp.oo: sp.S.Zero}.get(argument)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self * (1 - self)

    def definition(self) -> sp.Expr:
        return 1 / (1 + sp.exp(-self.args[0]))


class Softplus(Own):
    """log(1 + exp(a)), kept in one piece so that it prints as the helper that never overflows."""

    nargs = 1
    is_positive = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return Sigmoid(self.args[0])

    def definition(self) -> sp.Expr:
        return sp.log(1 + sp.exp(self.args[0]))


class LogAddExp(Own):
    """log(exp(a) + exp(b)), of exponentials that may overflow."""

    nargs = 2

    def definition(self) -> sp.Expr:
        a, b = self.args
        return sp.log(sp.exp(a) + sp.exp(b))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b = self.args
        return Sigmoid(a - b) if argindex == 1 else Sigmoid(b - a)


class Maximum(Own):
    """The larger of two. sp.Max would sort and drop its arguments, and halve the slope at a kink."""

    nargs = 2

    def definition(self) -> sp.Expr:
        return sp.Max(*self.args)


class Minimum(Own):
    """The smaller of two."""

    nargs = 2

    def definition(self) -> sp.Expr:
        return sp.Min(*self.args)


FUNCTIONS: dict[str, Any] = {
    "exp": sp.exp,
    "exp2": exp2,
    "expm1": expm1,
    "log": sp.log,
    "log2": log2,
    "log10": log10,
    "log1p": log1p,
    "logaddexp": LogAddExp,
    "logit": Logit,
    "xlogy": XLogY,
    "sqrt": sp.sqrt,
    "cbrt": Cbrt,
    "hypot": Hypot,
    "over_squares": OverSquares,
    "sin": sp.sin,
    "cos": sp.cos,
    "tan": sp.tan,
    "asin": sp.asin,
    "acos": sp.acos,
    "atan": sp.atan,
    "atan2": Atan2,
    "sinh": sp.sinh,
    "cosh": sp.cosh,
    "tanh": sp.tanh,
    "asinh": sp.asinh,
    "acosh": sp.acosh,
    "atanh": sp.atanh,
    "sinc": Sinc,
    "sinc_slope": SincSlope,
    "abs": sp.Abs,
    "sign": sp.sign,
    "floor": sp.floor,
    "ceil": sp.ceiling,
    "round": Round,
    "trunc": Trunc,
    "fmod": Fmod,
    "remainder": Remainder,
    "sigmoid": Sigmoid,
    "softplus": Softplus,
    "erf": Erf,
    "erfc": Erfc,
    "gaussian": Gaussian,
    "lgamma": Lgamma,
    "digamma": Digamma,
    "polygamma": Polygamma,
    "sech": Sech,
    "tanhshrink": Tanhshrink,
    "hardsigmoid": Hardsigmoid,
    "normal_cdf": NormalCdf,
    "normal_pdf": NormalPdf,
    "normal_cdf_tanh": NormalCdfTanh,
    "normal_pdf_tanh": NormalPdfTanh,
    "maximum": Maximum,
    "minimum": Minimum,
    "quotient": Quotient,
    "nonzero": Nonzero,
    "stop_gradient": StopGradient,
    "straight_through": StraightThrough,
    "custom_gradient": CustomGradient,
    "scale_gradient": ScaleGradient,
    "clipped": Clipped,
}


# sympy's functions in whose place stand our own.
TWINS: dict[Any, Any] = {
    sp.erf: Erf,
    sp.erfc: Erfc,
    sp.loggamma: Lgamma,
    sp.polygamma: Polygamma,
    sp.Mod: Remainder,
    sp.atan2: Atan2,
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
