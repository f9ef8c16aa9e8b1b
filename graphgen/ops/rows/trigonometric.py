"""Trigonometric and hyperbolic functions, of radians; element by element."""

import sympy as sp

from graphgen.calculus.functions import Atan2, Sinc
from graphgen.ops.elementwise_row import elementwise

a, b = sp.symbols("a b", real=True)

ROWS = (
    elementwise("sin", sp.sin(a), "Sine."),
    elementwise("cos", sp.cos(a), "Cosine."),
    elementwise("tan", sp.tan(a), "Tangent."),
    elementwise("asin", sp.asin(a), "Inverse sine.", domain=sp.Abs(a) <= 1),
    elementwise("acos", sp.acos(a), "Inverse cosine.", domain=sp.Abs(a) <= 1),
    elementwise("atan", sp.atan(a), "Inverse tangent."),
    elementwise("atan2", Atan2(a, b), "Angle of the point (b, a), from -pi to pi; its slopes at (0, 0) are 0."),
    elementwise("sinh", sp.sinh(a), "Hyperbolic sine.", overflows=True),
    elementwise("cosh", sp.cosh(a), "Hyperbolic cosine.", overflows=True),
    elementwise("tanh", sp.tanh(a), "Hyperbolic tangent."),
    elementwise("asinh", sp.asinh(a), "Inverse hyperbolic sine."),
    elementwise("acosh", sp.acosh(a), "Inverse hyperbolic cosine.", domain=a >= 1),
    elementwise("atanh", sp.atanh(a), "Inverse hyperbolic tangent.", domain=sp.Abs(a) < 1),
    elementwise("sinc", Sinc(a), "sin(pi * a) / (pi * a), and 1 at 0.", origin="NumPy"),
)
