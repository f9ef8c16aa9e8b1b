"""In NumPy, what NumPy has no function for."""

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


def norm(x: np.ndarray, ord: float = 2, axis: Any = None, keepdims: bool = False) -> Any:
    size = np.abs(x)
    if np.isinf(ord):
        return (np.max if ord > 0 else np.min)(size, axis=axis, keepdims=keepdims)
    return (size**ord).sum(axis=axis, keepdims=keepdims) ** (1 / ord)


def clipped_to_norm(x: np.ndarray, max_norm: float, axis: Any = None) -> np.ndarray:
    return x * np.minimum(1.0, max_norm / np.maximum(norm(x, axis=axis, keepdims=True), 1e-300))


def var(x: np.ndarray, axis: Any = None, correction: int = 0, keepdims: bool = False) -> Any:
    return np.var(x, axis=axis, ddof=correction, keepdims=keepdims)


def std(x: np.ndarray, axis: Any = None, correction: int = 0, keepdims: bool = False) -> Any:
    return np.std(x, axis=axis, ddof=correction, keepdims=keepdims)


def product_of_others(x: np.ndarray, axis: tuple[int, ...]) -> np.ndarray:
    result = np.ones_like(x)
    for place in np.ndindex(x.shape):
        key = tuple(slice(None) if each in axis else place[each] for each in range(x.ndim))
        others = np.ones(x.shape, dtype=bool)
        others[place] = False
        result[place] = np.prod(x[key][others[key]])
    return result


def shift(x: np.ndarray, step: int, axis: int, fill: float = 0.0) -> np.ndarray:
    edge = np.full_like(np.take(x, range(min(1, x.shape[axis])), axis=axis), fill)
    kept = np.take(x, range(max(-step, 0), x.shape[axis] - max(step, 0)), axis=axis)
    return np.concatenate((edge, kept) if step > 0 else (kept, edge), axis=axis)


def recurrence(increment: np.ndarray, factor: np.ndarray, axis: int, backward: bool = False) -> np.ndarray:
    """By the sum of products that a recurrence comes to."""
    result = np.zeros_like(increment)
    for place in np.ndindex(increment.shape):
        i = place[axis]
        for k in range(i, increment.shape[axis]) if backward else range(i + 1):
            start = (*place[:axis], k, *place[axis + 1 :])
            between = slice(i + 1, k + 1) if backward else slice(k + 1, i + 1)
            result[place] += increment[start] * np.prod(factor[(*place[:axis], between, *place[axis + 1 :])])
    return result


def argsort(x: np.ndarray, axis: int = -1, descending: bool = False) -> np.ndarray:
    def places(row: np.ndarray) -> list[int]:
        return sorted(range(len(row)), key=lambda place: -row[place] if descending else row[place])

    return np.apply_along_axis(places, axis, x).astype(np.int64)


def sort(x: np.ndarray, axis: int = -1, descending: bool = False) -> np.ndarray:
    return np.flip(np.sort(x, axis=axis), axis) if descending else np.sort(x, axis=axis)


def clip(x: np.ndarray, min: float | None = None, max: float | None = None) -> np.ndarray:
    return np.clip(x, min, max)
