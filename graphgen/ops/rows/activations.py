"""Activations of networks, element by element; names and defaults are those of torch.nn.functional."""

import sympy as sp
from sympy.codegen.cfunctions import expm1

from graphgen.calculus.functions import Maximum, Minimum
from graphgen.ops.elementwise_row import elementwise

a, alpha, negative_slope = sp.symbols("a alpha negative_slope", real=True)

ROWS = (
    elementwise("sigmoid", 1 / (1 + sp.exp(-a)), "Logistic function."),
    elementwise("softplus", sp.log(1 + sp.exp(a)), "Smooth relu."),
    elementwise("relu", Maximum(a, 0), "The operand where positive, 0 elsewhere."),
    elementwise(
        "leaky_relu",
        sp.Piecewise((a, a > 0), (negative_slope * a, True)),
        "The operand where positive, negative_slope times it elsewhere.",
        attributes={"negative_slope": 0.01},
    ),
    elementwise(
        "elu",
        sp.Piecewise((a, a > 0), (alpha * expm1(a), True)),
        "The operand where positive, alpha * (exp(a) - 1) elsewhere.",
        attributes={"alpha": 1.0},
        stable=sp.Piecewise((a, a > 0), (alpha * expm1(Minimum(a, 0)), True)),
    ),
)
