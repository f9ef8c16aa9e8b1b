"""Attention against NumPy written out head by head, its masks, the encoder block, and positions."""

import math

import numpy as np
import pytest
from layer_runs import run, softmax, some, standardised

from graphgen import Graph, layers, load, ops

TIGHT = {"rtol": 1e-11, "atol": 1e-12}
SHAPES = {"q": ("batch", "time", 4), "k": ("batch", "other", 4), "v": ("batch", "other", 3), "mask": ("time", "other")}
Q, K, V = some(2, 3, 4), some(2, 5, 4), some(2, 5, 3)
VISIBLE = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1]], dtype=bool)


def attended(q, k, v, seen=None, added=0.0, scale=None):
    """Attention over the last two axes; a query that sees nothing gets zeros."""
    scores = q @ np.swapaxes(k, -1, -2) * (1.0 / np.sqrt(q.shape[-1]) if scale is None else scale) + added
    if seen is None:
        return softmax(scores) @ v
    weights = softmax(np.where(seen | ~seen.any(axis=-1, keepdims=True), scores, -np.inf))
    return (weights * seen) @ v


@pytest.mark.parametrize("style", ["compact", "teach"])
def test_scaled_dot_product_attention(style):
    y, _ = run(ops.scaled_dot_product_attention, {"q": Q, "k": K, "v": V}, SHAPES, style)
    np.testing.assert_allclose(y, attended(Q, K, V), **TIGHT)


def test_a_causal_mask_for_any_time():
    y, _ = run(
        lambda q, k, v: ops.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3),
        {"q": Q, "k": K, "v": V},
        SHAPES,
    )
    np.testing.assert_allclose(y, attended(Q, K, V, np.tri(3, 5, dtype=bool), scale=0.3), **TIGHT)


def test_a_query_that_sees_nothing_gets_zeros_and_no_gradient():
    y, _ = run(ops.scaled_dot_product_attention, {"q": Q, "k": K, "v": V, "mask": VISIBLE}, SHAPES)
    np.testing.assert_allclose(y, attended(Q, K, V, VISIBLE), **TIGHT)
    np.testing.assert_array_equal(y[:, 1], np.zeros((2, 3)))


def test_masks_of_floats_and_both_masks():
    added = some(3, 5)
    y, _ = run(ops.scaled_dot_product_attention, {"q": Q, "k": K, "v": V, "mask": added}, SHAPES)
    np.testing.assert_allclose(y, attended(Q, K, V, added=added), **TIGHT)
    y, _ = run(
        lambda *nodes: ops.scaled_dot_product_attention(*nodes, is_causal=True),
        {"q": Q, "k": K, "v": V, "mask": VISIBLE},
        SHAPES,
    )
    np.testing.assert_allclose(y, attended(Q, K, V, VISIBLE & np.tri(3, 5, dtype=bool)), **TIGHT)


def test_unknown_features():
    shapes = {"q": ("time", "features"), "k": ("other", "features"), "v": ("other", 3)}
    y, _ = run(ops.scaled_dot_product_attention, {"q": Q[0], "k": K[0], "v": V[0]}, shapes)
    np.testing.assert_allclose(y, attended(Q[0], K[0], V[0]), **TIGHT)


def test_dropped_weights():
    """Each value is one of a unit matrix's, so that the result is the weights: kept ones are doubled, or dropped."""
    g = Graph("dropped")
    q, k = g.input("q", ("time", 4)), g.input("k", (6, 4))
    y = ops.scaled_dot_product_attention(q, k, np.eye(6), dropout_p=0.5)
    g.output(y=y)
    g.loss((y * g.input("weights", y.shape)).sum())
    module = load(g, wrt=["weights"])
    arrays = {"q": some(8, 4), "k": some(6, 4)}
    weights = softmax(arrays["q"] @ arrays["k"].T / 2.0)
    np.testing.assert_allclose(module.forward({}, **arrays), weights, **TIGHT)
    dropped = module.value_and_grad({}, **arrays, weights=np.ones((8, 6)), seed=3)[1]["weights"]
    ratios = dropped / weights
    assert 10 < np.isclose(ratios, 2.0).sum() < 38 and np.all(np.isclose(ratios, 2.0) | (ratios == 0.0))


# -- heads


def heads(x, parameters, name, count):
    made = x @ parameters[f"{name}_w"] + parameters.get(f"{name}_b", 0.0)
    return made.reshape(*x.shape[:2], count, -1).transpose(0, 2, 1, 3)


def multi_head(query, key, value, parameters, count, seen=None, added=0.0, name="a"):
    parts = [
        heads(x, parameters, f"{name}_{each}", count) for x, each in ((query, "query"), (key, "key"), (value, "value"))
    ]
    found = attended(*parts, seen, added).transpose(0, 2, 1, 3).reshape(query.shape)
    return found @ parameters[f"{name}_out_w"] + parameters.get(f"{name}_out_b", 0.0)


X = some(2, 3, 4)
SEQUENCES = {"x": ("batch", "time", 4), "y": ("batch", "other", 3), "padding": ("batch", "other")}
PADDING = np.array([[0, 0, 0, 1, 1], [0, 0, 0, 0, 0]], dtype=bool)


def test_self_attention():
    y, parameters = run(lambda x: layers.multi_head_attention(x, 2, name="a", is_causal=True), {"x": X}, SEQUENCES)
    assert list(parameters) == [f"a_{part}_{kind}" for part in ("query", "key", "value", "out") for kind in "wb"]
    np.testing.assert_allclose(y, multi_head(X, X, X, parameters, 2, np.tri(3, dtype=bool)), **TIGHT)


def test_attention_without_a_batch():
    y, parameters = run(lambda x: layers.multi_head_attention(x, 2, name="a"), {"x": X[0]}, {"x": ("time", 4)})
    np.testing.assert_allclose(y[None], multi_head(X[:1], X[:1], X[:1], parameters, 2), **TIGHT)


def test_cross_attention_with_padding():
    y, parameters = run(
        lambda x, y, padding: layers.multi_head_attention(x, 2, name="a", key=y, key_padding_mask=padding, bias=False),
        {"x": X, "y": V, "padding": PADDING},
        SEQUENCES,
    )
    assert parameters["a_key_w"].shape == (3, 4) and len(parameters) == 4
    np.testing.assert_allclose(y, multi_head(X, V, V, parameters, 2, ~PADDING[:, None, None]), **TIGHT)


@pytest.mark.parametrize("kind", ["bools", "floats", "heads"])
def test_masks_of_attention_layers(kind):
    hidden = {"bools": ~np.tri(3, dtype=bool), "floats": some(3, 3), "heads": some(4, 3, 3) > 0.5}[kind]
    padding = np.array([[0, 0, 1], [0, 0, 0]], dtype=bool)
    time = 3 if kind == "heads" else "time"
    shapes = {"x": (2, time, 4), "mask": (*hidden.shape[:-2], time, time), "padding": (2, time)}
    y, parameters = run(
        lambda x, mask, padding: layers.multi_head_attention(x, 2, name="a", attn_mask=mask, key_padding_mask=padding),
        {"x": X, "mask": hidden, "padding": padding},
        shapes,
    )
    seen, added = ~padding[:, None, None], 0.0
    if kind == "floats":
        added = hidden
    else:
        seen = seen & ~(hidden.reshape(2, 2, 3, 3) if kind == "heads" else hidden)
    np.testing.assert_allclose(y, multi_head(X, X, X, parameters, 2, seen, added), **TIGHT)


# -- the encoder block


@pytest.mark.parametrize(("norm_first", "activation"), [(False, "relu"), (True, "gelu")])
def test_transformer_encoder_layer(norm_first, activation):
    y, p = run(
        lambda x: layers.transformer_encoder_layer(
            x, 2, name="t", dim_feedforward=6, dropout=0.0, norm_first=norm_first, activation=activation
        ),
        {"x": X},
        SEQUENCES,
    )

    def attention(x):
        return multi_head(x, x, x, p, 2, name="t_attention")

    def fed_forward(x):
        inner = x @ p["t_linear1_w"] + p["t_linear1_b"]
        cdf = np.vectorize(lambda v: 0.5 * (1.0 + math.erf(v / math.sqrt(2.0))))
        inner = np.maximum(inner, 0.0) if activation == "relu" else inner * cdf(inner)
        return inner @ p["t_linear2_w"] + p["t_linear2_b"]

    def norm(x, which):
        return standardised(x, -1) * p[f"t_{which}_w"] + p[f"t_{which}_b"]

    if norm_first:
        x = X + attention(norm(X, "norm1"))
        expected = x + fed_forward(norm(x, "norm2"))
    else:
        x = norm(X + attention(X), "norm1")
        expected = norm(x + fed_forward(x), "norm2")
    np.testing.assert_allclose(y, expected, **TIGHT)


def test_an_encoder_block_drops_in_training_alone():
    g = Graph("encoder")
    x = g.input("x", ("batch", "time", 4))
    y = layers.transformer_encoder_layer(x, 2, name="t", dim_feedforward=6)
    g.output(y=y)
    g.loss(y.mean())
    assert sum(node["op"] == "dropout" for _, node in g.dag.nodes(data=True)) == 3
    module = load(g)
    parameters = module.init_parameters()
    forward = module.forward(parameters, X)
    assert module.evaluate(parameters, X) == pytest.approx(forward.mean())
    assert module.loss(parameters, X, seed=1) == module.loss(parameters, X, seed=1)
    module.check_gradients(parameters, x=X)


# -- positions


def test_sinusoidal_positions():
    y, _ = run(layers.sinusoidal_positions, {"x": X}, SEQUENCES)
    for t in range(3):
        for i in range(2):
            angle = t / 10000.0 ** (2 * i / 4)
            expected = X[:, t, 2 * i : 2 * i + 2] + [math.sin(angle), math.cos(angle)]
            np.testing.assert_allclose(y[:, t, 2 * i : 2 * i + 2], expected, **TIGHT)


def test_learned_positions():
    y, parameters = run(lambda x: layers.learned_positions(x, name="p", length=7), {"x": X}, SEQUENCES)
    assert parameters["p_w"].shape == (7, 4)
    np.testing.assert_array_equal(y, X + parameters["p_w"][:3])
    y, parameters = run(lambda x: layers.learned_positions(x, name="p"), {"x": X})
    np.testing.assert_array_equal(y, X + parameters["p_w"])


def test_a_sample_without_keys_beside_a_mask_of_floats():
    g = Graph("m")
    x = g.input("x", (2, 3, 4))
    padded = g.input("padded", (2, 3), "bool")
    mask = g.input("mask", (3, 3))
    g.output(y=layers.multi_head_attention(x, 2, "a", attn_mask=mask, key_padding_mask=padded, bias=False))
    module = load(g, inference=True)
    sequences = np.random.default_rng(0).normal(size=(2, 3, 4))
    hidden = np.array([[False] * 3, [True] * 3])
    weights = {name: np.ones(shape) for name, (shape, _) in module.PARAMETERS.items()}
    found = module.forward(weights, sequences, hidden, np.zeros((3, 3)))
    assert np.isfinite(found).all() and not found[1].any() and found[0].all()
