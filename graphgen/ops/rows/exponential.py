"""Exponentials and logarithms, element by element."""

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p

from graphgen.ops.elementwise_row import elementwise

a = sp.Symbol("a", real=True)

ROWS = (
    elementwise("exp", sp.exp(a), "Exponential.", safe={a: 0.0}),
    elementwise("expm1", expm1(a), "exp(a) - 1, accurate near 0.", safe={a: 0.0}),
    elementwise("log", sp.log(a), "Natural logarithm.", safe={a: 1.0}),
    elementwise("log1p", log1p(a), "log(1 + a), accurate near 0.", safe={a: 0.0}),
)
