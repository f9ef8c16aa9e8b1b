"""Exclusive or: no single neuron computes it, two do if the second sees the inputs as well.

The network of one hidden unit in Rumelhart, Hinton and Williams, "Learning internal representations by error
propagation" (1986), figure 2. One function declares a neuron; scopes keep the names of its copies apart.
"""

from graphgen import Graph, losses, ops


def neuron(x):
    w = g.param("w", shape=(x.shape[1],), init="normal")
    b = g.param("b", init="zeros")
    return x @ w + b


g = Graph("xor")
x = g.input("x", shape=("batch", 2))
target = g.input("target", shape=("batch",))

with g.scope("hidden"):
    h = ops.sigmoid(neuron(x))
seen = ops.concat([x, h[:, None]], axis=1)
with g.scope("top"):
    logit = neuron(seen)

g.output(probability=ops.sigmoid(logit))
g.loss(losses.bce_with_logits(logit, target))
g.optimizer("adam", learning_rate=0.1)
