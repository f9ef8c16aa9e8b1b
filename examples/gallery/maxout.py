"""Maxout: each unit is the largest of three affine maps.

Goodfellow, Warde-Farley, Mirza, Courville and Bengio, "Maxout networks" (2013).
"""

import images

from graphgen import Graph, layers, load, losses, ops, schedules, train

g = Graph("maxout", dtype="float32")
image = g.input("image", shape=("batch", 1, 8, 8))
label = g.input("label", shape=("batch",), dtype="int64")

pixels = ops.flatten(image, start_axis=1)
hidden1 = layers.maxout(pixels, 64, "fc1", pieces=3)
hidden2 = layers.maxout(hidden1, 64, "fc2", pieces=3)
logits = layers.dense(hidden2, 10, "fc3")

g.output(probabilities=ops.softmax(logits))
g.loss(losses.cross_entropy(logits, label))
g.optimizer("adam", learning_rate=4e-3, schedule=schedules.cosine(steps=2025))


def reached() -> dict[str, float]:
    """Train it, and return what it reaches."""
    data, test = images.digits()
    metrics = {"accuracy": train.accuracy("probabilities", "label")}
    result = train.fit(load(g), images.shifted(data), epochs=5, validation=test, metrics=metrics, progress=False)
    return {"test accuracy": result.history[-1]["accuracy"]}
