"""Train the generated support vector machine to diagnose tumours: ``python examples/train_svm.py``.

The data are scikit-learn's `load_breast_cancer` (Wolberg, Street and Mangasarian, 1995: UCI's Wisconsin diagnostic set).
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from generated import svm


def data() -> tuple[np.ndarray, ...]:
    """Return x for training and testing, with columns of mean 0 and variance 1, and their labels, -1 or 1."""
    x, label = load_breast_cancer(return_X_y=True)
    x, x_test, label, label_test = train_test_split(x, 2.0 * label - 1.0, random_state=0, stratify=label)
    scaler = StandardScaler().fit(x)
    return scaler.transform(x), scaler.transform(x_test), label, label_test


def train(x: np.ndarray, label: np.ndarray, steps: int = 2000) -> dict:
    """Return trained parameters. The hinge has a kink, so the steps have to become small."""
    parameters = svm.init_parameters(features=x.shape[1])
    state = svm.init_optimizer_state(parameters)
    for step in range(steps):
        svm.train_step(parameters, state, x, label, learning_rate=0.05 / (1 + step / 100))
    return parameters


def accuracy(parameters: dict, x: np.ndarray, label: np.ndarray) -> float:
    """Return the part of the rows on the right side."""
    return float(np.mean(np.sign(svm.forward(parameters, x)) == label))


if __name__ == "__main__":
    x, x_test, label, label_test = data()
    parameters = train(x, label)
    print(f"loss {svm.loss(parameters, x, label):.4f}, test accuracy {accuracy(parameters, x_test, label_test):.1%}")
