"""(x + y) * z, the first circuit of Stanford's CS231n notes on backpropagation.

At (-2, 5, -4) the value is -12 and the gradients are -4, -4 and 3: https://cs231n.github.io/optimization-2/
"""

from graphgen import Graph

g = Graph("product")
x, y, z = g.inputs("x y z")
q = x + y
f = q * z
g.output(f)
