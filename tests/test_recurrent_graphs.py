"""Recurrent layers as graphs: what is written out, under which names, and what is refused."""

import numpy as np
import pytest

import graphgen
from graphgen import Graph, layers, losses
from graphgen.check import check
from graphgen.errors import GraphError

BATCH, TIME, FEATURES, UNITS = 3, 4, 2, 3


def made(call, time=TIME, **options):
    """A graph of a layer that is its output; the loss is its sum of squares."""
    g = Graph("m")
    h = call(g.input("x", ("batch", time, FEATURES)), UNITS, "net", **options)
    g.output(h)
    g.loss((h * h).sum())
    return g


def test_the_graph_is_written_out_step_by_step():
    g = made(layers.lstm, time=5)
    program = check(g)
    ops = [node.op for node in program.nodes.values()]
    assert ops.count("matmul") == 1 + 4  # the inputs of all steps in one, and the state in each but the first
    lines = graphgen.compile(g, inference=True).splitlines()
    body = [
        line.partition("#")[0].strip() for line in lines if line.strip().startswith(("net_", "h = ")) and "= " in line
    ]
    assert body[1:14] == [
        "net_x = x @ net_w + net_b",
        "net_gates_0 = net_x[:, 0]",
        "net_i_0 = sigmoid(net_gates_0[:, :3])",
        "net_g_0 = np.tanh(net_gates_0[:, 6:9])",
        "net_o_0 = sigmoid(net_gates_0[:, 9:])",
        "net_c_0 = net_i_0 * net_g_0",
        "net_h_0 = net_o_0 * np.tanh(net_c_0)",
        "net_gates_1 = net_x[:, 1] + net_h_0 @ net_u",
        "net_i_1 = sigmoid(net_gates_1[:, :3])",
        "net_f_1 = sigmoid(net_gates_1[:, 3:6])",
        "net_g_1 = np.tanh(net_gates_1[:, 6:9])",
        "net_o_1 = sigmoid(net_gates_1[:, 9:])",
        "net_c_1 = net_f_1 * net_c_0 + net_i_1 * net_g_1",
    ]
    assert body[-1] == "h = net_o_4 * np.tanh(net_c_4)"


@pytest.mark.parametrize("call", [layers.rnn, layers.gru, layers.lstm])
def test_the_graph_grows_with_the_steps(call):
    counts = [len(made(call, time=time).dag) for time in (3, 4, 5, 10)]
    step = counts[1] - counts[0]
    assert [counts[2] - counts[1], counts[3] - counts[2]] == [step, 5 * step]
    lines = [graphgen.compile(made(call, time=time)).count("\n") for time in (10, 20, 40)]
    assert 1.8 < (lines[2] - lines[1]) / (lines[1] - lines[0]) < 2.2  # no step writes out those before it


def test_the_gradient_of_shared_weights_adds_up_in_place():
    text = graphgen.compile(made(layers.lstm, time=40))
    added = [
        line.split(" = ")[-1].split(" += ")[-1] for line in text.splitlines() if line.strip().startswith("d_net_u ")
    ]
    terms = " + ".join(line.partition("  #")[0] for line in added)
    assert terms == " + ".join(f"net_h_{t}.T @ d_net_gates_{t + 1}" for t in range(39))
    # The parts of the input's gradient are joined once.
    assert text.count("d_net_x = np.stack(") == 1 and "d_net_x[" not in text


def test_results_take_the_names_of_their_variables():
    g = Graph("m")
    x = g.input("x", ("batch", TIME, FEATURES))
    states, last, cells = layers.lstm(x, UNITS, "a", sequence=True, final_state=True)
    assert (states.name, last.name, cells.name) == ("states", "last", "cells")
    with g.scope("part"):
        summary, hidden = layers.gru(states, UNITS, "b", final_state=True)
    assert summary is hidden and summary.name == "part_summary"
    assert layers.rnn(states, UNITS, "c").name == "c"
    assert f"{states.type} {last.type} {summary.type}" == "(batch, 4, 3) (batch, 3) (batch, 3)"


def test_one_state_goes_on_in_another_layer():
    """What an encoder remembers is where its decoder starts, as one longer sequence would."""
    random = np.random.default_rng(3)
    values = random.normal(size=(BATCH, 6, FEATURES))
    whole = graphgen.load(made(layers.lstm, time=6), inference=True)
    p = {name: random.normal(size=shape) for name, (shape, _) in whole.PARAMETERS.items()}
    g = Graph("m")
    first, second = g.input("first", ("batch", 4, FEATURES)), g.input("second", ("batch", 2, FEATURES))
    _, h, c = layers.lstm(first, UNITS, "a", final_state=True)
    g.output(layers.lstm(second, UNITS, "b", initial_state=(h, c)))
    both = {f"{name}_{key[4:]}": value for key, value in p.items() for name in "ab"}
    found = graphgen.load(g, inference=True).forward(both, values[:, :4], values[:, 4:])
    np.testing.assert_allclose(found, whole.forward(p, values), rtol=1e-13)


def test_an_initial_state_may_be_a_parameter():
    g = Graph("m")
    x = g.input("x", ("batch", TIME, FEATURES))
    lengths = g.input("lengths", ("batch",), "int64", low=0, high=TIME + 1)
    start = g.param("start", (2, UNITS))
    h = layers.rnn(x, UNITS, "net", initial_state=start, num_layers=2, lengths=lengths)
    g.loss((h * h).sum())
    g.output(h)
    module = graphgen.load(g)
    p = module.init_parameters()
    values = np.ones((2, TIME, FEATURES))
    assert module.forward(p, values, np.array([0, 3]))[0].tolist() == p["start"][1].tolist()  # nothing has been read
    assert max(module.check_gradients(lengths=np.array([0, 3, 4])).values()) < 1e-8


def test_dropout_is_between_layers_and_in_training_alone():
    plain = graphgen.load(made(layers.gru, num_layers=3))
    module = graphgen.load(made(layers.gru, num_layers=3, dropout=0.5))
    p, x = plain.init_parameters(1), np.random.default_rng(5).normal(size=(BATCH, TIME, FEATURES))
    assert module.forward(p, x).tolist() == plain.forward(p, x).tolist()
    assert module.evaluate(p, x) == plain.loss(p, x)
    assert len({module.loss(p, x, seed=seed) for seed in (0, 1, 2, 0)} | {plain.loss(p, x)}) == 4
    assert max(module.check_gradients(p, x=x).values()) < 1e-8
    assert graphgen.compile(made(layers.gru, num_layers=3, dropout=0.5)).count("generator.random((batch, 4, 3)") == 4


def test_units_may_be_a_name():
    g = Graph("m")
    x = g.input("x", ("batch", TIME, "features"))
    target = g.input("target", ("batch", 2, "units"))
    g.loss(losses.mse(layers.lstm(x, "units", "a", peephole=True), target[:, 0]) + layers.gru(x, "units", "b").sum())
    module = graphgen.load(g)
    errors = module.check_gradients(x=np.ones((2, TIME, 2)), target=np.ones((2, 2, 3)))
    assert max(errors.values()) < 1e-8


@pytest.mark.parametrize("options", [{}, {"sequence": True, "bidirectional": True}])
@pytest.mark.parametrize("call", [layers.rnn, layers.gru, layers.lstm])
def test_styles_and_modes_agree(call, options):
    g = made(call, **options)
    compact, teach = (graphgen.load(g, style=style, mode="both") for style in ("compact", "teach"))
    random = np.random.default_rng(4)
    p, values = compact.init_parameters(2), random.normal(size=(BATCH, TIME, FEATURES))
    loss, gradients = compact.value_and_grad(p, values)
    as_taught = teach.value_and_grad(p, values)
    assert loss == pytest.approx(as_taught[0], rel=1e-14)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, as_taught[1][name], rtol=1e-10, atol=1e-14)
    tangents = {name: random.normal(size=value.shape) for name, value in p.items()}
    for module in (compact, teach):
        slope = sum((gradients[name] * tangents[name]).sum() for name in p)
        assert module.jvp(p, tangents, values)[1] == pytest.approx(slope, rel=1e-11)


def test_float32_stays():
    module = graphgen.load(made(layers.gru, sequence=True, bidirectional=True), dtype="float32")
    _, gradients = module.value_and_grad(module.init_parameters(), np.ones((2, TIME, FEATURES), np.float32))
    assert {gradient.dtype for gradient in gradients.values()} == {np.dtype("float32")}


def problem(call, shape=("batch", TIME, FEATURES), dtype=None, units=UNITS, **options):
    """The one problem of a model with such a layer: its code, message and help."""
    g = Graph("m")
    x = g.input("x", shape, dtype)
    options = {key: value(g) if callable(value) else value for key, value in options.items()}
    g.output(result=call(x, units, "net", **options))
    with pytest.raises(GraphError) as caught:
        check(g)
    (found,) = caught.value.problems
    assert "result" in g.dag.graph["outputs"] and not any(name.startswith("net") for name in g.dag)
    return found.code, found.message, found.help


def ints(*shape, dtype="int64"):
    return lambda g: g.input("lengths", shape, dtype)


def state(*shape, dtype=None):
    return lambda g: g.input("state", shape, dtype)


@pytest.mark.parametrize(
    ("call", "options", "code", "message", "help"),
    [
        (
            layers.lstm,
            {"shape": ("batch", "time", 2)},
            "GG022",
            "lstm: the number of steps has to be known to write them out, and is time",
            "declare the longest as an int, and tell how long each sequence is with lengths=",
        ),
        (
            layers.rnn,
            {"shape": ("batch", 0, 2)},
            "GG022",
            "rnn: (batch, 0, 2) has no steps",
            "a sequence has one step at least",
        ),
        (
            layers.gru,
            {"shape": (4, 2)},
            "GG027",
            "gru: sequences are (batch, time, features), got (4, 2)",
            "add an axis with ops.expand_dims, or join some with ops.reshape",
        ),
        (
            layers.gru,
            {"dtype": "int64"},
            "GG031",
            "gru: sequences are made of floats, got int64",
            "convert with ops.cast, or use an embedding",
        ),
        (
            layers.lstm,
            {"units": 2.5},
            "GG022",
            "lstm: 2.5 units: a size is an int, a name or arithmetic of other sizes, not 2.5",
            "give a number, or the name of a size",
        ),
        (
            layers.rnn,
            {"nonlinearity": "sigmoid"},
            "GG005",
            "rnn: unknown nonlinearity 'sigmoid'",
            'one of "tanh", "relu"',
        ),
        (
            layers.gru,
            {"reset_after": None},
            "GG005",
            "gru: reset_after is True or False, got None",
            "leave it out for True",
        ),
        (
            layers.lstm,
            {"peephole": 1},
            "GG005",
            "lstm: peephole is True or False, got 1",
            "leave it out for False",
        ),
        (
            layers.lstm,
            {"forget_bias": "ones"},
            "GG005",
            "lstm: forget_bias is a number, got 'ones'",
            "leave it out for 1.0",
        ),
        (
            layers.rnn,
            {"sequence": "yes"},
            "GG005",
            "rnn: sequence is True or False, got 'yes'",
            "leave it out for False",
        ),
        (
            layers.rnn,
            {"num_layers": 0},
            "GG005",
            "rnn: num_layers is an int from 1, got 0",
            "leave it out for one layer",
        ),
        (
            layers.rnn,
            {"dropout": 1.0, "num_layers": 2},
            "GG005",
            "rnn: dropout is a probability below 1, got 1.0",
            "leave it out for none",
        ),
        (
            layers.rnn,
            {"dropout": 0.5},
            "GG005",
            "rnn: dropout is between layers, and num_layers=1 has nothing between",
            "use ops.dropout on the input or the result",
        ),
        (
            layers.rnn,
            {"lengths": [4, 2]},
            "GG005",
            "rnn: lengths is a node of ints of shape (batch,), not [4, 2]",
            'declare them with g.input(..., dtype="int64")',
        ),
        (
            layers.rnn,
            {"lengths": ints("batch", dtype="float64")},
            "GG030",
            "rnn: lengths are ints, got float",
            'declare them with dtype="int64"',
        ),
        (
            layers.rnn,
            {"lengths": ints("batch", 1)},
            "GG020",
            "rnn: lengths has shape (batch, 1), and x (batch, 4, 2)",
            "give one for each sequence: (batch,)",
        ),
        (
            layers.gru,
            {"initial_state": 0.0},
            "GG005",
            "gru: initial_state is a node, not 0.0",
            "leave it out for zeros",
        ),
        (
            layers.lstm,
            {"initial_state": state("batch", 3)},
            "GG005",
            "lstm: initial_state is a pair of nodes (h, c), not <state: (batch, 3) float>",
            "leave it out for zeros",
        ),
        (
            layers.gru,
            {"initial_state": state("batch", 4)},
            "GG020",
            "gru: the initial state has shape (batch, 4), and should have (batch, 3)",
            "one that is the same for every sample has no axis for them",
        ),
        (
            layers.gru,
            {"initial_state": state("batch", 3), "bidirectional": True},
            "GG020",
            "gru: the initial state has shape (batch, 3), and should have (2, batch, 3)",
            "one that is the same for every sample has no axis for them",
        ),
        (
            layers.gru,
            {"initial_state": state("batch", 3, dtype="int64")},
            "GG031",
            "gru: an initial state is made of floats, got int64",
            "convert it with ops.cast",
        ),
    ],
)
def test_errors(call, options, code, message, help):
    assert problem(call, **options) == (code, message, help)


@pytest.mark.parametrize("shape", [(), (6,), (4, 4)])
def test_the_init_of_forget_gates_is_for_four_parts(shape):
    g = Graph("m")
    b = g.param("b", shape, init="forget_bias")
    g.output(y=b * 2.0)
    with pytest.raises(GraphError, match="GG027.*the init forget_bias makes four parts of an axis, got the shape"):
        check(g)
