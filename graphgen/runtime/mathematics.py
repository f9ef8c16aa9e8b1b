"""Elementary functions that NumPy has not, or not with all their digits.

All of them keep the dtype of their array, and take 0-d arrays and NumPy scalars.
"""

import math

import numpy as np


def logit(a: np.ndarray) -> np.ndarray:
    """log(a / (1 - a)), in the form that keeps its digits where a is near 1/2."""
    b = np.maximum(a, 0.25)
    return np.where(a < 0.25, np.log(a / (1.0 - a)), np.log1p((2.0 * b - 1.0) / (1.0 - b)))


def logit_scalar(a: float) -> float:
    """log(a / (1 - a)), in the form that keeps its digits where a is near 1/2."""
    return math.log(a / (1.0 - a)) if a < 0.25 else math.log1p((2.0 * a - 1.0) / (1.0 - a))


def xlogy(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a * log(b), and 0 where a is 0, whatever b is."""
    return a * np.log(np.where(a == 0.0, 1.0, b))


def xlogy_scalar(a: float, b: float) -> float:
    """a * log(b), and 0 where a is 0, whatever b is."""
    return 0.0 if a == 0.0 else a * math.log(b)


def quotient(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, and 0 where b is 0."""
    return a / np.where(b == 0.0, np.inf, b)


def quotient_scalar(a: float, b: float) -> float:
    """a / b, and 0 where b is 0."""
    return 0.0 if b == 0.0 else a / b


def over_squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / (a**2 + b**2), scaled so that no square overflows and small numbers keep their digits; 0 where both are 0."""
    is_small = np.maximum(np.abs(a), np.abs(b)) < 16.0
    scale = np.where(is_small, 2.0**60, 0.25).astype(np.result_type(a, b))
    size = np.hypot(scale * a, scale * b)
    size = np.where(size == 0.0, 1.0, size)
    return scale * scale * a / size / size


def over_squares_scalar(a: float, b: float) -> float:
    """a / (a**2 + b**2), scaled so that no square overflows and small numbers keep their digits; 0 where both are 0."""
    scale = 2.0**60 if max(abs(a), abs(b)) < 16.0 else 0.25
    size = math.hypot(scale * a, scale * b) or 1.0
    return scale * scale * a / size / size


def sinc(a: np.ndarray) -> np.ndarray:
    """sin(pi * a) / (pi * a), and 1 where a is 0."""
    a = np.where(np.abs(a) < 1e-9, 1e-9, a)  # sinc is 1 there
    whole = np.round(a)
    sine = np.sin(np.pi * (a - whole))  # sin(pi * a) or its negative: a large pi * a has lost its digits
    is_even = 0.5 * whole == np.floor(0.5 * whole)
    return np.where(is_even, sine, -sine) / np.pi / a


def sinc_scalar(a: float) -> float:
    """sin(pi * a) / (pi * a), and 1 where a is 0."""
    if abs(a) < 1e-9:
        return 1.0
    whole = round(a)
    sine = math.sin(math.pi * (a - whole))  # sin(pi * a) or its negative: a large pi * a has lost its digits
    return (sine if whole % 2 == 0 else -sine) / math.pi / a


def sinc_slope(a: np.ndarray) -> np.ndarray:
    """The derivative of sinc, (cos(pi * a) - sinc(a)) / a, and where that loses its digits its series, DLMF 10.53.1."""
    is_near = np.abs(a) < 0.5
    near, far = np.where(is_near, a, 0.0), np.where(is_near, 1.0, a)
    series = np.ones_like(near)
    for term in range(11, 0, -1):
        series = 1.0 - (np.pi * near) ** 2 / (2 * term * (2 * term + 3)) * series
    cosine = np.cos(np.pi * (far - 2.0 * np.round(0.5 * far)))
    return np.where(is_near, -(np.pi**2) / 3.0 * near * series, (cosine - sinc(far)) / far)


def sinc_slope_scalar(a: float) -> float:
    """The derivative of sinc, (cos(pi * a) - sinc(a)) / a, and where that loses its digits its series, DLMF 10.53.1."""
    if abs(a) >= 0.5:
        return (math.cos(math.pi * math.remainder(a, 2.0)) - sinc_scalar(a)) / a
    series = 1.0
    for term in range(11, 0, -1):
        series = 1.0 - (math.pi * a) ** 2 / (2 * term * (2 * term + 3)) * series
    return -(math.pi**2) / 3.0 * a * series
