"""Penalties of the size of parameters: values, gradients, and which parameters."""

import numpy as np
import pytest

from graphgen import Graph, layers, load, losses, ops, penalties


@pytest.mark.parametrize("style", ["teach", "compact"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_and_gradients(dtype, style):
    g = Graph("penalised", dtype=dtype)
    v, b = g.param("v", (3, 2)), g.param("b")
    g.param("w", (2,))
    g.param("still", (2,), trainable=False)
    everything = penalties.l2(g, 0.5)
    some = penalties.l1(g, 0.25, "[vw]", b)
    g.output(everything=everything, some=some, one=penalties.l1(g, 2, v, "v"))
    g.loss(everything + some)
    module = load(g, style=style)
    parameters = module.init_parameters(3)
    arrays = [parameters[name].astype("float64") for name in ("v", "w", "b")]
    outputs = module.forward(parameters)
    assert outputs.everything == pytest.approx(0.25 * sum((each**2).sum() for each in arrays), rel=1e-6)
    assert outputs.some == pytest.approx(0.25 * sum(np.abs(each).sum() for each in arrays), rel=1e-6)
    assert outputs.one == pytest.approx(2.0 * np.abs(arrays[0]).sum(), rel=1e-6)
    _, gradients = module.value_and_grad(parameters)
    for name, each in zip(("v", "w", "b"), arrays, strict=True):
        assert gradients[name] == pytest.approx(0.5 * each + 0.25 * np.sign(each), rel=1e-6)
        assert gradients[name].dtype == dtype
    assert max(module.check_gradients().values()) < 1e-6


def test_an_l2_penalty_is_the_weight_decay_of_sgd():
    def trained(penalised):
        g = Graph("network")
        x, y = g.input("x", ("batch", 3)), g.input("y", ("batch", 2))
        loss = losses.mse(layers.dense(x, 2, name="fc"), y)
        g.loss(loss + penalties.l2(g, 0.1) if penalised else loss)
        g.optimizer("momentum", learning_rate=0.1, weight_decay=0.0 if penalised else 0.1)
        module = load(g)
        parameters = module.init_parameters(1)
        state = module.init_optimizer_state(parameters)
        generator = np.random.default_rng(0)
        for _ in range(20):
            module.train_step(parameters, state, generator.normal(size=(5, 3)), generator.normal(size=(5, 2)))
        return parameters

    one, other = trained(True), trained(False)
    assert all(one[name] == pytest.approx(other[name], rel=1e-12) for name in one)


def test_the_result_has_the_name_of_its_variable():
    g = Graph("named")
    w = g.param("w", (2,))
    decay = penalties.l2(g, 0.1, w)
    g.loss(ops.sum(w) + decay)
    assert decay.name == "decay" and decay.graph is g
