"""Logistic regression, the first example of autograd's README and tutorial.

On its four rows, from weights of zero, 100 steps of 0.01 bring the loss from 2.77258872224 to 1.06727067578:
https://github.com/HIPS/autograd
"""

from graphgen import Graph, ops

g = Graph("logistic")
x = g.input("x", shape=("rows", 3))
target = g.input("target", shape=("rows",), dtype="bool")
weights = g.param("weights", shape=(3,), init="zeros")

p = ops.sigmoid(x @ weights)
likelihood = p * target + (1 - p) * (1 - target)
g.output(p)
g.loss(-ops.log(likelihood).sum())
g.optimizer("sgd", learning_rate=0.01)
