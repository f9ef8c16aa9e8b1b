"""A residual network on handwritten digits.

He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2016), with two blocks of two convolutions
each. The mean over the image replaces hidden dense layers. It sees the images shifted as well.
"""

import images

from graphgen import Graph, layers, load, losses, ops, schedules, train

g = Graph("residual", dtype="float32")
image = g.input("image", shape=("batch", 1, 8, 8))
label = g.input("label", shape=("batch",), dtype="int64")


stem = layers.conv2d(image, 12, 3, "stem", padding=1, init="he_normal")
block1 = layers.residual_block(stem, 12, "block1")
block2 = layers.residual_block(block1, 24, "block2", stride=2)
logits = layers.dense(ops.global_avg_pool(block2), 10, "fc")

g.output(probabilities=ops.softmax(logits))
g.loss(losses.cross_entropy(logits, label))
g.optimizer("adam", learning_rate=1e-2, schedule=schedules.cosine(steps=810))


def reached() -> dict[str, float]:
    """Train it, and return what it reaches."""
    data, test = images.digits()
    metrics = {"accuracy": train.accuracy("probabilities", "label")}
    result = train.fit(load(g), images.shifted(data), epochs=2, validation=test, metrics=metrics, progress=False)
    return {"test accuracy": result.history[-1]["accuracy"]}
