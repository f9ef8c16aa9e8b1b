"""A long short-term memory that reads a text letter by letter, and says which letter comes next.

After Karpathy, "The unreasonable effectiveness of recurrent neural networks" (2015). Three steps are what a page holds.
`train_letters.py` trains it with 25, and lets it write with a single one, which hands its state on from letter to letter.
"""

from graphgen import Graph, layers, losses, ops

TEXT = """\
A graph goes down from what we know to one small number, and we call it loss.
The slope comes back the way the values came, from node to node, each asking only this:
if I had been a little more, how much more would the end have been?
A sum hands on what it was given, the same to all. A product hands to each the other's part.
The largest of a row takes all there is, and where two tie they share it, half and half.
What was made wide is added up again, what was cut out is put back where it was.
No node knows the whole, and none has need to; a line of work for each, and it is done.
Then every weight takes one small step downhill, and once again the values flow, and fall.
"""
LETTERS = sorted(set(TEXT))
UNITS = 96


def network(steps: int) -> Graph:
    """Declare the network that reads so many letters, from a state that it is given to one that it gives back."""
    g = Graph("letters", dtype="float32")
    letters = g.input("letters", shape=("batch", steps), dtype="int64", low=0, high=len(LETTERS))
    h0, c0 = (g.input(name, shape=("batch", UNITS)) for name in ("h0", "c0"))
    seen = ops.one_hot(letters, len(LETTERS))
    read, h, c = layers.lstm(seen, UNITS, name="lstm", initial_state=(h0, c0), sequence=True, final_state=True)
    logits = layers.dense(read, len(LETTERS), name="next")
    g.output(logits, h, c)
    following = g.input("following", shape=("batch", steps), dtype="int64")
    g.loss(losses.cross_entropy(ops.reshape(logits, (-1, len(LETTERS))), ops.reshape(following, (-1,))))
    g.optimizer("adam", learning_rate=5e-3)
    return g


g = network(steps=3)
