"""Teach a network to write a text letter by letter: ``python examples/train_letters.py``."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import letters

import graphgen

BATCH, SPAN = 16, 25
PLACES = np.array([letters.LETTERS.index(letter) for letter in letters.TEXT])


def train(steps: int = 500, seed: int = 0) -> tuple[dict, float]:
    """Return trained parameters, and the last loss in bits for each letter.

    The text is a ring, read from evenly spaced places at once. Each reader goes on from the state in which it left off;
    gradients do not pass that far back.
    """
    module = graphgen.load(letters.network(SPAN))
    parameters = module.init_parameters(seed)
    state = module.init_optimizer_state(parameters)
    h = c = np.zeros((BATCH, letters.UNITS))
    at = np.arange(BATCH) * (len(PLACES) // BATCH)
    for _ in range(steps):
        ring = (at[:, None] + np.arange(SPAN + 1)) % len(PLACES)
        read, following = PLACES[ring[:, :-1]], PLACES[ring[:, 1:]]
        _, next_h, next_c = module.forward(parameters, read, h, c)
        loss = module.train_step(parameters, state, read, h, c, following)
        h, c, at = next_h, next_c, at + SPAN
    return parameters, loss / np.log(2.0)


def write(parameters: dict, start: str, count: int) -> str:
    """Return a text of so many letters: its start, and what the network finds likeliest to follow, letter by letter."""
    module = graphgen.load(letters.network(steps=1))
    text, h, c = start, np.zeros((1, letters.UNITS)), np.zeros((1, letters.UNITS))
    for place in range(count - 1):
        logits, h, c = module.forward(parameters, [[letters.LETTERS.index(text[place])]], h, c)
        if place + 1 == len(text):
            text += letters.LETTERS[int(logits.argmax())]
    return text


if __name__ == "__main__":
    parameters, bits = train()
    written = write(parameters, letters.TEXT[:20], len(letters.TEXT))
    same = np.mean([one == other for one, other in zip(written, letters.TEXT, strict=True)])
    print(written)
    print(f"{bits:.3f} bits for each letter; {same:.1%} of the text is written as it was read")
