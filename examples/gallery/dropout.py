"""Dropout, on and off: handwritten digits, a fifth of whose labels are drawn at random.

Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout" (2014). A network that can learn the wrong
labels by heart reads new images worse for it; one that misses half of its hidden units in each step, others each
time, cannot.
"""

import images
import numpy as np

from graphgen import Graph, layers, load, losses, ops, train


def network(dropped: bool) -> Graph:
    """Declare the network with dropout, or without."""
    g = Graph("dropout", dtype="float32")
    image = g.input("image", shape=("batch", 1, 8, 8))
    label = g.input("label", shape=("batch",), dtype="int64")
    hidden = ops.flatten(image, start_axis=1)
    for layer in range(1, 3):
        hidden = ops.relu(layers.dense(hidden, 256, f"fc{layer}", init="he_normal"))
        hidden = ops.dropout(hidden, p=0.5) if dropped else hidden
    logits = layers.dense(hidden, 10, "fc3")
    g.output(probabilities=ops.softmax(logits))
    g.loss(losses.cross_entropy(logits, label))
    g.optimizer("adam", learning_rate=1e-3)
    return g


g = network(dropped=True)


def accuracy(dropped: bool) -> float:
    """Train one of the two, and return the part of the test images that it reads correctly."""
    data, test = images.digits()
    generator = np.random.default_rng(0)
    wrong = generator.random(len(data["label"])) < 0.2
    data["label"] = np.where(wrong, generator.integers(0, 10, len(wrong)), data["label"])
    metrics = {"accuracy": train.accuracy("probabilities", "label")}
    result = train.fit(load(network(dropped)), data, epochs=40, validation=test, metrics=metrics, progress=False)
    return result.history[-1]["accuracy"]


def reached() -> dict[str, float]:
    """Train both, and return what they reach."""
    return {"test accuracy with it": accuracy(True), "test accuracy without": accuracy(False)}
