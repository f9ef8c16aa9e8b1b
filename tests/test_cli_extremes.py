"""Bad and extreme input to `graphgen check` and `graphgen cost`: each mistake is told, and nothing is half-written."""

from pathlib import Path

import numpy as np
import pytest

from graphgen.cli import run

MODEL = """
from graphgen import Graph, losses, ops

g = Graph("net")
x = g.input("x", shape=("batch", 3))
label = g.input("label", shape=("batch",), dtype="int64")
w = g.param("w", shape=(3, 2))
g.loss(losses.cross_entropy(x @ w, label))
"""
WITHOUT_LOSS = """
from graphgen import Graph, ops

g = Graph("net")
x = g.input("x", shape=("batch", 3))
y = ops.tanh(x)
g.output(y=y)
"""
FROZEN = """
from graphgen import Graph, ops

g = Graph("net")
x = g.input("x", shape=("batch",))
unused = g.input("unused", shape=("batch",))
w = g.param("w", shape=(), trainable=False)
g.loss(ops.sum(x * w))
"""
EMPTY = """
from graphgen import Graph, ops

g = Graph("net")
x, w = g.input("x", shape=("batch", 0)), g.param("w", shape=(0, 2))
y = x @ w
g.loss(ops.sum(y * y))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"net": MODEL, "without": WITHOUT_LOSS, "frozen": FROZEN, "empty": EMPTY}.items():
        Path(f"{name}.py").write_text(text)
    return tmp_path


def outcome(capsys, *arguments):
    code = run(arguments)
    out, err = capsys.readouterr()
    assert "Traceback" not in err and "RuntimeWarning" not in err
    return code, out, err


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"label": np.array([0, 2])}, (), "error[GG087]: label holds 2, which is not from 0 to 1"),
        (
            {"label": np.array([-1, 1])},
            ("--dtype", "float32"),
            "error[GG087]: label holds -1, which is not from 0 to 1",
        ),
        ({"x": np.ones((0, 3))}, (), "error[GG087]: the data has no rows: batch is 0 in x"),
        ({"x": np.full((2, 3), 1e300)}, ("--dtype", "float32"), "error[GG106]: x holds numbers that float32 cannot"),
    ],
)
def test_data_that_cannot_be_checked_at(folder, capsys, arrays, options, message):
    np.savez("data.npz", **arrays)
    code, out, err = outcome(capsys, "check", "net.py", "--data", "data.npz", *options)
    assert (code, out) == (2, "") and message in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "net.py", "--tolerance", "nan"), "Invalid value for '--tolerance': nan is not finite."),
        (("check", "net.py", "--tolerance", "inf"), "Invalid value for '--tolerance': inf is not finite."),
        (("check", "net.py", "--nodes", "--dtype", "float32"), "--nodes is for the check in float64"),
        (("check", "net.py", "--trace", "--size", f"batch={'9' * 5000}"), "is no NAME=NUMBER"),
        (("cost", "net.py", "--size", f"batch={'9' * 5000}"), "is no NAME=NUMBER"),
        (
            ("check", "net.py", "--health", "--rows", "9" * 14),
            "error[GG117]: size: x of shape (99999999999999, 3) does not fit",
        ),
        (("check", "net.py", "--trace", "--rows", "9" * 30), "does not fit into memory"),
        (("check", "net.py", "--plot", ""), "error[GG085]: cannot write"),
        (
            ("check", "net.py", "--plot", "missing/errors.png"),
            "error[GG085]: cannot write missing/errors.png: No such file",
        ),
        (("check", "frozen.py"), "error[GG105]: no parameter of the model is trained"),
        (("cost", "without.py", "--side-by-side"), "= help: declare it with g.loss(node), or leave out --side-by-side"),
        (
            ("compile", "without.py", "-o", "-", "--hessian"),
            "= help: declare it with g.loss(node), or leave hessian out",
        ),
    ],
)
def test_what_is_refused(folder, capsys, arguments, message):
    pytest.importorskip("matplotlib")
    before = sorted(folder.iterdir())
    code, out, err = outcome(capsys, *arguments)
    assert (code, out) == (2, "") and message in err
    assert [path for path in folder.iterdir() if path not in before and path.name != "__pycache__"] == []


def test_a_plot_goes_where_it_is_said_to(folder, capsys):
    pytest.importorskip("matplotlib")
    assert outcome(capsys, "check", "net.py", "--plot", "errors")[0] == 0
    assert (folder / "errors").read_bytes().startswith(b"\x89PNG") and not (folder / "errors.png").exists()


@pytest.mark.parametrize("options", [(), ("--nodes",), ("--dtype", "float32"), ("--trace",), ("--health",)])
def test_parameters_without_entries(folder, capsys, options):
    assert outcome(capsys, "check", "empty.py", *options)[0] == 0


def test_no_value_depends_on_a_parameter(folder, capsys):
    code, out, _ = outcome(capsys, "check", "without.py", "--health")
    assert code == 0 and out.endswith("no value depends on a parameter: there is nothing to look at\n")


@pytest.mark.parametrize("options", [("--trace",), ("--health",), ("--trace", "--health")])
def test_warnings_are_told_once_as_text(folder, capsys, options):
    code, _, err = outcome(capsys, "check", "frozen.py", *options)
    assert code == 0 and err.startswith("warning[GG053]: the input unused is not used\n")
    assert err.count("GG053") == 1 and "GraphWarning" not in err


def test_names_of_inputs_share_an_option(folder, capsys):
    code, out, _ = outcome(capsys, "cost", "frozen.py", "--wrt", "x,unused", "--json")
    assert code == 0 and '"differentiated": 128' in out
