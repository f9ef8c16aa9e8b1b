"""graphgen train: what it makes of a model and a file of data, and what it refuses."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from training_samples import rows

import graphgen
from graphgen import Graph, cli, losses, ops
from graphgen.cli import run
from graphgen.cli.measured import accuracies, ranges

MODEL = """
from graphgen import Graph, layers, losses, ops

g = Graph("net")
x = g.input("x", shape=("batch", 4))
label = g.input("label", shape=("batch",), dtype="int64")
logits = layers.dense(ops.tanh(layers.dense(x, 8, name="fc1")), 3, name="fc2")
g.output(probabilities=ops.softmax(logits))
g.loss(losses.cross_entropy(logits, label))
g.optimizer("adam", learning_rate=0.01)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(MODEL)
    np.savez("data.npz", **rows(200), hard=np.arange(200))
    return tmp_path


def refused(capsys, *arguments):
    assert run(["train", "net.py", *arguments]) == cli.WRONG
    out, err = capsys.readouterr()
    assert out == "" and "Traceback" not in err
    return err


def weights(path):
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def test_a_training(folder, capsys):
    options = "--data data.npz --epochs 3 --batch-size 20 --lr 0.02 --validation 0.25 --patience 2 --seed 7"
    assert run(["train", "net.py", *options.split()]) == cli.DONE
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == "" and len(lines) == 4
    assert lines[2].startswith("epoch 3/3  loss ") and "  validation_loss " in lines[2] and "  accuracy " in lines[2]
    assert lines[3] == "wrote generated/net.npz: 24 steps, the weights of epoch 3, the best"
    found = weights("generated/net.npz")
    assert {"graph", "run", "o/step", "p/fc1_w", "now/p/fc1_w", "o/first_moment/fc1_w"} <= set(found)
    assert json.loads(str(found["run"]))["settings"] == {
        "seed": 7,
        "batch_size": 20,
        "validation": 0.25,
        "order": "shuffled",
        "data": json.loads(str(found["run"]))["settings"]["data"],
        "epochs": 3,
        "learning_rate": 0.02,
        "patience": 2,
    }
    assert run(["compile", "net.py"]) == cli.DONE
    assert sorted(each.name for each in Path("generated").iterdir()) == ["net.npz", "net.py"]


def test_resumed_on_the_command_line(folder, capsys):
    train = ["train", "net.py", "--data", "data.npz"]
    assert run([*train, "-o", "one.npz", "--epochs", "4", "--order", "hard"]) == cli.DONE
    assert run([*train, "-o", "two.npz", "--steps", "9", "--order", "hard", "--resume"]) == cli.DONE
    assert run([*train, "-o", "two.npz", "--steps", "28", "--order", "hard", "--resume"]) == cli.DONE
    assert "epoch 2 stopped after 2 of 7 batches\nwrote two.npz: 9 steps\n" in capsys.readouterr().err
    one, two = weights("one.npz"), weights("two.npz")
    assert all(one[key].tobytes() == two[key].tobytes() for key in one if key != "run")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing option '--data'"),
        (["--data", "nothing.npz"], "error[GG085]: there is no file nothing.npz\n"),
        (
            ["--data", "net.py"],
            "error[GG085]: net.py is no npz file\n   = help: write it with numpy.savez(file, name=array, ...)\n",
        ),
        (["--data", "data.npz", "--validation", "1.5"], "--validation 1.5: a part is between 0 and 1"),
        (["--data", "data.npz", "--validation", "more.npz"], "error[GG085]: there is no file more.npz\n"),
        (["--data", "data.npz", "--patience", "2"], "error[GG005]: patience needs data for validation\n"),
        (
            ["--data", "data.npz", "--optimizer", "adan"],
            "error[GG004]: unknown optimizer 'adan'\n   = help: did you mean 'adam'?\n",
        ),
        (
            ["--data", "data.npz", "--optimizer", "none"],
            "has no train_step\n   = help: declare g.loss and g.optimizer, or give",
        ),
        (
            ["--data", "data.npz", "--order", "hrad"],
            "data.npz has no hrad, to order rows by\n   = help: did you mean 'hard'?\n",
        ),
        (["--data", "data.npz", "--metrics", "net.py"], "--metrics net.py names no function"),
        (["--data", "data.npz", "--metrics", "none.py:worst"], "error[GG080]: there is no file none.py"),
        (["--data", "data.npz", "--metrics", "net.py:worst"], "net.py holds no function called 'worst'"),
        (["--data", "data.npz", "-o", "data.npz", "--force"], "error[GG084]: data.npz holds the data\n"),
        (["--data", "data.npz", "-o", "data.npz/x.npz"], "cannot write data.npz/x.npz"),
    ],
)
def test_what_is_refused(folder, capsys, arguments, message):
    before = Path("data.npz").read_bytes()
    assert message in refused(capsys, *arguments)
    assert sorted(each.name for each in folder.iterdir()) == ["data.npz", "net.py"]
    assert Path("data.npz").read_bytes() == before


def test_labels_out_of_range(folder, capsys):
    np.savez("data.npz", **{**rows(), "label": np.full(103, 3)})
    assert refused(capsys, "--data", "data.npz") == (
        "error[GG087]: data.npz: label has 103 values that are not from 0 to 2, the first 3 at (0,)\n"
        "   = help: number the classes or rows that it names from 0\n"
    )


def test_warnings_are_told_once(folder, capsys):
    Path("net.py").write_text(f"{MODEL}\nunread = g.param('unread', (3,))\n")
    assert run(["train", "net.py", "--data", "data.npz", "--epochs", "1"]) == cli.DONE
    assert capsys.readouterr().err.count("warning") == 1


def test_a_metric_of_ones_own(folder, capsys):
    Path("own.py").write_text(
        "def doubt(outputs, inputs):\n    return (1 - outputs['probabilities'].max(axis=1)).mean()\n"
    )
    assert run(["train", "net.py", "--data", "data.npz", "--epochs", "1", "--metrics", "own.py:doubt"]) == cli.DONE
    assert "  doubt 0." in capsys.readouterr().err


def test_metrics_that_fail(folder, capsys):
    Path("own.py").write_text("def doubt(outputs, inputs):\n    return 1 / 0\n")
    train = ["--data", "data.npz", "--epochs", "1", "--metrics", "own.py:doubt"]
    assert refused(capsys, *train) == "error[GG081]: the metric doubt raised ZeroDivisionError: division by zero\n"
    Path("own.py").write_text("1 / 0\n")
    assert "error[GG081]: ZeroDivisionError: division by zero\n  --> own.py:1:1\n" in refused(capsys, *train, "--force")


def test_a_file_is_kept_unless_told_otherwise(folder, capsys):
    train = ["--data", "data.npz", "--epochs", "1", "-o", "net.npz"]
    assert run(["train", "net.py", *train]) == cli.DONE
    capsys.readouterr()
    assert refused(capsys, *train) == (
        "error[GG084]: net.npz exists, and is left as it is\n"
        "   = help: go on with it with --resume, replace it with --force, or write to another file with -o\n"
    )
    assert run(["train", "net.py", *train, "--force"]) == cli.DONE


def test_ctrl_c_on_a_terminal(folder):
    """The bar is shown on a terminal; what Ctrl-C leaves can be resumed."""
    main, side = pty.openpty()
    code = "from graphgen.cli import main; main()"
    command = [
        sys.executable,
        "-c",
        code,
        "train",
        "net.py",
        "--data",
        "data.npz",
        "--epochs",
        "1000000",
        "-o",
        "net.npz",
    ]
    environment = os.environ | {
        "PYTHONPATH": str(Path(graphgen.__file__).parent.parent),
        "TERM": "xterm",
        "COLUMNS": "120",
    }
    process = subprocess.Popen(command, stderr=side, stdout=subprocess.PIPE, env=environment)
    os.close(side)
    shown = b""
    while b"epoch 5/1000000" not in shown:
        shown += os.read(main, 10000)
    process.send_signal(signal.SIGINT)
    try:
        while chunk := os.read(main, 10000):
            shown += chunk
    except OSError:  # a terminal that nobody is left at
        pass
    assert process.communicate(timeout=30)[0] == b""
    assert process.returncode == cli.INTERRUPTED
    assert b"interrupted; go on with --resume: net.npz" in shown and b"Traceback" not in shown
    assert "━".encode() in shown
    assert json.loads(str(weights("net.npz")["run"]))["step"] > 5 * 7


def of(build):
    """The metrics for a graph that `build` makes of a graph, logits and labels."""
    g = Graph("g")
    x = g.input("x", ("batch", 3))
    build(g, x)
    return accuracies(g, graphgen.load(g))


def test_which_accuracy_is_shown():
    def label(g):
        return g.input("label", ("batch",), dtype="int64")

    def target(g):
        return g.input("target", ("batch", 3))

    shown = [
        lambda g, x: (g.output(p=ops.softmax(x)), g.loss(losses.cross_entropy(x, label(g)))),
        lambda g, x: (g.output(p=ops.log_softmax(x)), g.loss(losses.cross_entropy(x, label(g)) + (x * x).mean())),
        lambda g, x: (g.output(x), g.loss(losses.cross_entropy(x, target(g)))),
        lambda g, x: (g.output(other=x + 1, p=ops.softmax(x)), g.loss(losses.nll(ops.log_softmax(x), label(g)))),
        lambda g, x: (g.output(p=ops.sigmoid(x)), g.loss(losses.bce_with_logits(x, target(g)))),
    ]
    hidden = [
        lambda g, x: (g.output(p=ops.softmax(x, axis=0)), g.loss(losses.cross_entropy(x, label(g)))),
        lambda g, x: (g.output(p=x + 1), g.loss(losses.cross_entropy(x, label(g)))),
        lambda g, x: (g.output(p=x), g.loss(losses.mse(x, target(g)))),
        lambda g, x: (
            g.output(p=x),
            g.loss(losses.cross_entropy(x, (one := label(g))) + losses.cross_entropy(2 * x, one)),
        ),
        lambda g, x: (g.output(p=x), g.loss(losses.cross_entropy(x, ops.argmax(target(g), axis=1)))),
        lambda g, x: (g.output(p=ops.softmax(x)), g.loss(x.mean())),
    ]
    assert [list(of(build)) for build in shown] == [["accuracy"]] * 5
    assert [list(of(build)) for build in hidden] == [[]] * 6


def test_which_integers_an_input_may_hold():
    g = Graph("g")
    x = g.input("x", ("batch", 3))
    label = g.input("label", ("batch",), dtype="int64")
    g.loss(losses.cross_entropy(x, label))
    assert ranges(g) == {"label": (0, 3)}


def test_neither_the_model_nor_a_metric_is_written_over(folder, capsys):
    Path("of.py").write_text("def share(outputs, inputs): return 0.0\n")
    for output, what in (("net.py", "the model"), ("of.py", "a metric"), ("data.npz", "the data")):
        before = Path(output).read_bytes()
        error = refused(capsys, "--data", "data.npz", "-o", output, "--force", "--metrics", "of.py:share")
        assert f"error[GG084]: {output} holds {what}" in error and Path(output).read_bytes() == before


def test_an_optimizer_is_resumed_with_itself(folder, capsys):
    begin = ["train", "net.py", "--data", "data.npz", "-o", "net.npz", "--epochs", "1"]
    assert run([*begin, "--optimizer", "adamw"]) == cli.DONE
    capsys.readouterr()
    error = refused(capsys, "--data", "data.npz", "-o", "net.npz", "--resume", "--epochs", "2")
    assert "error[GG088]: net.npz was trained with the graph" in error
    assert run([*begin[:-1], "2", "--resume", "--optimizer", "adamw"]) == cli.DONE


def test_a_metric_that_fails_loses_no_step(folder, capsys):
    Path("of.py").write_text("def gone(outputs, inputs): raise SystemExit(0)\n")
    error = refused(capsys, "--data", "data.npz", "-o", "net.npz", "--batch-size", "20", "--metrics", "of.py:gone")
    assert "error[GG081]: the metric gone raised SystemExit" in error
    assert weights("net.npz")["o/step"] == 10


def test_rows_for_validation_that_cannot_be_evaluated(folder, capsys):
    table = """
from graphgen import Graph, ops
g = Graph("net")
x = g.input("x", shape=("batch", "time"))
g.loss(ops.mean((x * g.param("w", shape=("time",)) - 1.0) ** 2))
g.optimizer("sgd")
"""
    Path("net.py").write_text(table)
    np.savez("data.npz", x=np.ones((20, 3)))
    np.savez("longer.npz", x=np.ones((5, 4)))
    error = refused(capsys, "--data", "data.npz", "-o", "net.npz", "--validation", "longer.npz")
    assert "error[GG087]" in error and "longer.npz" in error


def test_a_metric_beyond_all_floats(folder, capsys):
    Path("of.py").write_text("def huge(outputs, inputs): return 10**400\n")
    error = refused(capsys, "--data", "data.npz", "-o", "net.npz", "--metrics", "of.py:huge")
    assert "error[GG005]: the metric huge is a number, got int" in error
