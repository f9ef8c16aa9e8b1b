"""LeNet on handwritten digits.

LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition" (1998): its sequence of
layers, with windows of 3 x 3 and more channels, as fits images of 8 x 8, and relu and max pooling. It sees the images
shifted as well.
"""

import images

from graphgen import Graph, layers, load, losses, ops, schedules, train

g = Graph("lenet", dtype="float32")
image = g.input("image", shape=("batch", 1, 8, 8))
label = g.input("label", shape=("batch",), dtype="int64")

c1 = ops.relu(layers.conv2d(image, 16, 3, "conv1", padding="same", init="he_normal"))
s2 = ops.max_pool2d(c1, 2)
c3 = ops.relu(layers.conv2d(s2, 32, 3, "conv3", padding="same", init="he_normal"))
s4 = ops.max_pool2d(c3, 2)
f5 = ops.relu(layers.dense(ops.flatten(s4, start_axis=1), 120, "fc5", init="he_normal"))
f6 = ops.relu(layers.dense(f5, 84, "fc6", init="he_normal"))
logits = layers.dense(f6, 10, "fc7")

g.output(probabilities=ops.softmax(logits))
g.loss(losses.cross_entropy(logits, label))
g.optimizer("adam", learning_rate=4e-3, schedule=schedules.cosine(steps=2025))


def reached() -> dict[str, float]:
    """Train it, and return what it reaches."""
    data, test = images.digits()
    metrics = {"accuracy": train.accuracy("probabilities", "label")}
    result = train.fit(load(g), images.shifted(data), epochs=5, validation=test, metrics=metrics, progress=False)
    return {"test accuracy": result.history[-1]["accuracy"]}
