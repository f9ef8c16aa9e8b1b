"""A transformer that sorts ten digits.

Vaswani, Shazeer, Parmar and others, "Attention is all you need" (2017): two layers of the encoder, in which each place
attends to all the others. A place is told which digit stands there, and has to tell which one does once they are
sorted.
"""

import numpy as np

from graphgen import Graph, layers, load, losses, schedules, train

DIGITS, LENGTH, FEATURES, HEADS = 10, 10, 32, 4

g = Graph("transformer", dtype="float32")
given = g.input("given", shape=("batch", LENGTH), dtype="int64", low=0, high=DIGITS)
wanted = g.input("wanted", shape=("batch", LENGTH), dtype="int64", low=0, high=DIGITS)

embedded = layers.embedding(given, DIGITS, FEATURES, "digit")
placed = layers.learned_positions(embedded, "place")
layer1 = layers.transformer_encoder_layer(placed, HEADS, "layer1", dim_feedforward=64, dropout=0.0)
layer2 = layers.transformer_encoder_layer(layer1, HEADS, "layer2", dim_feedforward=64, dropout=0.0)
logits = layers.dense(layer2, DIGITS, "answer")

g.output(logits)
g.loss(losses.cross_entropy(logits, wanted))
g.optimizer("adam", learning_rate=3e-3, schedule=schedules.warm_up(100, then=schedules.cosine(steps=1100)))


def sequences(seed: int, count: int) -> dict[str, np.ndarray]:
    """Return so many sequences of random digits, and the same sorted."""
    given = np.random.default_rng(seed).integers(0, DIGITS, (count, LENGTH))
    return {"given": given, "wanted": np.sort(given, axis=1)}


def reached() -> dict[str, float]:
    """Train it, and return how many of the digits, and how many whole sequences, of others it gets right."""
    test = sequences(1, 2000)
    module = load(g)
    parameters = train.fit(module, sequences(0, 25_600), epochs=3, batch_size=64, progress=False).parameters
    right = module.forward(parameters, test["given"]).argmax(axis=-1) == test["wanted"]
    return {"test accuracy": right.mean(), "accuracy of whole sequences": right.all(axis=1).mean()}
