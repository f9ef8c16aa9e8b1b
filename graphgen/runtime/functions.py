"""Functions that take several NumPy calls to be safe and accurate.

All of them keep the dtype of their array, and take 0-d arrays and NumPy scalars.
"""

import math

import numpy as np


def sigmoid(a: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-a)), in the form that never overflows and is right to 2.5 ulp."""
    return np.exp(np.minimum(a, 0.0)) / (1.0 + np.exp(-np.abs(a)))


def sigmoid_scalar(a: float) -> float:
    """1 / (1 + exp(-a)), in the form that never overflows and is right to 2.5 ulp."""
    return math.exp(min(a, 0.0)) / (1.0 + math.exp(-abs(a)))


def softplus(a: np.ndarray) -> np.ndarray:
    """log(1 + exp(a)), in the form that never overflows and keeps its digits where exp(a) is small."""
    return np.maximum(a, 0.0) + np.log1p(np.exp(-np.abs(a)))


def softplus_scalar(a: float) -> float:
    """log(1 + exp(a)), in the form that never overflows and keeps its digits where exp(a) is small."""
    return max(a, 0.0) + math.log1p(math.exp(-abs(a)))


def finite_max(a: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Return the maximum along `axis`, kept as size 1, and 0 where it is not finite, or of nothing.

    It is the shift of softmax: exp(a - finite_max(a)) cannot overflow, and inf - inf does not arise.
    """
    largest = np.max(a, axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(largest), largest, np.zeros_like(largest))


def first_true(mask: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Return the mask with only its first True along `axis` kept; several axes count as one, the last fastest."""
    axes = (axis,) if isinstance(axis, int) else axis
    axes = tuple(sorted(each % mask.ndim for each in axes))
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(mask, axes, last)
    kept = moved.shape[: moved.ndim - len(axes)]
    rows = moved.reshape((*kept, math.prod(moved.shape[len(kept) :])))
    first = rows & (rows.cumsum(axis=-1) == 1)
    return np.moveaxis(first.reshape(moved.shape), last, axes)


def scatter_add(updates: np.ndarray, index: np.ndarray, rows: int, axis: int = 0) -> np.ndarray:
    """Return zeros of `rows` along `axis`, to which the updates are added at index: the adjoint of np.take."""
    count = np.ndim(index)
    updates = np.moveaxis(updates, range(axis, axis + count), range(count))
    row_shape = updates.shape[count:]
    row_size = math.prod(row_shape)
    total = np.zeros(rows * row_size, dtype=updates.dtype)
    # np.add.at is several times faster on flat arrays; a negative row is a negative place there as well
    places = np.asarray(index, dtype=np.intp).reshape(-1, 1) * row_size + np.arange(row_size)
    np.add.at(total, places.ravel(), updates.ravel())
    return np.moveaxis(total.reshape((rows, *row_shape)), 0, axis)


def scatter_add_along_axis(updates: np.ndarray, index: np.ndarray, shape: tuple, axis: int) -> np.ndarray:
    """Return zeros of `shape` with the updates added at index along `axis`: the adjoint of np.take_along_axis."""
    total = np.zeros(shape, dtype=updates.dtype)
    places = list(np.ogrid[tuple(slice(size) for size in shape)])  # each axis's own places, except along `axis`
    places[axis] = index
    np.add.at(total, tuple(places), updates)
    return total
