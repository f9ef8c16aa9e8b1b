"""Train the generated network on handwritten digits, from five seeds: ``python examples/train_digits.py``."""

import os
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from generated import digits

EPOCHS = 80
BATCH = 32


def data() -> list[np.ndarray]:
    """Return x for training and testing, 1437 and 360 images with pixels from 0 to 1, and their labels."""
    x, label = load_digits(return_X_y=True)
    return train_test_split(x / 16, label, test_size=0.2, random_state=0, stratify=label)


def train(x: np.ndarray, label: np.ndarray, seed: int) -> dict:
    """Return trained parameters."""
    parameters = digits.init_parameters(seed)
    state = digits.init_optimizer_state(parameters)
    generator = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        order = generator.permutation(len(x))
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            digits.train_step(parameters, state, x[rows], label[rows])
    return parameters


def accuracy(parameters: dict, x: np.ndarray, label: np.ndarray) -> float:
    """Return the part of the images that are read correctly."""
    return float(np.mean(digits.forward(parameters, x).argmax(axis=1) == label))


def main() -> None:
    """Print the test accuracy from each seed, their mean, and where the source lies."""
    x, x_test, label, label_test = data()
    print(f"training on {len(x)} images, {EPOCHS} epochs; testing on {len(x_test)} others")
    accuracies = []
    for seed in range(5):
        accuracies.append(accuracy(train(x, label, seed), x_test, label_test))
        print(f"seed {seed}: test accuracy {accuracies[-1]:.2%}", flush=True)
    print(f"mean:   test accuracy {np.mean(accuracies):.2%}")
    print(f"the gradient it was trained with, to read: {os.path.relpath(digits.__file__)}")


if __name__ == "__main__":
    main()
