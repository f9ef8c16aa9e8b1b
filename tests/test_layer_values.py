"""Layers against NumPy written out, and their gradients against differences."""

import numpy as np
import pytest
import window_references as loops
from layer_runs import run, some, standardised

from graphgen import Graph, layers, load, ops

TIGHT = {"rtol": 1e-12, "atol": 1e-12}


@pytest.mark.parametrize(
    ("axes", "options", "pads"),
    [
        (1, {}, 0),
        (1, {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}, 1),
        (2, {"padding": "same", "groups": 2, "bias": False}, 1),
        (2, {"stride": (2, 1), "padding": 1}, 1),
        (3, {"padding": 1}, 1),
    ],
)
def test_convolutions(axes, options, pads):
    x = some(2, 4, *(5, 4, 3)[:axes])
    y, parameters = run(lambda x: getattr(layers, f"conv{axes}d")(x, 6, 3, name="c", **options), {"x": x})
    groups = options.get("groups", 1)
    assert parameters["c_w"].shape == (6, 4 // groups, *(3,) * axes)
    kept = {key: options[key] for key in ("stride", "dilation", "groups") if key in options}
    expected = loops.convolution(x, parameters["c_w"], ((pads, pads),) * axes, **kept)
    bias = parameters.get("c_b", np.zeros(6))
    assert ("c_b" in parameters) == options.get("bias", True)
    np.testing.assert_allclose(y, expected + bias.reshape(6, *(1,) * axes), **TIGHT)


@pytest.mark.parametrize(
    ("axes", "options"),
    [(1, {"stride": 2, "padding": 1, "output_padding": 1}), (2, {"groups": 2, "bias": False}), (3, {"dilation": 2})],
)
def test_transposed_convolutions(axes, options):
    x = some(2, 4, *(3, 2, 2)[:axes])
    y, parameters = run(lambda x: getattr(layers, f"conv_transpose{axes}d")(x, 6, 2, name="c", **options), {"x": x})
    assert parameters["c_w"].shape == (4, 6 // options.get("groups", 1), *(2,) * axes)
    kept = {key: value for key, value in options.items() if key != "bias"}
    expected = loops.transposed(x, parameters["c_w"], **kept)
    bias = parameters.get("c_b", np.zeros(6))
    np.testing.assert_allclose(y, expected + bias.reshape(6, *(1,) * axes), **TIGHT)


def test_a_convolution_of_one_image_without_a_batch():
    x = some(2, 4, 4)
    y, parameters = run(lambda x: layers.conv2d(x, 3, (2, 3), name="c"), {"x": x}, {"x": (2, 4, 4)})
    assert y.shape == (3, 3, 2)
    expected = loops.convolution(x[None], parameters["c_w"], ((0, 0), (0, 0)))[0]
    np.testing.assert_allclose(y, expected + parameters["c_b"][:, None, None], **TIGHT)


def test_pooling_layers_are_the_ops():
    assert layers.max_pool2d is ops.max_pool2d and layers.global_avg_pool is ops.global_avg_pool


def test_flatten_keeps_the_batch():
    x = some(2, 3, 4, 5)
    y, _ = run(lambda x: layers.flatten(x * 2.0), {"x": x})
    np.testing.assert_array_equal(y, (2.0 * x).reshape(2, 60))
    y, _ = run(lambda x: layers.flatten(x * 2.0, 2), {"x": x})
    np.testing.assert_array_equal(y, (2.0 * x).reshape(2, 3, 20))


@pytest.mark.parametrize("padding_idx", [None, 2, -3])
def test_embedding(padding_idx):
    index = np.array([[0, 2, 4], [2, 2, 1]])
    y, parameters = run(lambda i: layers.embedding(i, 5, 3, name="words", padding_idx=padding_idx), {"i": index})
    vectors = parameters["words_w"].copy()
    if padding_idx is not None:
        vectors[padding_idx] = 0.0
    np.testing.assert_array_equal(y, vectors[index])


def test_padding_has_no_gradient():
    g = Graph("words")
    index = g.input("index", ("batch",), dtype="int64")
    g.loss(layers.embedding(index, 4, 2, name="words", padding_idx=0).sum())
    module = load(g)
    gradients = module.value_and_grad(module.init_parameters(), np.array([0, 0, 3, 3]))[1]
    np.testing.assert_array_equal(gradients["words_w"], [[0, 0], [0, 0], [0, 0], [2, 2]])


def test_maxout():
    x = some(2, 3, 4)
    y, parameters = run(lambda x: layers.maxout(x, 2, name="m", pieces=3), {"x": x})
    pieces = (x @ parameters["m_w"] + parameters["m_b"]).reshape(2, 3, 2, 3)
    np.testing.assert_allclose(y, pieces.max(axis=-1), **TIGHT)
    y, parameters = run(lambda x: layers.maxout(x, 2, name="m", bias=False), {"x": x})
    np.testing.assert_allclose(y, (x @ parameters["m_w"]).reshape(2, 3, 2, 2).max(axis=-1), **TIGHT)
    assert list(parameters) == ["m_w"]


@pytest.mark.parametrize(("shape", "count"), [((2, 3), 1), ((2, 3), 3), ((2, 3, 4), 3), ((2, 3, 4, 2), 1)])
def test_prelu(shape, count):
    x = some(*shape)
    y, parameters = run(lambda x: layers.prelu(x, name="p", num_parameters=count), {"x": x})
    slope = parameters["p_w"].reshape(-1, *(1,) * (x.ndim - 2))
    np.testing.assert_allclose(y, np.where(x > 0, x, slope * x), **TIGHT)


def test_prelu_starts_with_a_quarter():
    g = Graph("slopes")
    g.loss(layers.prelu(g.input("x", ("batch", 3)), name="p", num_parameters=3).sum())
    np.testing.assert_array_equal(load(g).init_parameters()["p_w"], [0.25] * 3)


@pytest.mark.parametrize("style", ["compact", "teach"])
@pytest.mark.parametrize(("shape", "bias"), [(None, True), ((3, 4), False)])
def test_layer_norm(shape, bias, style):
    x = some(2, 3, 4)
    y, parameters = run(
        lambda x: layers.layer_norm(x, name="n", normalized_shape=shape, bias=bias), {"x": x}, style=style
    )
    axis = (-1,) if shape is None else (-2, -1)
    expected = standardised(x, axis) * parameters["n_w"] + (parameters["n_b"] if bias else 0.0)
    np.testing.assert_allclose(y, expected, **TIGHT)
    assert all(each.shape == (shape or (4,)) for each in parameters.values())


def test_normalisations_without_parameters():
    x = some(2, 4, 5)
    for declare, expected in [
        (lambda x: layers.layer_norm(x, "n", elementwise_affine=False, eps=0.5), standardised(x, -1, 0.5)),
        (lambda x: layers.instance_norm(x, "n", eps=0.5), standardised(x, -1, 0.5)),
        (
            lambda x: layers.group_norm(x, 2, "n", affine=False),
            standardised(x.reshape(2, 2, 10), -1).reshape(x.shape),
        ),
        (
            lambda x: layers.rms_norm(x, "n", elementwise_affine=False),
            x / np.sqrt((x**2).mean(axis=-1, keepdims=True)),
        ),
    ]:
        y, parameters = run(declare, {"x": x})
        assert not parameters
        np.testing.assert_allclose(y, expected, **TIGHT)


def test_normalisations_of_channels():
    x = some(2, 4, 3, 5)
    y, parameters = run(lambda x: layers.group_norm(x, 2, name="n"), {"x": x}, {"x": ("batch", 4, "height", 5)})
    weight, bias = (parameters[name][:, None, None] for name in ("n_w", "n_b"))
    expected = standardised(x.reshape(2, 2, 30), -1).reshape(x.shape) * weight + bias
    np.testing.assert_allclose(y, expected, **TIGHT)
    y, _ = run(lambda x: layers.instance_norm(x, name="n", affine=True), {"x": x}, {"x": ("batch", 4, "height", 5)})
    np.testing.assert_allclose(y, standardised(x, (2, 3)) * weight + bias, **TIGHT)


def test_rms_norm():
    x = some(2, 3, 4)
    y, parameters = run(lambda x: layers.rms_norm(x, name="n", normalized_shape=(3, 4), eps=0.25), {"x": x})
    expected = x / np.sqrt((x**2).mean(axis=(1, 2), keepdims=True) + 0.25) * parameters["n_w"]
    np.testing.assert_allclose(y, expected, **TIGHT)


def test_rms_norm_has_the_eps_of_the_float_type():
    for dtype in ("float32", "float64"):
        g = Graph("m", dtype=dtype)
        g.output(y=ops.rms_norm(g.input("x", ("batch", 3)), (3,)))
        y = load(g, inference=True).forward({}, np.full((1, 3), 1e-15))
        np.testing.assert_allclose(y, np.full((1, 3), 1e-15 / np.sqrt(np.finfo(dtype).eps)), rtol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_local_response_norm(size):
    x = some(2, 4, 3, 2)
    y, _ = run(lambda x: layers.local_response_norm(x, size, alpha=0.5, beta=0.6, k=2.0), {"x": x})
    expected = np.empty_like(x)
    for c in range(4):
        around = [x[:, j] ** 2 for j in range(c - size // 2, c + (size - 1) // 2 + 1) if 0 <= j < 4]
        expected[:, c] = x[:, c] / (2.0 + 0.5 * sum(around) / size) ** 0.6
    np.testing.assert_allclose(y, expected, **TIGHT)


def relu(x):
    return np.maximum(x, 0.0)


@pytest.mark.parametrize(("stride", "channels"), [(1, 3), (2, 3), (1, 4)])
def test_residual_blocks(stride, channels):
    x = some(2, 3, 5)
    y, p = run(lambda x: layers.residual_block(x, channels, name="r", stride=stride, norm=None), {"x": x})
    pads = ((1, 1),)
    inner = relu(loops.convolution(x, p["r_conv1_w"], pads, stride=stride) + p["r_conv1_b"][:, None])
    branch = loops.convolution(inner, p["r_conv2_w"], pads) + p["r_conv2_b"][:, None]
    shortcut = x
    if (stride, channels) != (1, 3):
        shortcut = loops.convolution(x, p["r_shortcut_w"], ((0, 0),), stride=stride) + p["r_shortcut_b"][:, None]
    assert ("r_shortcut_w" in p) == ((stride, channels) != (1, 3))
    np.testing.assert_allclose(y, relu(branch + shortcut), **TIGHT)


def test_a_residual_block_normalises():
    x = some(2, 2, 3, 3)
    y, p = run(lambda x: layers.residual_block(x, 2, name="r", norm=layers.instance_norm), {"x": x})
    pads = ((1, 1), (1, 1))
    inner = relu(standardised(loops.convolution(x, p["r_conv1_w"], pads), (2, 3)))
    expected = relu(standardised(loops.convolution(inner, p["r_conv2_w"], pads), (2, 3)) + x)
    np.testing.assert_allclose(y, expected, **TIGHT)
    assert list(p) == ["r_conv1_w", "r_conv2_w"]
    g = Graph("blocks")
    layers.residual_block(g.input("x", ("batch", 2, 3, 3)), 4, name="r")
    states = [key for key, node in g.dag.nodes(data=True) if node["op"] == "state"]
    parts = ("norm1", "norm2", "shortcut_norm")
    assert states == [f"r_{part}_running_{kind}" for part in parts for kind in ("mean", "var")]
