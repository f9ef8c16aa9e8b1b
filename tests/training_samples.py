"""Small models and data for the tests of training."""

import numpy as np

from graphgen import Graph, layers, losses, ops


def classifier(hidden=8, optimizer="adam", **options):
    """Of dropout and running statistics, in float32: everything that a run has to remember."""
    g = Graph("sample", dtype="float32")
    x = g.input("x", shape=("batch", 4))
    label = g.input("label", shape=("batch",), dtype="int64")
    h = layers.dense(x, hidden, name="fc1")
    mean = h.mean(axis=0)
    running = g.state("running", (hidden,))
    g.update(running, 0.9 * running + 0.1 * mean)
    h = ops.dropout(ops.tanh(h - ops.in_training(mean, running)), p=0.2)
    logits = layers.dense(h, 3, name="fc2")
    g.output(probabilities=ops.softmax(logits))
    g.loss(losses.cross_entropy(logits, label))
    g.optimizer(optimizer, **{"learning_rate": 1e-2, **options})
    return g


def line(shape=("batch",)):
    """A straight line through points."""
    g = Graph("line")
    x, y = g.input("x", shape=shape), g.input("y", shape=shape)
    a, b = g.param("a", init=0.0), g.param("b", init=0.0)
    predicted = a * x + b
    g.output(predicted=predicted)
    g.loss(losses.mse(predicted, y) if shape else (predicted - y) ** 2)
    g.optimizer("sgd", learning_rate=0.1)
    return g


def rows(count=103, seed=0):
    """Points in four dimensions, and which of the first three is the largest."""
    x = np.random.default_rng(seed).normal(size=(count, 4))
    return {"x": x, "label": x[:, :3].argmax(axis=1)}
