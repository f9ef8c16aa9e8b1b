"""Control of gradients: what is declared is what is differentiated, in every mode and order."""

import numpy as np
import pytest
from controls import DTYPES, STYLES, WEIGHTS, W, graph_of

from graphgen import Graph, GraphError, compile, load, ops

# The value, what it is, and the slope that counts.
DECLARED = {
    "straight_through": (
        lambda w: ops.straight_through(ops.sign(w), w**3),
        np.sign,
        lambda w: 3 * w**2,
    ),
    "of a condition": (
        lambda w: ops.straight_through(w > 0, ops.sigmoid(w)),
        lambda w: (w > 0).astype(float),
        lambda w: np.exp(-w) / (1 + np.exp(-w)) ** 2,
    ),
    "custom_gradient": (
        lambda w: ops.custom_gradient(ops.floor(w), w, 1 / (1 + w**2)),
        np.floor,
        lambda w: 1 / (1 + w**2),
    ),
    "custom_gradient by a number": (lambda w: ops.custom_gradient(ops.exp(w), w, 3.0), np.exp, lambda w: 3.0 + 0 * w),
    "scale_gradient": (lambda w: ops.scale_gradient(w**2, -0.5), np.square, lambda w: -w),
    "scale_gradient by a value": (lambda w: ops.scale_gradient(w, w**2), lambda w: w, np.square),
    "scale_gradient by 0": (lambda w: ops.scale_gradient(w, 0.0) + w**2, lambda w: w + w**2, lambda w: 2 * w),
    "stop_gradient": (lambda w: ops.stop_gradient(ops.exp(w)) * w, lambda w: np.exp(w) * w, np.exp),
    "the same operand twice": (lambda w: ops.custom_gradient(w, w, 2.0), lambda w: w, lambda w: 2.0 + 0 * w),
    "two in a row": (
        lambda w: ops.scale_gradient(ops.straight_through(ops.round(w), 2 * w), 0.25),
        np.round,
        lambda w: 0.5 + 0 * w,
    ),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", DECLARED)
def test_the_declared_slope_counts_in_both_modes(name, style):
    value, expected, slope = DECLARED[name]
    for dtype, tolerance in DTYPES:
        module = load(graph_of(value, dtype), style=style, mode="both")
        w = W.astype(dtype)
        y = module.forward({"w": w})
        assert y.dtype == dtype
        np.testing.assert_allclose(y, expected(W), rtol=tolerance)
        loss, gradients = module.value_and_grad({"w": w}, WEIGHTS)
        assert loss == pytest.approx(module.loss({"w": w}, WEIGHTS), rel=tolerance)
        assert gradients["w"].dtype == dtype
        np.testing.assert_allclose(gradients["w"], WEIGHTS * slope(W), rtol=20 * tolerance)
        tangent = module.jvp({"w": w}, {"w": WEIGHTS}, WEIGHTS)[1]
        assert tangent == pytest.approx((WEIGHTS**2 * slope(W)).sum(), rel=20 * tolerance)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", DECLARED)
def test_graphs_of_scalars(name, style):
    value, expected, slope = DECLARED[name]
    module = load(graph_of(value, shape=()), style=style, mode="both")
    for w in map(float, W):
        y = module.forward({"w": w})
        loss, gradients = module.value_and_grad({"w": w}, 2.0)
        assert type(y) is type(loss) is type(gradients["w"]) is float
        assert y == pytest.approx(expected(w) if name != "of a condition" else float(w > 0), rel=1e-14)
        assert gradients["w"] == pytest.approx(2 * slope(w), rel=1e-13)
        assert module.jvp({"w": w}, {"w": 1.0}, 2.0)[1] == pytest.approx(2 * slope(w), rel=1e-13)


@pytest.mark.parametrize(("style", "mode"), [("teach", "reverse"), ("compact", "reverse"), ("compact", "forward")])
@pytest.mark.parametrize("shape", [(), (5,)])
@pytest.mark.parametrize("name", DECLARED)
def test_the_check_moves_values_as_declared(name, shape, style, mode):
    module = load(graph_of(DECLARED[name][0], shape=shape), style=style, mode=mode)
    assert max(module.check_gradients().values()) < 1e-8
    given = {"w": np.resize(W, shape)}
    assert max(module.check_gradients(given, seed=1).values()) < 1e-8
    assert np.all(given["w"] == np.resize(W, shape))


# -- clipping


def clipped(**bounds):
    return graph_of(lambda w: ops.clip_gradient(w**2, **bounds))


LENGTH = float(np.sqrt((WEIGHTS**2).sum()))
CLIPS = {
    "both bounds": ({"low": -1.5, "high": 0.75}, np.clip(WEIGHTS, -1.5, 0.75)),
    "from below": ({"low": -0.5}, np.maximum(WEIGHTS, -0.5)),
    "from above": ({"high": 0.5}, np.minimum(WEIGHTS, 0.5)),
    "to a norm": ({"max_norm": 0.5}, WEIGHTS * 0.5 / LENGTH),
    "short enough": ({"max_norm": 100}, WEIGHTS),
    "along an axis": ({"max_norm": 2.0, "axis": 0}, WEIGHTS * 2 / LENGTH),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", CLIPS)
def test_gradients_are_clipped_in_reverse_mode_alone(name, style):
    bounds, handed_on = CLIPS[name]
    for dtype, tolerance in DTYPES:
        graph = graph_of(lambda w: ops.clip_gradient(w**2, **bounds), dtype)
        module = load(graph, style=style, mode="both")
        loss, gradients = module.value_and_grad({"w": W}, WEIGHTS)
        assert loss == pytest.approx((WEIGHTS * W**2).sum(), rel=tolerance)
        assert gradients["w"].dtype == dtype
        np.testing.assert_allclose(gradients["w"], 2 * W * handed_on, rtol=10 * tolerance)
        assert module.jvp({"w": W}, {"w": np.ones(5)}, WEIGHTS)[1] == pytest.approx((2 * W * WEIGHTS).sum(), rel=1e-5)


def test_the_norm_is_that_of_each_row():
    g = Graph("rows")
    x = g.input("x", shape=("n", 3))
    w = g.param("w", shape=("n", 3))
    g.loss((ops.clip_gradient(w, max_norm=1.0, axis=-1) * x).sum())
    zero = np.zeros((4, 3))
    x = np.array([[3.0, 0.0, 4.0], [0.1, 0.2, 0.2], [0.0, 0.0, 0.0], [1e200, 0.0, 1e200]])
    gradient = load(g).value_and_grad({"w": zero}, x)[1]["w"]
    np.testing.assert_allclose(
        gradient, [[0.6, 0, 0.8], [0.1, 0.2, 0.2], [0, 0, 0], [0.5**0.5, 0, 0.5**0.5]], rtol=1e-14
    )


@pytest.mark.parametrize("style", STYLES)
def test_scalars_are_clipped(style):
    module = load(
        graph_of(lambda w: ops.clip_gradient(ops.clip_gradient(w**2, -1.0, 1.0), max_norm=3), shape=()), style=style
    )
    for weight, handed_on in ((0.5, 0.5), (2.0, 1.0), (-7.0, -1.0)):
        gradient = module.value_and_grad({"w": 3.0}, weight)[1]["w"]
        assert type(gradient) is float and gradient == 6.0 * handed_on
    assert np.isnan(module.clipped(float("nan"), -1.0, 1.0))
    assert module.check_gradients()["w"] < 1e-9
    module = load(graph_of(lambda w: ops.clip_gradient(w**2, max_norm=3), shape=()), style=style)
    assert [module.value_and_grad({"w": 0.5}, weight)[1]["w"] for weight in (2.0, 7.0, -7.0)] == [2.0, 3.0, -3.0]


@pytest.mark.parametrize("style", STYLES)
def test_a_clip_of_what_is_known_is_lifted_too(style):
    g = Graph("known")
    w = g.param("w")
    g.loss(ops.clip_gradient(w**2, -0.1, 0.1))
    module = load(g, style=style)
    assert module.value_and_grad({"w": 2.0})[1]["w"] == 0.4
    assert module.check_gradients()["w"] < 1e-9


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", CLIPS)
def test_the_check_lifts_clips_and_puts_them_back(name, style):
    bounds, handed_on = CLIPS[name]
    module = load(clipped(**bounds), style=style, mode="both")
    assert module.check_gradients({"w": W}, weights=WEIGHTS)["w"] < 1e-9
    np.testing.assert_allclose(module.value_and_grad({"w": W}, WEIGHTS)[1]["w"], 2 * W * handed_on, rtol=1e-13)
    with pytest.raises(ValueError, match="expected shape"):
        module.check_gradients({"w": W}, weights=np.ones((2, 2)))
    np.testing.assert_allclose(module.value_and_grad({"w": W}, WEIGHTS)[1]["w"], 2 * W * handed_on, rtol=1e-13)


# -- second order


def hessian_product(value, style):
    """H v, of a parameter alone."""
    g = Graph("second")
    w = g.param("w", (5,))
    g.loss(value(w).sum())
    module = load(g, style=style, hvp=True)
    return module, module.hvp({"w": W}, {"w": WEIGHTS})["w"]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (lambda w: ops.custom_gradient(ops.exp(w), w, w**3) * w, 5 * W**3),
        (
            lambda w: ops.straight_through(ops.sign(w), w**3) ** 2,
            2 * (3 * W**2) ** 2 + 2 * np.sign(W) * 6 * W,
        ),
        (lambda w: ops.scale_gradient(w, -2.0) ** 2, 8.0 + 0 * W),
        (lambda w: ops.stop_gradient(w) * w**2, 2 * W),
    ],
)
def test_higher_orders_differentiate_what_is_declared(value, expected, style):
    np.testing.assert_allclose(hessian_product(value, style)[1], expected * WEIGHTS, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "bounds", [{"low": -1.0, "high": 0.5}, {"max_norm": 1.5}, {"max_norm": 2.0, "axis": 0}, {"max_norm": 100.0}]
)
def test_second_derivatives_are_those_of_the_clipped_gradient(bounds, style):
    module, found = hessian_product(lambda w: ops.clip_gradient(w, **bounds) ** 4 / 4, style)
    step = 1e-5
    ahead, behind = (module.value_and_grad({"w": W + side * step * WEIGHTS})[1]["w"] for side in (1, -1))
    np.testing.assert_allclose(found, (ahead - behind) / (2 * step), rtol=1e-7, atol=1e-8)


# -- shapes, memory, branches


@pytest.mark.parametrize("style", STYLES)
def test_operands_broadcast(style):
    g = Graph("broadcast", dtype="float32")
    rows = g.param("rows", (3, 1), init="ones")
    columns = g.param("columns", (4,), init="ones")
    y = ops.straight_through(ops.sign(rows), columns)
    z = ops.straight_through(1.0, rows * columns)
    g.output(y=y, z=z)
    g.loss((y * y).sum() + (y * z).sum())
    module = load(g, style=style, mode="both")
    point = {"rows": np.array([[2.0], [-1.0], [0.0]]), "columns": np.arange(4.0)}
    y, z = module.forward(point)
    np.testing.assert_array_equal(y, np.broadcast_to([[1.0], [-1.0], [0.0]], (3, 4)))
    np.testing.assert_array_equal(z, np.ones((3, 4)))
    assert y.dtype == z.dtype == np.float32 and y.flags.writeable and z.flags.writeable
    gradients = module.value_and_grad(point)[1]
    np.testing.assert_array_equal(gradients["columns"], np.full(4, 6.0))
    np.testing.assert_array_equal(gradients["rows"], [[6.0], [-6.0], [0.0]])
    assert max(module.check_gradients().values()) < 1e-7


@pytest.mark.parametrize("style", STYLES)
def test_results_share_no_memory(style):
    g = Graph("memory")
    w = g.param("w", (5,), init="ones")
    results = {
        "a": ops.straight_through(w, w * w),
        "b": ops.scale_gradient(w, -1.0),
        "c": ops.clip_gradient(w, -1.0, 1.0),
        "d": ops.clip_gradient(w, max_norm=1.0),
        "e": ops.stop_gradient(w),
    }
    g.output(**results)
    g.loss(sum(results.values()).sum())
    module = load(g, style=style)
    w = W.copy()
    arrays = [w, *module.forward({"w": w}), module.value_and_grad({"w": w})[1]["w"]]
    for place, array in enumerate(arrays):
        assert array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in arrays[:place])


@pytest.mark.parametrize("style", STYLES)
def test_states_share_no_memory(style):
    g = Graph("states")
    w, rows = g.param("w", (5,), init="ones"), g.param("rows", (3, 1), init="ones")
    seen, repeated = g.state("seen", (5,)), g.state("repeated", (3, 5))
    g.update(seen, ops.scale_gradient(w, 2.0))
    g.update(repeated, ops.straight_through(2.0 * w, rows))
    g.loss(w.sum() + rows.sum() + seen.sum() + repeated.sum())
    w = W.copy()
    module = load(g, style=style)
    found = module.value_and_grad({"w": w, "rows": np.ones((3, 1))}, state=module.init_state())[2]
    np.testing.assert_array_equal(found["repeated"], np.broadcast_to(2.0 * W, (3, 5)))
    for array in found.values():
        assert array.flags.writeable and not np.shares_memory(array, w)


@pytest.mark.parametrize(
    "value",
    [
        lambda w: ops.scale_gradient(ops.exp(w), 2.0),
        lambda w: ops.tanh(ops.custom_gradient(w, w, ops.exp(w))),
    ],
)
def test_infinities_are_heard_of_behind_a_control(value):
    """NumPy is told to keep quiet only where something infinite may become finite again."""
    source = compile(graph_of(value))
    assert "np.errstate" not in source[: source.index("def value_and_grad")]


@pytest.mark.parametrize("style", STYLES)
def test_branches_not_taken_poison_nothing(style):
    def value(w):
        level = ops.log(w)
        hard = ops.straight_through(ops.round(level), level)
        steep = ops.custom_gradient(hard, w, 1 / w)
        return ops.where(w > 0, ops.clip_gradient(steep, max_norm=1.0), 0.0) + ops.where(w > 0, hard, 0.0)

    module = load(graph_of(value), style=style, mode="both")
    w = np.array([-1.0, 0.0, 0.5, 2.0, 7.0])
    gradient = module.value_and_grad({"w": w}, np.ones(5))[1]["w"]
    assert gradient[:2].tolist() == [0.0, 0.0]
    assert gradient[2:] == pytest.approx((1 + 3**-0.5) / w[2:], rel=1e-13)
    assert np.isfinite(module.jvp({"w": w}, {"w": np.ones(5)}, np.ones(5))[1])


def test_whole_numbers_and_wrong_bounds_are_refused():
    g = Graph("wrong")
    x, count = g.input("x", shape=("n", 3)), g.input("count", shape=("n", 1), dtype="int64")
    ops.straight_through(count, x)
    ops.clip_gradient(count, -1.0, 1.0)
    ops.clip_gradient(x)
    ops.clip_gradient(x, 1.0, -1.0)
    ops.clip_gradient(x, max_norm=1.0, high=2.0)
    ops.clip_gradient(x, max_norm=0.0)
    ops.clip_gradient(x, low=-1.0, axis=1)
    ops.clip_gradient(x, max_norm=1.0, axis=2)
    ops.scale_gradient(g.input("y", shape=("n", 2)), x)
    g.loss(x.sum())
    with pytest.raises(GraphError) as caught:
        compile(g)
    assert [(each.code, each.message) for each in caught.value.problems] == [
        ("GG031", "straight_through: needs floats, got int64"),
        ("GG031", "clip_gradient: needs floats, got int64"),
        ("GG005", "clip_gradient: no bounds and no max_norm"),
        ("GG005", "clip_gradient: needs low < high, got low=1, high=-1"),
        ("GG005", "clip_gradient: max_norm is given, and bounds too"),
        ("GG005", "clip_gradient: max_norm is a finite number above 0, got 0.0"),
        ("GG005", "clip_gradient: axis=1 without max_norm"),
        ("GG023", "clip_gradient: axis 2 is out of bounds for 2 dimensions"),
        ("GG020", "scale_gradient: shapes do not broadcast: (n, 2) and (n, 3)"),
    ]
