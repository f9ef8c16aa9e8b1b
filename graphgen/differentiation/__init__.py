"""Differentiation: functions from program to program, which go together in any order.

`gradient` appends the reverse sweep, `tangent` carries tangents beside values, `vmap` runs a program along a new leading
axis. The others are made of these three: `gauss_newton`, and all derivatives at once in `jacobian` and `hessian`.
"""
