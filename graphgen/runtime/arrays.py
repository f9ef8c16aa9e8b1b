"""Functions that arrange elements, or put them into zeros: what NumPy has no single call for.

All of them keep the dtype of their array.
"""

import math

import numpy as np

from graphgen.runtime.functions import scatter_add


def add_at(updates: np.ndarray, indices: tuple, sizes: tuple, axis: int = 0) -> np.ndarray:
    """Return zeros of `sizes` from `axis` on, with the updates added at the indices: the adjoint of x[indices]."""
    places = np.ravel_multi_index(indices, sizes, mode="wrap")  # negative indices count from the end
    total = scatter_add(updates, places, math.prod(sizes), axis)
    return total.reshape((*total.shape[:axis], *sizes, *total.shape[axis + 1 :]))


def diag_embed(x: np.ndarray, sizes: tuple, offset: int = 0, axis1: int = -2, axis2: int = -1) -> np.ndarray:
    """Return zeros with the last axis of x on the diagonals of two axes of these sizes: the adjoint of np.diagonal."""
    total = np.zeros((*x.shape[:-1], *sizes), dtype=x.dtype)
    rows = np.arange(x.shape[-1]) - min(offset, 0)
    total[..., rows, rows + offset] = x
    return np.moveaxis(total, (-2, -1), (axis1, axis2))
