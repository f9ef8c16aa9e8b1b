"""graphgen check: models that are right, what it says of them, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

import graphgen
from graphgen import Graph, checking, layers, losses, ops
from graphgen.checking import slopes
from graphgen.cli import run

TANH = """from graphgen import Graph, layers, losses, ops

g = Graph("model")
x = g.input("x", ("batch", 3))
t = g.input("t", ("batch", 2))
hidden = ops.tanh(layers.dense(x, 4, name="fc1"))
g.loss(losses.mse(layers.dense(hidden, 2, name="fc2"), t))
"""


def checked(graph: Graph, **where) -> checking.Report:
    return checking.check(checking.Subject.of(graph, **where))


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("model.py").write_text(TANH)
    return "model.py"


def with_state_and_dropout() -> Graph:
    g = Graph("regularised", dtype="float32")
    x, label = g.input("x", ("batch", 6)), g.input("label", ("batch",), dtype="int64")
    hidden = ops.gelu(layers.batch_norm(layers.dense(x, 8, name="fc1"), name="bn1"))
    g.loss(losses.cross_entropy(layers.dense(ops.dropout(hidden, p=0.4), 3, name="fc2"), label))
    return g


def with_choices() -> Graph:
    g = Graph("choices")
    x = g.input("x", ("batch", 7))
    scaled = x * g.param("w", (7,), init="he_normal")
    values, places = ops.topk(scaled, 3, axis=1)
    kept = ops.where(scaled > 0, ops.sqrt(scaled), -scaled)
    g.loss(ops.mean(values * ops.take_along_axis(kept, places, axis=1)) + ops.mean(ops.sort(ops.abs(scaled))[:, 2:5]))
    return g


def of_scalars() -> Graph:
    g = Graph("scalars")
    x, w, b = g.input("x", low=0.5, high=2.0), g.param("w", init=0.3), g.param("b", init=0.1)
    g.loss(ops.log(1.0 + ops.exp(w * x + b)) + ops.maximum(w, b) * ops.erf(x * b))
    return g


@pytest.mark.parametrize("model", [with_state_and_dropout, with_choices, of_scalars])
@pytest.mark.parametrize("seed", [0, 1, 7])
def test_models_pass(model, seed):
    report = checked(model(), seed=seed)
    assert report.passed and report.worst < 1e-10
    assert {each.method for each in report.parameters} == {"complex step"}
    assert not any(each.fault for each in report.nodes) and len(report.nodes) > 5


def test_what_has_no_complex_form_is_checked_by_differences():
    g = Graph("gamma")
    x = g.input("x", ("n",), low=0.5, high=3.0)
    g.loss(ops.sum(ops.lgamma(x * g.param("w", (1,), init=0.8))) + ops.square(g.param("b", init=2.0)))
    report = checked(g)
    assert report.passed and report.worst < 1e-8
    assert {each.name: each.method for each in report.parameters} == {"w": "differences", "b": "complex step"}
    assert {each.op: each.method for each in report.nodes}["lgamma"] == "differences"


@pytest.mark.parametrize("at_zero", [0.0, 0.5, 1.0])
def test_kinks_and_ties_at_the_point_are_said_and_no_error(at_zero):
    g = Graph("kinks", relu_at_zero=at_zero)
    w = g.param("w", (5,))
    g.loss(ops.sum(ops.relu(w) * np.array([1.0, 2.0, 3.0, 4.0, 5.0])) + 2.0 * ops.max(w))
    report = checked(g, parameters={"w": np.array([0.0, 1.5, -2.0, 1.5, 0.3])})
    assert report.passed
    assert any("kink" in note for note in report.parameters[0].notes)
    noted = {each.op for each in report.nodes if any("kink" in note for note in each.notes)}
    assert noted <= {"relu", "max"} and "max" in noted and ("relu" in noted or at_zero == 1.0)


def test_declared_gradients_are_known():
    g = Graph("declared")
    x, t = g.input("x", ("batch", 3)), g.input("t", ("batch", 2))
    hidden = layers.dense(x, 4, name="fc1")
    hard = ops.straight_through(ops.sign(hidden), hidden)
    turned = ops.scale_gradient(ops.custom_gradient(hard, hidden, 0.5 * ops.square(hidden)), -0.3)
    stopped = turned * ops.stop_gradient(ops.exp(hidden))
    clipped = ops.clip_gradient(stopped, low=-1e-4, high=1e-4)
    g.loss(losses.mse(layers.dense(clipped, 2, name="fc2"), t))
    report = checked(g)
    assert report.passed and report.worst < 1e-10
    assert {each.name: each.method for each in report.parameters} == dict.fromkeys(g_parameters(g), "complex step")
    declared = {each.op for each in report.nodes if any(note.startswith("declared") for note in each.notes)}
    assert {"straight_through", "custom_gradient", "scale_gradient"} <= declared
    assert "declared: gradient times -0.3" in {note for each in report.nodes for note in each.notes}
    assert any("clip" in note for note in report.notes)


def g_parameters(g: Graph) -> list[str]:
    return [name for name, node in g.dag.nodes(data=True) if node["op"] == "param"]


def test_nodes_that_are_written_alike_may_differ_in_operands():
    """a**2 and square(a), as in mse."""
    g = Graph("squares")
    x, w = g.input("x", ("n",)), g.param("w", (1,), init=0.8)
    g.loss(losses.mse((w * x) ** 2, x))
    assert checked(g).passed


def test_a_model_without_loss_is_checked_by_its_outputs():
    g = Graph("outputs")
    x = g.input("x", ("batch", 3))
    hidden = layers.dense(x, 4, name="fc1")
    g.output(softmax=ops.softmax(hidden), total=ops.sum(ops.exp(hidden), axis=1), best=ops.argmax(hidden, axis=1))
    report = checked(g)
    assert report.passed and [each.name for each in report.parameters] == ["fc1_w", "fc1_b"]
    assert all(each.largest > 0 for each in report.parameters)


def test_inputs_are_checked_if_asked_for(model, capsys):
    g = Graph("inputs")
    x = g.input("x", (3,))
    g.loss(ops.sum(ops.sin(x) * g.param("w", (3,))))
    assert [each.name for each in checked(g, wrt=("x",)).parameters] == ["w", "x"]
    assert run(["check", model, "--wrt", "x, t"]) == 0
    assert "right: 6 gradients" in capsys.readouterr().out


def test_zero_gradients_are_said():
    g = Graph("zeros")
    w, b = g.param("w", (3,), init="ones"), g.param("b", (3,))
    g.loss(ops.sum(ops.relu(w - 100.0)) + ops.sum(b * b))
    report = checked(g)
    assert report.passed and report.parameters[0].notes == ["all zero"] and report.parameters[1].notes == []


def test_a_gradient_that_is_not_finite_fails():
    g = Graph("steep")
    w = g.param("w", (2,))
    g.loss(ops.sum(ops.sqrt(w * w)))
    report = checked(g, parameters={"w": np.array([0.0, 1.0])})
    assert not report.passed and "nan or infinite" in report.parameters[0].notes[0]


def test_float32_is_compared_with_float64():
    report = checking.check(checking.Subject.of(with_state_and_dropout()), dtype="float32")
    assert report.passed and 1e-9 < report.worst < 1e-4 and report.dtype == "float32"
    strict = checking.check(checking.Subject.of(with_state_and_dropout()), dtype="float32", tolerance=1e-12)
    assert not strict.passed


def test_slopes_by_differences_and_by_the_complex_step():
    x = np.array([0.3, -1.2, 2.5])
    found = slopes.by_differences(lambda step: np.exp((x + step) * 0.7))
    np.testing.assert_allclose(found.slopes, 0.7 * np.exp(0.7 * x), rtol=1e-11)
    assert found.smooth.all()
    complex_step = slopes.by_complex_step(lambda step: np.exp((x + step) * 0.7))
    np.testing.assert_allclose(complex_step.slopes, 0.7 * np.exp(0.7 * x), rtol=1e-15)
    kinked = slopes.by_differences(lambda step: np.abs(np.array([0.0, 1.0, -1.0]) + step))
    assert kinked.smooth.tolist() == [False, True, True]


# -- the command


def test_the_table_and_the_verdict(model, capsys):
    assert run(["check", model]) == 0
    out, err = capsys.readouterr()
    assert err == "" and out.startswith("model: loss ")
    lines = out.splitlines()
    assert lines[2].split() == ["parameter", "shape", "largest", "reverse/forward", "reverse/complex", "step", "notes"]
    assert [line.split()[:2] for line in lines[3:7]] == [
        ["fc1_w", "3x4"],
        ["fc1_b", "4"],
        ["fc2_w", "4x2"],
        ["fc2_b", "2"],
    ]
    assert lines[-1].startswith("right: 4 gradients and the rules of ")


def test_nodes_are_shown_if_asked_for(model, capsys):
    assert run(["check", model, "--nodes"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["hidden", "tanh", "model.py:6"] in [row[:3] for row in rows]


@pytest.mark.parametrize("columns", ["60", "80", "120"])
def test_no_number_is_cut_on_a_narrow_terminal(tmp_path, monkeypatch, capsys, columns):
    """What does not fit goes over several lines."""
    monkeypatch.chdir(tmp_path)
    Path("model.py").write_text(TANH.replace('"fc1"', '"the_first_layer_of_two"'))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", columns)
    assert run(["check", "model.py", "--nodes"]) == 0
    out = capsys.readouterr().out
    assert "…" not in out and out.count("complex step") >= 9


@pytest.mark.parametrize("no_color", ["", "1"])
def test_the_verdict_is_coloured_where_that_is_wanted(model, capsys, monkeypatch, no_color):
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda stream, color: color is False)
    assert run(["check", model]) == 0
    assert ("\x1b[32m" in capsys.readouterr().out) is not bool(no_color)


def test_a_wrong_rule_is_named_with_its_place(model, capsys, monkeypatch):
    right = graphgen.differentiation.gradient.vjp

    def wrong(signature, operand):
        return right(signature._replace(op="sigmoid") if signature.op == "tanh" else signature, operand)

    monkeypatch.setattr(graphgen.differentiation.gradient, "vjp", wrong)
    assert run(["check", model]) == 1
    out = capsys.readouterr().out
    assert "the reverse rule of node hidden (tanh, model.py:6) is wrong" in out
    assert "d hidden[" in out and "/ d fc1[" in out and "(complex step), found" in out
    assert out.splitlines()[-1].startswith("wrong: 2 of 4 gradients: fc1_w, fc1_b; at fault: hidden (tanh, model.py:6)")
    assert sum(line.endswith("WRONG") for line in out.splitlines()) == 2


def test_json(model, capsys):
    assert run(["check", model, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] and [each["name"] for each in found["parameters"]] == ["fc1_w", "fc1_b", "fc2_w", "fc2_b"]
    assert {"hidden", "fc1"} <= {each["name"] for each in found["nodes"]}


def test_tolerance_seed_and_dtype(model, capsys):
    assert run(["check", model, "--tolerance", "1e-18"]) == 1
    assert "wrong: " in capsys.readouterr().out
    assert run(["check", model, "--seed", "3", "--dtype", "float32"]) == 0
    assert "gradients in float32" in capsys.readouterr().out


def test_data_and_parameters(model, capsys):
    generator = np.random.default_rng(0)
    np.savez("data.npz", x=generator.normal(size=(50, 3)), t=generator.normal(size=(50, 2)), other=np.zeros(3))
    module = graphgen.load(graphgen.model.load_model(model))
    module.save_parameters("weights.npz", module.init_parameters(5))
    assert run(["check", model, "--data", "data.npz", "--parameters", "weights.npz", "--rows", "5"]) == 0
    found = capsys.readouterr().out
    data = np.load("data.npz")
    loss = module.loss(module.init_parameters(5), data["x"][:5], data["t"][:5])
    assert found.startswith(f"model: loss {loss:.6g};")


@pytest.mark.parametrize(
    "options, said",
    [
        (["--data", "no.npz"], "error[GG085]: there is no file no.npz"),
        (["--parameters", "no.npz"], "error[GG085]: there is no file no.npz"),
        (["--wrt", "y"], "error[GG054]: wrt: 'y' is no input or parameter"),
        (["--data", "other.npz"], "error[GG087]: the data holds other, and none of the inputs x, t"),
        (["--data", "misfit.npz"], "error[GG087]: x: expected shape (batch, 3), got (4, 5)"),
        (["--data", "nan.npz"], "error[GG106]: the loss is nan at this point; the first value that is not finite is x"),
        (["--plot", "none/errors.png"], "error[GG"),
    ],
)
def test_wrong_usage(model, capsys, options, said):
    np.savez("other.npz", other=np.zeros(3))
    np.savez("misfit.npz", x=np.zeros((4, 5)))
    np.savez("nan.npz", x=np.full((4, 3), np.nan))
    assert run(["check", model, *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(said)


def test_what_has_nothing_to_differentiate(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("model.py").write_text('from graphgen import Graph, ops\ng = Graph("m")\ng.output(y=g.input("x", (2,)) > 0)\n')
    assert run(["check", "model.py"]) == 2
    assert capsys.readouterr().err.startswith("error[GG105]: no loss and no output of floats")


def test_a_plot_needs_matplotlib(model, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run(["check", model, "--plot", "errors.png"]) == 2
    assert "error[GG108]" in capsys.readouterr().err


def test_errors_of_steps_have_their_slopes():
    found = checking.errors_of_steps(checking.Subject.of(of_scalars()))
    at = {step: int(np.argmin(np.abs(np.log10(found.steps) - step))) for step in (-2, -4, -15)}
    assert 50 < found.forward[at[-2]] / found.forward[at[-4]] < 200  # as the step
    assert 5e3 < found.central[at[-2]] / found.central[at[-4]] < 2e4  # as its square
    assert found.forward[at[-15]] > 1e-4 and found.central[at[-15]] > 1e-4
    assert found.complex is not None and found.complex[:60].max() < 1e-14


def test_a_plot_is_written(model, tmp_path):
    assert run(["check", model, "--plot", "errors.png"]) == 0
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")
