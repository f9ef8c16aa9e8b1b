"""What surrounds an optimizer's step: schedules, clipping, noise, groups, and norms that are limited."""

import math

import numpy as np
import pytest
from optimizer_network import STEPS, XS, YS, assert_close, begun, by_paper, network, trained

from graphgen import Graph, compile, load, schedules
from graphgen.optimizers import OPTIMIZERS


def warm(step, steps=5):
    return min(1.0, (step + 1) / steps)


def half_cosine(step, steps=15):
    return 0.5 + 0.5 * math.cos(math.pi * min(1.0, step / steps))


SCHEDULES = [
    (schedules.step(7, 0.5), lambda t: 0.5 ** (t // 7)),
    (schedules.step(every=3), lambda t: 0.1 ** (t // 3)),
    (schedules.exponential(0.9), lambda t: 0.9**t),
    (schedules.cosine(15), half_cosine),
    (schedules.cosine(15, floor=0.1), lambda t: 0.1 + 0.9 * half_cosine(t)),
    (schedules.linear(10, floor=0.25), lambda t: 1.0 - 0.75 * min(1.0, t / 10)),
    (schedules.inverse_time(0.2), lambda t: 1.0 / (1.0 + 0.2 * t)),
    (schedules.warm_up(5), warm),
    (schedules.warm_up(5, then=schedules.cosine(15)), lambda t: warm(t) if t < 5 else half_cosine(t - 5)),
    (
        schedules.warm_up(2, then=schedules.warm_up(3, then=schedules.step(4, 0.5))),
        lambda t: (t + 1) / 2 if t < 2 else (t - 1) / 3 if t < 5 else 0.5 ** ((t - 5) // 4),
    ),
]


@pytest.mark.parametrize(("schedule", "factor"), SCHEDULES)
def test_schedules(schedule, factor):
    module = network("momentum", {"learning_rate": 0.3, "schedule": schedule})
    rates = [module.learning_rate(step) for step in range(40)]
    assert rates == pytest.approx([0.3 * factor(step) for step in range(40)], rel=1e-14, abs=1e-16)
    assert all(type(rate) is float for rate in rates)
    parameters, state = begun(module)
    other, other_state = begun(plain := network("momentum", {}))
    for step, (x, y) in enumerate(zip(XS, YS, strict=True)):
        module.train_step(parameters, state, x, y)
        plain.train_step(other, other_state, x, y, learning_rate=rates[step])
        assert all(np.array_equal(parameters[name], other[name]) for name in parameters)
    assert state["step"] == STEPS


def test_a_rate_that_is_given_comes_before_the_schedule():
    module = network("sgd", {"schedule": schedules.exponential(0.5)})
    assert_close(trained(module, learning_rate=0.2), by_paper("sgd", {"learning_rate": 0.2}))


def test_how_a_schedule_reads():
    schedule = schedules.warm_up(100, then=schedules.cosine(900, floor=0.01))
    g = Graph("rate")
    g.loss(g.param("w", init=1.0) ** 2)
    g.optimizer("sgd", learning_rate=0.1, schedule=schedule)
    assert (
        "def learning_rate(step: int) -> float:\n"
        '    """Return the learning rate of a step, counted from 0.\n\n'
        "    100 steps of warm-up (Goyal et al. 2017, section 2.2), then half a cosine over 900 steps (Loshchilov and Hutter\n"
        "    2017, eq. 5), down to 0.001.\n"
        '    """\n'
        "    if step < 100:\n"
        "        return 0.1 * (step + 1) / 100\n"
        "    step = step - 100\n"
        "    return 0.001 + 0.099 * 0.5 * (1.0 + math.cos(math.pi * min(step, 900) / 900))\n"
    ) in compile(g)


# What becomes of gradients, and of parameters


def clipped(gradients, value=math.inf, norm=math.inf):
    gradients = {name: np.clip(gradient, -value, value) for name, gradient in gradients.items()}
    total = math.sqrt(sum(float((gradient**2).sum()) for gradient in gradients.values()))
    return {name: min(1.0, norm / (total + 1e-6)) * gradient for name, gradient in gradients.items()}


@pytest.mark.parametrize("limits", [{"value": 0.05}, {"norm": 0.1}, {"value": 0.1, "norm": 0.2}, {"norm": 100.0}])
def test_clipping(limits):
    options = {f"clip_{key}": limit for key, limit in limits.items()}
    expected = by_paper("adam", {"weight_decay": 0.1}, lambda gradients, step: clipped(gradients, **limits))
    assert_close(trained(network("adam", {"weight_decay": 0.1, **options})), expected)


def test_gradients_of_inputs_are_no_part_of_the_norm():
    options = {"learning_rate": 0.3, "clip_norm": 0.1}
    expected = by_paper("sgd", {"learning_rate": 0.3}, lambda gradients, step: clipped(gradients, norm=0.1))
    assert_close(trained(network("sgd", options, wrt=["x", "y"])), expected)


def test_noise_comes_after_clipping_and_dies_away():
    def noisy(gradients, step):
        generator = np.random.default_rng((7, step + 1))
        deviation = math.sqrt(0.3 / (1.0 + step) ** 0.55)
        return {
            name: g + deviation * generator.normal(size=g.shape) for name, g in clipped(gradients, norm=0.1).items()
        }

    module = network("sgd", {"clip_norm": 0.1, "noise": 0.3, "noise_seed": 7})
    assert_close(trained(module), by_paper("sgd", {}, noisy))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_groups_have_rates_and_decays_of_their_own(optimizer):
    options = {"learning_rate": 0.3, "weight_decay": 0.05}
    groups = {"w": {"learning_rate": 0.1, "weight_decay": 0.2}, "[bs]": {"weight_decay": 0.0}}
    own = {"w": groups["w"], "b": groups["[bs]"], "s": groups["[bs]"]}
    if optimizer == "nesterov":
        options["momentum"] = 0.8
    module = network(optimizer, {**options, "groups": groups})
    assert_close(trained(module), by_paper(optimizer, options, own=own))
    halved = {name: {**own[name], "learning_rate": {"w": 0.05}.get(name, 0.15)} for name in own}
    assert_close(trained(module, learning_rate=0.15), by_paper(optimizer, options, own=halved))


def test_norms_are_limited_after_the_step():
    g = Graph("limited")
    w, kernel, b = g.param("w", (4, 3)), g.param("kernel", (3, 2, 2)), g.param("b", (4,), init=2.0)
    scale = g.param("scale", init=5.0)
    g.loss(-(w.sum() + kernel.sum() + b.sum() + scale))
    g.optimizer("sgd", learning_rate=1.0, max_norm=3.0, groups={"b": {"max_norm": 1.0}})
    module = load(g)
    parameters = module.init_parameters()
    expected = {name: value + 1.0 for name, value in parameters.items()}
    module.train_step(parameters, module.init_optimizer_state(parameters))
    for name, axes, largest in [("w", 0, 3.0), ("kernel", (1, 2), 3.0), ("b", 0, 1.0)]:
        norms = np.sqrt((expected[name] ** 2).sum(axis=axes, keepdims=True))
        expected[name] *= np.minimum(1.0, largest / norms)
    assert parameters["scale"] == 6.0
    assert_close([parameters], [expected])


def test_a_group_may_have_no_limit():
    g = Graph("limited")
    w, v = g.param("w", (4, 3), init=2.0), g.param("v", (4, 3), init=2.0)
    g.loss(w.sum() + v.sum())
    g.optimizer("sgd", learning_rate=0.0, max_norm=1.0, groups={"v": {"max_norm": None}})
    module = load(g)
    parameters = module.init_parameters()
    module.train_step(parameters, module.init_optimizer_state(parameters))
    assert parameters["w"] == pytest.approx(np.full((4, 3), 0.5)) and (parameters["v"] == 2.0).all()


def test_parameters_that_are_not_trained_stay_as_they_are():
    g = Graph("still")
    w, k = g.param("w", (2,), init=1.0), g.param("k", (2,), init=3.0, trainable=False)
    g.loss((w * k).sum())
    g.optimizer("sgd", clip_norm=0.5)
    module = load(g, wrt="k")
    parameters = module.init_parameters()
    assert set(module.value_and_grad(parameters)[1]) == {"w", "k"}
    module.train_step(parameters, module.init_optimizer_state(parameters))
    assert (parameters["k"] == 3.0).all()
    assert parameters["w"] == pytest.approx(1.0 - 0.01 * 0.5 / np.sqrt(2.0), rel=1e-6)
