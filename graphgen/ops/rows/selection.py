"""The larger, the smaller, or the one chosen; comparisons and logic; element by element."""

from typing import Any

import sympy as sp

from graphgen import ops
from graphgen.calculus.functions import Maximum, Minimum
from graphgen.ops.elementwise_row import elementwise
from graphgen.ops.table import composite, example

a, b = sp.symbols("a b", real=True)
condition, p, q = sp.symbols("condition p q")

ROWS = (
    elementwise("maximum", Maximum(a, b), "The larger operand.", dtype_rule="number"),
    elementwise("minimum", Minimum(a, b), "The smaller operand.", dtype_rule="number"),
    elementwise(
        "where",
        sp.Piecewise((a, condition), (b, True)),
        "The second operand where the condition holds, the third elsewhere.",
        (condition, a, b),
        dtype_rule="where",
    ),
    elementwise("less", sp.Lt(a, b), "a < b.", dtype_rule="comparison", zero_slope=True),
    elementwise("less_equal", sp.Le(a, b), "a <= b.", dtype_rule="comparison", zero_slope=True),
    elementwise("greater", sp.Gt(a, b), "a > b.", dtype_rule="comparison", zero_slope=True),
    elementwise("greater_equal", sp.Ge(a, b), "a >= b.", dtype_rule="comparison", zero_slope=True),
    elementwise("equal", sp.Eq(a, b), "a == b.", (a, b), dtype_rule="comparison", zero_slope=True),
    elementwise("not_equal", sp.Ne(a, b), "a != b.", (a, b), dtype_rule="comparison", zero_slope=True),
    elementwise("logical_and", sp.And(p, q), "Both hold.", dtype_rule="logical", zero_slope=True),
    elementwise("logical_or", sp.Or(p, q), "At least one holds.", dtype_rule="logical", zero_slope=True),
    elementwise("logical_not", sp.Not(p), "Does not hold.", dtype_rule="logical", zero_slope=True),
)


@composite(formula="y = minimum(maximum(x, min), max)", examples=(example(("m", "n"), (), ()),))
def clip(x: Any, min: Any, max: Any, /) -> Any:
    """x kept between two bounds."""
    return ops.minimum(ops.maximum(x, min), max)
