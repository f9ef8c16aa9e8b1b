"""`fit`: a training from its settings to its result."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from graphgen.errors import GraphError, Problem
from graphgen.train import data as data_files
from graphgen.train import order as orders
from graphgen.train import run as runs
from graphgen.train import settings as options
from graphgen.train.data import Data
from graphgen.train.loop import Callback, Training
from graphgen.train.measures import Metric
from graphgen.train.progress import reporter
from graphgen.train.run import Run


@dataclass(frozen=True)
class Result:
    """What a training has come to.

    Attributes
    ----------
    parameters, state
        The best where early stopping was asked for, else the latest. Without state, None.
    history
        For each epoch its figures: ``epoch``, ``loss``, ``validation_loss`` and metrics.
    epoch, step
        How many are complete.
    best_epoch
        The one that the parameters are of, where the best are kept.
    stopped
        Why: "epochs", "steps", "patience", "callback".
    """

    parameters: dict[str, Any]
    state: dict[str, Any] | None
    optimizer_state: dict[str, Any]
    history: list[dict[str, float]]
    epoch: int
    step: int
    best_epoch: int | None
    stopped: str


def fit(
    module: ModuleType,
    data: data_files.Source,
    *,
    output: str | os.PathLike | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
    validation: float | data_files.Source | None = None,
    patience: int | None = None,
    metrics: Mapping[str, Metric] | None = None,
    order: Any = None,
    after_step: Sequence[Callback] = (),
    after_epoch: Sequence[Callback] = (),
    resume: bool = False,
    overwrite: bool = False,
    save_every: float = 10.0,
    progress: bool = True,
    ranges: data_files.Ranges | None = None,
) -> Result:
    """Train a generated module.

    Rows are shuffled by seed in each epoch, and the last short batch is kept. The batch axis is the first symbolic size that
    all inputs share; where there is none, the data is one batch. The same call gives the same bits, in one run or in several
    that were resumed.

    Parameters
    ----------
    module
        As `graphgen.load` gives it or import does, with a `train_step`.
    data
        An npz file or arrays, by the inputs' names.
    output
        The file for the weights, from which the training can be resumed. It is written at the start, at most every
        `save_every` seconds, at the end, and when Ctrl-C ends the training.
    epochs, steps
        When to stop, whichever comes first; 10 epochs if neither is given. Of steps those of earlier runs count.
    batch_size
        Rows in a batch: 32.
    learning_rate
        In place of the declared one.
    seed
        Of initial parameters, shuffling, splitting and the model's own random numbers: 0.
    validation
        A part of the rows, an npz file, or arrays: what is not trained on, but evaluated after each epoch.
    patience
        Stop when the validation loss has found no new minimum for so many epochs, and keep the weights of the best one.
    metrics
        By name, functions of the outputs and the inputs, both dicts of arrays with all rows of the validation data, or
        without any of the training data: `accuracy`, `binary_accuracy` and your own.
    order
        A number for each row of `data`, smaller ones first, in place of shuffling; or a function of the epoch, counted from
        0, the number of training rows and a generator, that gives the rows of that epoch, each any number of times; see
        `easy_first`.
    after_step, after_epoch
        Functions of a `Report`. The training ends if one of `after_epoch` answers True.
    resume
        Go on where the run in `output` stood, if there is that file. What is not given is as it was; what decides over the
        position must be.
    overwrite
        Whether a file that is there may be replaced.
    progress
        Tell about it on stderr: with a bar on a terminal, else with a line for each epoch.
    ranges
        For integer inputs, the smallest value and the one after the largest, each may be None.

    Raises
    ------
    GraphError
        If data, settings or the file to be resumed do not fit, or the loss is no longer finite.
    KeyboardInterrupt
        After Ctrl-C, once the file is written.
    """
    if not hasattr(module, "train_step"):
        message = f"{module.__name__} has no train_step"
        raise GraphError(Problem("GG051", None, message, "declare g.loss and g.optimizer, or give --optimizer"))
    asked: dict[str, Any] = {"epochs": epochs, "steps": steps, "batch_size": batch_size, "learning_rate": learning_rate}
    asked |= {"seed": seed, "patience": patience}
    options.check({**asked, "validation": validation, "save_every": save_every})
    if metrics and {*metrics} & {"epoch", "loss", "validation_loss"}:
        raise GraphError(Problem("GG005", None, "a metric is called like a figure that is shown anyway", "rename it"))
    rows = data_files.read(data, module.INPUTS, ranges or {})
    if batch_size is not None and not rows.divisible:
        message = "the inputs share no symbolic size, so that the data is one batch"
        raise GraphError(Problem("GG087", None, message, "leave batch_size out, or declare shape=('batch', ...)"))
    order = orders.checked(order, rows.rows)
    held = None
    if isinstance(validation, (str, os.PathLike, Mapping)):
        held = data_files.read(validation, module.INPUTS, ranges or {}, "validation")
    asked |= {"data": rows.fingerprint, "validation": held.fingerprint if held else validation}
    asked |= {"order": None if order is None else orders.told(order)}
    path = None if output is None else Path(output)
    run = _begun(module, rows, path, asked, resume, overwrite)
    if run.settings.get("patience") and run.settings["validation"] is None:
        raise GraphError(Problem("GG005", None, "patience needs data for validation", "give validation=0.1, or a file"))
    part = run.settings["validation"]
    if isinstance(part, float):
        chosen, others = data_files.split(rows, part, run.settings["seed"])
        rows, held = rows.subset(chosen), rows.subset(others)
        order = order if order is None or callable(order) else order[chosen]
    if path is not None:
        _make_room(path)
    told = reporter(progress, run.settings.get("epochs"))
    training = Training(module, run, rows, held, metrics or {}, order, after_step, after_epoch, path, save_every, told)
    try:
        return _result(run, training.go_on())
    finally:
        told.close()


def _result(run: Run, stopped: str) -> Result:
    best = run.best
    kept = run.weights if best is None else best.weights
    epoch = None if best is None else best.epoch
    return Result(kept.parameters, kept.state, run.optimizer_state, run.history, run.epoch, run.step, epoch, stopped)


def _begun(
    module: ModuleType, data: Data, path: Path | None, asked: Mapping[str, Any], resume: bool, overwrite: bool
) -> Run:
    """A new run, or the one in the file."""
    there = path is not None and _exists(path)
    if there and not resume and not overwrite:
        help = "go on with it with --resume, replace it with --force, or write to another file with -o"
        raise GraphError(Problem("GG084", None, f"{path} exists, and is left as it is", help))
    shapes = [(shape, data.arrays[name].shape) for name, (shape, _) in module.INPUTS.items()]
    sizes = {
        size: came for shape, array in shapes for size, came in zip(shape, array, strict=True) if isinstance(size, str)
    }
    if not (there and resume):
        settings = options.started(asked)
        return Run(*runs.initial(module, settings["seed"], sizes), settings)
    assert path is not None
    run = runs.load(path, module, runs.initial(module, 0, sizes))
    run.settings = options.resumed(path, asked, run.settings)
    return run


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise GraphError(Problem("GG085", None, f"cannot write {path}: {error.strerror}")) from error


def _make_room(path: Path) -> None:
    """Make the folder, and remove what killed runs have left in it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        runs.clear(path)
    except OSError as error:
        raise GraphError(Problem("GG085", None, f"cannot write {path}: {error.strerror}")) from error
