"""Recurrent layers against loops in plain NumPy, sample by sample; their gradients against differences."""

import numpy as np
import pytest

import graphgen
from graphgen import Graph, layers
from tests.differences import slope

BATCH, TIME, FEATURES, UNITS = 3, 4, 2, 3
LENGTHS = np.array([4, 1, 3])


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def step_of_rnn(p, x, h, activation=np.tanh):
    return (activation(x @ p["w"] + h[0] @ p["u"] + p.get("b", 0)),)


def step_of_relu(p, x, h):
    return step_of_rnn(p, x, h, lambda a: np.where(a > 0, a, 0))


def gates(p, x, h, letters):
    """For each letter, what input, state and bias bring to its columns."""
    width = p["u"].shape[1] // len(letters)
    columns = {letter: slice(width * place, width * (place + 1)) for place, letter in enumerate(letters)}
    b = p.get("b", np.zeros(p["u"].shape[1]))
    return {letter: (x @ p["w"][:, at] + b[at], h @ p["u"][:, at]) for letter, at in columns.items()}


def step_of_gru(p, x, state):
    (h,) = state
    a = gates(p, x, h, "rzn")
    r, z = (sigmoid(sum(a[letter])) for letter in "rz")
    n = np.tanh(a["n"][0] + r * (a["n"][1] + p.get("c", 0)))
    return ((1 - z) * n + z * h,)


def step_of_gru_reset_before(p, x, state):
    (h,) = state
    r, z = (sigmoid(sum(gates(p, x, h, "rzn")[letter])) for letter in "rz")
    n = np.tanh(sum(gates(p, x, r * h, "rzn")["n"]))
    return ((1 - z) * n + z * h,)


def step_of_lstm(p, x, state):
    h, c = state
    a = {letter: sum(pair) for letter, pair in gates(p, x, h, "ifgo").items()}
    p_i, p_f, p_o = p.get("p", np.zeros((3, UNITS)))
    i, f = sigmoid(a["i"] + p_i * c), sigmoid(a["f"] + p_f * c)
    new = f * c + i * np.tanh(a["g"])
    return sigmoid(a["o"] + p_o * new) * np.tanh(new), new


STEPS = {
    "rnn": (step_of_rnn, 1, "wub"),
    "relu": (step_of_relu, 1, "wub"),
    "gru": (step_of_gru, 1, "wubc"),
    "gru_reset_before": (step_of_gru_reset_before, 1, "wub"),
    "lstm": (step_of_lstm, 2, "wub"),
    "lstm_peephole": (step_of_lstm, 2, "wubp"),
}
CALLS = {
    "relu": ("rnn", {"nonlinearity": "relu"}),
    "gru_reset_before": ("gru", {"reset_after": False}),
    "lstm_peephole": ("lstm", {"peephole": True}),
}


def run(step, p, x, state, length, backwards):
    """One cell over the steps of one sample: its outputs, zeros past the length, and the final state."""
    outputs = np.zeros((len(x), UNITS))
    for t in reversed(range(length)) if backwards else range(length):
        state = step(p, x[t], state)
        outputs[t] = state[0]
    return outputs, state


def reference(kind, parameters, x, lengths, initial, directions, count):
    """The outputs of all steps, and the final states of all cells: (cells, batch, units) for each part."""
    step, parts, _ = STEPS[kind]
    final = np.zeros((parts, count * directions, len(x), UNITS))
    for layer in range(count):
        found = np.zeros((len(x), x.shape[1], directions * UNITS))
        for direction in range(directions):
            cell = layer * directions + direction
            prefix = f"{f'l{layer}_' if count > 1 else ''}{'reverse_' if direction else ''}"
            own = {name.removeprefix(f"net_{prefix}"): value for name, value in parameters.items()}
            for sample in range(len(x)):
                start = tuple(part[cell, sample] for part in initial)
                outputs, state = run(step, own, x[sample], start, lengths[sample], direction == 1)
                outputs[lengths[sample] :] = start[0] if direction else state[0]  # there the state stays
                found[sample, :, direction * UNITS : (direction + 1) * UNITS] = outputs
                final[:, cell, sample] = state
        x = found
    return x, final


@pytest.mark.parametrize(("name", "options"), [("rnn", {}), ("gru", {}), ("gru", {"reset_after": False}), ("lstm", {})])
def test_an_initial_state_may_be_the_same_for_all(name, options):
    losses = []
    for shape in [(UNITS,), (3, UNITS)]:
        g = Graph("m")
        x = g.input("x", (3, TIME, FEATURES))
        states = [g.input(f"{letter}0", shape) for letter in ("hc" if name == "lstm" else "h")]
        out = getattr(layers, name)(x, UNITS, "net", initial_state=tuple(states) if name == "lstm" else states[0], **options)
        g.loss((out * out).sum())
        module = graphgen.load(g)
        start = np.broadcast_to(np.linspace(-1.0, 1.0, UNITS), shape)
        given = {f"{letter}0": start for letter in ("hc" if name == "lstm" else "h")}
        sequences = np.random.default_rng(4).normal(size=(3, TIME, FEATURES))
        losses.append(module.loss(module.init_parameters(), sequences, **given))
    assert losses[0] == pytest.approx(losses[1], rel=1e-13)


def declared(kind, sequence, final_state, with_lengths, with_initial, bidirectional, num_layers, **more):
    """The module of a layer with these options; its outputs are out and the parts of the final state."""
    name, keywords = CALLS.get(kind, (kind, {}))
    parts, cells = STEPS[kind][1], num_layers * (1 + bidirectional)
    g = Graph("m")
    x = g.input("x", ("batch", TIME, FEATURES))
    if with_lengths:
        keywords = {**keywords, "lengths": g.input("lengths", ("batch",), "int64", low=1, high=TIME + 1)}
    if with_initial:
        shape = ("batch", UNITS) if cells == 1 else (cells, "batch", UNITS)
        states = [g.input(f"{letter}0", shape) for letter in "hc"[:parts]]
        keywords = {**keywords, "initial_state": states[0] if parts == 1 else states}
    options = {"sequence": sequence, "final_state": final_state, "bidirectional": bidirectional}
    result = getattr(layers, name)(x, UNITS, "net", num_layers=num_layers, **options, **keywords, **more)
    result = result if final_state else (result,)
    for letter, each in zip(("out", "h", "c"), result, strict=False):
        g.output(**{letter: each + 0.0})
    g.loss(sum((each * each).sum() for each in result))
    return graphgen.load(g, wrt=["x"])


OPTIONS = [  # sequence, final_state, lengths, initial_state, bidirectional, num_layers
    (False, False, False, False, False, 1),
    (True, False, False, False, False, 1),
    (False, True, True, False, False, 1),
    (True, True, True, True, True, 1),
    (False, True, True, True, True, 2),
    (True, False, False, True, False, 2),
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("kind", STEPS)
def test_values_and_gradients(kind, options):
    sequence, final_state, with_lengths, with_initial, bidirectional, num_layers = options
    module = declared(kind, *options)
    random = np.random.default_rng(1)
    p = {name: random.normal(size=shape) for name, (shape, _) in module.PARAMETERS.items()}
    x = random.normal(size=(BATCH, TIME, FEATURES))
    lengths = LENGTHS if with_lengths else np.full(BATCH, TIME)
    given = {"lengths": lengths} if with_lengths else {}
    cells, parts = num_layers * (1 + bidirectional), STEPS[kind][1]
    initial = np.zeros((parts, cells, BATCH, UNITS))
    if with_initial:
        initial = random.normal(size=initial.shape)
        given |= {f"{letter}0": state if cells > 1 else state[0] for letter, state in zip("hc", initial, strict=False)}
    outputs, final = reference(kind, p, x, lengths, initial, 1 + bidirectional, num_layers)
    if not sequence:
        outputs = np.concatenate(list(final[0, -1 - bidirectional :]), axis=-1)
    found = module.forward(p, x, **given)
    found = found if final_state else (found,)
    np.testing.assert_allclose(found[0], outputs, rtol=1e-12, atol=1e-14)
    for each, state in zip(found[1:], final, strict=False):
        np.testing.assert_allclose(each, state if cells > 1 else state[0], rtol=1e-12, atol=1e-14)
    check_along_a_direction(module, p, x, given, random)


def check_along_a_direction(module, p, x, given, random):
    """The gradients of all parameters and of x, along one direction, against differences."""
    _, gradients = module.value_and_grad(p, x, **given)
    direction = {name: random.normal(size=np.shape(gradient)) for name, gradient in gradients.items()}
    assert list(direction) == [*p, "x"]

    def loss(step):
        moved = {name: value + step * direction[name] for name, value in p.items()}
        return module.loss(moved, x + step * direction["x"], **given)

    assert sum((gradients[name] * direction[name]).sum() for name in direction) == pytest.approx(slope(loss), rel=1e-9)


@pytest.mark.parametrize("kind", STEPS)
def test_every_gradient_alone(kind):
    module = declared(kind, True, False, True, False, False, 1)
    errors = module.check_gradients(lengths=LENGTHS)
    assert list(errors) == [*module.PARAMETERS, "x"]
    assert max(errors.values()) < 1e-8


@pytest.mark.parametrize("kind", STEPS)
def test_names_and_shapes_of_parameters(kind):
    module = declared(kind, False, False, False, False, True, 2)
    count = {"r": 1, "g": 3, "l": 4}[kind[0]] if kind != "relu" else 1
    shapes = {"w": None, "u": (UNITS, count * UNITS), "b": (count * UNITS,), "c": (UNITS,), "p": (3, UNITS)}
    expected = {}
    for prefix, features in (("l0", 2), ("l0_reverse", 2), ("l1", 2 * UNITS), ("l1_reverse", 2 * UNITS)):
        shapes["w"] = (features, count * UNITS)
        expected |= {f"net_{prefix}_{letter}": shapes[letter] for letter in STEPS[kind][2]}
    assert {name: shape for name, (shape, _) in module.PARAMETERS.items()} == expected


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_without_bias(kind):
    module = declared(kind, False, False, False, False, False, 1, bias=False)
    assert list(module.PARAMETERS) == ["net_w", "net_u"]
    p = module.init_parameters()
    x = np.ones((BATCH, TIME, FEATURES))
    check_along_a_direction(module, p, x, {}, np.random.default_rng(2))


def test_forget_gates_start_open():
    b = declared("lstm", False, False, False, False, False, 1).init_parameters()["net_b"]
    assert b.tolist() == [0.0] * UNITS + [1.0] * UNITS + [0.0] * 2 * UNITS
    b = declared("lstm", False, False, False, False, False, 1, forget_bias=-2).init_parameters()["net_b"]
    assert b[UNITS : 2 * UNITS].tolist() == [-2.0] * UNITS
