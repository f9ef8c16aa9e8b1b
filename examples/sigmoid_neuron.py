"""A neuron with two inputs, from Stanford's CS231n notes on backpropagation.

At x = (-1, -2) its value is 0.73; the gradients of w0, x0, w1, x1 and w2 are -0.20, 0.39, -0.39, -0.59 and 0.20:
https://cs231n.github.io/optimization-2/
"""

from graphgen import Graph, ops

g = Graph("sigmoid_neuron")
x0, x1 = g.inputs("x0 x1")
w0 = g.param("w0", init=2)
w1 = g.param("w1", init=-3)
w2 = g.param("w2", init=-3)

p0 = w0 * x0
p1 = w1 * x1
s = p0 + p1
z = s + w2
f = ops.sigmoid(z)
g.output(f)
