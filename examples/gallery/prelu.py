"""PReLU: a network that learns its slopes below zero.

He, Zhang, Ren and Sun, "Delving deep into rectifiers" (2015): one slope for each unit of a hidden layer, from 0.25.
"""

import images

from graphgen import Graph, layers, load, losses, ops, schedules, train

g = Graph("prelu", dtype="float32")
image = g.input("image", shape=("batch", 1, 8, 8))
label = g.input("label", shape=("batch",), dtype="int64")

pixels = ops.flatten(image, start_axis=1)
hidden1 = layers.prelu(layers.dense(pixels, 128, "fc1", init="he_normal"), "slope1", num_parameters=128)
hidden2 = layers.prelu(layers.dense(hidden1, 128, "fc2", init="he_normal"), "slope2", num_parameters=128)
logits = layers.dense(hidden2, 10, "fc3")

g.output(probabilities=ops.softmax(logits))
g.loss(losses.cross_entropy(logits, label))
g.optimizer("adam", learning_rate=2e-3, schedule=schedules.cosine(steps=4050))


def reached() -> dict[str, float]:
    """Train it, and return what it reaches; and the least and the largest slope."""
    data, test = images.digits()
    metrics = {"accuracy": train.accuracy("probabilities", "label")}
    result = train.fit(load(g), images.shifted(data), epochs=10, validation=test, metrics=metrics, progress=False)
    slopes = [slope for name, value in result.parameters.items() if name.startswith("slope") for slope in value]
    return {"test accuracy": result.history[-1]["accuracy"], "least slope": min(slopes), "largest": max(slopes)}
