"""Arithmetic, element by element."""

import sympy as sp

from graphgen.ops.elementwise_row import elementwise

a, b = sp.symbols("a b", real=True)

ROWS = (
    elementwise("add", a + b, "Sum.", dtype_rule="number"),
    elementwise("subtract", a - b, "Difference.", dtype_rule="number"),
    elementwise("multiply", a * b, "Product.", dtype_rule="number"),
    elementwise("divide", a / b, "Quotient.", safe={b: 1.0}),
    elementwise("power", a**b, "First operand to the power of the second.", safe={a: 1.0}),
    elementwise("negative", -a, "Change of sign.", dtype_rule="number"),
    elementwise("abs", sp.Abs(a), "Absolute value; its slope at 0 is 0.", dtype_rule="number"),
    elementwise("sign", sp.sign(a), "-1, 0 or 1; no gradient passes.", dtype_rule="number", zero_slope=True),
    elementwise("sqrt", sp.sqrt(a), "Square root.", safe={a: 1.0}),
    elementwise("square", a**2, "Square.", dtype_rule="number"),
    elementwise("reciprocal", 1 / a, "One over the operand.", safe={a: 1.0}),
    elementwise("identity", a, "The operand.", dtype_rule="number"),
    elementwise("stop_gradient", a, "The operand; no gradient passes.", dtype_rule="number", zero_slope=True),
)
