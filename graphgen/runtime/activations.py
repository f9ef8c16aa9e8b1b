"""Parts of activations that take several NumPy calls to be safe and accurate.

All of them keep the dtype of their array, and take 0-d arrays and NumPy scalars.
"""

import math
from typing import Any

import numpy as np

from graphgen.runtime.special import _erfc_excess


def hardsigmoid(a: np.ndarray) -> np.ndarray:
    """A line from 0 at -3 to 1 at 3, and level beyond."""
    return np.minimum(np.maximum(a + 3.0, 0.0), 6.0) / 6.0


def hardsigmoid_scalar(a: float) -> float:
    """A line from 0 at -3 to 1 at 3, and level beyond."""
    return min(max(a + 3.0, 0.0), 6.0) / 6.0


def sech(a: np.ndarray) -> np.ndarray:
    """1 / cosh(a), in the form that never overflows."""
    small = np.exp(-np.abs(a))
    return 2.0 * small / (1.0 + small * small)


def sech_scalar(a: float) -> float:
    """1 / cosh(a), in the form that never overflows."""
    small = math.exp(-abs(a))
    return 2.0 * small / (1.0 + small * small)


def tanhshrink(a: np.ndarray) -> np.ndarray:
    """a - tanh(a); where digits would cancel, by Lambert's tanh(a) = a / (1 + a**2 / (3 + a**2 / (5 + ...)))."""
    square = np.minimum(np.abs(a), 2.0) ** 2
    rest = square / 21.0
    for odd in (19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0):
        rest = square / (odd + rest)
    return np.where(np.abs(a) < 2.0, a * (rest / (1.0 + rest)), a - np.tanh(a))


def tanhshrink_scalar(a: float) -> float:
    """a - tanh(a); where digits would cancel, by Lambert's tanh(a) = a / (1 + a**2 / (3 + a**2 / (5 + ...)))."""
    if abs(a) >= 2.0:
        return a - math.tanh(a)
    rest = a * a / 21.0
    for odd in (19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0):
        rest = a * a / (odd + rest)
    return a * (rest / (1.0 + rest))


def normal_cdf(a: np.ndarray) -> np.ndarray:
    """The probability that a normal variable is below a: erfc(-a / sqrt(2)) / 2."""
    wide = np.asarray(a, dtype=np.float64)  # exp of float32 is not accurate enough
    tail = _normal_tail(np.abs(wide))
    return np.where(wide < 0.0, tail, 1.0 - tail).astype(np.asarray(a).dtype, copy=False)


def normal_cdf_scalar(a: float) -> float:
    """The probability that a normal variable is below a: erfc(-a / sqrt(2)) / 2."""
    tail = float(_normal_tail(abs(a)))
    return tail if a < 0.0 else 1.0 - tail


def _normal_tail(a: Any) -> Any:
    """The probability that a normal variable is above a, which is not negative; digits are kept where it is small."""
    size = np.minimum(a, 40.0)
    near = np.round(size * 64.0) / 64.0  # its square is exact
    step = np.expm1(0.5 * (near - size) * (near + size))
    divisor = 1.0 + 1.4142135623730951 * size
    excess = _erfc_excess(1.0 / divisor)
    return 0.5 * np.exp(-0.5 * near * near) * (1.0 + (excess + (step + step * excess))) / divisor


def normal_pdf(a: np.ndarray) -> np.ndarray:
    """The density of a normal variable: exp(-a**2 / 2) / sqrt(2 * pi)."""
    return 0.3989422804014327 * np.exp(-0.5 * np.minimum(np.abs(a), 40.0) ** 2)


def normal_pdf_scalar(a: float) -> float:
    """The density of a normal variable: exp(-a**2 / 2) / sqrt(2 * pi)."""
    return 0.3989422804014327 * math.exp(-0.5 * min(abs(a), 40.0) ** 2)


def normal_cdf_tanh(a: np.ndarray) -> np.ndarray:
    """normal_cdf(a), approximated by (1 + tanh(0.7978845608028654 * (a + 0.044715 * a**3))) / 2."""
    wide = np.asarray(a, dtype=np.float64)  # exp of float32 is not accurate enough
    tail = _normal_tail_tanh(np.abs(wide))
    return np.where(wide < 0.0, tail, 1.0 - tail).astype(np.asarray(a).dtype, copy=False)


def normal_cdf_tanh_scalar(a: float) -> float:
    """normal_cdf(a), approximated by (1 + tanh(0.7978845608028654 * (a + 0.044715 * a**3))) / 2."""
    tail = float(_normal_tail_tanh(abs(a)))
    return tail if a < 0.0 else 1.0 - tail


def _normal_tail_tanh(a: Any) -> Any:
    """normal_cdf_tanh(-a), for an a that is not negative: 1 / (1 + exp(1.5957691216057308 * (a + 0.044715 * a**3))).

    The rounding of a large exponent would cost digits: it is taken in two parts, the first one exact, being made of
    the first bits of a and of the constants.
    """
    size = np.minimum(a, 25.0)
    near = np.round(size * 64.0) / 64.0
    exact = 1.5957698822021484 * near + 0.07135486602783203 * near**3
    slant = 1.5957691216057308 + 0.07135481627260025 * (size * size + size * near + near * near)
    rest = (size - near) * slant - 7.605964177257403e-07 * near - 4.975523178247366e-08 * near**3
    decay = np.exp(-exact) * np.exp(-rest)
    return decay / (1.0 + decay)


def normal_pdf_tanh(a: np.ndarray) -> np.ndarray:
    """The derivative of normal_cdf_tanh."""
    size = np.minimum(np.abs(a), 25.0)
    tail = normal_cdf_tanh(-size)
    return 1.5957691216057308 * (1.0 + 0.134145 * size**2) * tail * (1.0 - tail)


def normal_pdf_tanh_scalar(a: float) -> float:
    """The derivative of normal_cdf_tanh."""
    size = min(abs(a), 25.0)
    tail = normal_cdf_tanh_scalar(-size)
    return 1.5957691216057308 * (1.0 + 0.134145 * size**2) * tail * (1.0 - tail)
