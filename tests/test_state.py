"""State: declared, checked, updated by steps alone, saved."""

import copy

import numpy as np
import pytest

from graphgen import Graph, compile, layers, load

STYLES = ["teach", "compact"]
DTYPES = ["float64", "float32"]
RNG = np.random.default_rng(7)
X = RNG.normal(2.0, 3.0, (6, 4))


def counting():
    """Batches seen, and a running mean that the loss and an output read."""
    g = Graph("counting")
    x = g.input("x", ("batch", 2))
    w = g.param("w", (2,))
    count = g.state("count", ())
    mean = g.state("mean", (2,), init=[1.0, -1.0])
    g.update(count, count + 1.0)
    g.update(mean, 0.5 * mean + 0.5 * x.mean(axis=0))
    y = (x - mean) * w * count
    g.output(y=y)
    g.loss((y * y).sum() + (w * w).sum())
    g.optimizer("momentum")
    return g


@pytest.mark.parametrize("style", STYLES)
def test_state_goes_in_and_comes_out(style):
    module = load(counting(), style=style, mode="both")
    assert module.STATE == {"count": ((), "float64"), "mean": ((2,), "float64")}
    state = module.init_state()
    assert state["count"] == 0.0 and state["mean"].tolist() == [1.0, -1.0]
    parameters, x = {"w": np.array([1.0, 2.0])}, np.array([[3.0, 5.0], [5.0, 9.0]])
    given = copy.deepcopy(state)
    value, _, new = module.value_and_grad(parameters, x, state=state)
    assert (state["count"], state["mean"].tolist()) == (given["count"], given["mean"].tolist())
    assert new["count"] == 1.0 and new["mean"].tolist() == [2.5, 3.0]
    assert value == 5.0 == module.loss(parameters, x, state=state)
    assert (module.forward(parameters, x, state=new) == (x - [2.5, 3.0]) * [1.0, 2.0]).all()
    assert module.jvp(parameters, {"w": [1.0, 0.0]}, x, state=state) == (5.0, 2.0)
    assert not hasattr(module, "evaluate")  # state is read in both forms
    assert max(module.check_gradients().values()) < 1e-9
    assert max(load(counting(), style=style, mode="forward").check_gradients().values()) < 1e-9
    with pytest.raises(TypeError, match="state"):
        module.loss(parameters, x)


def test_a_step_updates_state_in_place():
    module = load(counting())
    parameters = module.init_parameters()
    state, memory = module.init_state(), module.init_optimizer_state(parameters)
    kept = state
    for step in range(3):
        _, _, new = module.value_and_grad(parameters, X[:, :2], state=state)
        module.train_step(parameters, memory, X[:, :2], state=state)
        assert kept is state and state["count"] == step + 1.0 and (state["mean"] == new["mean"]).all()


def test_what_is_given_back_is_fresh():
    g = Graph("fresh")
    x = g.input("x", (2,))
    a, b, c, still = (g.state(name, (2,)) for name in ("a", "b", "c", "still"))
    g.update(a, x)
    g.update(b, a)
    g.update(c, a)
    g.loss((x * a * b * c * still).sum())
    for style in STYLES:
        module = load(g, style=style)
        state, x = module.init_state(), np.ones(2)
        new = module.value_and_grad({}, x, state=state)[2]
        arrays = [x, *state.values(), *new.values()]
        assert list(new) == ["a", "b", "c", "still"] and all(each.flags.writeable for each in arrays)
        assert not any(np.shares_memory(one, two) for place, one in enumerate(arrays) for two in arrays[:place])
        assert new["a"].tolist() == [1.0, 1.0] and new["b"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("style", STYLES)
def test_scalars_are_floats(style):
    g = Graph("scalars")
    x, w = g.input("x"), g.param("w")
    trace = g.state("trace", init=2)
    g.update(trace, 0.5 * trace + x)
    g.output(y=w * trace)
    g.loss((w * trace - x) ** 2)
    g.optimizer("sgd")
    module = load(g, style=style)
    state, parameters = module.init_state(), {"w": 1.0}
    assert state == {"trace": 2.0} and type(state["trace"]) is float
    value, gradients, new = module.value_and_grad(parameters, 3.0, state=state)
    assert (value, gradients, new) == (1.0, {"w": -4.0}, {"trace": 4.0})
    assert all(type(each) is float for each in (value, gradients["w"], new["trace"]))
    module.train_step(parameters, {}, 3.0, learning_rate=0.25, state=state)
    assert (parameters, state) == ({"w": 2.0}, {"trace": 4.0})
    assert module.forward(parameters, state=state) == 8.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_float32_stays_float32(dtype):
    g = Graph("types", dtype=dtype)
    x = g.input("x", ("n", 4))
    y = layers.batch_norm(x, name="bn")
    s = g.state("s", (), init=0.1)
    g.update(s, 0.3 * s + y.max())
    g.output(y)
    g.loss((y * s).sum())
    for style in STYLES:
        module = load(g, style=style)
        parameters, state = module.init_parameters(), module.init_state()
        assert all(each.dtype == dtype for each in state.values() if isinstance(each, np.ndarray))
        _, gradients, new = module.value_and_grad(parameters, X, state=state)
        found = [*gradients.values(), *new.values(), module.forward(parameters, X, state=new)]
        assert all(each.dtype == dtype for each in found)
        assert (
            module.forward(parameters, X, state={name: np.float64(array) for name, array in new.items()}).dtype == dtype
        )


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "state: count, mean missing; start with init_state()"),
        (None, "state: expected a dict by name, got NoneType; start with init_state()"),
        ({"count": 0.0, "mean": np.zeros(3)}, "mean: expected shape (2,), got (3,)"),
        ({"count": 0.0, "mean": np.zeros(2, dtype=complex)}, "mean: expected float64, got complex128"),
        ({"count": None, "mean": np.zeros(2)}, "state: count missing; start with init_state()"),
    ],
)
def test_wrong_state_changes_nothing(state, message):
    module = load(counting())
    parameters = module.init_parameters()
    before = copy.deepcopy(parameters)
    for call in (
        lambda: module.forward(parameters, X[:, :2], state=state),
        lambda: module.train_step(parameters, module.init_optimizer_state(parameters), X[:, :2], state=state),
    ):
        with pytest.raises(ValueError) as caught:
            call()
        assert str(caught.value) == message
    assert (parameters["w"] == before["w"]).all()


@pytest.mark.parametrize("wrong", ["input", "memory", "parameter"])
def test_a_step_that_fails_leaves_state_alone(wrong):
    module = load(counting())
    parameters, state = module.init_parameters(), module.init_state()
    memory, x = module.init_optimizer_state(parameters), X[:, :2]
    if wrong == "input":
        x = X
    elif wrong == "memory":
        memory = {}
    else:
        parameters["w"].flags.writeable = False
    with pytest.raises(ValueError):
        module.train_step(parameters, memory, x, state=state)
    assert state["count"] == 0.0 and state["mean"].tolist() == [1.0, -1.0]


def test_state_is_saved_beside_parameters(tmp_path):
    module = load(counting())
    parameters, state = module.init_parameters(), module.init_state()
    module.train_step(parameters, module.init_optimizer_state(parameters), X[:, :2], state=state)
    path = tmp_path / "weights.npz"
    module.save_parameters(path, parameters, state)
    assert (module.load_parameters(path)["w"] == parameters["w"]).all()
    found = module.load_state(path)
    assert list(found) == ["count", "mean"] and found["count"] == 1.0 and (found["mean"] == state["mean"]).all()
    assert module.loss(parameters, X[:, :2], state=found) == module.loss(parameters, X[:, :2], state=state)
    with np.load(path) as entries:
        assert sorted(entries.files) == ["graph", "p/w", "s/count", "s/mean"]

    module.save_parameters(path, parameters)
    assert (module.load_parameters(path)["w"] == parameters["w"]).all()
    with pytest.raises(ValueError, match="does not fit this graph.*\n  count: missing\n  mean: missing"):
        module.load_state(path)
    with pytest.raises(ValueError, match="state: mean missing"):
        module.save_parameters(path, parameters, {"count": 1.0})
    assert not hasattr(load(stateless()), "load_state")


def stateless():
    g = Graph("stateless")
    x = g.input("x", (2,))
    g.loss((x * x).sum())
    return g


def test_scalar_state_is_saved_too(tmp_path):
    g = Graph("scalar")
    w, s = g.param("w"), g.state("s", init=0.5)
    g.update(s, s + w)
    g.loss(w * s)
    module = load(g)
    module.save_parameters(tmp_path / "file", {"w": 1.0}, {"s": 2.0})
    assert module.load_state(tmp_path / "file") == {"s": 2.0}


def test_inference_files_take_state():
    source = compile(counting(), inference=True)
    module = load(source)
    assert list(module.STATE) == ["count", "mean"]
    found = module.forward({"w": np.ones(2)}, np.ones((1, 2)), state={"count": 2.0, "mean": np.zeros(2)})
    assert found.tolist() == [[2.0, 2.0]]
    assert not any(hasattr(module, name) for name in ("loss", "init_state", "load_state", "save_parameters"))


def test_state_that_outputs_do_not_need_is_not_asked_for_in_inference():
    g = Graph("training_only")
    x = g.input("x", ("n", 3))
    scale = g.state("scale", (), init=1.0)
    g.update(scale, 0.9 * scale)
    g.output(y=x + 1.0)
    g.loss((x * scale).sum())
    source = compile(g, inference=True)
    assert "state:" not in source and "STATE" not in source
