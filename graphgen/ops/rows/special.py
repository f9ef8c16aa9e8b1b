"""Special functions, element by element."""

import sympy as sp

from graphgen.calculus.functions import Digamma, Erf, Erfc, Lgamma
from graphgen.ops.elementwise_row import elementwise

a = sp.Symbol("a", real=True)

_NO_POLE = (a > 0) | sp.Ne(a, sp.floor(a))  # the gamma function has its poles at 0, -1, -2, ...

ROWS = (
    elementwise("erf", Erf(a), "Error function: 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to the operand."),
    elementwise("erfc", Erfc(a), "1 - erf(a), with its digits kept where that is small."),
    elementwise("lgamma", Lgamma(a), "Logarithm of the gamma function's magnitude.", domain=_NO_POLE, origin="torch"),
    elementwise("digamma", Digamma(a), "Logarithmic derivative of the gamma function.", domain=_NO_POLE),
)
