"""Whole numbers near the operand, and what is left of a division; element by element."""

import sympy as sp

from graphgen.calculus.functions import Fmod, Remainder, Round, Trunc
from graphgen.ops.elementwise_row import elementwise

a, b = sp.symbols("a b", real=True)

ROWS = (
    elementwise("floor", sp.floor(a), "Largest whole number not above; no gradient passes.", zero_slope=True),
    elementwise("ceil", sp.ceiling(a), "Smallest whole number not below; no gradient passes.", zero_slope=True),
    elementwise("round", Round(a), "Nearest whole number, of two the even one; no gradient passes.", zero_slope=True),
    elementwise("trunc", Trunc(a), "Next whole number towards 0; no gradient passes.", zero_slope=True),
    elementwise("fmod", Fmod(a, b), "a - b * trunc(a / b), of a's sign.", domain=sp.Ne(b, 0)),
    elementwise("remainder", Remainder(a, b), "a - b * floor(a / b), of b's sign.", domain=sp.Ne(b, 0), dtype_rule="number"),
)
