"""Whole numbers near the operand, and what is left of a division; element by element."""

import sympy as sp

from graphgen.ops.elementwise_row import elementwise

a = sp.Symbol("a", real=True)

ROWS = (elementwise("floor", sp.floor(a), "Largest whole number not above; no gradient passes.", zero_slope=True),)
