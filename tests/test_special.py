"""The special functions, which are code of our own, against mpmath: over all sizes, and close to poles and roots."""

import itertools
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from graphgen.runtime import special

LGAMMA_ROOTS = (-2.4570247382208006, -2.7476826467274127, -3.1435808883499798, -3.9552942848585979, 1.0, 2.0)
DIGAMMA_ROOTS = (1.4616321449683623, -0.5040830082644554, -1.5734984731623904, -2.6107208684441447, -3.6352933664369010)
BETWEEN = (-30.0, -3.0, 3.0, 30.0)


def spread(dtype: Any, count: int = 150) -> np.ndarray:
    """Numbers of all sizes and either sign, and more of those between -30 and 30."""
    kind, generator = np.finfo(dtype), np.random.default_rng(8)
    sizes = np.exp2(generator.uniform(np.log2(float(kind.smallest_subnormal)), np.log2(float(kind.max)), count))
    middle = [generator.uniform(low, high, count) for low, high in itertools.pairwise(BETWEEN)]
    return np.concatenate([sizes, -sizes, *middle]).astype(dtype)


def beside(places: tuple[float, ...], dtype: Any) -> np.ndarray:
    """Numbers next to some, and not far from them."""
    steps = [np.asarray(places, dtype)]
    for end in (np.inf, -np.inf):
        near = steps[0]
        for _ in range(3):
            near = np.nextafter(near, dtype(end))
            steps.append(near)
    return np.concatenate([*steps[1:], *(np.asarray(places, dtype) + dtype(far) for far in (1e-5, -1e-5, 1e-2, -1e-2))])


def spacing(value: Any, dtype: Any) -> float:
    return float(np.spacing(dtype(min(abs(float(value)), float(np.finfo(dtype).max) / 2))))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "exact"), [("erf", mpmath.erf), ("erfc", mpmath.erfc)])
def test_error_functions_are_within_4_ulp(name, exact, dtype):
    points = np.concatenate([spread(dtype), beside((0.5, 6.0, 26.5, 27.2, -0.5), dtype)])
    points = points[np.abs(points) < 1e6]  # beyond, mpmath gives up
    found = getattr(special, name)(points)
    assert found.dtype == dtype
    with mpmath.workdps(350):
        for x, value in zip(points.tolist(), found.tolist(), strict=True):
            true = exact(mpmath.mpf(x))
            assert abs(true - value) <= 4.0 * spacing(true, dtype), x


def log_gamma(x: Any) -> Any:
    return mpmath.re(mpmath.loggamma(x)) if x > 0 else mpmath.log(abs(mpmath.gamma(x)))


def trigamma(x: Any) -> Any:
    return mpmath.psi(1, x)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("name", "exact", "steepness", "roots"),
    [("lgamma", log_gamma, mpmath.digamma, LGAMMA_ROOTS), ("digamma", mpmath.digamma, trigamma, DIGAMMA_ROOTS)],
)
def test_gamma_functions(name: str, exact: Callable, steepness: Callable, roots: tuple, dtype: Any):
    """Within 4 eps * max(1, |value|), or what one rounding of the operand causes near a pole or root."""
    kind = np.finfo(dtype)
    poles = tuple(-float(place) for place in range(30))
    points = np.concatenate([spread(dtype), beside(poles, dtype), beside(roots, dtype)])
    points = points[
        (points > 0) | ((points != np.round(points)) & (points > -1e4))
    ]  # mpmath sums up to -1e30 one by one
    with np.errstate(over="ignore"):
        found = getattr(special, name)(points)
    assert found.dtype == dtype
    with mpmath.workdps(60):
        for x, value in zip(points.tolist(), found.tolist(), strict=True):
            true = exact(mpmath.mpf(x))
            if abs(true) > float(kind.max):
                assert abs(value) == np.inf
                continue
            rounding = abs(steepness(mpmath.mpf(x))) * spacing(x, dtype) if abs(x) < 1e20 else 0
            assert abs(true - value) <= max(4.0 * float(kind.eps) * max(1, abs(true)), rounding), x


def test_poles():
    with np.errstate(divide="ignore", invalid="ignore"):
        assert special.lgamma(-np.arange(5.0)).tolist() == [np.inf] * 5
        assert special.digamma(np.array([0.0, -0.0])).tolist() == [-np.inf, np.inf]
        assert np.isnan(special.digamma(-np.arange(1.0, 5.0))).all()
