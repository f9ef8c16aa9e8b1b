"""Arithmetic, element by element."""

import sympy as sp

from graphgen.calculus.functions import Cbrt, Hypot, Quotient
from graphgen.ops.elementwise_row import elementwise

a, b, weight = sp.symbols("a b weight", real=True)

ROWS = (
    elementwise("add", a + b, "Sum.", dtype_rule="number"),
    elementwise("subtract", a - b, "Difference.", dtype_rule="number"),
    elementwise("multiply", a * b, "Product.", dtype_rule="number"),
    elementwise("divide", a / b, "Quotient.", domain=sp.Ne(b, 0), safe={b: 1.0}),
    elementwise("quotient", Quotient(a, b), "a / b, but 0 where b is 0: there no gradient passes."),
    elementwise("power", a**b, "First operand to the power of the second.", domain=a > 0, safe={a: 1.0}),
    elementwise("negative", -a, "Change of sign.", dtype_rule="number"),
    elementwise("abs", sp.Abs(a), "Absolute value; its slope at 0 is 0.", dtype_rule="number"),
    elementwise("sign", sp.sign(a), "-1, 0 or 1; no gradient passes.", dtype_rule="number", zero_slope=True),
    elementwise("square", a**2, "Square.", dtype_rule="number"),
    elementwise("sqrt", sp.sqrt(a), "Square root.", domain=a >= 0, safe={a: 1.0}),
    elementwise("rsqrt", 1 / sp.sqrt(a), "One over the square root.", domain=a > 0, safe={a: 1.0}, origin="torch"),
    elementwise("cbrt", Cbrt(a), "Cube root, of the operand's sign.", safe={a: 1.0}, steep=True),
    elementwise("reciprocal", 1 / a, "One over the operand.", domain=sp.Ne(a, 0), safe={a: 1.0}),
    elementwise("hypot", Hypot(a, b), "sqrt(a**2 + b**2), whose squares never overflow; its slopes at (0, 0) are 0."),
    elementwise(
        "lerp",
        (1 - weight) * a + weight * b,
        "From a to b, linearly: a + weight * (b - a).",
        (a, b, weight),
        origin="torch",
    ),
    elementwise("identity", a, "The operand.", dtype_rule="number"),
)
