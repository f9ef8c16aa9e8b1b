"""An autoencoder: handwritten digits through eight numbers and back.

Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks" (2006). The best that a linear
map to eight numbers can do, principal component analysis, stands beside what it reaches: the mean squared error of a
pixel.
"""

import images
from sklearn.decomposition import PCA

from graphgen import Graph, layers, load, losses, ops, schedules, train

g = Graph("autoencoder", dtype="float32")
image = g.input("image", shape=("batch", 1, 8, 8))

pixels = ops.flatten(image, start_axis=1)
encoded = ops.relu(layers.dense(pixels, 64, "encode1", init="he_normal"))
code = layers.dense(encoded, 8, "encode2")
decoded = ops.relu(layers.dense(code, 64, "decode1", init="he_normal"))
seen = ops.sigmoid(layers.dense(decoded, 64, "decode2"))

g.output(code, seen)
g.loss(losses.mse(seen, pixels))
g.optimizer("adam", learning_rate=4e-3, schedule=schedules.cosine(steps=4500))


def reached() -> dict[str, float]:
    """Train it, and return its error on images it has not seen, and that of principal components."""
    data, test = ({"image": each["image"]} for each in images.digits())
    result = train.fit(load(g), data, epochs=100, validation=test, progress=False)
    flat, flat_test = (each["image"].reshape(-1, 64) for each in (data, test))
    linear = PCA(8).fit(flat)
    projected = linear.inverse_transform(linear.transform(flat_test))
    return {
        "test error": result.history[-1]["validation_loss"],
        "that of principal components": ((projected - flat_test) ** 2).mean(),
    }
