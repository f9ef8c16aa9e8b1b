"""Optimizers as generated: their trajectories against the papers, and what surrounds a step."""

import math
import re

import numpy as np
import optimizer_papers
import pytest
from optimizer_network import FULL, STEPS, XS, YS, assert_close, begun, by_paper, network, trained

from graphgen import Graph, compile, layers, load, ops, schedules
from graphgen.cli import run
from graphgen.optimizers import OPTIMIZERS
from graphgen.optimizers.rule import rest

CASES = [
    *((name, {}) for name in OPTIMIZERS),
    ("sgd", {"learning_rate": 0.3, "weight_decay": 0.1}),
    ("sgd", {"learning_rate": 0.3, "momentum": 0.5, "nesterov": True, "weight_decay": 0.1}),
    ("momentum", {"learning_rate": 0.3, "momentum": 0.99}),
    (
        "adagrad",
        {"learning_rate": 0.5, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2, "eps": 0.01},
    ),
    ("rmsprop", {"alpha": 0.5, "eps": 0.01, "weight_decay": 0.1, "momentum": 0.9, "centered": True}),
    ("rmsprop", {"centered": True, "eps": 0.001}),
    ("adadelta", {"learning_rate": 0.5, "rho": 0.5, "eps": 0.01, "weight_decay": 0.1}),
    ("adam", {"learning_rate": 0.1, "betas": (0.5, 0.9), "eps": 0.01, "weight_decay": 0.1}),
    ("adam", {"learning_rate": 0.1, "betas": [0.95, 0.9999], "amsgrad": True}),
    ("adam", {"learning_rate": 0.1, "betas": (0.0, 0.5), "eps": 1e-3}),
    ("adamw", {"learning_rate": 0.1, "weight_decay": 0.3, "amsgrad": True}),
    ("adamw", {"weight_decay": 0.0}),
    ("adamax", {"learning_rate": 0.1, "betas": (0.5, 0.9), "eps": 0.01, "weight_decay": 0.1}),
    ("nadam", {"learning_rate": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1, "momentum_decay": 0.1}),
    ("nadam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
]


@pytest.mark.parametrize(("optimizer", "options"), CASES)
def test_trajectories_are_those_of_the_papers(optimizer, options):
    assert_close(trained(network(optimizer, options)), by_paper(optimizer, options))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_float32_stays_float32(optimizer):
    module = network(optimizer, {}, dtype="float32", style="teach")
    found = trained(module)
    assert all(value.dtype == np.float32 for value in found[-1].values())
    assert_close(found, by_paper(optimizer, {}), tolerance=1e-5)
    _, state = begun(module)
    arrays = [array for kept in state.values() if isinstance(kept, dict) for array in kept.values()]
    assert all(array.dtype == np.float32 for array in arrays)


@pytest.mark.parametrize(("optimizer", "options"), [*((name, {}) for name in OPTIMIZERS), *CASES[-9:]])
def test_models_of_numbers(optimizer, options):
    g = Graph("numbers")
    x, a, b = g.input("x"), g.param("a", init=0.5), g.param("b", init=-1.5)
    g.loss((ops.tanh(a * x) - b) ** 2)
    g.optimizer(optimizer, **options)
    module = load(g)
    parameters = module.init_parameters()
    state = module.init_optimizer_state(parameters)
    expected = {"a": np.array(0.5), "b": np.array(-1.5)}
    rules = {name: getattr(optimizer_papers, optimizer)(value, **options) for name, value in expected.items()}
    assert not any(map(next, rules.values()))
    for step in range(STEPS):
        number = math.sin(step)
        t = np.tanh(expected["a"] * number)
        gradients = {"a": 2.0 * (t - expected["b"]) * (1.0 - t**2) * number, "b": -2.0 * (t - expected["b"])}
        module.train_step(parameters, state, number)
        for name, value in expected.items():
            value -= rules[name].send(gradients[name])
        assert parameters == pytest.approx({name: float(value) for name, value in expected.items()}, rel=1e-11)
    kept = [
        *parameters.values(),
        *(each for value in state.values() if isinstance(value, dict) for each in value.values()),
    ]
    assert {type(each) for each in kept} == {float}


def from_file(state):
    """What an npz file makes of a state: numbers come as 0-d arrays."""
    return {
        key: {name: np.array(each) for name, each in kept.items()} if isinstance(kept, dict) else np.array(kept)
        for key, kept in state.items()
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_that_is_resumed_is_the_same_to_the_last_bit(optimizer, dtype):
    module = network(optimizer, FULL, dtype=dtype)
    through, state = begun(module)
    halves, kept = begun(module)
    for step, (x, y) in enumerate(zip(XS, YS, strict=True)):
        module.train_step(through, state, x, y)
        if step % 7 == 3:
            halves, kept = {name: value.copy() for name, value in halves.items()}, from_file(kept)
        module.train_step(halves, kept, x, y)
        assert all(np.array_equal(through[name], halves[name]) for name in through)


def test_a_run_of_numbers_that_is_resumed_is_the_same_to_the_last_bit():
    g = Graph("numbers")
    a = g.param("a", init=0.5)
    g.loss((ops.exp(a) - 3.0) ** 2)
    g.optimizer("nadam", clip_value=1.0, clip_norm=0.5, noise=0.01, max_norm=None, groups={"a": {"max_norm": 0.8}})
    module = load(g)
    through = module.init_parameters()
    state = module.init_optimizer_state(through)
    halves, kept = dict(through), from_file(state)
    for _ in range(300):
        module.train_step(through, state)
        halves, kept = from_file(halves), from_file(kept)
        module.train_step(halves, kept)
        assert through == halves and type(halves["a"]) is float
    assert through == {"a": 0.8}


# The generated text and its names


def test_adam_reads_like_its_paper():
    g = Graph("text")
    x, w = g.input("x", ("n",)), g.param("w", ("n",))
    g.loss(ops.sum(ops.square(x - w)))
    g.optimizer("adam")
    source = compile(g)
    assert (
        "    value, gradients = value_and_grad(parameters, x)\n"
        "    _check_step(parameters, optimizer_state, gradients)\n"
        '    step = int(optimizer_state["step"]) + 1\n'
        "    learning_rate = 0.001 if learning_rate is None else float(learning_rate)\n"
        "    for name in _trained:\n"
        "        parameter, gradient = parameters[name], gradients[name]\n"
        '        first_moment = optimizer_state["first_moment"][name]\n'
        '        second_moment = optimizer_state["second_moment"][name]\n'
        "        first_moment[...] = 0.9 * first_moment + 0.1 * gradient\n"
        "        second_moment[...] = 0.999 * second_moment + 0.001 * gradient**2\n"
        "        unbiased_first = first_moment / (1.0 - 0.9**step)\n"
        "        unbiased_second = second_moment / (1.0 - 0.999**step)\n"
        "        parameter -= learning_rate * unbiased_first / (np.sqrt(unbiased_second) + 1e-08)\n"
        '    optimizer_state["step"] = step\n'
        "    return value\n"
    ) in source
    assert "Kingma and Ba (2015), algorithm 1" in source


@pytest.mark.parametrize(("optimizer", "options"), CASES)
def test_every_line_of_a_step_has_a_name_that_says_what_it_is(optimizer, options):
    groups = {"w": {"learning_rate": 0.001, "weight_decay": 0.25}}
    for shape in ((2, 2), ()):
        g = Graph("text")
        g.loss(ops.square(g.param("w", shape) - g.param("v", shape)).sum())
        g.optimizer(optimizer, **options, groups=groups)
        step = compile(g).partition("def train_step")[2].partition("def init_parameters")[0]
        assigned = re.findall(r"^ +(\w+)(?:\[...\])? = ", step, re.MULTILINE)
        assert "weight_decay" in assigned and not {re.sub(r"_\d+$", "", name) for name in assigned} & set(ops.TABLE)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_names_of_the_step_do_not_meet_those_of_the_user(optimizer):
    g = Graph("names")
    inputs = list(g.inputs("step rate name value gradients parameter gradient weight_decay momentum decayed"))
    inputs += g.inputs("parameters optimizer_state learning_rate state seed")
    w = g.param("first_moment", (2, 2), init=1.0)
    velocity = g.param("velocity", init=2.0)
    constants = [g.constant(np.array([1.0, 2.0]), name=each) for each in ("learning_rate_", "memory", "max_norms")]
    g.loss(sum(inputs[1:], inputs[0]) * ops.square(w * sum(constants[1:], constants[0]) * velocity).mean())
    groups = {"*_moment": {"learning_rate": 0.001, "weight_decay": 0.0}}
    g.optimizer(optimizer, learning_rate=0.01, weight_decay=0.1, groups=groups, **FULL)
    module = load(g)
    parameters = module.init_parameters()
    assert type(module._rate_scales) is type(module._weight_decays) is type(module._max_norms) is dict
    before = module.loss(parameters, *([0.1] * 15))
    assert module.train_step(parameters, module.init_optimizer_state(parameters), *([0.1] * 15)) == before
    assert module.loss(parameters, *([0.1] * 15)) < before


def test_state_and_seed_go_through():
    g = Graph("dropping")
    x = g.input("x", ("batch", 4))
    mean = g.state("mean", (4,))
    g.update(mean, 0.5 * mean + 0.5 * x.mean(axis=0))
    h = layers.dense(ops.dropout(x - mean, p=0.5), 3, name="fc")
    g.loss(ops.square(h).mean())
    g.optimizer("adam", noise=0.01, schedule=schedules.warm_up(3))
    module = load(g)
    batch = np.arange(20.0).reshape(5, 4)
    runs = []
    for seeds in ([1, 2, 3], [1, 2, 3], [1, 2, 4]):
        parameters, state = module.init_parameters(), module.init_state()
        memory = module.init_optimizer_state(parameters)
        runs.append([module.train_step(parameters, memory, batch, state=state, seed=seed) for seed in seeds])
        assert state["mean"] == pytest.approx(batch.mean(axis=0) * 0.875)
    assert runs[0] == runs[1] and runs[0][:2] == runs[2][:2] and runs[0] != runs[2]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_step_that_cannot_be_taken_changes_nothing(optimizer):
    module = network(optimizer, FULL)
    parameters, state = begun(module)
    module.train_step(parameters, state, XS[0], YS[0])
    kept = {name: value.copy() for name, value in parameters.items()}, from_file(state)
    parameters["s"].flags.writeable = False
    with pytest.raises(ValueError, match="^s: expected a writable array of floats"):
        module.train_step(parameters, state, XS[1], YS[1])
    parameters["s"].flags.writeable = True
    with pytest.raises(ValueError):
        module.train_step(parameters, state, XS[1], YS[1], learning_rate="high")
    for number in [key for key, each in state.items() if not isinstance(each, dict)]:
        with pytest.raises(ValueError, match=rf"^optimizer_state\['{number}'\]: expected"):
            module.train_step(parameters, {**state, number: "a"}, XS[1], YS[1])
    assert all(np.array_equal(parameters[name], kept[0][name]) for name in parameters)
    assert str(from_file(state)) == str(kept[1])


def test_numbers_change_all_or_none():
    g = Graph("numbers")
    x, a, b = g.input("x"), g.param("a", init=1.0), g.param("b", init=1.0)
    mean = g.state("mean")
    g.update(mean, 0.5 * mean + 0.5 * x)
    g.output(mean=mean)
    g.loss(a + b * x)
    g.optimizer("adam")
    module = load(g)
    parameters, state = module.init_parameters(), module.init_state()
    memory = module.init_optimizer_state(parameters)
    with pytest.raises(OverflowError):  # the square of the second gradient is no number
        module.train_step(parameters, memory, 1e200, state=state)
    assert parameters == {"a": 1.0, "b": 1.0} and state == {"mean": 0.0}
    assert memory == module.init_optimizer_state(parameters)
    module.train_step(parameters, memory, 2.0, state=state)
    assert parameters["a"] < 1.0 and state == {"mean": 1.0} and memory["step"] == 1


def test_the_variance_of_a_gradient_that_does_not_change_is_not_below_zero():
    g = Graph("constant")
    w = g.param("w", (50,), init=0.0)
    g.loss((w * np.linspace(0.1, 3.0, 50)).sum())
    g.optimizer("rmsprop", alpha=0.5, centered=True, eps=0.1)
    module = load(g)
    parameters = module.init_parameters()
    state = module.init_optimizer_state(parameters)
    for _ in range(200):
        module.train_step(parameters, state)
    assert np.isfinite(parameters["w"]).all()


def test_the_rest_of_a_weight_is_short_where_that_is_as_right():
    assert [rest(weight) for weight in (0.9, 0.999, 0.9999, 0.0, 0.5)] == [0.1, 0.001, 0.0001, 1.0, 0.5]
    for weight in (0.9123456789012345, 0.999999999):
        assert rest(weight) == pytest.approx(1.0 - weight, rel=2e-13)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_command_line_names_another_one(optimizer, tmp_path, monkeypatch, capsys):
    model = "from graphgen import Graph\ng = Graph('m')\ng.loss(g.param('w', (3,)).sum())\ng.optimizer('sgd', momentum=0.5)\n"
    (tmp_path / "m.py").write_text(model)
    monkeypatch.chdir(tmp_path)
    assert run(["compile", "m.py", "--optimizer", optimizer, "-o", "-"]) == 0
    assert f"Take one step of {optimizer}, in place" in capsys.readouterr().out
    assert run(["compile", "m.py", "--optimizer", f"{optimizer}x", "-o", "-"]) == 2
    assert f"error[GG004]: unknown optimizer '{optimizer}x'" in capsys.readouterr().err
