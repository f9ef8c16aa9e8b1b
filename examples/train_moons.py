"""Train the generated network on two half moons: ``python examples/train_moons.py``."""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import make_moons

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from generated import moons

X, LABEL = make_moons(200, noise=0.2, random_state=0)


def train(seed: int, steps: int = 5000) -> tuple[dict, float]:
    """Return trained parameters, and the last loss for each point."""
    parameters = moons.init_parameters(seed)
    state = moons.init_optimizer_state(parameters)
    for _ in range(steps):
        loss = moons.train_step(parameters, state, X, LABEL)
    return parameters, loss / len(X)


def accuracy(parameters: dict) -> float:
    """Return the part of the points that are told apart."""
    return float(np.mean(moons.forward(parameters, X).argmax(axis=1) == LABEL))


if __name__ == "__main__":
    parameters, loss = train(seed=0)
    print(f"loss {loss:.4f}, accuracy {accuracy(parameters):.1%}")
