"""Reductions and running products along axes that take several NumPy calls to be safe and accurate.

All of them keep the dtype of their array, and take 0-d arrays and NumPy scalars.
"""

import math

import numpy as np


def norm(a: np.ndarray, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> np.ndarray:
    """Return sqrt(sum(a**2)) along `axis`: no square overflows or underflows, as a is scaled by a power of 2."""
    largest = np.max(np.abs(a), axis=axis, keepdims=True, initial=0.0)
    exponent = np.maximum(np.frexp(largest)[1], np.finfo(largest.dtype).minexp)
    scaled = a * np.ldexp(np.ones_like(largest), -exponent)
    length = np.ldexp(np.sqrt(np.sum(scaled * scaled, axis=axis, keepdims=True)), exponent)
    return length if keepdims else np.squeeze(length, axis=axis)


def p_norm(
    a: np.ndarray, power: float, axis: int | tuple[int, ...] | None = None, keepdims: bool = False
) -> np.ndarray:
    """Return sum(abs(a)**power)**(1 / power) along `axis`; a is scaled by its largest magnitude: nothing overflows."""
    size = np.abs(a)
    largest = np.max(size, axis=axis, keepdims=True, initial=0.0)
    scale = np.where((largest > 0.0) & np.isfinite(largest), largest, np.ones_like(largest))
    length = np.sum((size / scale) ** power, axis=axis, keepdims=True) ** (1.0 / power) * scale
    return length if keepdims else np.squeeze(length, axis=axis)


def product_of_others(a: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Return in each place the product of all other elements along `axis`: the slopes of their product, zeros or not.

    Neighbours are multiplied, then neighbouring pairs, and so on; exponents are kept apart, so that no product on the
    way overflows or underflows.
    """
    axes = (axis,) if isinstance(axis, int) else axis
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(a, axes, last)
    kept = moved.shape[: moved.ndim - len(axes)]
    rows = moved.reshape((*kept, math.prod(moved.shape[len(kept) :])))
    products = np.ldexp(*_products_of_others(*np.frexp(rows)))
    return np.moveaxis(products.reshape(moved.shape), last, axes)


def _products_of_others(fraction: np.ndarray, exponent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the products of all others in each row of fraction * 2**exponent, as a fraction and an exponent again."""
    *kept, count = fraction.shape
    if count < 2:
        return np.ones_like(fraction), np.zeros_like(exponent)
    to_even = [(0, 0)] * len(kept) + [(0, count % 2)]
    row, pairs = (*kept, count + count % 2), (*kept, (count + 1) // 2, 2)
    fraction = np.pad(fraction, to_even, constant_values=1.0).reshape(pairs)
    exponent = np.pad(exponent, to_even).reshape(pairs)
    product, carry = np.frexp(fraction[..., 0] * fraction[..., 1])
    others, outside = _products_of_others(product, exponent[..., 0] + exponent[..., 1] + carry)
    products, carry = np.frexp(fraction[..., ::-1] * others[..., None])  # the others are the partner and all outside
    powers = exponent[..., ::-1] + outside[..., None] + carry
    return products.reshape(row)[..., :count], powers.reshape(row)[..., :count]


def recurrence(increment: np.ndarray, factor: np.ndarray, axis: int, backward: bool = False) -> np.ndarray:
    """Return y[i] = increment[i] + factor[i] * y[i - 1] along `axis`.

    Backward, its adjoint: y[i] = increment[i] + factor[i + 1] * y[i + 1].
    """
    y = np.moveaxis(np.array(increment), axis, 0)
    factors = np.moveaxis(factor, axis, 0)
    if backward:
        for i in range(len(y) - 2, -1, -1):
            y[i] += factors[i + 1] * y[i + 1]
    else:
        for i in range(1, len(y)):
            y[i] += factors[i] * y[i - 1]
    return np.moveaxis(y, 0, axis)


def shift(a: np.ndarray, step: int, axis: int, fill: float = 0.0) -> np.ndarray:
    """Return a moved by a step of 1 or -1 along `axis`; `fill` goes where there is nothing to move."""
    moved = np.roll(a, step, axis)
    np.moveaxis(moved, axis, 0)[slice(1) if step > 0 else slice(-1, None)] = fill
    return moved
