"""Windows and what is made of them, in plain loops over places."""

import itertools
import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np


def spread(value: Any, count: int) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * count


def _places(kernel_size: Any, counts: Any, stride: Any, dilation: Any) -> Any:
    """For each place in a window and each window: where in the array that is."""
    for k, i in itertools.product(np.ndindex(*kernel_size), np.ndindex(*counts)):
        yield k, i, tuple(s * at + d * inside for s, at, d, inside in zip(stride, i, dilation, k, strict=True))


def windows(x: np.ndarray, kernel_size: Any, stride: Any = 1, dilation: Any = 1) -> np.ndarray:
    axes = len(kernel_size)
    stride, dilation = spread(stride, axes), spread(dilation, axes)
    space = x.shape[x.ndim - axes :]
    counts = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(space, kernel_size, stride, dilation, strict=True)]
    result = np.zeros((*x.shape[: x.ndim - axes], *kernel_size, *counts))
    for k, i, at in _places(kernel_size, counts, stride, dilation):
        result[(..., *k, *i)] = x[(..., *at)]
    return result


def overlap_add(x: np.ndarray, size: Any, stride: Any = 1, dilation: Any = 1) -> np.ndarray:
    axes = len(size)
    kernel_size, counts = x.shape[x.ndim - 2 * axes : x.ndim - axes], x.shape[x.ndim - axes :]
    result = np.zeros((*x.shape[: x.ndim - 2 * axes], *size))
    for k, i, at in _places(kernel_size, counts, spread(stride, axes), spread(dilation, axes)):
        result[(..., *at)] += x[(..., *k, *i)]
    return result


def padded(x: np.ndarray, pads: Any, value: float = 0.0) -> np.ndarray:
    return np.pad(x, [(0, 0)] * (x.ndim - len(pads)) + list(pads), constant_values=value)


def convolution(
    x: np.ndarray, weight: np.ndarray, pads: Any, stride: Any = 1, dilation: Any = 1, groups: int = 1
) -> np.ndarray:
    """Of (batch, channels, *space) and (channels out, channels in / groups, *window)."""
    made, each, *window = weight.shape
    found = windows(padded(x, pads), tuple(window), stride, dilation)
    result = np.zeros((len(x), made, *found.shape[2 + len(window) :]))
    for o in range(made):
        group = o // (made // groups)
        for c in range(each):
            for k in np.ndindex(*window):
                result[:, o] += weight[(o, c, *k)] * found[(slice(None), group * each + c, *k)]
    return result


def transposed(
    x: np.ndarray,
    weight: np.ndarray,
    *,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> np.ndarray:
    """Of (batch, channels, *space) and (channels in, channels out / groups, *window): what falls outside is left out."""
    inside, each, *window = weight.shape
    axes = len(window)
    stride, padding, more, dilation = (spread(value, axes) for value in (stride, padding, output_padding, dilation))
    size = [
        (n - 1) * s - 2 * p + d * (k - 1) + extra + 1
        for n, s, p, d, k, extra in zip(x.shape[2:], stride, padding, dilation, window, more, strict=True)
    ]
    result = np.zeros((len(x), each * groups, *size))
    for k, i, at in _places(window, x.shape[2:], stride, dilation):
        at = tuple(place - pad for place, pad in zip(at, padding, strict=True))
        if all(0 <= place < n for place, n in zip(at, size, strict=True)):
            for c, o in itertools.product(range(inside), range(each)):
                made = c // (inside // groups) * each + o
                result[(slice(None), made, *at)] += weight[(c, o, *k)] * x[(slice(None), c, *i)]
    return result


class Window(NamedTuple):
    """One window of a pooling: which it is, what it holds of the array, and how many places it has there or in padding."""

    i: tuple[int, ...]
    at: tuple[np.ndarray, ...]
    counted: int


def _along(
    size: int, kernel_size: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> list[tuple[list[int], int]]:
    """Of each window along an axis: the places in the array, and how many there are with those in the padding."""
    reach = dilation * (kernel_size - 1) + 1
    found: list[tuple[list[int], int]] = []
    start = -padding
    while start + reach <= size + padding or (
        # One more, cut off, if the last one left something over, and if this one starts in the array or before.
        ceil_mode and start < size and start - stride + reach < size + padding
    ):
        places = [start + dilation * k for k in range(kernel_size)]
        found.append(([at for at in places if 0 <= at < size], sum(at < size + padding for at in places)))
        start += stride
    return found


def pooling(
    space: tuple[int, ...],
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> list[Window]:
    """The windows of a pooling over the last axes."""
    each = [spread(value, len(space)) for value in (kernel_size, stride or kernel_size, padding, dilation)]
    return _windows([_along(*facts, ceil_mode) for facts in zip(space, *each, strict=True)])


def adapting(space: tuple[int, ...], output_size: Any) -> list[Window]:
    """The windows of an adaptive pooling: from the floor of i * n / m up to the ceiling of (i + 1) * n / m."""
    along = []
    for n, m in zip(space, spread(output_size, len(space)), strict=True):
        spans = [(math.floor(Fraction(i * n, m)), math.ceil(Fraction((i + 1) * n, m))) for i in range(m)]
        along.append([(list(range(start, end)), end - start) for start, end in spans])
    return _windows(along)


def _windows(along: list[list[tuple[list[int], int]]]) -> list[Window]:
    found = []
    for i in itertools.product(*(range(len(axis)) for axis in along)):
        chosen = [axis[place] for axis, place in zip(along, i, strict=True)]
        grid = np.meshgrid(*(places for places, _ in chosen), indexing="ij")
        found.append(Window(i, tuple(axis.ravel() for axis in grid), math.prod(count for _, count in chosen)))
    return found


def interpolated(x: np.ndarray, axis: int, made: int, *, factor: float | None, align_corners: bool) -> np.ndarray:
    """One axis made larger or smaller: each new element lies between two old ones, or on one."""
    n = x.shape[axis]
    old = np.moveaxis(x, axis, 0)
    result = np.zeros((made, *old.shape[1:]))
    for i in range(made):
        if align_corners:
            at = i * (n - 1) / (made - 1) if made > 1 else 0.0
        else:
            at = min(max((i + 0.5) / (factor or made / n) - 0.5, 0.0), n - 1.0)
        below = math.floor(at + 1e-9)
        result[i] = (1.0 - (at - below)) * old[below] + (at - below) * old[min(below + 1, n - 1)]
    return np.moveaxis(result, 0, axis)
