"""Two half moons, one inside the other, told apart by a 2-3-2 network: tanh, softmax cross-entropy, L2 of 0.01.

The network and the rate of Denny Britz, "Implementing a neural network from scratch in Python" (2015).
"""

from graphgen import Graph, losses, ops

g = Graph("moons")
x = g.input("x", shape=("batch", 2))
label = g.input("label", shape=("batch",), dtype="int64")
w1 = g.param("w1", shape=(2, 3))
b1 = g.param("b1", shape=(3,), init="zeros")
w2 = g.param("w2", shape=(3, 2))
b2 = g.param("b2", shape=(2,), init="zeros")

hidden = ops.tanh(x @ w1 + b1)
logits = hidden @ w2 + b2
data_loss = losses.cross_entropy(logits, label, reduction="sum")
penalty = 0.01 / 2 * ((w1**2).sum() + (w2**2).sum())

g.output(probabilities=ops.softmax(logits))
g.loss(data_loss + penalty)
g.optimizer("sgd", learning_rate=0.01)
