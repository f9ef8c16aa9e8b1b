"""In NumPy, what NumPy has no function for."""

from collections.abc import Callable
from typing import Any

import numpy as np


def scattered(updates: np.ndarray, index: np.ndarray, size: int, axis: int) -> np.ndarray:
    total = np.zeros((*updates.shape[:axis], size, *updates.shape[axis + index.ndim :]))
    for place in np.ndindex(index.shape):
        before = (slice(None),) * axis
        total[(*before, index[place])] += updates[(*before, *place)]
    return total


def scattered_along(updates: np.ndarray, index: np.ndarray, size: int, axis: int) -> np.ndarray:
    total = np.zeros((*updates.shape[:axis], size, *updates.shape[axis + 1 :]))
    for place in np.ndindex(index.shape):
        total[(*place[:axis], index[place], *place[axis + 1 :])] += updates[place]
    return total


def exponentials(x: np.ndarray, axis: int) -> np.ndarray:
    return np.exp(x - x.max(axis=axis, keepdims=True))


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    return exponentials(x, axis) / exponentials(x, axis).sum(axis=axis, keepdims=True)


def logsumexp(x: np.ndarray, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.exp(x).sum(axis=axis, keepdims=keepdims))


def clip(x: np.ndarray, min: float | None = None, max: float | None = None) -> np.ndarray:
    return np.clip(x, min, max)


def cross_entropy(logits: np.ndarray, target: np.ndarray) -> np.ndarray:
    logs = np.log(softmax(logits))
    if target.dtype.kind == "i":
        return -np.take_along_axis(logs, target[..., None], axis=-1)[..., 0]
    return -(target * logs).sum(axis=-1)


LOSSES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "mse": lambda prediction, target: (prediction - target) ** 2,
    "cross_entropy": cross_entropy,
    "bce_with_logits": lambda logits, target: np.log1p(np.exp(logits)) - target * logits,
    "hinge": lambda prediction, target: np.maximum(0.0, 1.0 - target * prediction),
}
