"""Handwritten digits, 8 x 8 pixels, through one hidden layer of 32.

The data are scikit-learn's `load_digits` (Alpaydin and Kaynak, 1998: UCI's optical recognition of handwritten digits);
`train_digits.py` trains the compiled module.
"""

from graphgen import Graph, layers, losses, ops

g = Graph("digits", dtype="float32")
x = g.input("x", shape=("batch", 64))
label = g.input("label", shape=("batch",), dtype="int64")

hidden = ops.relu(layers.dense(x, 32, name="fc1", init="he_normal"))
logits = layers.dense(hidden, 10, name="fc2")
g.output(probabilities=ops.softmax(logits))
g.loss(losses.cross_entropy(logits, label))
g.optimizer("adam", learning_rate=1e-3)
