"""A network that must remember: symbols go by, and at the end the first of them is to be told.

All others are noise, drawn from the same four symbols: a task like the latch of Bengio, Simard and Frasconi, "Learning
long-term dependencies with gradient descent is difficult" (1994). Three steps are what a page holds; `train_recall.py` trains
a GRU and an LSTM with 50. Sequences of mixed lengths teach it: short ones show what is asked, long ones to hold on.
"""

from graphgen import Graph, layers, losses, ops

SYMBOLS, UNITS = 4, 32


def network(recurrent, steps: int) -> Graph:
    """Declare the network that remembers by a recurrent layer: layers.gru or layers.lstm."""
    g = Graph("recall", dtype="float32")
    symbols = g.input("symbols", shape=("batch", steps), dtype="int64", low=0, high=SYMBOLS)
    lengths = g.input("lengths", shape=("batch",), dtype="int64", low=1, high=steps + 1)
    first = g.input("first", shape=("batch",), dtype="int64")
    memory = recurrent(ops.one_hot(symbols, SYMBOLS), UNITS, name="cell", lengths=lengths)
    logits = layers.dense(memory, SYMBOLS, name="answer")
    g.output(logits)
    g.loss(losses.cross_entropy(logits, first))
    g.optimizer("adam", learning_rate=5e-3)
    return g


g = network(layers.gru, steps=3)
