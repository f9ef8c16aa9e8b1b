"""Early stopping: a network that would learn 200 handwritten digits by heart, stopped in time.

Prechelt, "Early stopping, but when?" (1998): the weights kept are those of the epoch with the smallest validation
loss, and training ends when 20 epochs have found none smaller.
"""

import images

from graphgen import Graph, layers, load, losses, ops, train

g = Graph("early_stopping", dtype="float32")
image = g.input("image", shape=("batch", 1, 8, 8))
label = g.input("label", shape=("batch",), dtype="int64")

hidden = ops.relu(layers.dense(ops.flatten(image, start_axis=1), 128, "fc1", init="he_normal"))
logits = layers.dense(hidden, 10, "fc2")

g.output(probabilities=ops.softmax(logits))
g.loss(losses.cross_entropy(logits, label))
g.optimizer("adam", learning_rate=1e-2)

EPOCHS = 300


def reached() -> dict[str, float]:
    """Train it with and without early stopping; return the epochs, and the loss of images that neither has seen."""
    data, test = images.digits()
    few, others = ({name: array[rows] for name, array in data.items()} for rows in (slice(200), slice(200, 500)))
    module = load(g)
    stopped = train.fit(module, few, epochs=EPOCHS, validation=others, patience=20, progress=False)
    whole = train.fit(module, few, epochs=EPOCHS, validation=others, progress=False)
    return {
        "kept epoch": stopped.best_epoch,
        "stopped after": stopped.epoch,
        "test loss": module.loss(stopped.parameters, **test),
        f"test loss after {EPOCHS}": module.loss(whole.parameters, **test),
    }
