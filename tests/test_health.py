"""The health report: dead and saturated units, gradients across the depth, weights and steps; and the command."""

from pathlib import Path

import numpy as np
import pytest

from graphgen import Graph, GraphError, cli, health, layers, losses, ops
from graphgen.calculus.slopes import Signature
from graphgen.check import check
from graphgen.cli import run
from graphgen.forms import forms
from graphgen.health.tails import _tails
from graphgen.health.units import units


def tails_of(op, *numbers):
    """The tails of an op by its first operand; the others are numbers."""
    count = 1 + len(numbers)
    return _tails(Signature(op, (), tuple(range(count)), (False, *[True] * len(numbers)), (None, *numbers)), 0)


@pytest.mark.parametrize(
    ("op", "numbers", "low", "high", "largest"),
    [
        ("sigmoid", (), True, True, 0.25),
        ("tanh", (), True, True, 1.0),
        ("hardtanh", (), True, True, 1.0),
        ("relu6", (), True, True, 1.0),
        ("relu", (), True, False, 1.0),
        ("maximum", (0.5,), True, False, 1.0),
        ("minimum", (0.5,), False, True, 1.0),
        ("softplus", (), True, False, 1.0),
        ("gelu", (), True, False, 1.1289),
    ],
)
def test_tails_follow_from_the_slope(op, numbers, low, high, largest):
    found = tails_of(op, *numbers)
    assert (found.low, found.high) == (low, high)
    assert found.largest == pytest.approx(largest, abs=1e-3)


@pytest.mark.parametrize(
    "op", ["square", "exp", "sin", "log", "sqrt", "reciprocal", "cbrt", "abs", "leaky_relu", "identity", "sign"]
)
def test_what_has_no_flat_tail(op):
    assert tails_of(op) is None


def test_a_product_with_a_number_has_no_tail():
    assert tails_of("multiply", 30.0) is None


def classifier(activation, depth=1, scale=1.0, rate=1e-3, features=4):
    g = Graph("net", dtype="float32")
    h = g.input("x", shape=("batch", features))
    label = g.input("label", shape=("batch",), dtype="int64")
    for at in range(depth):
        h = activation(scale * layers.dense(h, 8, name=f"fc{at}"), name=f"h{at}")
    logits = layers.dense(h, 3, name="out")
    g.loss(losses.cross_entropy(logits, label))
    g.optimizer("sgd", learning_rate=rate)
    return g


def data(rows=64, features=4, seed=0):
    generator = np.random.default_rng(seed)
    return {"x": generator.normal(size=(rows, features)), "label": generator.integers(0, 3, rows)}


def test_figures_are_those_of_the_arrays():
    given = data()
    measured = health.examine(classifier(ops.relu), data=given)
    hidden, logits = measured.layers
    weights = {each.name: each for each in measured.weights}
    module = health.load(classifier(ops.relu))
    parameters = module.init_parameters(0)
    x = given["x"].astype(np.float32)
    before = x @ parameters["fc0_w"] + parameters["fc0_b"]
    value = np.maximum(before, 0.0)
    loss, gradients = module.value_and_grad(parameters, x, given["label"])
    assert measured.loss == pytest.approx(loss) and measured.rows == 64
    assert (hidden.name, hidden.op, hidden.shape, logits.name) == ("h0", "relu", (64, 8), "logits")
    assert (hidden.mean, hidden.deviation) == pytest.approx((value.mean(), value.std()), rel=1e-5)
    assert hidden.low == pytest.approx((before <= 0.0).mean()) and hidden.high is None
    assert (hidden.dead, hidden.units) == (int((before <= 0.0).all(axis=0).sum()), 8)
    wanted = np.exp(value @ parameters["out_w"]) / np.exp(value @ parameters["out_w"]).sum(axis=1, keepdims=True)
    slope = (wanted - np.eye(3)[given["label"]]) / 64
    assert logits.gradient == pytest.approx((np.sqrt(np.mean(slope**2)),), rel=1e-4)
    assert weights["out_w"].gradient == pytest.approx(np.linalg.norm(gradients["out_w"]), rel=1e-5)
    assert weights["out_w"].norm == pytest.approx(np.linalg.norm(parameters["out_w"]), rel=1e-6)
    assert weights["out_w"].step == pytest.approx(1e-3 * np.linalg.norm(gradients["out_w"]), rel=1e-3)


def test_saturation_is_counted_on_each_side():
    given = data()
    measured = health.examine(classifier(ops.tanh, scale=50.0), data=given)
    module = health.load(classifier(ops.tanh, scale=50.0))
    before = 50.0 * (given["x"] @ module.init_parameters(0)["fc0_w"].astype(np.float64))
    flat = 1.0 - np.tanh(before) ** 2 < 0.01
    hidden = measured.layers[0]
    assert (hidden.low, hidden.high) == pytest.approx(
        ((flat & (before < 0)).mean(), (flat & (before > 0)).mean()), abs=1e-6
    )
    assert any("h0 (tanh" in text and "saturated" in text for text in health.findings(measured))


def test_dead_units_need_rows_to_tell():
    def declare():
        g = Graph("dead")
        x = g.input("x", shape=("n", 2))
        b = g.param("b", shape=(3,), init=np.array([0.0, -100.0, -100.0]))
        hidden = ops.relu(x @ g.param("w", shape=(2, 3)) + b)
        g.loss(ops.square(hidden).mean())
        return g

    measured = health.examine(declare())
    assert (measured.layers[0].dead, measured.layers[0].units) == (2, 3)
    assert (
        "hidden (relu, test_health.py" in health.findings(measured)[0]
        and "2 of 3 units" in health.findings(measured)[0]
    )
    assert health.examine(declare(), rows=4).layers[0].dead is None


def test_a_channel_is_one_unit():
    g = Graph("images")
    x = g.input("x", shape=("n", 1, 6, 6))
    c = ops.relu(layers.conv2d(x, 5, 3, name="conv"))
    g.loss(ops.square(c).mean())
    program = forms(check(g)).training
    assert units(program, program.nodes["c"]) == (1,)
    assert health.examine(g).layers[-1].units == 5


def test_gradients_that_vanish_and_explode_across_the_depth():
    said = health.findings(health.examine(classifier(ops.sigmoid, depth=10)))
    assert any(
        text.startswith("the gradient vanishes: it shrinks by a factor of") and "h0 (sigmoid" in text for text in said
    )
    said = health.findings(health.examine(classifier(ops.leaky_relu, depth=10, scale=8.0)))
    assert any(
        text.startswith("the gradient explodes: it grows by a factor of") and "11 values deep" in text for text in said
    )
    assert health.findings(health.examine(classifier(ops.tanh, depth=2))) == []


def test_steps_of_a_recurrent_layer_are_one_line():
    g = Graph("steps")
    x = g.input("x", shape=("n", 30, 2))
    h = layers.rnn(x, 4, name="cell", nonlinearity="relu", recurrent_init=3.0 * np.eye(4))
    g.loss(ops.square(h).mean())
    measured = health.examine(g)
    line = next(layer for layer in measured.layers if layer.name.startswith("cell"))
    assert line.steps > 20 and " ... " in line.name and line.gradient[0] > 1e3 * line.gradient[1]
    assert any(
        "the gradient explodes" in text and f"over the {line.steps} steps" in text for text in health.findings(measured)
    )


def test_a_first_step_that_is_too_large_and_parameters_without_gradient():
    said = health.findings(health.examine(classifier(ops.tanh, rate=1e3)))
    assert any(text.startswith("a first step moves ") and "times its norm" in text for text in said)
    g = classifier(ops.relu)
    g.dag.nodes["fc0_b"]["init"] = np.full(8, -1e6)
    assert any(text.startswith("no gradient reaches fc0_w, fc0_b") for text in health.findings(health.examine(g)))


MODEL = """
from graphgen import Graph, layers, losses, ops

g = Graph("net", dtype="float32")
x = g.input("x", shape=("batch", 4))
label = g.input("label", shape=("batch",), dtype="int64")
h = ops.relu(layers.dense(x, 8, name="fc1"))
p = ops.softmax(layers.dense(h, 3, name="fc2") * SCALE)
g.output(p=p)
picked = ops.log(ops.take_along_axis(p, label[:, None], axis=1))
g.loss(-picked.mean())
g.optimizer("sgd", learning_rate=1e-3)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("well.py").write_text(MODEL.replace("SCALE", "1.0"))
    Path("ill.py").write_text(MODEL.replace("SCALE", "200.0"))
    np.savez("data.npz", **data(200))
    return tmp_path


def test_the_command_that_traces(folder, capsys):
    assert run(["check", "well.py", "--trace", "--data", "data.npz"]) == cli.DONE
    out = capsys.readouterr().out
    assert out.startswith("no nan or infinity: ") and "values of value_and_grad" in out
    assert "at 200 rows of data.npz, fresh weights of seed 0" in out
    assert run(["check", "ill.py", "--trace", "--data", "data.npz"]) == cli.DIFFERS
    out = capsys.readouterr().out
    assert out.startswith("error[GG125]: picked = log(picked_take_along_axis) is -inf at [")
    assert (
        "--> ill.py:10:10\n   |  picked = ops.log(ops.take_along_axis(p, label[:, None], axis=1))\n   |           ^^^"
        in out
    )
    assert "   = picked_take_along_axis[" in out and "   = rows 0 to 63\n   = help: keep x above 0" in out


def test_weights_that_a_training_has_broken(folder, capsys):
    module = health.load((graph := health.Graph("w"), graph.loss(graph.param("a") ** 2.0))[0])
    module.save_parameters("broken.npz", {"a": float("nan")})
    Path("w.py").write_text('from graphgen import Graph\ng = Graph("w")\na = g.param("a")\ng.loss(a**2.0)\n')
    assert run(["check", "w.py", "--trace", "--parameters", "broken.npz"]) == cli.DIFFERS
    out = capsys.readouterr().out
    assert (
        "error[GG125]: the parameter a is nan, as forward reads it" in out
        or "the parameter a is nan, as loss reads it" in out
    )
    assert '--> w.py:3:5\n   |  a = g.param("a")' in out and "the weights of broken.npz" in out
    assert run(["check", "w.py", "--trace", "--parameters", "data.npz"]) == cli.WRONG
    assert "error[GG088]" in capsys.readouterr().err


def test_the_command_that_measures(folder, capsys):
    assert run(["check", "well.py", "--health", "--trace", "--data", "data.npz", "--rows", "100"]) == cli.DONE
    out = capsys.readouterr().out
    assert out.startswith("no nan") and "net at 100 rows of data.npz, fresh weights of seed 0: loss" in out
    lines = out.splitlines()
    title = next(line for line in lines if line.startswith("value"))
    assert title.split() == [
        "value",
        "op",
        "declared",
        "at",
        "shape",
        "mean",
        "std",
        "range",
        "flat",
        "dead",
        "gradient",
    ]
    assert any(line.startswith("h ") and " relu " in line and "100x8" in line for line in lines)
    assert any(line.startswith("parameter  shape") and line.endswith("gradient/norm  step/norm") for line in lines)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("--size time=3", "GG117"),
        ("--size batch=0", "GG117"),
        ("--data none.npz", "GG085"),
    ],
)
def test_what_the_command_refuses(folder, capsys, options, code):
    assert run(["check", "well.py", "--health", *options.split()]) == cli.WRONG
    out, err = capsys.readouterr()
    assert out == "" and f"error[{code}]" in err


@pytest.mark.parametrize("options", ["--trace --nodes", "--health --tolerance 1e-3", "--size batch=3", "--health --size batch", "--rows 3"])
def test_options_that_would_do_nothing(folder, capsys, options):
    assert run(["check", "well.py", *options.split()]) == cli.WRONG
    assert "Usage:" in capsys.readouterr().err


def test_the_checked_variant_stands_beside_the_module(folder):
    assert run(["compile", "well.py", "--trace"]) == cli.DONE
    assert Path("generated/net_trace.py").exists() and not Path("generated/net.py").exists()


def test_models_without_a_loss_state_and_random_numbers():
    g = Graph("outputs")
    h = ops.tanh(layers.dense(g.input("x", shape=("n", 3)), 4, name="fc"))
    g.output(h=h)
    assert health.examine(g).layers[0].gradient is None and not health.traced(g).problems
    g = Graph("both")
    x = g.input("state", shape=("n", 3))  # called like an argument
    h = ops.dropout(ops.relu(layers.batch_norm(layers.dense(x, 4, name="fc"), name="bn")), p=0.5)
    g.loss(ops.square(h).mean())
    g.optimizer("adam")
    assert not health.traced(g).problems
    measured = health.examine(g)
    assert measured.weights[0].step > 0.0
    with pytest.raises(GraphError, match="GG117"):
        health.examine(g, known={"m": 3})


def test_steps_of_training_until_it_breaks(folder, capsys):
    Path("fast.py").write_text(
        "from graphgen import Graph, losses\n"
        'g = Graph("fast", dtype="float32")\n'
        'x = g.input("x", shape=("n", 4))\n'
        'g.loss(losses.mse(x @ g.param("w", shape=(4, 2)), x[:, :2]))\n'
        'g.optimizer("sgd", learning_rate=50.0)\n'
    )
    assert run(["check", "fast.py", "--trace"]) == cli.DONE
    assert run(["check", "fast.py", "--trace", "--steps", "100"]) == cli.DIFFERS
    out = capsys.readouterr().out
    assert "error[GG125]: loss_square = square(loss_error) is inf at [" in out and "--> fast.py:4:8" in out
    assert "   = step " in out and "within 100 steps" in out
    Path("still.py").write_text(Path("fast.py").read_text().rpartition("g.optimizer")[0])
    assert run(["check", "still.py", "--trace", "--steps", "3"]) == cli.WRONG
    assert "error[GG126]" in capsys.readouterr().err


def test_values_that_do_not_matter_are_told():
    g = Graph("masked")
    x = g.input("x", shape=("n", 3))
    scores = ops.where(x > 0.0, x * g.param("w", shape=(3,)), float("-inf"), name="scores")
    g.loss(ops.exp(scores).sum())
    trace = health.traced(g)
    assert not trace.problems and set(trace.harmless) == {"scores"}
    assert trace.values["loss"] < trace.values["value_and_grad"] and trace.harmless["scores"].startswith(
        "test_health.py:"
    )
