"""Functions of complex numbers x + ih whose imaginary part, for a tiny h, is h times the slope at x.

That is the complex step (Squire and Trapp, SIAM Review 40, 1998; Martins, Sturdza and Alonso, ACM TOMS 29, 2003): nothing
is subtracted, so that slopes come out with all their digits. It asks for functions that are analytic as they are written:
what decides, as a maximum does, looks at real parts alone, and no magnitude is taken. Each function here is written from
its definition, not from its slope.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# The arguments of the error function up to which its series is summed; beyond, its continued fraction.
_NEAR = 2.0


def abs(a: Any) -> Any:
    return np.where(np.real(a) >= 0.0, a, -a)


def sign(a: Any) -> Any:
    return np.sign(np.real(a))


def floor(a: Any) -> Any:
    return np.floor(np.real(a))


def ceil(a: Any) -> Any:
    return np.ceil(np.real(a))


def round(a: Any) -> Any:
    return np.round(np.real(a))


def trunc(a: Any) -> Any:
    return np.trunc(np.real(a))


def maximum(a: Any, b: Any) -> Any:
    return np.where(np.real(a) >= np.real(b), a, b)


def minimum(a: Any, b: Any) -> Any:
    return np.where(np.real(a) <= np.real(b), a, b)


def fmod(a: Any, b: Any) -> Any:
    return a - b * np.trunc(np.real(a) / np.real(b))


def remainder(a: Any, b: Any) -> Any:
    return a - b * np.floor(np.real(a) / np.real(b))


def quotient(a: Any, b: Any) -> Any:
    """a / b, and 0 where b is 0."""
    is_zero = np.real(b) == 0.0
    return np.where(is_zero, 0.0, a / np.where(is_zero, 1.0, b))


def cbrt(a: Any) -> Any:
    side = np.where(np.real(a) >= 0.0, 1.0, -1.0)
    return side * (side * a) ** (1.0 / 3.0)


def hypot(a: Any, b: Any) -> Any:
    return np.sqrt(a * a + b * b)


def over_squares(a: Any, b: Any) -> Any:
    return quotient(a, a * a + b * b)


def atan2(a: Any, b: Any) -> Any:
    """The angle of the point (b, a): an arctangent, and a constant that puts it into the right half or quarter."""
    steep = np.abs(np.real(a)) > np.abs(np.real(b))
    above, below = np.where(steep, -b, a), np.where(steep, a, b)
    angle = np.arctan(quotient(above, below))
    return angle + (np.arctan2(np.real(a), np.real(b)) - np.real(angle))


def logit(a: Any) -> Any:
    return np.log(a / (1.0 - a))


def xlogy(a: Any, b: Any) -> Any:
    """a * log(b), and 0 where a is 0, whatever b is."""
    return a * np.log(np.where(np.real(a) == 0.0, 1.0, b))


def sigmoid(a: Any) -> Any:
    """1 / (1 + exp(-a)), or exp(a) / (1 + exp(a)): the one whose exponential does not overflow."""
    small = np.exp(-abs(a))
    return np.where(np.real(a) >= 0.0, 1.0, small) / (1.0 + small)


def softplus(a: Any) -> Any:
    """log(1 + exp(a)), with the larger of 1 and exp(a) taken out."""
    return maximum(a, 0.0) + np.log1p(np.exp(-abs(a)))


def logaddexp(a: Any, b: Any) -> Any:
    return b + softplus(a - b)


def sech(a: Any) -> Any:
    small = np.exp(-abs(a))
    return 2.0 * small / (1.0 + small * small)


def tanhshrink(a: Any) -> Any:
    return a - np.tanh(a)


def hardsigmoid(a: Any) -> Any:
    return minimum(maximum(a + 3.0, 0.0), 6.0) / 6.0


def sinc(a: Any) -> Any:
    """sin(pi * a) / (pi * a); near 0 the first terms of its series, of which the others are below rounding."""
    near = np.abs(np.real(a)) < 1e-4
    angle = math.pi * np.where(near, 1.0, a)
    return np.where(near, 1.0 - (math.pi * a) ** 2 / 6.0, np.sin(angle) / angle)


def sinc_slope(a: Any) -> Any:
    """(cos(pi * a) - sinc(a)) / a, and near 0 the first terms of its series, DLMF 10.53.1."""
    near = np.abs(np.real(a)) < 1e-2
    far, square = np.where(near, 1.0, a), (math.pi * a) ** 2
    series = -(math.pi**2) / 3.0 * a * (1.0 - square / 10.0 * (1.0 - square / 28.0 * (1.0 - square / 54.0)))
    return np.where(near, series, (np.cos(math.pi * far) - sinc(far)) / far)


def gaussian(a: Any) -> Any:
    return np.exp(-a * a)


def erf(a: Any) -> Any:
    tail = _erfc_far(abs(a))
    return np.where(np.abs(np.real(a)) < _NEAR, _erf_near(a), np.where(np.real(a) > 0.0, 1.0 - tail, tail - 1.0))


def erfc(a: Any) -> Any:
    tail = _erfc_far(abs(a))
    return np.where(np.abs(np.real(a)) < _NEAR, 1.0 - _erf_near(a), np.where(np.real(a) > 0.0, tail, 2.0 - tail))


def _erf_near(a: Any) -> Any:
    """The error function by its series of positive terms, DLMF 7.6.2."""
    a = np.where(np.abs(np.real(a)) < _NEAR, a, 0.0)
    total = term = a * (2.0 / math.sqrt(math.pi)) * np.exp(-a * a)
    for place in range(1, 50):
        term = term * (2.0 * a * a / (2 * place + 1))
        total = total + term
    return total


def _erfc_far(a: Any) -> Any:
    """1 - erf(a), for a of 2 and more, by its continued fraction, DLMF 7.9.1."""
    a = np.where(np.real(a) < _NEAR, _NEAR, a)
    fraction = a
    for place in range(120, 0, -1):
        fraction = a + place / 2.0 / fraction
    return np.exp(-a * a) / (math.sqrt(math.pi) * fraction)


def normal_cdf(a: Any) -> Any:
    return 0.5 * erfc(-a / math.sqrt(2.0))


def normal_pdf(a: Any) -> Any:
    return np.exp(-0.5 * a * a) / math.sqrt(2.0 * math.pi)


def normal_cdf_tanh(a: Any) -> Any:
    """An approximation of `normal_cdf`."""
    return sigmoid(2.0 * math.sqrt(2.0 / math.pi) * (a + 0.044715 * a**3))


def normal_pdf_tanh(a: Any) -> Any:
    """The derivative of `normal_cdf_tanh`."""
    root = math.sqrt(2.0 / math.pi)
    return 0.5 * root * (1.0 + 3 * 0.044715 * a * a) * sech(root * (a + 0.044715 * a**3)) ** 2


# Reductions that NumPy computes with magnitudes.


def variance(a: Any, axis: Any = None, correction: int = 0, keepdims: bool = False) -> Any:
    centred = a - np.mean(a, axis=axis, keepdims=True)
    count = a.size / np.mean(a, axis=axis, keepdims=True).size
    return np.sum(centred * centred, axis=axis, keepdims=keepdims) / (count - correction)


def deviation(a: Any, axis: Any = None, correction: int = 0, keepdims: bool = False) -> Any:
    return np.sqrt(variance(a, axis, correction, keepdims))


def power_norm(a: Any, ord: float = 2, axis: Any = None, keepdims: bool = False) -> Any:
    """sum(abs(a)**ord)**(1 / ord), or the largest or smallest magnitude."""
    if math.isinf(ord):
        return (largest if ord > 0 else smallest)(abs(a), axis, keepdims)
    if ord == 2:
        return np.sqrt(np.sum(a * a, axis=axis, keepdims=keepdims))
    size = abs(a) if ord == 1 else np.where(np.real(a) == 0.0, 0.0, abs(a) ** ord)
    return np.sum(size, axis=axis, keepdims=keepdims) ** (1.0 / ord)


def largest(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The element whose real part is largest; of several the first."""
    return _chosen(a, np.argmax, axis, keepdims)


def smallest(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The element whose real part is smallest; of several the first."""
    return _chosen(a, np.argmin, axis, keepdims)


def _chosen(a: Any, choose: Any, axis: Any, keepdims: bool) -> Any:
    axes = tuple(range(a.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    axes = tuple(each % a.ndim for each in axes)
    last = np.moveaxis(a, axes, range(a.ndim - len(axes), a.ndim))
    rows = last.reshape((*last.shape[: a.ndim - len(axes)], -1))
    found = np.take_along_axis(rows, choose(np.real(rows), axis=-1)[..., None], axis=-1)[..., 0]
    return np.expand_dims(found, tuple(sorted(axes))) if keepdims else found
