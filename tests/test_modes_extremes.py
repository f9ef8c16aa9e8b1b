"""Models at the edge of what has derivatives, and names and arguments that modules of all modes must withstand."""

import numpy as np
import pytest

from graphgen import Graph, GraphError, compile, load, ops

ALL = {"mode": "both", "vjp": True, "jacobian": True, "hvp": True, "hessian": True, "split": True}
STYLES = ("teach", "compact")


@pytest.mark.parametrize("style", STYLES)
def test_cotangents_of_outputs_that_are_one_node_add(style):
    g = Graph("shared")
    x = g.input("x", shape=("n",))
    y = ops.tanh(x, name="y")
    y_given = ops.sin(y, name="y_given")  # d_y_given is its gradient, and no cotangent's name
    b_given = ops.cos(y_given, name="b_given")
    g.output(a=y, b=y, y=y, y_given=y_given, c=b_given, d=b_given, x=x)
    module = load(g, style=style, mode="reverse", vjp=True, jacobian=True)
    point, generator = np.array([0.1, 0.5, -0.3]), np.random.default_rng(3)
    cotangents = {name: generator.normal(size=3) for name in module.OUTPUTS}
    rows = module.jacobian({}, point)
    expected = sum(cotangents[name] @ rows[name]["x"] for name in rows)
    np.testing.assert_allclose(module.vjp({}, cotangents, point)["x"], expected, rtol=1e-13)
    slope = 1 - np.tanh(point) ** 2
    np.testing.assert_allclose(module.vjp({}, {"b": np.ones(3), "a": np.ones(3)}, point)["x"], 2 * slope, rtol=1e-13)


@pytest.mark.parametrize("style", STYLES)
def test_values_may_be_called_like_second_derivatives(style):
    g = Graph("names")
    vector, directions = g.param("vector", shape=(2,)), g.input("directions", shape=("n", 2))
    first = ops.tanh(directions * vector, name="jacobian_vector")
    second = ops.sin(first, name="hessian_vector_vector")
    g.output(index=ops.exp(second, name="index"))
    g.loss(ops.sum(second * second))
    module = load(g, style=style, **ALL)
    point, data = {"vector": np.array([0.3, -0.7])}, np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.1]])
    along = {"vector": np.array([0.2, 1.1])}
    found = module.hessian(point, data)["vector"]["vector"] @ along["vector"]
    np.testing.assert_allclose(found, module.hvp(point, along, data)["vector"], rtol=1e-12)
    assert module.jacobian(point, data)["vector"].shape == (3, 2, 2)


def test_pairs_of_parameters_whose_names_run_together():
    g = Graph("pairs")
    values = [g.param(name, shape=()) for name in ("a", "a_b", "b_c", "c")]
    x = g.input("x", shape=("n",))
    g.loss(ops.sum(values[0] * values[2] * 2.0 * x) + ops.sum(values[1] * values[3] * 3.0 * x))  # a b_c, and a_b c
    found = load(g, hessian=True).hessian({name: 1.0 for name in ("a", "a_b", "b_c", "c")}, np.ones(1))
    assert (found["a"]["b_c"], found["a_b"]["c"], found["a"]["c"]) == (2.0, 3.0, 0.0)


@pytest.mark.parametrize("style", STYLES)
def test_nothing_to_differentiate_by(style):
    g = Graph("frozen")
    x, w = g.input("x", shape=("n",)), g.param("w", shape=("n",), trainable=False)
    g.output(y=x * w)
    g.loss(ops.sum(x * w))
    module = load(g, style=style, **ALL)
    point = {"w": np.ones(2)}, np.ones(2)
    assert module.jacobian(*point) == module.hessian(*point) == {}
    assert module.vjp(point[0], {}, point[1]) == module.hvp(point[0], {}, point[1]) == {}
    assert "with respect to nothing." in module.vjp.__doc__
    with pytest.raises(ValueError, match="x: expected shape"):
        module.jacobian(point[0], np.ones((2, 2)))


@pytest.mark.parametrize("options", [{"hessian": True}, {"vjp": True, "jacobian": True}, {"gauss_newton": "y"}])
def test_a_module_for_inference_holds_forward_alone(options):
    g = Graph("both")
    w, x = g.param("w", shape=(2,)), g.input("x", shape=("n", 2))
    y = ops.tanh(x * w, name="y")
    g.output(y=y)
    g.loss(ops.sum(y))
    with pytest.raises(GraphError, match=r"GG005.*holds forward alone, and .* asked for"):
        compile(g, inference=True, **options)


@pytest.mark.parametrize("style", STYLES)
def test_gradients_of_examples_that_no_gradient_reads(style):
    g = Graph("constant")
    w, x = g.param("w", shape=(2,)), g.input("x", shape=("batch", 2))
    g.loss(ops.sum(x + w))
    found = load(g, style=style, per_example=True).per_example_gradients({"w": np.zeros(2)}, np.ones((3, 2)))
    np.testing.assert_array_equal(found["w"], np.ones((3, 2)))


@pytest.mark.parametrize("style", STYLES)
def test_slopes_along_several_directions_are_no_view_of_them(style):
    g = Graph("itself")
    w, x = g.param("w", shape=()), g.input("x", shape=("n",))
    g.output(x=x)
    g.loss(w)
    along = {"w": np.array([1.0, 2.0])}
    _, slopes = load(g, style=style, mode="forward").jvp({"w": 3.0}, along, np.ones(2))
    np.testing.assert_array_equal(slopes, along["w"])
    assert not np.shares_memory(slopes, along["w"])


@pytest.mark.parametrize("shape", [(3,), ()])
@pytest.mark.parametrize("given", [None, [], ["w"], 3, np.ones(3)])
def test_directions_and_cotangents_are_dicts(shape, given):
    g = Graph("plain")
    w, x = g.param("w", shape=shape), g.input("x", shape=shape)
    y = ops.tanh(x * w)
    g.output(y=y)
    g.loss(ops.sum(y * y))
    module = load(g, mode="both", vjp=True, hvp=True)
    point = np.ones(shape)
    for call in (
        lambda: module.jvp({"w": point}, given, point),
        lambda: module.hvp({"w": point}, given, point),
        lambda: module.vjp({"w": point}, given, point),
    ):
        with pytest.raises(ValueError, match=rf"expected a dict by name, of [wy]; got {type(given).__name__}"):
            call()
    with pytest.raises(ValueError, match="unknown: 3; known are w"):
        module.jvp({"w": point}, {3: point}, point)
    assert module.jvp({"w": point}, {"w": None}, point)[1] == 0.0
    assert np.all(module.vjp({"w": point}, {"y": None}, point)["w"] == 0.0)


def test_one_long_name():
    g = Graph("long")
    name = "w" * 120
    w, x = g.param(name, shape=(3,)), g.input("x", shape=("n", 3))
    g.loss(ops.sum(ops.tanh(x * w)))
    module = load(g, mode="both", hvp=True)
    point = {name: np.ones(3)}, {name: np.ones(3)}, np.ones((2, 3))
    assert module.hvp(*point)[name].shape == (3,)


@pytest.mark.parametrize("style", STYLES)
def test_names_of_the_network_and_of_the_curvature_stay_apart(style):
    """The value is read twice, and so the gradient of the loss by it has parts, called like gradients in the network."""
    g = Graph("parts")
    x, w = g.input("x", shape=("n", 2)), g.param("w", shape=(2,))
    value = ops.tanh(x * w)
    g.loss((ops.sin(value) * value).sum())
    module = load(g, style=style, gauss_newton="value")
    x, w, v = np.array([[0.5, -1.0], [2.0, 0.3]]), np.array([0.4, -0.7]), np.array([1.0, 3.0])
    y = np.tanh(x * w)
    slope, bend = (1.0 - y * y) * x, 2.0 * np.cos(y) - y * np.sin(y)
    found = module.gauss_newton_product({"w": w}, {"w": v}, x)["w"]
    np.testing.assert_allclose(found, (slope * bend * slope * v).sum(axis=0), rtol=1e-13)


UNTAKEN = {
    "log": lambda x, w, v: ops.log(x * w).sum(axis=1) * v[0],
    "sqrt": lambda x, w, v: (ops.sqrt(x * w) * v).sum(axis=1),
    "matmul": lambda x, w, v: ops.log(x * w) @ v,
    "einsum": lambda x, w, v: ops.einsum("ij,j,j->i", 1.0 / (x * w), v, w),
    "cumprod": lambda x, w, v: (ops.cumprod(ops.log(x * w), axis=1) * v).sum(axis=1),
    "norm": lambda x, w, v: ops.norm(ops.log(x * w) * v, axis=1),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", UNTAKEN)
def test_a_branch_that_is_not_taken_has_no_part_in_any_mode(name, style):
    """At a pole it gives what it gives elsewhere: nothing. A sum lies between, where no slope is 0 by itself."""
    g = Graph("untaken")
    x, taken = g.input("x", shape=("n", 2)), g.input("taken", shape=("n",), dtype="bool")
    w, v = g.param("w", shape=(2,)), g.param("v", shape=(2,))
    y = ops.where(taken, UNTAKEN[name](x, w, v), w[1] * v[0])
    g.output(y=y, total=y.sum())
    g.loss((y * y).sum() + y.sum())
    module = load(g, style=style, per_example=True, gauss_newton="y", **ALL)
    p, along = {"w": np.array([1.5, 2.0]), "v": np.array([0.7, 1.3])}, {"w": np.array([1.0, -2.0]), "v": np.array([0.3, 1.0])}
    several = {key: np.stack([each, -2.0 * each]) for key, each in along.items()}

    def found(x):
        given = np.array(x), np.array([True, False])
        return {
            "value_and_grad": module.value_and_grad(p, *given)[1],
            "jvp": {"loss": module.jvp(p, along, *given)[1], "losses": module.jvp(p, several, *given)[1]},
            "vjp": module.vjp(p, {"y": [1.0, 2.0]}, *given),
            "jacobian forward": module.jacobian(p, *given)["y"],
            "jacobian in reverse": module.jacobian(p, *given)["total"],
            "per_example": module.per_example_gradients(p, *given),
            "hvp": module.hvp(p, along, *given),
            "gauss_newton": module.gauss_newton_product(p, along, *given),
            **{f"hessian {key}": row for key, row in module.hessian(p, *given).items()},
        }

    expected = found([[1.0, 3.0], [1.0, 3.0]])
    for mode, arrays in found([[1.0, 3.0], [0.0, 3.0]]).items():
        for key, array in arrays.items():
            np.testing.assert_allclose(array, expected[mode][key], rtol=1e-13, atol=1e-14, err_msg=f"{mode} {key}")


@pytest.mark.parametrize("style", STYLES)
def test_a_pole_beside_a_value_has_no_part_in_any_mode(style):
    """The slope of sqrt is infinite at what is joined to the value, whose tangent there is 0."""
    g = Graph("beside")
    x, w = g.input("x", shape=("n",)), g.param("w", shape=(1,))
    y = ops.sqrt(ops.pad(x * w, ((1, 0),)))
    g.output(y=y)
    g.loss(y.sum())
    module = load(g, style=style, **ALL)
    p, x = {"w": np.array([4.0])}, np.array([1.0, 9.0])
    np.testing.assert_allclose(module.jacobian(p, x)["w"], [[0.0], [0.25], [0.75]], rtol=1e-14)
    np.testing.assert_allclose(module.jvp(p, {"w": [[1.0], [-2.0]]}, x)[1], [1.0, -2.0], rtol=1e-14)
    np.testing.assert_allclose(module.jvp(p, {"w": [1.0]}, x)[1], 1.0, rtol=1e-14)
    np.testing.assert_allclose(module.hessian(p, x)["w"]["w"], [[-0.125]], rtol=1e-14)


@pytest.mark.parametrize("style", STYLES)
def test_second_derivatives_where_a_gradient_is_zero_by_chance(style):
    """The gradient of y is 0, and what is behind the branch bends all the same."""
    g = Graph("chance")
    x, w = g.input("x", shape=("n",)), g.param("w")
    y = ops.where(x > 0.0, ops.sqrt(ops.expand_dims(x, axis=1) * w).sum(axis=1) - 2.0, w)
    g.loss((y * y).sum())
    module = load(g, style=style, hvp=True, hessian=True)
    x = np.array([8.0, 0.0])  # the root is 2, and its slope as well
    assert module.hvp({"w": 0.5}, {"w": 1.0}, x)["w"] == pytest.approx(2.0 * 2.0**2 + 2.0)
    assert module.hessian({"w": 0.5}, x)["w"]["w"] == pytest.approx(2.0 * 2.0**2 + 2.0)


@pytest.mark.parametrize("style", STYLES)
def test_gradients_of_each_example_by_inputs_and_their_number(style):
    """A batch of one has one example; an input of examples has a gradient for each, one for all has one for each as well."""
    g = Graph("number")
    x, shift, w = g.input("x", shape=("batch", 2)), g.input("shift", shape=(2,)), g.param("w", shape=(2,))
    g.loss(ops.tanh((x + shift) * w).sum() / (1 + 3 * x.shape[0]))
    module = load(g, style=style, per_example=True, wrt=["x", "shift"])
    x, shift, w = np.arange(6.0).reshape(3, 2) / 4.0, np.array([0.2, -0.1]), np.array([0.5, -1.5])
    slope = (1.0 - np.tanh((x + shift) * w) ** 2) / 4.0
    found = module.per_example_gradients({"w": w}, x, shift)
    for name, expected in {"w": slope * (x + shift), "x": slope * w, "shift": slope * w}.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-13)


@pytest.mark.parametrize("style", ["teach", "compact"])
def test_blocks_of_a_hessian_are_arrays_of_their_own(style):
    """Blocks that are computed alike are not one array; of numbers they are arrays of shape ()."""
    g = Graph("alike")
    w, v, s = g.param("w", shape=(3,)), g.param("v", shape=(3,)), g.param("s", shape=())
    g.loss(((w + v) ** 2).sum() + s * s)
    module = load(g, style=style, hessian=True)
    found = module.hessian({"w": np.ones(3), "v": np.ones(3), "s": np.ones(())})
    blocks = [block for row in found.values() for block in row.values()]
    assert all(isinstance(block, np.ndarray) and block.flags.writeable for block in blocks)
    assert not any(np.shares_memory(one, other) for at, one in enumerate(blocks) for other in blocks[:at])
    assert found["s"]["s"] == 2.0
    assert np.array_equal(found["w"]["v"], 2.0 * np.eye(3))
    assert not found["w"]["s"].any()
