"""Numerical helpers: accuracy against mpmath, dtypes, 0-d arguments, adjoints."""

import math

import mpmath
import numpy as np
import pytest
from runtime_module import build, source

NAMES = ["sigmoid", "softplus", "finite_max", "first_true", "scatter_add", "scatter_add_along_axis"]
EXTREMES = [
    0.0,
    -0.0,
    *(sign * size for sign in (1, -1) for size in (1e-30, 1e-8, 1, 20, 37.5, 80, 700, 800, 1000, 1e30)),
]


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    return build(tmp_path_factory.mktemp("functions"), source(NAMES, supplied=""))


@pytest.fixture(scope="module")
def scalars(tmp_path_factory):
    rename = {"sigmoid_scalar": "sigmoid", "softplus_scalar": "softplus"}
    return build(tmp_path_factory.mktemp("scalars"), source(list(rename), rename=rename, supplied=""))


def samples(dtype):
    """Return the extremes and many values between, as they are in this dtype."""
    generator = np.random.default_rng(0)
    return np.concatenate([EXTREMES, generator.normal(0.0, 3.0, 300), generator.uniform(-100, 100, 300)]).astype(dtype)


EXACT = {
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "softplus": lambda a: mpmath.log1p(mpmath.exp(a)),
}


def ulps(value, exact, dtype):
    """Return the distance in units of the last place that `exact` has in the dtype."""
    spacing = float(np.spacing(dtype(abs(float(exact)))))
    return float(abs(mpmath.mpf(float(value)) - exact) / spacing)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["sigmoid", "softplus"])
def test_values_are_within_4_ulp(module, name, dtype):
    a = samples(dtype)
    values = getattr(module, name)(a)
    assert values.dtype == dtype
    with mpmath.workdps(60):
        errors = [
            ulps(value, EXACT[name](mpmath.mpf(float(each))), dtype) for each, value in zip(a, values, strict=True)
        ]
    assert max(errors) <= 4.0


@pytest.mark.parametrize("name", ["sigmoid", "softplus"])
def test_scalar_twins_are_within_4_ulp_and_answer_floats(scalars, name):
    with mpmath.workdps(60):
        for a in samples(np.float64).tolist():
            value = getattr(scalars, name)(a)
            assert type(value) is float
            assert ulps(value, EXACT[name](mpmath.mpf(a)), np.float64) <= 4.0


def test_limits(module, scalars):
    for functions, infinity in ((module, np.array(np.inf)), (scalars, math.inf)):
        assert (functions.sigmoid(infinity), functions.sigmoid(-infinity)) == (1.0, 0.0)
        assert (functions.softplus(infinity), functions.softplus(-infinity)) == (math.inf, 0.0)
        assert math.isnan(functions.sigmoid(infinity * 0.0 if functions is scalars else np.nan))
        assert math.isnan(functions.softplus(math.nan))


@pytest.mark.parametrize("a", [np.float32(0.5), np.array(0.5, np.float32)])
def test_0d_float32_stays_float32(module, a):
    assert module.sigmoid(a).dtype == module.softplus(a).dtype == np.float32
    assert module.finite_max(a, ()).dtype == np.float32
    assert module.scatter_add(a, np.array(1), 3).tolist() == [0.0, 0.5, 0.0]
    assert module.scatter_add(a, np.array(1), 3).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_finite_max(module, dtype):
    a = np.array(
        [[1.0, -5.0, 3.0], [-np.inf, -2.0, -1.0], [-np.inf] * 3, [np.inf, 0.0, 1.0], [np.nan, 0.0, 1.0]], dtype
    )
    rows = module.finite_max(a, 1)
    assert rows.dtype == dtype and rows.tolist() == [[3.0], [-1.0], [0.0], [0.0], [0.0]]
    assert module.finite_max(a[:2], (0, 1)).tolist() == [[3.0]]
    assert module.finite_max(a[:0], 1).shape == (0, 1)


def reference_first_true(mask, axes):
    """Keep the first True of each row, place by place."""
    kept = np.zeros_like(mask)
    seen = set()
    for place in np.ndindex(mask.shape):
        row = tuple(size for axis, size in enumerate(place) if axis not in axes)
        if mask[place] and row not in seen:
            seen.add(row)
            kept[place] = True
    return kept


@pytest.mark.parametrize("axis", [0, 1, 2, -1, (0, 2), (2, 0), (1, 2), (-3, -2), (0, 1, 2), ()])
def test_first_true(module, axis):
    mask = np.random.default_rng(0).random((4, 5, 6)) < 0.4
    axes = {each % 3 for each in ([axis] if isinstance(axis, int) else axis)}
    answer = module.first_true(mask, axis)
    assert answer.dtype == bool and np.array_equal(answer, reference_first_true(mask, axes))


def test_first_true_of_small_masks(module):
    assert module.first_true(np.True_, ()).tolist() is True
    assert module.first_true(np.array(False), ()).tolist() is False
    assert module.first_true(np.ones((0, 3), bool), 1).shape == (0, 3)
    assert module.first_true(np.ones((3, 0), bool), 1).shape == (3, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index_dtype", [np.int64, np.int8, np.uint8, np.uint64])
@pytest.mark.parametrize(
    ("index_shape", "row_shape"), [((7,), ()), ((7,), (3,)), ((2, 5), (3, 40)), ((), (3,)), ((0,), (2,))]
)
def test_scatter_add_is_the_adjoint_of_indexing(module, dtype, index_dtype, index_shape, row_shape):
    generator = np.random.default_rng(0)
    low = -6 if np.dtype(index_dtype).kind == "i" else 0
    index = generator.integers(low, 6, index_shape).astype(index_dtype)
    updates = generator.integers(-9, 9, index_shape + row_shape).astype(dtype)  # whole numbers: exact in any order
    x = generator.integers(-9, 9, (6, *row_shape)).astype(dtype)
    total = module.scatter_add(updates, index, 6)
    assert total.dtype == dtype and total.shape == x.shape and total.flags.writeable
    assert np.sum(total * x) == np.sum(updates * x[index])
    expected = np.zeros_like(x)
    for place in np.ndindex(index_shape):
        expected[int(index[place])] += updates[place]
    assert np.array_equal(total, expected)


@pytest.mark.parametrize(("axis", "index"), [(1, [0, -1, 2, 0]), (2, [1, 1]), (1, [[0, 1], [-3, 1]]), (0, 1), (2, -1)])
def test_scatter_add_along_other_axes_is_the_adjoint_of_take(module, axis, index):
    generator = np.random.default_rng(0)
    x = generator.integers(-9, 9, (4, 3, 3)).astype(float)
    taken = np.take(x, index, axis)
    updates = generator.integers(-9, 9, taken.shape).astype(float)
    total = module.scatter_add(updates, np.array(index), x.shape[axis], axis)
    assert total.shape == x.shape and total.flags.writeable
    assert np.sum(total * x) == np.sum(updates * taken)


@pytest.mark.parametrize("place", [6, -7])
def test_scatter_add_refuses_rows_out_of_range(module, place):
    with pytest.raises(IndexError):
        module.scatter_add(np.ones((2, 3)), np.array([0, place]), 6)
    with pytest.raises(IndexError):
        module.scatter_add_along_axis(np.ones((1, 2)), np.array([[0, place]]), (1, 6), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "index_shape", "axis"),
    [((5,), (7,), 0), ((4, 5), (4, 3), 1), ((4, 5), (2, 5), 0), ((4, 5), (4, 3), -1), ((4, 5), (1, 3), 1),
     ((1, 5), (4, 3), 1), ((2, 3, 4), (2, 6, 4), 1), ((2, 3, 4), (2, 3, 9), -1)],
)  # fmt: skip
def test_scatter_add_along_axis_is_the_adjoint_of_take_along_axis(module, dtype, shape, index_shape, axis):
    generator = np.random.default_rng(0)
    x = generator.integers(-9, 9, shape).astype(dtype)
    index = generator.integers(-shape[axis], shape[axis], index_shape)
    taken = np.take_along_axis(x, index, axis)
    updates = generator.integers(-9, 9, taken.shape).astype(dtype)
    total = module.scatter_add_along_axis(updates, index, shape, axis)
    assert total.dtype == dtype and total.shape == shape
    assert np.sum(total * x) == np.sum(updates * taken)
