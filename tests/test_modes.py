"""vjp, jacobian, hvp, hessian, Gauss-Newton products, gradients of each example, several tangents at once."""

import numpy as np
import pytest

from graphgen import Graph, GraphError, compile, layers, load, losses, ops, sizes

MODES = {"mode": "both", "vjp": True, "hvp": True, "hessian": True, "jacobian": True, "per_example": True}
STYLES = ("teach", "compact")


def network():
    g = Graph("network")
    x = g.input("x", shape=("batch", 4))
    label = g.input("label", shape=("batch",), dtype="int64", low=0, high=3)
    hidden = ops.tanh(layers.dense(x, 5, name="fc1"))
    logits = layers.dense(hidden, 3, name="fc2")
    g.output(hidden=hidden, probabilities=ops.softmax(logits))
    g.loss(losses.cross_entropy(logits, label))
    return g


@pytest.fixture(scope="module", params=STYLES)
def module(request):
    return load(network(), style=request.param, gauss_newton="logits", **MODES)


@pytest.fixture
def point(module):
    generator = np.random.default_rng(5)
    parameters = {name: generator.normal(size=array.shape) for name, array in module.init_parameters().items()}
    return parameters, generator.normal(size=(6, 4)), generator.integers(0, 3, 6)


def directions(parameters, seed=0, leading=()):
    generator = np.random.default_rng(seed)
    return {name: generator.normal(size=(*leading, *array.shape)) for name, array in parameters.items()}


def product(one, other):
    return sum(float(np.sum(one[name] * other[name])) for name in one)


def flat(arrays):
    return np.concatenate([np.ravel(array) for array in arrays.values()])


def test_several_tangents_are_as_many_directions(module, point):
    parameters, x, label = point
    several = directions(parameters, leading=(7,))
    value, slopes = module.jvp(parameters, several, x, label)
    each = [module.jvp(parameters, {name: array[k] for name, array in several.items()}, x, label)[1] for k in range(7)]
    assert value == pytest.approx(module.loss(parameters, x, label), rel=1e-14)
    assert slopes.shape == (7,)
    np.testing.assert_allclose(slopes, each, rtol=1e-12)
    only = module.jvp(parameters, {"fc1_b": several["fc1_b"]}, x, label)[1]
    np.testing.assert_allclose(only, several["fc1_b"] @ module.value_and_grad(parameters, x, label)[1]["fc1_b"], rtol=1e-12)


def test_several_tangents_are_checked(module, point):
    parameters, x, label = point
    with pytest.raises(ValueError, match=r"fc1_b: expected 3 directions of shape \(3, 5\), got \(2, 5\)"):
        module.jvp(parameters, {"fc1_w": np.ones((3, 4, 5)), "fc1_b": np.ones((2, 5))}, x, label)
    with pytest.raises(ValueError, match="unknown: w; known are fc1_w"):
        module.jvp(parameters, {"w": np.ones((3, 4, 5))}, x, label)


def test_vjp_is_adjoint_to_differences_of_the_outputs(module, point):
    parameters, x, _ = point
    tangents = directions(parameters)
    step = 1e-6
    ends = [module.forward({name: parameters[name] + sign * tangents[name] for name in parameters}, x) for sign in (step, -step)]
    slopes = [(one - other) / (2 * step) for one, other in zip(*ends, strict=True)]
    generator = np.random.default_rng(3)
    cotangents = {name: generator.normal(size=each.shape) for name, each in zip(("hidden", "probabilities"), slopes, strict=True)}
    found = product(module.vjp(parameters, cotangents, x), tangents)
    assert found == pytest.approx(sum(np.sum(u * v) for u, v in zip(cotangents.values(), slopes, strict=True)), rel=1e-8)
    one = module.vjp(parameters, {"probabilities": cotangents["probabilities"]}, x)
    other = module.vjp(parameters, {"hidden": cotangents["hidden"]}, x)
    assert product(one, tangents) + product(other, tangents) == pytest.approx(found, rel=1e-12)


def test_cotangents_are_checked(module, point):
    parameters, x, _ = point
    with pytest.raises(ValueError, match=r"hidden: expected the shape of the output, \(6, 5\), got \(5,\)"):
        module.vjp(parameters, {"hidden": np.ones(5)}, x)
    with pytest.raises(ValueError, match="unknown: logits; known are hidden, probabilities"):
        module.vjp(parameters, {"logits": np.ones((6, 3))}, x)


def test_rows_of_the_jacobian_are_vjps(module, point):
    parameters, x, _ = point
    jacobian = module.jacobian(parameters, x)
    assert set(jacobian) == {"hidden", "probabilities"}
    for output, shape in (("hidden", (6, 5)), ("probabilities", (6, 3))):
        for name, array in parameters.items():
            assert jacobian[output][name].shape == (*shape, *array.shape)
        for entry in np.ndindex(shape):
            unit = np.zeros(shape)
            unit[entry] = 1.0
            row = module.vjp(parameters, {output: unit}, x)
            for name in parameters:
                np.testing.assert_allclose(jacobian[output][name][entry], row[name], rtol=1e-12, atol=1e-14)


def test_the_hessian_is_symmetric_and_that_of_differences(module, point):
    parameters, x, label = point
    vector = directions(parameters)
    found = module.hvp(parameters, vector, x, label)

    def gradient(step):
        moved = {name: parameters[name] + step * vector[name] for name in parameters}
        return flat(module.value_and_grad(moved, x, label)[1])

    expected = (gradient(1e-5) - gradient(-1e-5)) / 2e-5
    np.testing.assert_allclose(flat(found), expected, rtol=1e-7, atol=1e-9)
    other = directions(parameters, seed=1)
    assert product(found, other) == pytest.approx(product(module.hvp(parameters, other, x, label), vector), rel=1e-12)
    hessian = module.hessian(parameters, x, label)
    for one in parameters:
        row = sum(np.tensordot(hessian[one][name], vector[name], vector[name].ndim) for name in parameters)
        np.testing.assert_allclose(row, found[one], rtol=1e-11, atol=1e-13)
        for name in parameters:
            block = hessian[one][name].reshape(parameters[one].size, -1)
            np.testing.assert_allclose(block, hessian[name][one].reshape(parameters[name].size, -1).T, rtol=1e-11, atol=1e-14)


def test_gauss_newton_products_leave_out_the_curvature_of_the_network(module, point):
    parameters, x, label = point
    vector = directions(parameters)
    found = module.gauss_newton_product(parameters, vector, x, label)
    jacobian = logits_jacobian(parameters, x)
    scores = x_logits(parameters, x)
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    along = sum(np.tensordot(jacobian[name], vector[name], vector[name].ndim) for name in parameters)
    curved = (p * along - p * np.sum(p * along, axis=1, keepdims=True)) / len(x)
    for name in parameters:
        np.testing.assert_allclose(np.tensordot(curved, jacobian[name], 2), found[name], rtol=1e-10, atol=1e-13)
    assert product(found, vector) > 0


def x_logits(parameters, x):
    return np.tanh(x @ parameters["fc1_w"] + parameters["fc1_b"]) @ parameters["fc2_w"] + parameters["fc2_b"]


def logits_jacobian(parameters, x):
    """By complex steps, entry by entry."""
    result = {}
    for name, array in parameters.items():
        result[name] = np.zeros((len(x), 3, *array.shape))
        for entry in np.ndindex(array.shape):
            moved = {key: value.astype(complex) for key, value in parameters.items()}
            moved[name][entry] += 1e-30j
            result[name][(..., *entry)] = x_logits(moved, x).imag / 1e-30
    return result


def test_gradients_of_each_example(module, point):
    parameters, x, label = point
    found = module.per_example_gradients(parameters, x, label)
    for k in range(6):
        alone = module.value_and_grad(parameters, x[k : k + 1], label[k : k + 1])[1]
        for name in parameters:
            np.testing.assert_allclose(found[name][k], alone[name], rtol=1e-12, atol=1e-15)
    mean = {name: array.mean(axis=0) for name, array in found.items()}
    np.testing.assert_allclose(flat(mean), flat(module.value_and_grad(parameters, x, label)[1]), rtol=1e-12, atol=1e-15)
    one = module.per_example_gradients(parameters, x[:1], label[:1])
    np.testing.assert_allclose(flat(one), flat({name: array[:1] for name, array in found.items()}), rtol=1e-12)


def test_results_alias_nothing(module, point):
    parameters, x, label = point
    found = [
        *module.hvp(parameters, directions(parameters), x, label).values(),
        *module.per_example_gradients(parameters, x, label).values(),
        *module.jacobian(parameters, x)["hidden"].values(),
        *(array for row in module.hessian(parameters, x, label).values() for array in row.values()),
    ]
    given = [*parameters.values(), x, label]
    for place, array in enumerate(found):
        assert array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in [*found[:place], *given])


@pytest.mark.parametrize("style", STYLES)
def test_scalar_modules_have_all_modes(style):
    g = Graph("neuron")
    w, b, x = g.param("w", init=0.3), g.param("b", init=-0.2), g.input("x")
    y = ops.sigmoid(w * x + b)
    g.output(y=y, z=w * b)
    g.loss(y * y)
    module = load(g, style=style, mode="both", vjp=True, hvp=True, hessian=True, jacobian=True)
    p = {"w": 0.3, "b": -0.2}
    s = module.forward(p, 2.0).y
    slope, bend = s * (1 - s), s * (1 - s) * (1 - 2 * s)
    assert module.jvp(p, {"w": [1.0, 0.0, 2.0], "b": [0.0, 1.0, -1.0]}, 2.0)[1] == pytest.approx([4 * s * slope, 2 * s * slope, 6 * s * slope])
    assert module.vjp(p, {"y": 1.0, "z": 10.0}, 2.0) == pytest.approx({"w": 2 * slope - 2.0, "b": slope + 3.0})
    assert module.jacobian(p, 2.0)["y"] == pytest.approx({"w": 2 * slope, "b": slope})
    assert module.jacobian(p, 2.0)["z"] == pytest.approx({"w": -0.2, "b": 0.3})
    second = 2 * slope**2 + 2 * s * bend
    hessian = module.hessian(p, 2.0)
    assert hessian["w"] == pytest.approx({"w": 4 * second, "b": 2 * second})
    assert hessian["b"] == pytest.approx({"w": 2 * second, "b": second})
    assert module.hvp(p, {"w": 1.0}, 2.0) == pytest.approx(hessian["w"])
    assert all(isinstance(each, float) for each in (*hessian["w"].values(), *module.vjp(p, {}, 2.0).values()))


def test_state_and_seed_go_with_every_mode():
    g = Graph("state")
    x = g.input("x", shape=("batch", 3))
    hidden = ops.dropout(layers.batch_norm(layers.dense(x, 4, name="fc"), name="bn"), p=0.4)
    g.output(y=hidden.sum(axis=1))
    g.loss((hidden**2).mean())
    module = load(g, **MODES)
    generator = np.random.default_rng(2)
    parameters = {name: generator.normal(size=array.shape) for name, array in module.init_parameters().items()}
    x = generator.normal(size=(5, 3))
    state = module.init_state()
    known = {"state": state, "seed": 4}
    vector = directions(parameters)

    def gradient(step):
        moved = {name: parameters[name] + step * vector[name] for name in parameters}
        return flat(module.value_and_grad(moved, x, **known)[1])

    expected = (gradient(1e-5) - gradient(-1e-5)) / 2e-5
    np.testing.assert_allclose(flat(module.hvp(parameters, vector, x, **known)), expected, rtol=1e-6, atol=1e-8)
    several = {name: np.stack([array, 2 * array]) for name, array in vector.items()}
    slope = product(module.value_and_grad(parameters, x, **known)[1], vector)
    np.testing.assert_allclose(module.jvp(parameters, several, x, **known)[1], [slope, 2 * slope], rtol=1e-10)
    each = module.per_example_gradients(parameters, x, **known)
    for k in range(5):
        alone = module.value_and_grad(parameters, x[k : k + 1], **known)[1]
        np.testing.assert_allclose(flat({name: array[k] for name, array in each.items()}), flat(alone), atol=1e-13)
    assert module.jacobian(parameters, x, state=state)["fc_w"].shape == (5, 3, 4)


def test_a_model_without_a_loss_has_derivatives_of_its_outputs():
    g = Graph("field")
    x = g.input("x", shape=("n",))
    g.output(y=ops.sin(x) * x)
    module = load(g, vjp=True, jacobian=True)
    x = np.linspace(-1.0, 2.0, 5)
    slope = np.sin(x) + x * np.cos(x)
    np.testing.assert_allclose(module.jacobian({}, x)["x"], np.diag(slope), rtol=1e-14)
    np.testing.assert_allclose(module.vjp({}, {"y": np.arange(5.0)}, x)["x"], slope * np.arange(5.0), rtol=1e-14)
    assert not hasattr(module, "value_and_grad")


@pytest.mark.parametrize("options", [{"vjp": True}, {"jacobian": True}])
@pytest.mark.parametrize("style", STYLES)
def test_derivatives_of_outputs_are_checked_without_a_loss(style, options):
    g = Graph("outputs")
    x, unread = g.input("x", shape=("n", 3)), g.param("w", shape=(3,), init="uniform")
    g.output(y=ops.tanh(x) * unread, z=(x * x).sum(axis=1), place=x.argmax(axis=1))
    module = load(g, style=style, wrt="x", **options)
    found = module.check_gradients(seed=3)
    assert set(found) == {"w", "x"}
    assert max(found.values()) < 1e-9
    name = next(iter(options))
    true = getattr(module, name)

    def wrong(*arguments):
        answer = true(*arguments)
        part = answer["y"] if name == "jacobian" else answer
        part["x"][(0,) * part["x"].ndim] += 0.1
        return answer

    setattr(module, name, wrong)
    with pytest.raises(AssertionError, match="wrong gradients"):
        module.check_gradients(seed=3)


def test_outputs_of_scalars_and_state_are_checked_without_a_loss():
    g = Graph("numbers")
    x, y = g.inputs("x y")
    g.output(p=ops.sin(x) * y, q=x * x)
    assert max(load(g, vjp=True).check_gradients().values()) < 1e-9
    assert max(load(g, jacobian=True).check_gradients().values()) < 1e-9
    g = Graph("normalised")
    x = g.input("x", shape=("batch", 3))
    g.output(y=layers.batch_norm(x, name="bn"))
    assert max(load(g, jacobian=True, wrt="x").check_gradients().values()) < 1e-9


def test_float32_stays_float32():
    module = load(network(), dtype="float32", gauss_newton="logits", **MODES)
    parameters = module.init_parameters()
    x, label = np.ones((2, 4), dtype="float32"), np.array([0, 2])
    vector = {name: np.ones_like(array) for name, array in parameters.items()}
    arrays = [
        module.jvp(parameters, {name: array[None] for name, array in vector.items()}, x, label)[1],
        *module.vjp(parameters, {"hidden": np.ones((2, 5), dtype="float32")}, x).values(),
        *module.hvp(parameters, vector, x, label).values(),
        *module.gauss_newton_product(parameters, vector, x, label).values(),
        *module.per_example_gradients(parameters, x, label).values(),
        *module.jacobian(parameters, x)["probabilities"].values(),
        *(array for row in module.hessian(parameters, x, label).values() for array in row.values()),
    ]
    assert {array.dtype for array in arrays} == {np.dtype("float32")}


def whole_numbers(g):
    x = g.input("x", shape=("batch", 2))
    w = g.param("w", shape=(2,))
    g.output(places=(x * w).argmax(axis=1))
    g.loss((x * w).sum())


def penalised(g):
    x, w = g.input("x", shape=("batch", 2)), g.param("w", shape=(2, 1))
    y = x @ w
    g.loss((y * y).mean() + (w * w).sum())


def no_examples(g):
    x, w = g.input("x", shape=(3,)), g.param("w", shape=(3,))
    g.loss((x * w).sum())


def pairs(g):
    g.loss((g.input("x", shape=(2 * sizes.size("n"),)) * g.param("w")).sum() + g.input("y", shape=("n",)).sum())


def twice(g):
    x, w = g.input("x", shape=("n", "n")), g.param("w", shape=(2,))
    g.loss(x.sum() * w.sum())


@pytest.mark.parametrize(
    ("declare", "options", "code", "message"),
    [
        (whole_numbers, {"vjp": True}, "GG130", "no output is made of floats"),
        (whole_numbers, {"jacobian": True}, "GG130", "no output is made of floats"),
        (penalised, {"gauss_newton": "z"}, "GG131", "the loss is not computed of a value 'z'"),
        (penalised, {"gauss_newton": "w"}, "GG131", "the loss is not computed of a value 'w'"),
        (penalised, {"gauss_newton": "y"}, "GG132", "other than through y"),
        (no_examples, {"per_example": True}, "GG133", "no input has an axis of examples"),
        (pairs, {"per_example": True}, "GG133", "has n other than as the first axis"),
        (twice, {"per_example": True}, "GG133", "has n other than as the first axis"),
    ],
)
def test_what_cannot_be_asked_for(declare, options, code, message):
    g = Graph("wrong")
    declare(g)
    with pytest.raises(GraphError, match=message) as caught:
        compile(g, **options)
    assert caught.value.problems[0].code == code
    assert caught.value.problems[0].help
