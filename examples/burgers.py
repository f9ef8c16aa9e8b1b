"""One implicit step of Burgers' equation, u_t + u * u_x = viscosity * u_xx: what Newton's method brings to zero.

J. M. Burgers, "A mathematical model illustrating the theory of turbulence" (1948). Each entry of the residual depends on
three neighbours, so that the whole Jacobian takes three forward sweeps, whatever the number of points.
"""

import numpy as np

from graphgen import Graph, ops

LENGTH, STEP, VISCOSITY = 0.05, 0.02, 0.1

g = Graph("burgers")
u = g.param("u", shape=("points",), init="zeros")
before = g.input("before", shape=("points",))

whole = ops.concat([np.ones(1), u, np.zeros(1)], axis=0)  # the wave comes from the left
left, right = whole[:-2], whole[2:]
flow = u * (right - left) / (2 * LENGTH)
spreading = VISCOSITY * (right - 2 * u + left) / LENGTH**2
g.output(residual=u - before + STEP * (flow - spreading))
