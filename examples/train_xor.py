"""Train the generated network on exclusive or: ``python examples/train_xor.py``."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from generated import xor

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
TARGET = np.array([0.0, 1.0, 1.0, 0.0])


def train(seed: int, steps: int = 1000) -> dict:
    """Return trained parameters."""
    parameters = xor.init_parameters(seed)
    state = xor.init_optimizer_state(parameters)
    for _ in range(steps):
        xor.train_step(parameters, state, X, TARGET)
    return parameters


if __name__ == "__main__":
    for (left, right), probability in zip(X, xor.forward(train(seed=0), X), strict=True):
        print(f"{left:.0f} xor {right:.0f}: {probability:.3f}")
