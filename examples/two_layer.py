"""The 2-2-2 sigmoid network of Matt Mazur's "A step by step backpropagation example" (2015).

For the inputs 0.05, 0.10 and the targets 0.01, 0.99 the error is 0.298371109, its slope along w5 is 0.082167041, and
10,000 steps bring it to 0.0000351085. The biases stay as they are:
https://mattmazur.com/2015/03/17/a-step-by-step-backpropagation-example/
"""

from graphgen import Graph, ops

g = Graph("two_layer")
i1, i2 = g.inputs("i1 i2")
target1, target2 = g.inputs("target1 target2")

initial = (0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55)
w1, w2, w3, w4, w5, w6, w7, w8 = (g.param(f"w{k}", init=value) for k, value in enumerate(initial, start=1))
b1 = g.param("b1", init=0.35, trainable=False)
b2 = g.param("b2", init=0.60, trainable=False)

h1 = ops.sigmoid(w1 * i1 + w2 * i2 + b1)
h2 = ops.sigmoid(w3 * i1 + w4 * i2 + b1)
o1 = ops.sigmoid(w5 * h1 + w6 * h2 + b2)
o2 = ops.sigmoid(w7 * h1 + w8 * h2 + b2)
error = ((target1 - o1) ** 2 + (target2 - o2) ** 2) / 2

g.output(o1, o2)
g.loss(error)
g.optimizer("sgd", learning_rate=0.5)
