"""A linear support vector machine, trained in its primal form: the mean hinge loss, and an L2 penalty on w alone.

Cortes and Vapnik, "Support-vector networks" (1995), with C = 1 / (0.01 * rows). Labels are -1 and 1.
"""

from graphgen import Graph, losses

g = Graph("svm")
x = g.input("x", shape=("rows", "features"))
label = g.input("label", shape=("rows",))
w = g.param("w", shape=("features",), init="zeros")
b = g.param("b", init="zeros")

score = x @ w + b
data_loss = losses.hinge(score, label)
penalty = 0.01 / 2 * (w**2).sum()

g.output(score)
g.loss(data_loss + penalty)
g.optimizer("adam", learning_rate=0.01)
