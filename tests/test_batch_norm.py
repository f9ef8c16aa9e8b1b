"""batch_norm: state that steps move, and that inference reads."""

import numpy as np
import pytest

from graphgen import Graph, check, layers, load, losses, ops
from graphgen.errors import GraphError

STYLES = ["teach", "compact"]
RNG = np.random.default_rng(7)
X, LABEL = RNG.normal(2.0, 3.0, (6, 4)), RNG.integers(0, 3, 6)


def normalised(shape, style, **options):
    g = Graph("norm")
    dims = ("batch", shape[1], *(f"side{axis}" for axis in range(len(shape) - 2)))
    x = g.input("x", dims)
    weights = g.input("weights", dims)
    y = layers.batch_norm(x, name="bn", **options)
    g.output(y=y)
    g.loss((ops.sin(y) * weights).sum())
    return load(g, style=style, mode="both", wrt=["x"])


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2), (2, 3, 4, 2)])
def test_batch_norm(shape, style):
    """Against the formulas of Ioffe and Szegedy (2015), algorithms 1 and 2, with torch's unbiased running variance."""
    module = normalised(shape, style, momentum=0.25, eps=1e-3)
    axes = (0, *range(2, len(shape)))
    wide = (slice(None), *(None,) * (len(shape) - 2))
    parameters = {"bn_w": RNG.normal(size=3), "bn_b": RNG.normal(size=3)}
    state, weights = module.init_state(), RNG.normal(size=shape)

    def expected(x, mean, var):
        y = (x - mean[wide]) / np.sqrt(var[wide] + 1e-3)
        return y * parameters["bn_w"][wide] + parameters["bn_b"][wide]

    assert state["bn_running_mean"].tolist() == [0.0] * 3 and state["bn_running_var"].tolist() == [1.0] * 3
    for _ in range(3):
        x = RNG.normal(-1.0, 2.0, shape)
        mean, var = x.mean(axis=axes), x.var(axis=axes)
        running = {
            "bn_running_mean": 0.75 * state["bn_running_mean"] + 0.25 * mean,
            "bn_running_var": 0.75 * state["bn_running_var"] + 0.25 * x.var(axis=axes, ddof=1),
        }

        value, gradients, state = module.value_and_grad(parameters, x, weights, state=state)
        assert value == pytest.approx((np.sin(expected(x, mean, var)) * weights).sum(), rel=1e-12)
        assert list(state) == list(running)
        for name, array in running.items():
            np.testing.assert_allclose(state[name], array, rtol=1e-13)
        inferred = expected(x, *running.values())
        np.testing.assert_allclose(module.forward(parameters, x, state=state), inferred, rtol=1e-12, atol=1e-12)
        assert module.evaluate(parameters, x, weights, state=state) == pytest.approx((np.sin(inferred) * weights).sum())
        slope = module.jvp(parameters, {"x": weights}, x, weights, state=state)[1]
        assert slope == pytest.approx((gradients["x"] * weights).sum(), rel=1e-9)
    assert max(module.check_gradients(seed=1).values()) < 1e-7


def test_the_loss_of_training_does_not_depend_on_running_statistics():
    module = normalised((5, 3), "compact", affine=False)
    assert module.PARAMETERS == {}
    state = {"bn_running_mean": np.full(3, 9.0), "bn_running_var": np.full(3, 4.0)}
    x, weights = X[:, :3], np.ones((6, 3))
    assert module.loss({}, x, weights, state=state) == module.loss({}, x, weights, state=module.init_state())
    assert module.evaluate({}, x, weights, state=state) != module.evaluate({}, x, weights, state=module.init_state())


@pytest.mark.parametrize("batch", ["batch", 1])
def test_a_batch_of_one_is_its_own_mean(batch):
    g = Graph("one")
    x = g.input("x", (batch, 2))
    y = layers.batch_norm(x, name="bn")
    g.output(y)
    g.loss(y.sum())
    module = load(g)
    parameters, state = module.init_parameters(), module.init_state()
    _, gradients, new = module.value_and_grad(parameters, np.array([[3.0, 4.0]]), state=state)
    assert new["bn_running_var"].tolist() == [0.9, 0.9] and gradients["bn_w"].tolist() == [0.0, 0.0]


def test_batch_norm_trains():
    g = Graph("trained")
    x = g.input("x", ("batch", 4))
    label = g.input("label", ("batch",), dtype="int64")
    hidden = ops.relu(layers.batch_norm(layers.dense(x, 8, name="fc1"), name="bn1"))
    logits = layers.dense(ops.dropout(hidden, p=0.1), 3, name="fc2")
    g.output(logits)
    g.loss(losses.cross_entropy(logits, label))
    g.optimizer("adam", learning_rate=0.05)
    module = load(g)
    parameters, state = module.init_parameters(), module.init_state()
    memory = module.init_optimizer_state(parameters)
    before = module.evaluate(parameters, X, LABEL, state=state)
    for step in range(60):
        module.train_step(parameters, memory, X, LABEL, state=state, seed=step)
    assert module.evaluate(parameters, X, LABEL, state=state) < 0.1 * before
    assert (module.forward(parameters, X, state=state).argmax(axis=1) == LABEL).all()


@pytest.mark.parametrize(
    ("shape", "options", "code", "message"),
    [
        (("n",), {}, "GG027", "batch_norm: x is (n,), expected (batch, channels, ...)"),
        (("n", "m"), {}, "GG022", "batch_norm: the number of channels of (n, m) is not known"),
        (("n", 3), {"momentum": -0.1}, "GG005", "batch_norm: momentum is -0.1"),
        (("n", 3), {"momentum": 1.5}, "GG005", "batch_norm: momentum is 1.5"),
        (("n", 3), {"momentum": None}, "GG005", "batch_norm: momentum is None"),
        (("n", 3), {"eps": "small"}, "GG005", "batch_norm: eps is 'small'"),
        (("n", 3), {"name": "x"}, None, None),
    ],
)
def test_mistakes_of_batch_norm(shape, options, code, message):
    g = Graph("wrong")
    x = g.input("x", shape)
    y = layers.batch_norm(x, **{"name": "bn", **options})
    g.output(y)
    if code is None:
        check.check(g)
        return
    with pytest.raises(GraphError) as caught:
        check.check(g)
    (problem,) = caught.value.problems
    assert (problem.code, problem.message) == (code, message) and problem.help and problem.where
    assert not any(data["op"] == "state" for _, data in g.dag.nodes(data=True))


def test_a_name_that_is_taken_is_told_once():
    g = Graph("taken")
    x = g.input("x", ("n", 3))
    y = layers.batch_norm(layers.batch_norm(x, name="bn"), name="bn")
    g.output(y)
    with pytest.raises(GraphError) as caught:
        check.check(g)
    assert [each.message for each in caught.value.problems] == ["the name bn_w is used twice"]
