"""Images made larger and smaller, and channels turned into space: values by loops, gradients by linearity."""

import itertools
import math

import numpy as np
import pytest
import window_references as loops
from sample import some, whole
from test_convolution import run

from graphgen import Graph, GraphError, ops

SIZES = [
    ((2, 2, 4), {"size": 7}),
    ((1, 2, 5), {"size": 3}),
    ((2, 1, 3), {"scale_factor": 2}),
    ((2, 1, 1), {"size": 4}),
    ((2, 3, 4), {"size": 1}),
    ((1, 1, 5), {"scale_factor": 1.7}),
    ((1, 1, 7), {"scale_factor": 0.6}),
    ((2, 2, 3, 4), {"scale_factor": 2}),
    ((1, 2, 3, 4), {"scale_factor": (3, 1.5)}),
    ((2, 1, 4, 3), {"size": (3, 6)}),
    ((1, 2, 3, 5), {"size": (3, 2)}),
    ((1, 1, 2, 3, 2), {"scale_factor": 2}),
    ((1, 2, 2, 3, 4), {"size": (3, 1, 5)}),
]


def made(shape, options):
    """The new sizes of the axes of space, and the factors that they were given by."""
    axes = len(shape) - 2
    if "size" in options:
        return loops.spread(options["size"], axes), (None,) * axes
    factors = loops.spread(options["scale_factor"], axes)
    return tuple(math.floor(n * factor) for n, factor in zip(shape[2:], factors, strict=True)), factors


def compare(x, reference, exact, **options):
    """Compare values with the reference, gradients with what it makes of ones, for known sizes and for unknown ones."""
    tolerance = 0.0 if exact else 1e-13
    _, factors = made(x.shape, options)
    unknown = [{(0, 0)}, {(0, 1)}]
    unknown += [{(0, 2)}] if factors[0] and float(factors[0]).is_integer() else []
    for symbolic in (set(), *unknown):
        value, d_y, (d_x,) = run("interpolate", x, symbolic=symbolic, **options)
        np.testing.assert_allclose(value, reference(x), rtol=tolerance, atol=tolerance)
        assert d_x.shape == x.shape
        for place in itertools.islice(np.ndindex(x.shape), 0, None, 3):
            one = np.zeros(x.shape)
            one[place] = 1.0
            assert d_x[place] == pytest.approx(np.sum(d_y * reference(one)), rel=tolerance, abs=100.0 * tolerance)


@pytest.mark.parametrize(("shape", "options"), SIZES)
def test_the_nearest_element(shape, options):
    sizes, factors = made(shape, options)

    def reference(x):
        for axis, (size, factor) in enumerate(zip(sizes, factors, strict=True), start=2):
            step = x.shape[axis] / size if factor is None else 1.0 / factor
            x = np.take(x, [math.floor(i * step + 1e-9) for i in range(size)], axis=axis)
        return x

    compare(whole(*shape), reference, exact=True, **options)


@pytest.mark.parametrize("align_corners", [None, False, True])
@pytest.mark.parametrize(("shape", "options"), SIZES)
def test_between_two_elements_the_value_is_linear(shape, options, align_corners):
    sizes, factors = made(shape, options)

    def reference(x):
        for axis, (size, factor) in enumerate(zip(sizes, factors, strict=True), start=2):
            x = loops.interpolated(x, axis, size, factor=factor, align_corners=bool(align_corners))
        return x

    mode = ("linear", "bilinear", "trilinear")[len(shape) - 3]
    compare(whole(*shape), reference, exact=False, mode=mode, align_corners=align_corners, **options)


def test_factors_that_change_no_size_or_double_it():
    """3 elements times 1.3 are the 3 elements, and 3 times 2.2 are a pair of each, as torch has it for images."""
    x = np.array([[[1.0, 2.0, 3.0]]])
    for mode in ("nearest", "linear"):
        assert run("interpolate", x, scale_factor=1.3, mode=mode)[0].tolist() == x.tolist()
    assert run("interpolate", x, scale_factor=2.2)[0].tolist() == [[[1.0, 1.0, 2.0, 2.0, 3.0, 3.0]]]


def test_places_are_whole_where_rounding_could_miss_them():
    """i * (n / m) falls short of the whole number that i * n / m is, for some of these in either float type."""
    for n, m in ((30, 22), (26, 46), (14, 46), (39, 33), (52, 44)):
        x = np.arange(float(n)).reshape(1, 1, n)
        assert run("interpolate", x, size=m)[0][0, 0].tolist() == [i * n // m for i in range(m)]
        assert run("interpolate", x, size=m, dtype="float32")[0][0, 0].tolist() == [i * n // m for i in range(m)]


def test_channels_turned_into_space_and_back():
    r = 3
    x = whole(2, 2 * r * r, 2, 4)
    value, d_y, (d_x,) = run("pixel_shuffle", x, upscale_factor=r)
    assert value.shape == (2, 2, 2 * r, 4 * r)
    for c, i, j, h, w in itertools.product(range(2), range(r), range(r), range(2), range(4)):
        places = (slice(None), c * r * r + i * r + j, h, w), (slice(None), c, r * h + i, r * w + j)
        np.testing.assert_array_equal(value[places[1]], x[places[0]])
        np.testing.assert_array_equal(d_x[places[0]], d_y[places[1]])
    for symbolic in ({(0, 0)}, {(0, 2)}, {(0, 3)}):
        back, d_back, (d_value,) = run(
            "pixel_unshuffle", value, symbolic=symbolic - {(0, 2), (0, 3)}, downscale_factor=r
        )
        np.testing.assert_array_equal(back, x)
        np.testing.assert_array_equal(d_value, run("pixel_shuffle", d_back, symbolic=symbolic, upscale_factor=r)[0])
    for leading in ((), (5,), (2, 3)):
        alone = np.resize(x, (*leading, 9, 2, 4))
        value, *_ = run("pixel_shuffle", alone, upscale_factor=r)
        assert value.shape == (*leading, 1, 6, 12)
        np.testing.assert_array_equal(run("pixel_unshuffle", value, downscale_factor=r)[0], alone)


CALLS = [
    ("interpolate", (4,), {"scale_factor": 2}),
    ("interpolate", (4,), {"size": 3}),
    ("interpolate", (4, 4), {"size": 3, "mode": "bilinear"}),
    ("interpolate", (4, 4), {"scale_factor": 2, "mode": "bilinear", "align_corners": True}),
    ("interpolate", (2, 2, 3), {"scale_factor": 2, "mode": "trilinear"}),
    ("pixel_shuffle", (3, 4), {"upscale_factor": 2}),
    ("pixel_unshuffle", (4, 4), {"downscale_factor": 2}),
]


@pytest.mark.parametrize(("name", "space", "options"), CALLS)
def test_an_empty_batch_and_float32(name, space, options):
    for symbolic in (set(), {(0, 0)}):
        empty = np.zeros((0, 4, *space))
        value, _, (d_x,) = run(name, empty, symbolic=symbolic, **options)
        assert len(value) == 0 and value.ndim == empty.ndim and d_x.shape == empty.shape
    x = some(2, 4, *space)
    expected, _, (d_expected,) = run(name, x, **options)
    value, _, (d_x,) = run(name, x.astype("float32"), dtype="float32", **options)
    assert value.dtype == d_x.dtype == "float32"
    np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(d_x, d_expected, rtol=1e-5, atol=1e-5)


ERRORS = [
    ("interpolate(x)", "GG005", "size or scale_factor is needed, got neither"),
    ("interpolate(x, size=3, scale_factor=2)", "GG005", "size or scale_factor is needed, got both"),
    ("interpolate(x, size=0)", "GG005", "size is 0"),
    ("interpolate(x, size=(2, 3, 4))", "GG005", "size is (2, 3, 4)"),
    ("interpolate(x, scale_factor=-1)", "GG005", "scale_factor is -1"),
    ("interpolate(x, scale_factor=(2, 2, 2))", "GG005", "scale_factor is (2, 2, 2)"),
    ("interpolate(x, scale_factor=0.1)", "GG005", "a size of 8 scaled by 0.1 is 0"),
    ("interpolate(y, scale_factor=1.5)", "GG027", "a size of n cannot be scaled by 1.5"),
    ("interpolate(x, 3, mode='cubic')", "GG005", "unknown mode 'cubic'"),
    ("interpolate(x, 3, mode='linear')", "GG027", "mode 'linear' does not go with (batch, 2, 8, 6)"),
    ("interpolate(x[0, 0], 3)", "GG027", "mode 'nearest' does not go with (8, 6): (batch, channels) and 0 axes"),
    ("interpolate(x, 3, align_corners=True)", "GG005", "align_corners is True with mode 'nearest'"),
    ("interpolate(x, 3, mode='bilinear', align_corners=2)", "GG005", "align_corners is 2 with mode 'bilinear'"),
    ("interpolate(x > 0, 3)", "GG031", "needs floats, got bool"),
    ("pixel_shuffle(x, 2)", "GG027", "2 channels of (batch, 2, 8, 6) do not make up squares of 2 x 2"),
    ("pixel_shuffle(x, 0)", "GG005", "upscale_factor is 0"),
    ("pixel_shuffle(x[0, 0], 2)", "GG027", "needs axes of channels, height and width, got (8, 6)"),
    ("pixel_unshuffle(x, 4)", "GG027", "(batch, 2, 8, 6) does not fall into squares of 4 x 4"),
    ("pixel_unshuffle(x[0, 0], 2)", "GG027", "needs axes of channels, height and width, got (8, 6)"),
]


@pytest.mark.parametrize(("call", "code", "message"), ERRORS)
def test_errors_say_what_does_not_fit(call, code, message):
    g = Graph("wrong")
    x, y = g.input("x", ("batch", 2, 8, 6)), g.input("y", ("batch", 2, "n"))
    with pytest.raises(GraphError) as error:
        eval(f"ops.{call}", {"ops": ops, "x": x, "y": y}).type  # noqa: B018
    problem = error.value.problems[0]
    assert (problem.code, problem.help is not None) == (code, True)
    assert message in problem.message
