"""Train the generated binarised network on handwritten digits: ``python examples/train_binarised.py``."""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from generated import binarised

EPOCHS = 30
BATCH = 32


def data() -> list[np.ndarray]:
    """Return x for training and testing, 1437 and 360 images with pixels from 0 to 1, and their labels."""
    x, label = load_digits(return_X_y=True)
    return train_test_split(x / 16, label, test_size=0.2, random_state=0, stratify=label)


def train(x: np.ndarray, label: np.ndarray, seed: int) -> dict:
    """Return trained parameters."""
    parameters = binarised.init_parameters(seed)
    state = binarised.init_optimizer_state(parameters)
    generator = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        order = generator.permutation(len(x))
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            binarised.train_step(parameters, state, x[rows], label[rows])
    return parameters


def packed(parameters: dict) -> dict:
    """Return the parameters with one bit of each weight of the hidden layer: all that `forward` uses of them."""
    return {**parameters, "w": np.where(parameters["w"] >= 0, 1.0, -1.0)}


def accuracy(parameters: dict, x: np.ndarray, label: np.ndarray) -> float:
    """Return the part of the images that are read correctly."""
    return float(np.mean(binarised.forward(parameters, x).argmax(axis=1) == label))


if __name__ == "__main__":
    x, x_test, label, label_test = data()
    for seed in range(3):
        parameters = train(x, label, seed)
        print(
            f"seed {seed}: test accuracy {accuracy(packed(parameters), x_test, label_test):.2%}, with a bit for each weight"
        )
