"""What the tests of control of gradients share."""

import numpy as np

from graphgen import Graph

STYLES = ("teach", "compact")
W = np.array([-1.5, -0.2, 0.3, 0.9, 2.0])
WEIGHTS = np.array([1.0, -2.0, 3.0, 0.5, -1.0])
DTYPES = (("float64", 1e-14), ("float32", 2e-6))


def graph_of(value, dtype="float64", shape=(5,)):
    """A graph of one parameter w, and the loss: the weighted sum of a value of it."""
    g = Graph("controlled", dtype=dtype)
    w = g.param("w", shape, init="ones")
    weights = g.input("weights", shape=shape)
    y = value(w)
    g.output(y=y)
    g.loss((y * weights).sum() if shape else y * weights)
    return g
