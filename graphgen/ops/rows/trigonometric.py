"""Trigonometric and hyperbolic functions, of radians; element by element."""

import sympy as sp

from graphgen.ops.elementwise_row import elementwise

a = sp.Symbol("a", real=True)

ROWS = (
    elementwise("sin", sp.sin(a), "Sine.", safe={a: 0.0}),
    elementwise("cos", sp.cos(a), "Cosine.", safe={a: 0.0}),
    elementwise("tanh", sp.tanh(a), "Hyperbolic tangent."),
)
