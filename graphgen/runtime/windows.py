"""Windows that slide over the last axes of an array, and the adjoint of that: their overlap-add.

Both keep the dtype of their array.
"""

import numpy as np


def windows(a: np.ndarray, kernel_size: tuple, stride: tuple = (), dilation: tuple = ()) -> np.ndarray:
    """Return the windows that slide over the last axes: y[..., k, i] = a[..., stride * i + dilation * k]."""
    count = len(kernel_size)
    stride, dilation = stride or (1,) * count, dilation or (1,) * count
    lengths = tuple(step * (size - 1) + 1 for size, step in zip(kernel_size, dilation, strict=True))
    last = tuple(range(-count, 0))
    every = np.lib.stride_tricks.sliding_window_view(a, lengths, axis=last)
    steps: tuple = (..., *(slice(None, None, step) for step in (*stride, *dilation)))
    # a copy with the places inside a window first: what reads it next is several times faster than on the view
    return np.ascontiguousarray(np.moveaxis(every[steps], last, range(-2 * count, -count)))


def overlap_add(a: np.ndarray, size: tuple, stride: tuple = (), dilation: tuple = ()) -> np.ndarray:
    """Return zeros of `size` along the last axes to which each window is added where it lay: the adjoint of windows."""
    count = len(size)
    stride, dilation = stride or (1,) * count, dilation or (1,) * count
    total = np.zeros((*a.shape[: -2 * count], *size), dtype=a.dtype)
    by_place = np.moveaxis(a, range(-2 * count, -count), range(count))
    for k in np.ndindex(by_place.shape[:count]):  # y[..., stride * i + dilation * k] += a[..., k, i]
        starts = [step * place for step, place in zip(dilation, k, strict=True)]
        along = zip(starts, stride, a.shape[-count:], strict=True)
        reached: tuple = (..., *(slice(start, start + step * n, step) for start, step, n in along))
        total[reached] += by_place[k]
    return total
