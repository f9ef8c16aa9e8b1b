"""Pooling against plain loops over windows: values, gradients, ties, options, sizes that are not known."""

import math

import numpy as np
import pytest
import window_references as loops
from sample import distinct, some, whole
from test_convolution import run

from graphgen import Graph, GraphError, load, ops


def expected(x, windows, d_y, value, slope):
    """The value of a pooling and its gradient: `value` and `slope` are of the elements of a window, on the last axis."""
    shape = np.add([window.i for window in windows], 1).max(axis=0)
    y, d_x = np.zeros((*x.shape[: x.ndim - len(shape)], *shape)), np.zeros(x.shape)
    for window in windows:
        elements = x[(..., *window.at)]
        y[(..., *window.i)] = value(elements, window)
        if d_y is not None:
            d_x[(..., *window.at)] += d_y[(..., *window.i, None)] * slope(elements, window)
    return y, d_x


def compare(name, x, windows, value, slope, exact=False, **attributes):
    """Compare an op with loops, with all sizes known and with one that is not."""
    tolerance = {"rtol": 0.0, "atol": 0.0} if exact else {"rtol": 1e-13, "atol": 1e-14}
    unknown = [{(0, 0)}] if x.ndim > int(name[-2]) else []
    if not attributes.get("ceil_mode") and attributes.get("output_size", 1) == 1:
        unknown.append({(0, x.ndim - 1)})
    for symbolic in (set(), *unknown):
        found, d_y, (d_x,) = run(name, x, symbolic=symbolic, **attributes)
        y, gradient = expected(x, windows, d_y, value, slope)
        assert found.shape == y.shape
        np.testing.assert_allclose(found, y, **tolerance)
        np.testing.assert_allclose(d_x, gradient, **tolerance)


def largest(elements, window):
    return elements.max(axis=-1)


def shared(elements, window):
    """The slopes of max where ties share."""
    mask = elements == elements.max(axis=-1, keepdims=True)
    return mask / mask.sum(axis=-1, keepdims=True)


MAX = [
    ("max_pool1d", (2, 3, 7), {"kernel_size": 2}),
    ("max_pool1d", (2, 3, 7), {"kernel_size": 3, "stride": 1, "padding": 1}),
    ("max_pool1d", (3, 8), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ("max_pool1d", (9,), {"kernel_size": 2, "stride": 3, "dilation": 3, "padding": 2, "ceil_mode": True}),
    ("max_pool2d", (2, 2, 6, 6), {"kernel_size": 2}),
    ("max_pool2d", (2, 5, 7), {"kernel_size": (3, 2), "stride": (2, 3), "padding": (1, 0), "ceil_mode": True}),
    ("max_pool2d", (1, 2, 7, 6), {"kernel_size": 3, "stride": 1, "dilation": (2, 1), "padding": 1}),
    ("max_pool2d", (1, 1, 4, 4), {"kernel_size": 2, "stride": 3}),
    ("max_pool3d", (2, 3, 4, 3), {"kernel_size": 2, "stride": (1, 2, 1), "padding": (0, 1, 1)}),
    ("max_pool3d", (1, 2, 5, 3, 4), {"kernel_size": (2, 3, 2), "ceil_mode": True}),
]


@pytest.mark.parametrize(("name", "shape", "attributes"), MAX)
def test_max_pooling(name, shape, attributes):
    windows = loops.pooling(shape[-int(name[-2]) :], **attributes)
    compare(name, distinct(*shape), windows, largest, shared, exact=True, **attributes)
    compare(name, whole(*shape) // 4, windows, largest, shared, **attributes)  # many ties, which share


@pytest.mark.parametrize(("name", "shape", "attributes"), MAX)
def test_the_first_of_equal_elements_gets_it_all_if_ties_are_told_so(name, shape, attributes):
    x = whole(*shape) // 4
    g = Graph("ties")
    y = getattr(ops, name)(g.param("x", shape), **attributes)
    g.loss((y * g.input("weights", y.shape)).sum())
    d_y = whole(*y.shape)

    def first(elements, window):
        places = elements.argmax(axis=-1)  # NumPy's is the first
        return np.arange(elements.shape[-1]) == places[..., None]

    windows = loops.pooling(shape[-int(name[-2]) :], **attributes)
    _, gradient = expected(x, windows, d_y, largest, first)
    np.testing.assert_array_equal(load(g, ties="first").value_and_grad({"x": x}, d_y)[1]["x"], gradient)


AVERAGES = [
    ("avg_pool1d", (2, 3, 7), {"kernel_size": 2}),
    ("avg_pool1d", (2, 3, 7), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ("avg_pool1d", (8,), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ("avg_pool1d", (3, 7), {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True}),
    ("avg_pool1d", (2, 8), {"kernel_size": 5, "stride": 2, "padding": 2, "ceil_mode": True}),
    ("avg_pool2d", (2, 2, 6, 6), {"kernel_size": 2}),
    ("avg_pool2d", (2, 5, 7), {"kernel_size": (3, 2), "stride": (2, 3), "padding": (1, 0), "ceil_mode": True}),
    ("avg_pool2d", (1, 2, 4, 6), {"kernel_size": 3, "stride": (1, 4), "padding": 1}),
    ("avg_pool3d", (2, 3, 4, 3), {"kernel_size": 2, "stride": (1, 2, 1), "padding": (0, 1, 1)}),
    ("avg_pool3d", (1, 2, 5, 3, 4), {"kernel_size": (2, 3, 2), "ceil_mode": True}),
]


@pytest.mark.parametrize(
    "options", [{}, {"count_include_pad": False}, {"divisor_override": 3}, {"divisor_override": -2}]
)
@pytest.mark.parametrize(("name", "shape", "attributes"), AVERAGES)
def test_average_pooling(name, shape, attributes, options):
    def divisor(window):
        if "divisor_override" in options:
            return options["divisor_override"]
        return window.counted if options.get("count_include_pad", True) else len(window.at[0])

    compare(
        name,
        whole(*shape),
        loops.pooling(shape[-int(name[-2]) :], **attributes),
        lambda elements, window: elements.sum(axis=-1) / divisor(window),
        lambda elements, window: np.ones(elements.shape) / divisor(window),
        **attributes,
        **options,
    )


NORMS = [
    ("lp_pool1d", (2, 3, 7), {"kernel_size": 2}),
    ("lp_pool1d", (2, 8), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ("lp_pool2d", (2, 5, 7), {"kernel_size": (3, 2), "stride": (2, 3), "ceil_mode": True}),
    ("lp_pool2d", (1, 2, 5, 4), {"kernel_size": 2, "stride": 1}),
    ("lp_pool3d", (2, 3, 4, 3), {"kernel_size": 2, "stride": (1, 2, 1)}),
]


@pytest.mark.parametrize("power", [1, 2, 3.0, 1.5])
@pytest.mark.parametrize(("name", "shape", "attributes"), NORMS)
def test_pooling_by_a_norm(name, shape, attributes, power):
    axes = int(name[-2])
    full = math.prod(loops.spread(attributes["kernel_size"], axes))

    def norm(elements, window):
        return (full / elements.shape[-1] * (np.abs(elements) ** power).sum(axis=-1)) ** (1.0 / power)

    def slope(elements, window):
        scale = full / elements.shape[-1] * norm(elements, window)[..., None] ** (1.0 - power)
        return scale * np.sign(elements) * np.abs(elements) ** (power - 1.0)

    windows = loops.pooling(shape[-axes:], **attributes)
    compare(name, some(*shape), windows, norm, slope, norm_type=power, **attributes)


def test_pooling_by_the_largest_magnitude_and_windows_of_zeros():
    x = np.array([3.0, -5.0, 0.0, 0.0, 1.0, 2.0])
    value, d_y, (d_x,) = run("lp_pool1d", x, norm_type=math.inf, kernel_size=2)
    assert value.tolist() == [5.0, 0.0, 2.0]
    value, d_y, (d_x,) = run("lp_pool1d", x, norm_type=2, kernel_size=2)
    assert value.tolist() == [math.sqrt(34.0), 0.0, math.sqrt(5.0)]
    assert d_x[2:4].tolist() == [0.0, 0.0]  # where a norm is 0, so is its slope
    assert d_x[1] == pytest.approx(-5.0 / math.sqrt(34.0) * d_y[0], rel=1e-15)


ADAPTED = [
    (1, (2, 3, 6), 3),
    (1, (2, 7), 3),
    (1, (5,), 7),
    (1, (2, 3, 5), 1),
    (2, (2, 6, 4), (3, 2)),
    (2, (1, 2, 5, 7), (3, 4)),
    (2, (2, 5, 4), (None, 3)),
    (2, (2, 2, 4, 4), 1),
    (2, (2, 3, 2), (5, 1)),
    (3, (2, 4, 3, 5), (2, 2, None)),
]


@pytest.mark.parametrize(("axes", "shape", "output_size"), ADAPTED)
def test_adaptive_pooling(axes, shape, output_size):
    wanted = loops.spread(output_size, axes)
    size = tuple(n if m is None else m for n, m in zip(shape[-axes:], wanted, strict=True))
    windows = loops.adapting(shape[-axes:], size)
    options = {"output_size": output_size}
    compare(f"adaptive_max_pool{axes}d", distinct(*shape), windows, largest, shared, **options)
    compare(f"adaptive_max_pool{axes}d", whole(*shape) // 4, windows, largest, shared, **options)
    compare(
        f"adaptive_avg_pool{axes}d",
        whole(*shape),
        windows,
        lambda elements, window: elements.mean(axis=-1),
        lambda elements, window: np.ones(elements.shape) / elements.shape[-1],
        **options,
    )


@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 3, 4, 5), (1, 2, 3, 2, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_global_pooling(shape, keepdims):
    space = tuple(range(2, len(shape)))
    for name, x, reduce in (("avg", whole(*shape), np.mean), ("max", distinct(*shape), np.max)):
        for symbolic in (set(), {(0, 0)}, {(0, len(shape) - 1)}):
            value, d_y, (d_x,) = run(f"global_{name}_pool", x, symbolic=symbolic, keepdims=keepdims)
            np.testing.assert_allclose(value, reduce(x, axis=space, keepdims=keepdims), rtol=1e-15)
            d_y = d_y if keepdims else np.expand_dims(d_y, space)
            slope = 1.0 / math.prod(shape[2:]) if name == "avg" else x == x.max(axis=space, keepdims=True)
            np.testing.assert_allclose(d_x, d_y * np.broadcast_to(slope, shape), rtol=1e-15)


CALLS = [
    (f"{name}{axes}d", options)
    for axes in (1, 2, 3)
    for name, options in (
        ("max_pool", {"kernel_size": 2, "padding": 1}),
        ("avg_pool", {"kernel_size": 2, "padding": 1, "count_include_pad": False}),
        ("lp_pool", {"norm_type": 2, "kernel_size": 2}),
        ("lp_pool", {"norm_type": 3, "kernel_size": 2}),
        ("adaptive_max_pool", {"output_size": 3}),
        ("adaptive_avg_pool", {"output_size": 3}),
    )
]


@pytest.mark.parametrize(("name", "options"), CALLS)
def test_an_empty_batch_and_float32(name, options):
    space = (4,) * int(name[-2])
    for symbolic in (set(), {(0, 0)}):
        value, _, (d_x,) = run(name, np.zeros((0, 2, *space)), symbolic=symbolic, **options)
        assert value.shape[:2] == (0, 2) and value.ndim == 2 + len(space) and d_x.shape == (0, 2, *space)
    x = some(2, 2, *space)
    expected, _, (d_expected,) = run(name, x, **options)
    value, _, (d_x,) = run(name, x.astype("float32"), dtype="float32", **options)
    assert value.dtype == d_x.dtype == "float32"
    np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(d_x, d_expected, rtol=1e-5, atol=1e-5)


def test_what_is_not_finite_goes_through():
    """The padding of max_pool is smaller than any number, and no nan or infinity is lost."""
    g = Graph("special")
    x = g.input("x", (4,))
    g.output(sliding=ops.max_pool1d(x, 2, padding=1), adapted=ops.adaptive_max_pool1d(x, 3))
    forward = load(g, inference=True).forward
    least, nan = -math.inf, math.nan
    for special, *expected in (
        ([least] * 4, [least] * 3, [least] * 3),
        ([nan, 1.0, 2.0, math.inf], [nan, 2.0, math.inf], [nan, 2.0, math.inf]),
    ):
        for found, wanted in zip(forward({}, np.array(special)), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(("name", "options"), CALLS)
def test_a_loss_that_is_the_sum_gives_each_element_the_same_gradient(name, options):
    """The gradient of the result is then one number, which is not to be laid out."""
    x = some(2, *(4,) * int(name[-2])) + 3.0
    g = Graph("total")
    g.loss(getattr(ops, name)(g.param("x", x.shape), **options).sum())
    h = Graph("weighted")
    y = getattr(ops, name)(h.param("x", x.shape), **options)
    h.loss((y * h.input("weights", y.shape)).sum())
    for style in ("teach", "compact"):
        found = load(g, style=style).value_and_grad({"x": x})[1]["x"]
        expected = load(h, style=style).value_and_grad({"x": x}, np.ones(y.shape))[1]["x"]
        assert found.shape == x.shape
        np.testing.assert_allclose(found, expected, rtol=1e-14)


ERRORS = [
    ("max_pool2d(x, 0)", "GG005", "kernel_size is 0"),
    ("max_pool2d(x, (2, 2, 2))", "GG005", "kernel_size is (2, 2, 2)"),
    ("max_pool2d(x, 3, padding=2)", "GG005", "padding 2 is more than half of the window (3, 3)"),
    ("max_pool2d(x, 7)", "GG027", "windows of (7, 7) do not fit into (6, 6), of (batch, 2, 6, 6)"),
    ("max_pool2d(x, 2, ceil_mode=1)", "GG005", "ceil_mode is True or False, got 1"),
    ("max_pool1d(x[:, :, 0, 0].T, 2, ceil_mode=True)", "GG027", "ceil_mode needs known sizes, got (2, batch)"),
    ("max_pool3d(x[0, 0], 2)", "GG027", "the window needs 3 axes at least, got (6, 6)"),
    ("max_pool2d(x > 0, 2)", "GG031", "needs floats, got bool"),
    ("avg_pool2d(x, 2, divisor_override=0)", "GG005", "divisor_override is 0"),
    ("avg_pool2d(x, 2, divisor_override=0.5)", "GG005", "divisor_override is 0.5"),
    ("avg_pool2d(x, 2, count_include_pad=2)", "GG005", "count_include_pad is 2"),
    ("lp_pool2d(x, 0, 2)", "GG005", "norm_type is 0"),
    ("lp_pool2d(x, True, 2)", "GG005", "norm_type is True"),
    ("adaptive_avg_pool2d(x, 0)", "GG005", "output_size is 0"),
    ("adaptive_avg_pool2d(x, 10**30)", "GG005", "output_size is at most 1,048,576, got 1"),
    ("adaptive_avg_pool2d(x, (2, 2, 2))", "GG005", "output_size is (2, 2, 2)"),
    (
        "adaptive_max_pool1d(x[:, :, 0, 0].T, 3)",
        "GG027",
        "from (2, batch) to (3,): how large the windows are is not known",
    ),
    ("global_avg_pool(x[0, 0])", "GG027", "needs axes of batch, channels and space, got (6, 6)"),
    ("global_max_pool(x, keepdims=1)", "GG005", "keepdims is True or False, got 1"),
]


@pytest.mark.parametrize(("call", "code", "message"), ERRORS)
def test_errors_say_what_does_not_fit(call, code, message):
    x = Graph("wrong").input("x", ("batch", 2, 6, 6))
    with pytest.raises(GraphError) as error:
        eval(f"ops.{call}", {"ops": ops, "x": x}).type  # noqa: B018
    problem = error.value.problems[0]
    assert (problem.code, problem.help is not None) == (code, True)
    assert message in problem.message
