"""A binarised network: the weights of the hidden layer and its outputs are -1 or 1, and read handwritten digits.

Hubara, Courbariaux, Soudry, El-Yaniv and Bengio, "Binarized neural networks" (2016). A sign has no slope to learn by, so the
gradient goes straight through it, as if it were hardtanh: where a value is beyond -1 or 1, none passes. What is trained
are real weights, what is used is one bit of each. `train_binarised.py` trains the compiled module.
"""

from graphgen import Graph, layers, losses, ops


def binary(x):
    """-1 or 1, with the gradient of hardtanh."""
    return ops.straight_through(ops.where(x >= 0, 1.0, -1.0), ops.hardtanh(x))


g = Graph("binarised", dtype="float32")
x = g.input("x", shape=("batch", 64))
label = g.input("label", shape=("batch",), dtype="int64")
w = g.param("w", shape=(64, 128), init="glorot_uniform")
b = g.param("b", shape=(128,), init="zeros")

bits = binary(w)
potential = (2 * x - 1) @ bits / 8 + b
fired = binary(potential)
logits = layers.dense(fired, 10, name="read")
g.output(probabilities=ops.softmax(logits))
g.loss(losses.cross_entropy(logits, label))
g.optimizer("adam", learning_rate=3e-3)
