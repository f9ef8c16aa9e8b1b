"""Special functions that NumPy has not.

All of them keep the dtype of their array, and take 0-d arrays and NumPy scalars. Polynomials are tuples of their
coefficients, the highest power first. The quotients of two polynomials are fitted to values of 40 digits, and right to
1e-17 over all arguments that they are said to be for.
"""

import math
from typing import Any

import numpy as np

# erf(x) / x as a polynomial of x**2: its Taylor series (DLMF 7.6.1), for x up to 0.5.
_ERF_SERIES = tuple(
    2.0 / math.sqrt(math.pi) * (-1.0) ** k / (math.factorial(k) * (2 * k + 1)) for k in reversed(range(13))
)

# (exp(x**2) * erfc(x) * (1 + 2*x) - 1) / (1 - t), for all x >= 0, as a quotient of polynomials of t = 1 / (1 + 2*x).
_ERFC_FIT = (
    (11387026.37275425, 11402343.31425569, 5961394.062241343, 2069102.2693388842, 519285.9243735529,
     97573.84095736161, 13839.765124162952, 1461.7554078796165, 110.21500266324492, 5.381097561800871,
     0.1283791670956813),
    (11387026.369900998, 22246897.341917966, 20452782.155721832, 11713415.93041504, 4659217.308787282,
     1357208.0001585914, 296976.5590416867, 49142.66251268078, 6081.259010026675, 543.0141985183996,
     32.126234505003524, 1.0),
)  # fmt: skip
# What Stirling's formula for lgamma(x) leaves, times x, for all x >= 1, as a quotient of polynomials of 1 / x**2.
_LGAMMA_FIT = (
    (0.005387741867099152, 0.34429912187170114, 3.2758266080734666, 9.753265182985961, 11.48174485847177,
     5.77942060343918, 1.2072473435873852, 0.08333333333333263),
    (0.11340192377956551, 4.943120049021009, 42.38967419386799, 121.13368708387014, 139.97737699462027,
     69.82753348075848, 14.520301456378304, 1.0),
)  # fmt: skip
# What log(x) - 1 / (2*x) is above digamma(x), times x**2, for all x >= 1, as a quotient of polynomials of 1 / x**2.
_DIGAMMA_FIT = (
    (0.13670318111061686, 2.9643942846184386, 15.463681892151577, 29.720335416370006, 24.653038022919976,
     9.257760774359403, 1.503690572443124, 0.08333333333332589),
    (0.02449838535925947, 3.1502956939152265, 47.350518620703305, 213.49616570459835, 382.71689912592785,
     306.3084362973935, 112.85993893510121, 18.144286869287658, 1.0),
)  # fmt: skip

# Bernoulli's numbers of even index, from the second.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)


def erf(a: np.ndarray) -> np.ndarray:
    """Return 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to a."""
    size = np.minimum(np.abs(a), 6.0)
    values = np.where(size < 0.5, _erf_near_0(size), 1.0 - np.exp(-size * size) * _erfc_scaled(size))
    return np.copysign(values, a)


def erfc(a: np.ndarray) -> np.ndarray:
    """Return 1 - erf(a), with its digits kept where that is small."""
    wide = np.asarray(a, dtype=np.float64)  # exp of float32 is not accurate enough
    values = _erfc_of_positive(np.minimum(np.abs(wide), 28.0))
    return np.where(wide < 0.0, 2.0 - values, values).astype(np.asarray(a).dtype, copy=False)


def gaussian(a: np.ndarray) -> np.ndarray:
    """Return exp(-a**2), in the form that never overflows."""
    return np.exp(-(np.minimum(np.abs(a), 28.0) ** 2))


def gaussian_scalar(a: float) -> float:
    """Return exp(-a**2), in the form that never overflows."""
    return math.exp(-(min(abs(a), 28.0) ** 2))


def lgamma(a: np.ndarray) -> np.ndarray:
    """Return log(abs(gamma(a))), below 0 by reflection (DLMF 5.5.3); at 0, -1, -2, ... it is infinite."""
    size = np.abs(a)
    values = _lgamma_of_positive(size)
    if not np.any(a < 0.0):
        return values
    turn = _from_whole(a)
    sine = np.abs(turn * np.sinc(turn))  # abs(sin(pi*a)) / pi
    mirrored = -np.log(size) - np.log(sine) - values
    return np.where(a < 0.0, np.where(sine > 0.0, mirrored, np.inf), values)


def digamma(a: np.ndarray) -> np.ndarray:
    """Return the slope of lgamma, below 0 by reflection (DLMF 5.5.4); at -1, -2, ... it is nan."""
    mirrored = np.where(a < 0.0, 1.0 - a, a)
    above = np.where(mirrored < 1.0, mirrored + 1.0, mirrored)
    values = _digamma_from_1(above, np.log(above)) - np.where(mirrored < 1.0, 1.0 / mirrored, 0.0)
    if not np.any(a < 0.0):
        return values
    turn = _from_whole(a)
    reflected = values - math.pi / np.tan(math.pi * turn)
    return np.where(a < 0.0, np.where(turn == 0.0, np.nan, reflected), values)


def digamma_scalar(a: float) -> float:
    """Return the slope of lgamma, below 0 by reflection (DLMF 5.5.4)."""
    if a < 0.0:
        return digamma_scalar(1.0 - a) - math.pi / math.tan(math.pi * math.remainder(a, 1.0))
    if a < 1.0:
        return digamma_scalar(a + 1.0) - 1.0 / a
    return _digamma_from_1(a, math.log(a))


def polygamma(order: int, a: np.ndarray) -> np.ndarray:
    """Return the derivative of digamma of this order, 1 or more, below 0 by reflection (DLMF 5.15.6)."""
    wide = np.asarray(a, dtype=np.float64)  # powers of float32 are not accurate enough
    values = (-1.0) ** (order + 1) * _sum_of_powers(order, np.where(wide < 0.0, 1.0 - wide, wide))
    if np.any(wide < 0.0):
        cotangent = 1.0 / np.tan(math.pi * _from_whole(wide))
        reflected = (-1.0) ** order * values - _cotangent_slope(order, cotangent)
        values = np.where(wide < 0.0, reflected, values)
    return values.astype(np.asarray(a).dtype, copy=False)


def polygamma_scalar(order: int, a: float) -> float:
    """Return the derivative of digamma of this order, 1 or more, below 0 by reflection (DLMF 5.15.6)."""
    if a < 0.0:
        cotangent = 1.0 / math.tan(math.pi * math.remainder(a, 1.0))
        return (-1.0) ** order * polygamma_scalar(order, 1.0 - a) - _cotangent_slope(order, cotangent)
    return (-1.0) ** (order + 1) * _sum_of_powers(order, a)


def _erf_near_0(a: np.ndarray) -> np.ndarray:
    """Return erf(a), for a of up to 0.5 in size."""
    return a * _polynomial(_ERF_SERIES, a * a)


def _erfc_of_positive(a: np.ndarray) -> np.ndarray:
    """Return erfc(a), for a from 0 to 28, where it is 0: the form is exp(-a**2) / (1 + 2*a) * (1 + what is small).

    So few roundings matter: the formula is one of `near`, whose square and divisor are exact, and the small
    parts hold the step from there to a (W. J. Cody, Mathematics of Computation 23, 1969, has exp(-a**2) so).
    """
    near = np.round(a * 128.0) / 128.0
    inverse = 1.0 / (1.0 + 2.0 * a)
    decay = np.expm1((near - a) * (near + a))
    slant = 2.0 * (near - a) * inverse
    step = decay + slant + decay * slant
    excess = _erfc_excess(inverse)
    return np.exp(-near * near) * (1.0 + (excess + (step + step * excess))) / (1.0 + 2.0 * near)


def _erfc_scaled(a: np.ndarray) -> np.ndarray:
    """Return exp(a**2) * erfc(a), for a from 0 to 28."""
    inverse = 1.0 / (1.0 + 2.0 * a)
    return inverse * (1.0 + _erfc_excess(inverse))


def _erfc_excess(inverse: Any) -> Any:
    """Return exp(a**2) * erfc(a) * (1 + 2*a) - 1, given 1 / (1 + 2*a): it is 0 at 0, and never above 0.24."""
    return (1.0 - inverse) * _ratio(_ERFC_FIT, inverse)


def _lgamma_of_positive(a: np.ndarray) -> np.ndarray:
    """Return lgamma(a) by Stirling's formula (DLMF 5.11.1), below 1 from lgamma(a + 1)."""
    above = np.where(a < 1.0, a + 1.0, a)
    inverse = 1.0 / above
    rest = 0.4189385332046727 + inverse * _ratio(_LGAMMA_FIT, inverse * inverse)  # the number is (log(2*pi) - 1) / 2
    return (above - 0.5) * (np.log(above) - 1.0) + rest - np.log(np.minimum(a, 1.0))


def _digamma_from_1(a: Any, log: Any) -> Any:
    """Return digamma(a), given log(a), for a from 1 on."""
    inverse = 1.0 / a
    return log - inverse * (0.5 + inverse * _ratio(_DIGAMMA_FIT, inverse * inverse))


def _sum_of_powers(order: int, a: Any) -> Any:
    """Return order! times the sum of (a + k)**-(order + 1) over k = 0, 1, 2, ..., for a >= 0.

    The first terms are added, the others are an integral and its corrections: the formula of Euler and Maclaurin
    (DLMF 2.10.1).
    """
    first = 8 + 2 * order
    inverse = 1.0 / (a + first)
    corrections = [
        number * math.factorial(2 * k + order + 1) / math.factorial(2 * k + 2) for k, number in enumerate(_BERNOULLI)
    ]
    square = inverse * inverse
    rest = 0.5 * math.factorial(order) * inverse + square * _polynomial(corrections[::-1], square)
    total = (math.factorial(order - 1) + rest) * _power(inverse, order)
    for k in range(first - 1, -1, -1):
        total = total + math.factorial(order) * _power(1.0 / (a + k), order + 1)
    return total


def _cotangent_slope(order: int, cotangent: Any) -> Any:
    """Return pi times the derivative of cot(pi*a) of this order, given cot(pi*a): a polynomial of it."""
    polynomial = [0.0, 1.0]  # here the lowest power comes first
    for _ in range(order):  # the slope of c**n is -pi * n * (c**(n - 1) + c**(n + 1))
        slope = [-math.pi * n * each for n, each in enumerate(polynomial)][1:]
        polynomial = [one + other for one, other in zip([*slope, 0.0, 0.0], [0.0, 0.0, *slope], strict=True)]
    return math.pi * _polynomial(polynomial[::-1], cotangent)


def _from_whole(a: np.ndarray) -> np.ndarray:
    """Return the distance of a negative a from the nearest whole number, and 1/2 for others."""
    return np.where(a < 0.0, a - np.round(a), 0.5)


def _power(a: Any, exponent: int) -> Any:
    """Return a**exponent by multiplications, which are faster than np.power."""
    return math.prod([a] * exponent)


def _ratio(polynomials: tuple, x: Any) -> Any:
    """Return the quotient of two polynomials at x."""
    above, below = polynomials
    return _polynomial(above, x) / _polynomial(below, x)


def _polynomial(coefficients: Any, x: Any) -> Any:
    """Return a polynomial at x, by Horner's rule; the coefficient of the highest power comes first."""
    total = coefficients[0] * x + coefficients[1]
    for each in coefficients[2:]:
        total *= x
        total += each
    return total
