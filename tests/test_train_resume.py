"""A run that was ended, by whatever, and resumed comes to the same bits; files are whole or not there."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from training_samples import classifier, line, rows

import graphgen
from graphgen.errors import GraphError
from graphgen.train import accuracy, fit

OPTIONS = {"epochs": 4, "batch_size": 16, "validation": 0.2, "patience": 3, "seed": 5}
KILLS = int(os.environ.get("KILLS", "3"))

SCRIPT = """
import importlib.util, json, sys
from graphgen.train import fit

path, options = sys.argv[1], json.loads(sys.argv[2])
spec = importlib.util.spec_from_file_location("net", path)
net = importlib.util.module_from_spec(spec)
spec.loader.exec_module(net)
print("ready", flush=True)
fit(net, "data.npz", output="net.npz", resume=True, save_every=0, progress=False,
    after_step=[lambda report: print(report.step, flush=True)], **options)
"""


@pytest.fixture(scope="module")
def net():
    return graphgen.load(classifier())


@pytest.fixture(scope="module")
def whole(net):
    """What comes of a run that nobody ends."""
    return fit(net, rows(), progress=False, **OPTIONS)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("data.npz", **rows())
    return tmp_path


def same(one, other):
    """Whether two trees of arrays have the same bits."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    one, other = np.asarray(one), np.asarray(other)
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


def equal(one, other):
    parts = ("parameters", "state", "optimizer_state")
    facts = ("history", "epoch", "step", "best_epoch", "stopped")
    return all(same(getattr(one, part), getattr(other, part)) for part in parts) and all(
        getattr(one, fact) == getattr(other, fact) for fact in facts
    )


class Ended(Exception):
    """Raised by a callback."""


@pytest.mark.parametrize("step", [1, 5, 6, 7, 13])
def test_ended_at_any_step_and_resumed(net, whole, folder, step):
    def end(report):
        if report.step == step:
            raise Ended

    with contextlib.suppress(Ended):
        fit(net, "data.npz", output="net.npz", save_every=0, after_step=[end], progress=False, **OPTIONS)
    assert equal(fit(net, "data.npz", output="net.npz", resume=True, progress=False, **OPTIONS), whole)


def test_steps_are_enough_to_stop_and_to_go_on(net, whole, folder):
    fit(net, "data.npz", output="net.npz", steps=8, progress=False, **OPTIONS)
    result = fit(net, "data.npz", output="net.npz", resume=True, steps=1000, progress=False)
    assert equal(result, whole)


def test_a_longer_run_is_a_resumed_one(net, whole, folder):
    fit(net, "data.npz", output="net.npz", progress=False, **{**OPTIONS, "epochs": 2})
    assert equal(fit(net, "data.npz", output="net.npz", resume=True, epochs=4, progress=False), whole)
    before = Path("net.npz").read_bytes()
    assert equal(fit(net, "data.npz", output="net.npz", resume=True, progress=False), whole)
    assert Path("net.npz").read_bytes() == before


@pytest.mark.parametrize("epoch", range(1, 6))
def test_patience_is_remembered(epoch, folder):
    module = graphgen.load(line())
    data = {"x": np.arange(10.0) / 10, "y": np.arange(10.0) / 5 + 1}
    # What the training goes to is far from where the validation data lie: it passes them, and moves away.
    options = {
        "validation": {"x": np.zeros(3), "y": np.full(3, 0.5)},
        "patience": 3,
        "batch_size": 5,
        "progress": False,
    }
    whole = fit(module, data, epochs=50, **options)
    assert whole.stopped == "patience" and 3 < whole.epoch < 8
    fit(module, data, output="line.npz", epochs=epoch, **options)
    assert equal(fit(module, data, output="line.npz", resume=True, epochs=50, **options), whole)


def test_a_failure_leaves_the_old_file_and_no_other(net, folder, monkeypatch):
    fit(net, "data.npz", output="net.npz", epochs=1, progress=False)
    before = Path("net.npz").read_bytes()

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(GraphError, match="cannot write net.npz: No space left on device"):
        fit(net, "data.npz", output="net.npz", resume=True, epochs=2, progress=False)
    assert Path("net.npz").read_bytes() == before
    assert sorted(each.name for each in folder.iterdir()) == ["data.npz", "net.npz"]


def test_a_file_is_on_the_disk_before_it_gets_its_name(net, folder, monkeypatch):
    done = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda number: done.append("synchronised") or sync(number))
    monkeypatch.setattr(Path, "replace", lambda self, target: done.append("named") or replace(self, target))
    fit(net, "data.npz", output="net.npz", epochs=1, save_every=1000, progress=False)
    assert done == ["synchronised", "synchronised", "named", "synchronised"] * 2


def test_weights_out_of_the_file_are_the_best(net, whole, folder):
    result = fit(net, "data.npz", output="net.npz", progress=False, **OPTIONS)
    assert same(net.load_parameters("net.npz"), result.parameters) and same(net.load_state("net.npz"), result.state)


def test_numbers_of_scalar_models_are_resumed(folder):
    module = graphgen.load(line(shape=()), optimizer="adam")
    point = {"x": 2.0, "y": 3.0}
    whole = fit(module, point, epochs=9, progress=False)
    fit(module, point, epochs=4, output="line.npz", progress=False)
    assert equal(fit(module, point, epochs=9, output="line.npz", resume=True, progress=False), whole)


def run_script(module, options=None):
    environment = os.environ | {"PYTHONPATH": str(Path(graphgen.__file__).parent.parent)}
    command = [sys.executable, "-c", SCRIPT, module.__file__, json.dumps(options or OPTIONS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_killed_at_random_moments(net, whole, folder):
    """The moments are drawn anew in each run of the tests: every one of them must do. KILLS=20 makes a longer test."""
    kills, seed = 0, random.randrange(2**32)
    generator = random.Random(seed)
    while kills < KILLS:
        with run_script(net) as process:
            for _ in range(generator.randrange(1, 5)):
                process.stdout.readline()
            time.sleep(generator.uniform(0.0, 0.01))
            process.send_signal(signal.SIGKILL)
        # One that had come to its end was killed too late: it has to begin anew to be killed.
        assert process.returncode in (-signal.SIGKILL, 0), process.stderr
        kills += process.returncode == -signal.SIGKILL
        if process.returncode == 0:
            Path("net.npz").unlink()
    result = fit(net, "data.npz", output="net.npz", resume=True, progress=False, **OPTIONS)
    assert equal(result, whole), f"seed {seed}"
    assert sorted(each.name for each in folder.iterdir()) == ["data.npz", "net.npz"]


def test_interrupted_by_ctrl_c(net, whole, folder):
    with run_script(net, {**OPTIONS, "epochs": 100000, "patience": None}) as process:
        lines = [process.stdout.readline() for _ in range(10)]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode != 0 and err.endswith("KeyboardInterrupt\n")
    taken = int([*lines, *out.splitlines()][-1])
    with np.load("net.npz", allow_pickle=False) as file:
        assert json.loads(str(file["run"]))["step"] == taken
    assert sorted(each.name for each in folder.iterdir()) == ["data.npz", "net.npz"]


def test_interrupts_wait_for_the_end_of_a_step(net, folder):
    def press(report):
        if report.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(net, "data.npz", output="net.npz", after_step=[press], progress=False, **OPTIONS)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with np.load("net.npz", allow_pickle=False) as file:
        assert json.loads(str(file["run"]))["step"] == int(file["o/step"]) == 3


def test_nothing_is_written_over_by_surprise(net, folder):
    Path("net.npz").write_bytes(b"mine")
    with pytest.raises(GraphError, match="net.npz exists, and is left as it is"):
        fit(net, "data.npz", output="net.npz", progress=False)
    assert Path("net.npz").read_bytes() == b"mine"
    fit(net, "data.npz", output="net.npz", overwrite=True, epochs=1, progress=False)
    assert net.load_parameters("net.npz")


def test_a_file_that_cannot_be_written_is_known_at_once(net, folder):
    steps = []
    Path("file").write_text("")
    for place in ("file/net.npz", "/proc/net.npz"):
        with pytest.raises(GraphError, match=f"cannot write {place}"):
            fit(net, "data.npz", output=place, after_step=[steps.append], progress=False)
    assert steps == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 6}, "seed is 6, and net.npz was trained with 5"),
        ({"batch_size": 8}, "batch_size is 8, and net.npz was trained with 16"),
        ({"validation": 0.3}, "validation is 0.3, and net.npz was trained with 0.2"),
        ({"validation": rows()}, "validation is data of its own, and net.npz was trained with 0.2"),
        ({"data": rows(seed=1)}, "data is not what net.npz was trained with"),
        ({"order": np.arange(103)}, "order is not what net.npz was trained with"),
    ],
)
def test_what_decides_over_the_position_must_be_as_it_was(net, folder, change, message):
    fit(net, "data.npz", output="net.npz", progress=False, **{**OPTIONS, "epochs": 1})
    before = Path("net.npz").read_bytes()
    given = {"data": "data.npz", **change}
    with pytest.raises(GraphError) as caught:
        fit(net, output="net.npz", resume=True, progress=False, **given)
    assert [problem.message for problem in caught.value.problems] == [message]
    assert Path("net.npz").read_bytes() == before


def test_data_and_orders_of_ones_own_must_be_given_again(net, folder):
    options = {"validation": rows(seed=2), "order": np.arange(103)}
    fit(net, "data.npz", output="net.npz", epochs=1, progress=False, **options)
    with pytest.raises(GraphError) as caught:
        fit(net, "data.npz", output="net.npz", resume=True, epochs=2, progress=False)
    assert [problem.message for problem in caught.value.problems] == [
        "net.npz was trained with data for validation of its own",
        "net.npz was trained in an order of its own",
    ]
    assert fit(net, "data.npz", output="net.npz", resume=True, epochs=2, progress=False, **options).epoch == 2


def test_a_file_of_another_model(net, folder):
    fit(net, "data.npz", output="net.npz", epochs=1, progress=False)
    wider = graphgen.load(classifier(hidden=9))
    with pytest.raises(
        GraphError, match="net.npz was trained with the graph [0-9a-f]{8}, and the model is now [0-9a-f]{8}"
    ):
        fit(wider, "data.npz", output="net.npz", resume=True, progress=False)
    for optimizer in ("sgd", "adamw"):  # the memory of adamw would fit
        other = graphgen.load(classifier(), optimizer=optimizer)
        with pytest.raises(GraphError, match="net.npz was trained with the graph [0-9a-f]{8}, and the model is now"):
            fit(other, "data.npz", output="net.npz", resume=True, progress=False)


@pytest.mark.parametrize("run", [None, np.zeros(3), "no JSON", "[]", "{}", '{"settings": 3}', "[" * 100000, b"\xff"])
def test_hostile_files_are_refused(net, folder, run):
    fit(net, "data.npz", output="net.npz", epochs=1, progress=False)
    with np.load("net.npz") as file:
        arrays = {key: file[key] for key in file.files if key != "run"}
    np.savez("net.npz", **arrays, **({} if run is None else {"run": run}))
    with pytest.raises(GraphError, match="net.npz holds no training that can be resumed"):
        fit(net, "data.npz", output="net.npz", resume=True, progress=False)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("step", -1),
        ("epoch", 0.5),
        ("total", "0"),
        ("history", {}),
        ("best", 3),
        ("best", {"epoch": "1", "loss": 0.5}),
        ("settings", {}),
        ("seed", "1"),
        ("batch_size", None),
        ("batch_size", 0),
        ("learning_rate", float("nan")),
        ("validation", 7),
        ("order", ["a"]),
    ],
)
def test_runs_that_cannot_be_are_refused(net, folder, place, value):
    fit(net, "data.npz", output="net.npz", epochs=1, progress=False)
    with np.load("net.npz") as file:
        arrays = dict(file)
    told = json.loads(str(arrays["run"]))
    (told if place in told else told["settings"])[place] = value
    np.savez("net.npz", **{**arrays, "run": json.dumps(told)})
    with pytest.raises(GraphError, match="net.npz holds no training that can be resumed"):
        fit(net, "data.npz", output="net.npz", resume=True, progress=False)


def test_hostile_arrays_are_refused(net, folder):
    fit(net, "data.npz", output="net.npz", epochs=1, progress=False)
    with np.load("net.npz") as file:
        arrays = dict(file)
    arrays["o/first_moment/fc1_b"] = np.array([print])
    arrays["o/../../up"] = np.zeros(1)
    np.savez("net.npz", **arrays)
    with pytest.raises(GraphError) as caught:
        fit(net, "data.npz", output="net.npz", resume=True, progress=False)
    message = caught.value.problems[0].message
    assert "o/../../up is none of its values" in message
    assert "o/first_moment/fc1_b is object of shape (1,), expected float32 of shape (8,)" in message


def test_metrics_and_callbacks_change_nothing(net, whole, folder):
    told = []
    result = fit(
        net,
        "data.npz",
        metrics={"accuracy": accuracy("probabilities", "label")},
        after_epoch=[told.append],
        progress=False,
        **OPTIONS,
    )
    assert same(result.parameters, whole.parameters) and len(told) == 4
