"""log(x1) + x1 * x2 - sin(x2), the running example of the survey of automatic differentiation.

At (2, 5) the value is 11.652 and the gradients are 5.5 and 1.716: tables 2 (forward mode) and 3 (reverse mode) of
Baydin, Pearlmutter, Radul and Siskind, "Automatic differentiation in machine learning: a survey", JMLR 18 (2018).
The variables have the names that they have there.
"""

from graphgen import Graph, ops

g = Graph("log_product")
x1, x2 = g.inputs("x1 x2")
v1 = ops.log(x1)
v2 = x1 * x2
v3 = ops.sin(x2)
v4 = v1 + v2
v5 = v4 - v3
g.output(y=v5)
