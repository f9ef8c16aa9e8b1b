"""Convolution against plain loops and scipy, and its adjoint, exactly: everything here is in whole numbers."""

import itertools
import math

import numpy as np
import pytest
import window_references as loops
from sample import whole
from scipy import signal

from graphgen import Graph, GraphError, load, ops


def run(name, *operands, symbolic=(), dtype="float64", **attributes):
    """The value of a convolution, and its gradients for a given gradient of the value."""
    g = Graph("convolution", dtype=dtype)
    nodes = [
        g.param(f"x{place}", tuple("n" if (place, axis) in symbolic else n for axis, n in enumerate(array.shape)))
        for place, array in enumerate(operands)
    ]
    y = getattr(ops, name)(*nodes, **attributes)
    g.output(y=y)
    g.loss((y * g.input("weights", y.shape)).sum())
    module = load(g)
    parameters = {f"x{place}": array for place, array in enumerate(operands)}
    value = module.forward(parameters)
    d_result = np.resize(whole(18), value.shape) + 1.0
    gradients = module.value_and_grad(parameters, d_result)[1]
    return value, d_result, [gradients[name] for name in parameters]


def test_the_gradient_of_a_convolution_is_the_full_convolution_with_the_rotated_kernel():
    """Written nowhere in graphgen: it is the adjoint of windows that does it."""
    x, kernel = whole(6, 7), whole(3, 2)
    value, d_y, (d_x, d_kernel) = run("conv2d", x[None, None], kernel[None, None])
    np.testing.assert_array_equal(value[0, 0], signal.correlate(x, kernel, mode="valid"))
    rotated = kernel[::-1, ::-1]
    np.testing.assert_array_equal(d_x[0, 0], signal.correlate(d_y[0, 0], rotated, mode="full"))
    np.testing.assert_array_equal(d_x[0, 0], signal.convolve(d_y[0, 0], kernel, mode="full"))
    np.testing.assert_array_equal(d_kernel[0, 0], signal.correlate(x, d_y[0, 0], mode="valid"))


def test_the_same_over_channels_and_a_batch():
    x, kernel = whole(2, 3, 5, 4), whole(2, 3, 2, 3)
    _, d_y, (d_x, _) = run("conv2d", x, kernel)
    for n, c in itertools.product(range(2), range(3)):
        parts = [signal.convolve(d_y[n, o], kernel[o, c], mode="full") for o in range(2)]
        np.testing.assert_array_equal(d_x[n, c], sum(parts))


CASES = [
    ("conv1d", (2, 3, 7), (4, 3, 3), {}, ((0, 0),)),
    ("conv1d", (1, 4, 8), (6, 2, 2), {"stride": 3, "padding": 1, "dilation": 2, "groups": 2}, ((1, 1),)),
    ("conv1d", (2, 1, 6), (1, 1, 4), {"padding": "same"}, ((1, 2),)),
    ("conv1d", (2, 3, 6), (3, 1, 3), {"padding": "same", "dilation": 2, "groups": 3}, ((2, 2),)),
    ("conv2d", (2, 2, 6, 5), (3, 2, 3, 2), {"stride": (2, 1), "padding": (1, 0)}, ((1, 1), (0, 0))),
    ("conv2d", (1, 4, 5, 5), (2, 2, 2, 3), {"dilation": (1, 2), "groups": 2, "padding": "valid"}, ((0, 0), (0, 0))),
    ("conv2d", (2, 3, 4, 3), (2, 3, 1, 1), {}, ((0, 0), (0, 0))),
    ("conv2d", (2, 3, 4, 3), (2, 3, 1, 1), {"stride": 2}, ((0, 0), (0, 0))),
    ("conv3d", (1, 2, 3, 4, 3), (2, 2, 2, 1, 3), {"stride": (1, 2, 1), "padding": 1}, ((1, 1),) * 3),
]


@pytest.mark.parametrize(("name", "shape", "kernel", "attributes", "pads"), CASES)
def test_values_are_those_of_plain_loops(name, shape, kernel, attributes, pads):
    x, weight, bias = whole(*shape), whole(*kernel), whole(kernel[0]) + 2.0
    options = {key: value for key, value in attributes.items() if key != "padding"}
    expected = loops.convolution(x, weight, pads, **options)
    value, d_y, (d_x, d_weight) = run(name, x, weight, **attributes)
    np.testing.assert_array_equal(value, expected)
    with_bias, d_y, gradients = run(name, x, weight, bias, **attributes)
    np.testing.assert_array_equal(with_bias, expected + bias.reshape(-1, *[1] * len(pads)))
    np.testing.assert_array_equal(gradients[0], d_x)
    np.testing.assert_array_equal(gradients[2], d_y.sum(axis=(0, *range(2, d_y.ndim))))
    # Linear in each operand, so that these products are the value's with d_y, term for term.
    assert np.sum(d_x * x) == np.sum(d_weight * weight) == np.sum(d_y * expected)


def test_a_batch_of_one_may_be_left_out():
    x, weight, bias = whole(3, 6), whole(2, 3, 3), whole(2)
    alone, _, gradients = run("conv1d", x, weight, bias)
    value, _, _ = run("conv1d", x[None], weight, bias)
    np.testing.assert_array_equal(alone, value[0])
    assert gradients[0].shape == x.shape
    alone, *_ = run("conv_transpose1d", x.T[:2], whole(2, 1, 3), stride=2)
    value, *_ = run("conv_transpose1d", x.T[None, :2], whole(2, 1, 3), stride=2)
    np.testing.assert_array_equal(alone, value[0])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_sizes_that_are_not_known(place):
    x, weight = whole(2, 3, 7), whole(4, 3, 3)
    options = {"stride": 2, "padding": 1}
    symbolic = {(0, place), (1, 1)} if place == 1 else {(0, place)}
    for found, expected in zip(
        run("conv1d", x, weight, symbolic=symbolic, **options), run("conv1d", x, weight, **options), strict=True
    ):
        np.testing.assert_array_equal(found[0], expected[0])


def test_an_empty_batch_and_float32():
    empty = np.zeros((0, 2, 4, 4))
    for name, size, symbolic in (("conv2d", 5, {(0, 0)}), ("conv2d", 5, set()), ("conv_transpose2d", 3, {(0, 0)})):
        kernel = whole(2, 2, 2, 2)
        value, _, (d_x, d_weight) = run(name, empty, kernel, symbolic=symbolic, padding=1)
        assert value.shape == (0, 2, size, size) and d_x.shape == empty.shape
        assert d_weight.shape == kernel.shape and not d_weight.any()
    operands = [each.astype("float32") for each in (whole(2, 2, 4, 4), whole(2, 2, 2, 2), whole(2))]
    for name in ("conv2d", "conv_transpose2d"):
        value, _, gradients = run(name, *operands, dtype="float32", stride=2)
        assert {value.dtype, *(each.dtype for each in gradients)} == {np.dtype("float32")}


ADJOINTS = [
    (1, (2, 3, 7), (4, 3, 3), {}),
    (1, (2, 4, 9), (6, 2, 2), {"stride": 3, "padding": 1, "groups": 2}),
    (1, (1, 1, 8), (1, 1, 3), {"stride": 2, "dilation": 2}),
    (2, (2, 2, 6, 5), (3, 2, 3, 2), {"stride": (2, 3), "padding": (1, 0)}),
    (2, (1, 4, 5, 6), (4, 1, 2, 2), {"dilation": (1, 2), "groups": 4, "stride": 2}),
    (3, (1, 2, 3, 4, 3), (2, 2, 2, 1, 3), {"stride": (1, 2, 1), "padding": 1}),
]


@pytest.mark.parametrize(("axes", "shape", "kernel", "options"), ADJOINTS)
def test_a_transposed_convolution_is_the_adjoint(axes, shape, kernel, options):
    """<conv(x), y> = <x, conv_transpose(y)>; output_padding makes up for what the strides leave over."""
    x, weight = whole(*shape), whole(*kernel)
    value, y, (d_x, _) = run(f"conv{axes}d", x, weight, **options)
    stride, padding, dilation = (
        loops.spread(options.get(key, usual), axes) for key, usual in (("stride", 1), ("padding", 0), ("dilation", 1))
    )
    left = tuple(
        (n + 2 * p - d * (k - 1) - 1) % s
        for n, p, d, k, s in zip(shape[2:], padding, dilation, kernel[2:], stride, strict=True)
    )
    back, _, (d_y, _) = run(f"conv_transpose{axes}d", y, weight, output_padding=left, **options)
    assert back.shape == x.shape
    np.testing.assert_array_equal(back, d_x)
    assert np.sum(value * y) == np.sum(x * back)
    # And the adjoint of the adjoint is the convolution.
    again, *_ = run(f"conv{axes}d", np.resize(whole(18), back.shape) + 1.0, weight, **options)
    np.testing.assert_array_equal(d_y, again)


TRANSPOSED = [
    ("conv_transpose1d", (2, 3, 4), (3, 2, 3), {}),
    ("conv_transpose1d", (1, 4, 3), (4, 3, 2), {"stride": 3, "padding": 1, "output_padding": 2, "groups": 2}),
    ("conv_transpose1d", (2, 2, 3), (2, 1, 3), {"dilation": 3, "output_padding": 2, "padding": 2}),
    ("conv_transpose2d", (2, 2, 3, 2), (2, 3, 3, 2), {"stride": (2, 1), "padding": (1, 0)}),
    ("conv_transpose2d", (1, 4, 2, 3), (4, 1, 2, 2), {"stride": 2, "dilation": (1, 2), "groups": 4}),
    ("conv_transpose2d", (2, 2, 3, 2), (2, 2, 2, 2), {"stride": (3, 1), "dilation": 2, "output_padding": (2, 1)}),
    ("conv_transpose3d", (1, 2, 2, 1, 2), (2, 2, 2, 1, 3), {"stride": (1, 2, 2), "output_padding": (0, 1, 1)}),
]


@pytest.mark.parametrize(("name", "shape", "kernel", "options"), TRANSPOSED)
def test_transposed_values_are_those_of_plain_loops(name, shape, kernel, options):
    made = kernel[1] * options.get("groups", 1)
    x, weight, bias = whole(*shape), whole(*kernel), whole(made) + 2.0
    expected = loops.transposed(x, weight, **options) + bias.reshape(-1, *[1] * (len(shape) - 2))
    for symbolic in (set(), {(0, 0)}, {(0, len(shape) - 1)}):
        value, d_y, (d_x, d_weight, d_bias) = run(name, x, weight, bias, symbolic=symbolic, **options)
        np.testing.assert_array_equal(value, expected)
        np.testing.assert_array_equal(d_bias, d_y.sum(axis=(0, *range(2, d_y.ndim))))
        linear = np.sum(d_y * (expected - bias.reshape(-1, *[1] * (len(shape) - 2))))
        assert np.sum(d_x * x) == np.sum(d_weight * weight) == linear


def test_output_padding_beyond_the_stride_is_empty_space():
    x, weight, bias = whole(1, 1, 3), whole(1, 1, 2), np.array([5.0])
    plain, *_ = run("conv_transpose1d", x, weight, bias, dilation=3)
    more, *_ = run("conv_transpose1d", x, weight, bias, dilation=3, output_padding=2)
    np.testing.assert_array_equal(more, np.concatenate([plain, np.full((1, 1, 2), 5.0)], axis=2))


def test_columns_are_in_the_order_of_channels_then_places():
    x = np.arange(18.0).reshape(1, 2, 3, 3)
    value, *_ = run("unfold", x, kernel_size=2)
    assert value.shape == (1, 8, 4)
    assert value[0, :, 0].tolist() == [0, 1, 3, 4, 9, 10, 12, 13]  # the first window of both channels
    assert value[0, 0].tolist() == [0, 1, 3, 4]  # where the first place of the window lies


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 2},
        {"kernel_size": (3, 2), "padding": 1},
        {"kernel_size": (2, 1), "dilation": (2, 1), "stride": (1, 2), "padding": (1, 0)},
    ],
)
def test_fold_is_the_adjoint_of_unfold(options):
    x = whole(2, 3, 4, 5)
    columns, d_columns, (d_x,) = run("unfold", x, **options)
    axes = {keyword: loops.spread(value, 2) for keyword, value in options.items()}
    pads = [(pad, pad) for pad in axes.pop("padding", (0, 0))]
    expected = loops.windows(loops.padded(x, pads), **axes)
    np.testing.assert_array_equal(columns, expected.reshape(columns.shape))
    back, d_y, (d_back,) = run("fold", d_columns, output_size=(4, 5), **options)
    np.testing.assert_array_equal(back, d_x)
    assert np.sum(columns * d_columns) == np.sum(x * back)
    np.testing.assert_array_equal(d_back, run("unfold", d_y, **options)[0])
    alone, *_ = run("fold", d_columns[1], output_size=(4, 5), **options)
    np.testing.assert_array_equal(alone, back[1])
    np.testing.assert_array_equal(run("unfold", x[1], **options)[0], columns[1])
    for name, empty, more in (("unfold", x[:0], {}), ("fold", columns[:0], {"output_size": (4, 5)})):
        value, _, (d_empty,) = run(name, empty, symbolic={(0, 0)}, **options, **more)
        assert len(value) == 0 and d_empty.shape == empty.shape


def test_a_loss_that_is_the_sum_of_a_convolution():
    """The gradient of the result is then one number, which is not to be laid out."""
    for name, shape in (("conv2d", (3, 2, 2, 3)), ("conv_transpose2d", (2, 3, 2, 3))):
        x, weight = whole(2, 2, 5, 4), whole(*shape)
        g = Graph("total")
        y = getattr(ops, name)(
            g.param("x", x.shape), g.param("w", weight.shape), g.param("b", (3,)), stride=2, padding=1
        )
        g.loss(y.sum())
        parameters = {"x": x, "w": weight, "b": np.zeros(3)}
        found = load(g, style="teach").value_and_grad(parameters)[1]
        compact = load(g).value_and_grad(parameters)[1]
        for key in parameters:
            np.testing.assert_array_equal(found[key], compact[key])
        assert np.sum(found["x"] * x) == np.sum(found["w"] * weight) == np.sum(load(g).loss(parameters))
        assert found["b"].tolist() == [math.prod(y.shape) / 3] * 3


ERRORS = [
    (
        "conv2d(x, ops.reshape(w, (2, 3, 3, 2)))",
        "GG027",
        "x (batch, 2, 6, 6) has 2 channels, weight (2, 3, 3, 2) takes 3",
    ),
    ("conv2d(x, w, groups=3)", "GG027", "x (batch, 2, 6, 6) has 2 channels, weight (3, 2, 3, 2) of 3 groups takes 6"),
    (
        "conv2d(x, ops.reshape(w, (9, 1, 2, 2)), groups=2)",
        "GG027",
        "9 channels that come out cannot be divided into 2 groups",
    ),
    ("conv2d(x, w, x)", "GG027", "bias is (batch, 2, 6, 6), expected (3,)"),
    ("conv2d(x, w, dilation=4)", "GG027", "windows of (9, 5) do not fit into (6, 6), of (batch, 2, 6, 6)"),
    ("conv1d(x, w)", "GG027", "x is (batch, 2, 6, 6), expected (batch, channels, width)"),
    ("conv2d(x, w[0])", "GG027", "weight is (2, 3, 2), expected 2 axes of channels and 2 of the window"),
    ("conv2d(x, w, padding='full')", "GG005", "unknown padding 'full'"),
    ("conv2d(x, w, padding='same', stride=2)", "GG005", 'padding="same" with stride 2'),
    ("conv2d(x, w, stride=0)", "GG005", "stride is 0"),
    ("conv2d(x, w, padding=-1)", "GG005", "padding is -1"),
    ("conv2d(x, w, stride=(1, 2, 3))", "GG005", "stride is (1, 2, 3)"),
    ("conv2d(x > 0, w)", "GG031", "needs floats, got bool"),
    ("conv2d(x)", "GG006", "takes 2 to 3 operands (x, weight, bias), got 1"),
    ("conv_transpose2d(x, w)", "GG027", "x (batch, 2, 6, 6) has 2 channels, weight (3, 2, 3, 2) takes 3"),
    ("conv_transpose2d(x, w[:2], output_padding=1)", "GG005", "output_padding 1 is not below the stride 1"),
    ("conv_transpose2d(x, w[:2], padding=4)", "GG027", "padding 4 takes away more than the (8, 7) that there is"),
    ("unfold(x, kernel_size=7)", "GG027", "windows of (7, 7) do not fit into (6, 6)"),
    ("unfold(x[0, 0], 2)", "GG027", "unfold needs 3 axes"),
    (
        "fold(x, output_size=4, kernel_size=2)",
        "GG027",
        "x is (batch, 2, 6, 6), expected (batch, channels * window, windows)",
    ),
    (
        "fold(x[:, 0], output_size=4, kernel_size=2)",
        "GG027",
        "an image of (4, 4) has 9 windows, x (batch, 6, 6) holds 6",
    ),
    ("windows(x, (2,) * 5)", "GG027", "the window needs 5 axes at least, got (batch, 2, 6, 6)"),
    ("overlap_add(x, 3)", "GG027", "windows of (6,) do not fit into (3,)"),
]


@pytest.mark.parametrize(("call", "code", "message"), ERRORS)
def test_errors_name_the_shapes(call, code, message):
    g = Graph("wrong")
    x, w = g.input("x", ("batch", 2, 6, 6)), g.param("w", (3, 2, 3, 2))
    with pytest.raises(GraphError) as error:
        eval(f"ops.{call}", {"ops": ops, "x": x, "w": w}).type  # noqa: B018
    problem = error.value.problems[0]
    assert (problem.code, problem.help is not None) == (code, True)
    assert message in problem.message
