"""What the elementwise rows print is accurate at extreme values, in both float types and of Python's floats, and warns nobody."""

import itertools
import warnings
from functools import cache

import mpmath
import numpy as np
import pytest
import sympy as sp
from elementwise import SMOOTH, calculus, exact, lines

from graphgen.calculus.functions import Maximum, Minimum
from graphgen.ops import ELEMENTWISE
from graphgen.passes.finite import _NEVER_NEGATIVE
from graphgen.passes.recovery import _KEEPING
from graphgen.runtime import functions

# The largest slope of the ops whose slope is bounded and smooth: its rounding is measured against this.
# The helper's sigmoid is up to 0.7 eps off just below 1, and y*(1 - y) with it: half as much again. So is elliot.
LARGEST = {
    "tanh": 1.0,
    "sigmoid": 0.25 * 1.5,
    "softplus": 1.0,
    "elu": 1.0,
    "sin": 1.0,
    "cos": 1.0,
    "sinc": 1.37,
    "logaddexp": 1.0,
    "logsigmoid": 1.0,
    "softsign": 1.0,
    "symmetric_elliot": 1.0,
    "elliot": 0.5 * 1.5,
    "celu": 1.0,
    "selu": 1.76,
    "silu": 1.1,
    "mish": 1.09,
    "gelu": 1.13,
    "hardswish": 1.5,
    "erf": 1.13,
    "erfc": 1.13,
}

# Sums that may cancel: near their roots they are as good as what one rounding of each operand causes.
CANCELLING = ("logaddexp", "lerp")

# Results that are subnormal have few digits, and slopes made of them have no more.
THROUGH_SUBNORMAL = ("hypot",)

# The operand times a factor that may be subnormal: its rounding is multiplied as well.
TIMES_SUBNORMAL = ("silu", "mish", "gelu")

# The C library's cbrt is up to 3 ulp off where NumPy has none of its own, and its square twice that.
FACTORS = {("cbrt", 0): 1.5}

# Values and slopes that are as good as four roundings of 1 near their roots.
NEAR_ROOTS = (("lgamma", None), ("lgamma", 0), ("digamma", None))

# The functions that use these are told to be quiet: see graphgen.passes.recovery.
QUIET = ("logaddexp",)

MAGNITUDES = (0.0, 5e-324, 1e-310, 1e-300, 1e-45, 1e-40, 1e-30, 1e-8, 1e-3, 0.1, 0.4, 0.5, 0.7, 0.9, 0.999, 0.9999999, 1.0, 1.0000001, 1.1,
              1.7, 2.0, 3.0, 5.0, 10.0, 20.0, 36.7, 40.0, 80.0, 88.0, 100.0, 128.0, 700.0, 745.0, 800.0, 1e4, 1e8, 1e30, 1e300)  # fmt: skip
PAIRS = (0.0, 5e-324, 1e-314, 1e-45, 2.4e-42, 1e-30, 1e-3, 0.7, 1.0, 2.5, 3.0, 40.0, 1e4, 1e10, 1e30)
WITH_LARGEST = (0.0, 5e-324, 1.0)
WEIGHTS = (0.0, 5e-324, 1e-30, 0.3, 0.5, 0.7, 1.0)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What the rows and their slopes are written as, as functions: of arrays, and of Python's floats."""
    return {dialect: lines(tmp_path_factory.mktemp(dialect), dialect) for dialect in ("numpy", "math")}


def points(name: str, dtype: type) -> list[tuple[float, ...]]:
    """Extreme and other arguments, of either sign; none is at a kink or a tie."""
    own, largest = ELEMENTWISE[name].derived(), float(np.finfo(dtype).max)
    if len(own.slots) == 1:
        found = list(
            zip(signed((*MAGNITUDES, *np.random.default_rng(7).normal(size=100) * 4.0, largest), dtype), strict=True)
        )
    else:
        found = list(itertools.product(signed(PAIRS, dtype), repeat=2))
        extremes = signed((*WITH_LARGEST, largest), dtype)
        found += [pair for pair in itertools.product(extremes, repeat=2) if largest in map(abs, pair)]
    if name in ("lgamma", "digamma"):  # mpmath sums up to -1e30 one by one to find that it is a pole
        found = [(x,) for (x,) in found if x > 0 or not x.is_integer()]
    if name == "lerp":
        found = [(*pair, float(dtype(weight))) for pair in found[::5] for weight in WEIGHTS]
    if name == "power":  # x**(z - 1) has to be a number, and z - 1 to be as odd as z is even
        found = [
            (x, z) for x, z in found if abs(x) > np.finfo(dtype).tiny and (x > 0 or abs(z) * np.finfo(dtype).eps < 1)
        ]
    if name == "xlogy" or own.expression.has(sp.Piecewise, Maximum, Minimum):
        kinks = {0.0, *map(float, own.expression.atoms(sp.Number))}
        found = [point for point in found if not kinks.intersection(point) and len(set(point)) == len(point)]
    return list(dict.fromkeys(found))


def signed(sizes, dtype: type) -> list[float]:
    largest = float(np.finfo(dtype).max)
    return [float(dtype(sign * size)) for size in sizes if abs(size) <= largest for sign in (1, -1)]


def usual(function, point) -> mpmath.mpf | None:
    """The exact value, or None where there is none, or mpmath has none: of erfc at 1e300."""
    try:
        value = mpmath.mpmathify(function(*map(mpmath.mpf, point)))
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
    return value if isinstance(value, mpmath.mpf) and mpmath.isfinite(value) else None


@cache
def truth(name: str, dtype: type) -> list[tuple[tuple[float, ...], list[mpmath.mpf | None]]]:
    """The points at which the value is a number, with value and slopes; None for what is not one of this type."""
    row = ELEMENTWISE[name]
    slots, largest = row.derived().slots, float(np.finfo(dtype).max)
    whole = row.derived().expression
    functions = [exact(each, slots) for each in (whole, *(calculus(whole, symbol) for symbol in slots))]
    found = []
    # Enough for the sine of the largest number, for what is left of 1 + a where a is the least, and for quotients of these.
    with mpmath.workdps((120 if dtype is np.float32 else 350) * (2 if name in ("fmod", "remainder") else 1)):
        for point in points(name, dtype):
            values = [usual(function, point) for function in functions]
            found.append((point, [None if each is None or abs(each) > largest else each for each in values]))
    return [(point, values) for point, values in found if values[0] is not None]


def ulp(value, dtype: type) -> float:
    """The distance between numbers around a value."""
    return float(np.spacing(dtype(min(abs(float(value)), 0.9 * float(np.finfo(dtype).max)))))


def allowed(name: str, place: int | None, point: tuple[float, ...], values, dtype: type) -> float:
    """How far the value (place None) or the slope by an operand may be off."""
    bound = 4.0 * FACTORS.get((name, place), 1.0) * ulp(values[0 if place is None else place + 1], dtype)
    if name in TIMES_SUBNORMAL:
        bound += abs(point[0]) * ulp(0.0, dtype)
    if (name, place) in NEAR_ROOTS:
        return max(bound, 4.0 * float(np.finfo(dtype).eps))
    if place is None:
        causes = [abs(slope) * ulp(x, dtype) for x, slope in zip(point, values[1:], strict=True) if slope is not None]
        return bound + float(sum(causes)) if name in CANCELLING else bound
    if name in THROUGH_SUBNORMAL and abs(values[0]) < np.finfo(dtype).tiny:
        return 1.0
    if (name, place) == ("power", 0):  # the rounding of z - 1 in x**(z - 1)
        bound *= 1.0 + abs(np.log(abs(point[0]))) / 4.0
    return max(bound, 2.0 * float(np.finfo(dtype).eps) * LARGEST.get(name, 0.0))


@pytest.mark.parametrize("kind", ["float64", "float32", "scalar"])
@pytest.mark.parametrize("name", SMOOTH)
def test_values_and_slopes_are_accurate_and_warn_nobody(name, kind, run):
    dtype = np.float32 if kind == "float32" else np.float64
    make = float if kind == "scalar" else lambda x: np.array([x], dtype)
    functions = run["math" if kind == "scalar" else "numpy"]
    used = 0
    for point, values in truth(name, dtype):
        operands = [make(x) for x in point]
        expects_silence = None not in values
        with warnings.catch_warnings(), np.errstate(over="ignore" if name in QUIET else "warn"):
            warnings.simplefilter("error" if expects_silence else "ignore")
            found = [functions[name, None](*operands)]
            for place, slope in enumerate(values[1:]):
                found.append(functions[name, place](make(1.0), found[0], *operands) if slope is not None else None)
        for place, (value, true) in enumerate(zip(found, values, strict=True), start=-1):
            if true is None:
                continue
            assert type(value) is float if kind == "scalar" else value.dtype == dtype
            error = abs(mpmath.mpf(float(value if kind == "scalar" else value[0])) - true)
            limit = allowed(name, place if place >= 0 else None, point, values, dtype)
            assert error <= limit, (point, place, value, float(true), float(error) / ulp(true, dtype))
            used += 1
    assert used >= 50


# What is a convention, or a limit: the op, its operands, its value and its slopes.
CONVENTIONS = [
    ("hypot", (0.0, 0.0), 0.0, (0.0, 0.0)),
    ("hypot", (0.0, -2.0), 2.0, (0.0, -1.0)),
    ("atan2", (0.0, 0.0), 0.0, (0.0, 0.0)),
    ("atan2", (0.0, -2.0), np.pi, (-0.5, 0.0)),
    ("xlogy", (0.0, 0.0), 0.0, (0.0, 0.0)),
    ("xlogy", (0.0, 2.0), 0.0, (np.log(2.0), 0.0)),
    ("xlogy", (0.0, -2.0), 0.0, (0.0, 0.0)),
    ("sinc", (0.0,), 1.0, (0.0,)),
    ("sinc", (3.0,), 0.0, (-1 / 3,)),
    ("atan", (np.inf,), np.pi / 2, (0.0,)),
    ("asinh", (-np.inf,), -np.inf, (0.0,)),
    ("rsqrt", (np.inf,), 0.0, (0.0,)),
    ("logaddexp", (-np.inf, 3.0), 3.0, (0.0, 1.0)),
    ("fmod", (-5.0, 3.0), -2.0, (1.0, 1.0)),
    ("remainder", (-5.0, 3.0), 1.0, (1.0, 2.0)),
    ("remainder", (5.0, -3.0), -1.0, (1.0, 2.0)),
    ("fmod", (5.0, -np.inf), 5.0, (1.0, 0.0)),
    ("lerp", (5.0, 7.0, 0.0), 5.0, (1.0, 0.0, 2.0)),
    ("lerp", (5.0, 7.0, 1.0), 7.0, (0.0, 1.0, 2.0)),
]


@pytest.mark.parametrize("dialect", ["numpy", "math"])
@pytest.mark.parametrize(("name", "operands", "value", "slopes"), CONVENTIONS)
def test_conventions_and_limits(name, operands, value, slopes, dialect, run):
    make = float if dialect == "math" else np.array
    given = [make(each) for each in operands]
    y = run[dialect][name, None](*given)
    found = [run[dialect][name, place](make(1.0), y, *given) for place in range(len(slopes))]
    np.testing.assert_allclose([float(each) for each in (y, *found)], [value, *slopes], rtol=1e-15)


def test_infinite_slopes(run):
    with np.errstate(divide="ignore"):
        for name, place in (
            ("cbrt", 0.0),
            ("sqrt", 0.0),
            ("asin", 1.0),
            ("acosh", 1.0),
            ("atanh", -1.0),
            ("logit", 1.0),
        ):
            y = run["numpy"][name, None](np.array([place]))
            assert run["numpy"][name, 0](np.ones(1), y, np.array([place])) == np.inf


@pytest.mark.parametrize(
    ("name", "whole"), [("floor", np.floor), ("ceil", np.ceil), ("round", np.round), ("trunc", np.trunc)]
)
def test_whole_numbers(name, whole, run):
    a = np.array([-1e300, -2.5, -1.5, -0.5, -0.3, 0.0, 0.5, 1.5, 2.5, 3.7, 2.0**52 - 0.5, 5e-324, 1e300])
    expected = whole(a)
    np.testing.assert_array_equal(run["numpy"][name, None](a), expected)
    assert [run["math"][name, None](float(each)) for each in a] == expected.tolist()
    assert all(type(run["math"][name, None](float(each))) is float for each in a)


def test_power_at_zero_is_finite_where_the_slope_is(run):
    base, exponent = np.zeros(5), np.array([0.0, 1.0, 2.0, 1.5, 3.0])
    y = base**exponent
    np.testing.assert_array_equal(run["numpy"]["power", 0](np.ones(5), y, base, exponent), [0.0, 1.0, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(run["numpy"]["power", 1](np.ones(5), y, base, exponent), np.zeros(5))


def test_extreme_arguments_of_the_helpers():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(functions.sigmoid(np.array([-800.0, 800.0])), [0.0, 1.0])
        np.testing.assert_array_equal(functions.softplus(np.array([-800.0, 800.0])), [0.0, 800.0])


# What passes take for granted of ops.

EVERY = (0.0, 0.7, -1.3, 2.0, 5e-324, -1e-45, 1e8, -1e8)


@pytest.mark.parametrize("name", [name for name in SMOOTH if ELEMENTWISE[name].domain == sp.true])
def test_rows_say_that_they_overflow(name, run):
    row = ELEMENTWISE[name]
    signs = itertools.product((2000.0, -2000.0), repeat=len(row.slots))
    with np.errstate(over="ignore"):
        values = [run["numpy"][name, None](*(np.array([each]) for each in operands)) for operands in signs]
    assert row.overflows == any(np.isinf(value) for value in values)


@pytest.mark.parametrize("name", [name for name in SMOOTH if len(ELEMENTWISE[name].slots) == 1])
def test_rows_say_that_they_are_steep(name):
    """Beside 0 the slope of no other row that is defined everywhere grows without bound."""
    row, own = ELEMENTWISE[name], ELEMENTWISE[name].derived()
    if row.domain == sp.true:
        slope = exact(calculus(own.expression, own.slots[0]), own.slots)
        assert row.steep == (abs(slope(mpmath.mpf("1e-300"))) > 1e30)


@pytest.mark.parametrize("name", _KEEPING)
def test_infinite_operands_are_not_forgotten(name, run):
    count = len(ELEMENTWISE[name].slots)
    for wild, place in itertools.product((np.inf, -np.inf, np.nan), range(count)):
        for others in itertools.product(EVERY, repeat=count - 1):
            operands = [np.array([each]) for each in (*others[:place], wild, *others[place:])]
            with np.errstate(all="ignore"):
                assert not np.isfinite(run["numpy"][name, None](*operands)), operands


@pytest.mark.parametrize("name", [name for name in _NEVER_NEGATIVE if name in ELEMENTWISE])
def test_what_is_never_negative(name, run):
    with np.errstate(all="ignore"):
        for operands in itertools.product(
            signed((*MAGNITUDES, np.inf), np.float64), repeat=len(ELEMENTWISE[name].slots)
        ):
            assert not run["numpy"][name, None](*(np.array([each]) for each in operands)) < 0.0
