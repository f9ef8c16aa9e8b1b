"""Exponentials and logarithms, element by element."""

import sympy as sp
from sympy.codegen.cfunctions import exp2, expm1, log1p, log2, log10

from graphgen.calculus.functions import LogAddExp, Logit, XLogY
from graphgen.ops.elementwise_row import elementwise

a, b = sp.symbols("a b", real=True)

SCIPY = "scipy.special"

ROWS = (
    elementwise("exp", sp.exp(a), "Exponential.", overflows=True),
    elementwise("exp2", exp2(a), "2 to the power of the operand.", overflows=True),
    elementwise("expm1", expm1(a), "exp(a) - 1, accurate near 0.", overflows=True),
    elementwise("log", sp.log(a), "Natural logarithm.", domain=a > 0),
    elementwise("log2", log2(a), "Logarithm to base 2.", domain=a > 0),
    elementwise("log10", log10(a), "Logarithm to base 10.", domain=a > 0),
    elementwise("log1p", log1p(a), "log(1 + a), accurate near 0.", domain=a > -1),
    elementwise("logaddexp", LogAddExp(a, b), "log(exp(a) + exp(b)), whose exponentials never overflow."),
    elementwise("logit", Logit(a), "log(a / (1 - a)), the inverse of sigmoid.", domain=(a > 0) & (a < 1), origin=SCIPY),
    elementwise("xlogy", XLogY(a, b), "a * log(b); 0, with finite slopes, where a is 0.", domain=b > 0, origin=SCIPY),
)
