"""Helpers of reductions: accuracy at every magnitude, zeros, dtypes, empty arrays."""

import itertools
import math

import mpmath
import numpy as np
import pytest
from references import product_of_others, recurrence, shift
from runtime_module import build, source
from sample import some

from graphgen.runtime.mathematics import quotient_scalar


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    names = ["norm", "p_norm", "product_of_others", "recurrence", "shift", "quotient"]
    return build(tmp_path_factory.mktemp("reductions"), source(names, supplied=""))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_norms_are_accurate_at_every_magnitude(module, dtype):
    generator = np.random.default_rng(0)
    facts = np.finfo(dtype)
    for exponent in (0, facts.maxexp - 5, facts.minexp - 12, facts.minexp, facts.maxexp // 2, facts.minexp // 2):
        for size in (1, 2, 9, 40):
            a = np.ldexp(generator.normal(size=size).astype(dtype), exponent)
            for power, limit in ((2, 2.0), (3.0, 4.0), (1.5, 4.0), (30.0, 4.0), (0.5, 8.0)):
                with mpmath.workdps(50):
                    sum_of_powers = mpmath.fsum(mpmath.fabs(mpmath.mpf(float(each))) ** power for each in a)
                    exact = float(sum_of_powers ** (mpmath.mpf(1) / power))
                if exact < float(facts.max) / 2:
                    found = module.norm(a) if power == 2 else module.p_norm(a, power)
                    assert found.dtype == dtype
                    assert abs(float(found) - exact) <= limit * np.spacing(dtype(exact))
    assert module.norm(np.array([3.0, 4.0], dtype)) == 5.0
    for special, expected in (([math.inf, 1.0], math.inf), ([0.0, 0.0], 0.0), ([], 0.0)):
        a = np.array(special, dtype)
        assert module.norm(a) == module.p_norm(a, 3.0) == expected
    assert np.isnan(module.norm(np.array([np.nan, math.inf], dtype)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_of_others_take_no_detour_through_infinity(module, dtype):
    small, large = (float(dtype(10.0)) ** (sign * (25 if dtype is np.float32 else 200)) for sign in (-1, 1))
    a = np.array([small, small, 3.0, large, large], dtype)
    np.testing.assert_allclose(module.product_of_others(a, 0)[2:], [1.0, 3.0 * small, 3.0 * small], rtol=1e-5)
    assert module.product_of_others(a, 0).dtype == dtype
    generator = np.random.default_rng(0)
    for shape, axis in itertools.product(((1, 7), (4, 3, 5), (2, 8), (2, 17, 1)), (0, 1, -1, (0, -1), (0, 1))):
        a = generator.normal(size=shape).astype(dtype) * (generator.random(shape) > 0.2)
        axes = tuple(each % a.ndim for each in ((axis,) if isinstance(axis, int) else axis))
        found = module.product_of_others(a, axes)
        np.testing.assert_allclose(
            found, product_of_others(a.astype(float), axes), rtol=5e-6 if dtype == np.float32 else 1e-14
        )
    for shape in ((0,), (0, 3), (3, 0)):
        assert module.product_of_others(np.zeros(shape, dtype), 0).shape == shape


@pytest.mark.parametrize("shape", [(5,), (1,), (0,)])
def test_recurrences_and_shifts(module, shape):
    b, a = some(*shape, 3), some(*shape, 3) + 1.0
    fixed = np.broadcast_to(1.0, b.shape)  # as gradients of sums are
    for backward in (False, True):
        np.testing.assert_allclose(module.recurrence(b, a, 0, backward), recurrence(b, a, 0, backward), rtol=1e-13)
        np.testing.assert_allclose(module.recurrence(fixed, a, 0, backward), recurrence(fixed + 0.0, a, 0, backward))
    for step in (1, -1) if shape != (0,) else ():
        np.testing.assert_array_equal(module.shift(b, step, 0, 1.0), shift(b, step, 0, 1.0))
    assert module.shift(b, 1, 0, 1.0).shape == b.shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_quotients_by_zero_are_zero(module, dtype):
    a, b = np.array([1.0, 0.0, -2.0, 3.0], dtype), np.array([0.0, -0.0, 4.0, np.inf], dtype)
    found = module.quotient(a, b)
    assert found.tolist() == [0.0, 0.0, -0.5, 0.0] and found.dtype == dtype
    assert module.quotient(a[0], b[0]) == 0.0 and module.quotient(a[:1], b[:1]).dtype == dtype
    assert [quotient_scalar(float(one), float(other)) for one, other in zip(a, b, strict=True)] == found.tolist()
