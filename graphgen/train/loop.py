"""The training loop, over a generated module's public face alone."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from graphgen.errors import GraphError, Problem
from graphgen.train import run as runs
from graphgen.train.data import STEP, Data
from graphgen.train.interrupts import Interrupted, Interrupts
from graphgen.train.measures import Metric, keywords, measure
from graphgen.train.order import rows_of
from graphgen.train.progress import Silence
from graphgen.train.run import Best, Run


@dataclass(frozen=True)
class Report:
    """What callbacks are told.

    Attributes
    ----------
    epoch, step
        The epoch that this belongs to, from 1, and the steps taken so far.
    figures
        After a step its ``loss``; after an epoch its mean, ``validation_loss`` and metrics.
    parameters, state
        The model's own, not copies.
    """

    epoch: int
    step: int
    figures: Mapping[str, float]
    parameters: dict[str, Any]
    state: dict[str, Any] | None


Callback = Callable[[Report], object]


@dataclass
class Training:
    """A training under way.

    Attributes
    ----------
    data, held
        What is trained on, and what is evaluated, if anything.
    order
        None, a number for each row, or a function; see `graphgen.train.order`.
    path, save_every
        The file, if any, and the seconds from one writing to the next.
    told
        Who is told.
    """

    module: ModuleType
    run: Run
    data: Data
    held: Data | None
    metrics: Mapping[str, Metric]
    order: Any
    after_step: Sequence[Callback]
    after_epoch: Sequence[Callback]
    path: Path | None
    save_every: float
    told: Silence

    def __post_init__(self) -> None:
        self.interrupts = Interrupts()
        self.saved = 0.0
        self.ended = ""
        self.taken = keywords(self.module.train_step)
        self.seed, self.size = self.run.settings["seed"], self.run.settings["batch_size"]

    def go_on(self) -> str:
        """Train until it is time to stop, and say why it was."""
        self.save()  # a file that cannot be written is better known before hours of work than after
        with self.interrupts:
            try:
                while self.run.batch or not self.finished():
                    if not self.go_through_epoch():
                        break
            except Interrupted:
                self.save()
                raise KeyboardInterrupt from None
            self.save()
        return self.ended or self.finished()

    def finished(self) -> str:
        """Why no further step is due, or ""."""
        limits = self.run.settings
        reached = {"epochs": self.run.epoch, "steps": self.run.step, "patience": self.run.waited}
        return next((name for name, count in reached.items() if limits.get(name) and count >= limits[name]), "")

    def go_through_epoch(self) -> bool:
        """Take the steps that are left of an epoch, and close it; whether another may follow."""
        run, limit = self.run, self.run.settings.get("steps")
        rows = rows_of(self.order, run.epoch, self.data.rows, self.seed)
        starts = range(0, len(rows), self.size)
        self.told.begin(run.epoch + 1, len(starts), run.batch)
        for start in starts[run.batch :]:
            if limit and run.step >= limit:
                self.told.say(f"epoch {run.epoch + 1} stopped after {run.batch} of {len(starts)} batches")
                return False
            self.step(rows[start : start + self.size])
        self.close_epoch()
        return not self.ended

    def step(self, rows: np.ndarray) -> None:
        """Take a step with these rows, and tell."""
        run, weights = self.run, self.run.weights
        given = {name: weights.state if meant == "state" else self.seed_of_step() for name, meant in self.taken.items()}
        inputs = self.data.take(rows)
        rate = run.settings.get("learning_rate")
        try:
            with np.errstate(all="ignore"):  # what comes of it is looked at
                loss = self.module.train_step(weights.parameters, run.optimizer_state, *inputs.values(), rate, **given)
        except (IndexError, ValueError) as error:
            message = (
                f"{self.data.label}: the model cannot take batch {run.batch + 1} of epoch {run.epoch + 1}: {error}"
            )
            raise GraphError(Problem("GG087", None, message)) from error
        except ArithmeticError as error:  # of Python's own floats; arrays go on with infinities
            raise self.diverged(str(error)) from error
        if not math.isfinite(loss):
            raise self.diverged(f"the loss is {loss}")
        run.batch, run.step = run.batch + 1, run.step + 1
        run.total, run.seen = run.total + loss * len(rows), run.seen + len(rows)
        self.told.stepped(loss)
        report = Report(run.epoch + 1, run.step, {"loss": loss}, weights.parameters, weights.state)
        for callback in self.after_step:
            callback(report)
        self.interrupts.check()
        if time.monotonic() - self.saved >= self.save_every:
            self.save()

    def seed_of_step(self) -> int:
        """What the model draws its random numbers from."""
        return int(np.random.SeedSequence([self.seed, STEP, self.run.step]).generate_state(1, np.uint64)[0])

    def close_epoch(self) -> None:
        """Evaluate, remember the best weights, and tell."""
        run = self.run
        figures = {"epoch": float(run.epoch + 1), "loss": run.total / run.seen}
        if self.held is not None or self.metrics:
            data = self.data if self.held is None else self.held
            try:
                measured = measure(self.module, run.weights, data, self.size, self.metrics, self.interrupts.check)
            except GraphError:
                self.save()  # the steps of this epoch are sound: --resume measures once more
                raise
            loss = measured.pop("loss")
            figures |= {**({"validation_loss": loss} if self.held is not None else {}), **measured}
            if run.settings.get("patience"):
                self.remember(loss)
        run.epoch, run.batch, run.total, run.seen = run.epoch + 1, 0, 0.0, 0
        run.history.append(figures)
        self.told.epoch(figures)
        report = Report(run.epoch, run.step, figures, run.weights.parameters, run.weights.state)
        for callback in self.after_epoch:
            if callback(report) is True:
                self.ended = "callback"

    def remember(self, loss: float) -> None:
        """Keep the weights if they are the best so far."""
        run = self.run
        run.waited += 1
        if not math.isnan(loss) and (run.best is None or loss < run.best.loss):
            run.best, run.waited = Best(run.epoch + 1, loss, run.weights.copied()), 0

    def save(self) -> None:
        """Write the file, unless the weights have become useless."""
        if self.path is None:
            return
        if not all(np.isfinite(array).all() for array in self.run.weights.arrays("").values()):
            raise self.diverged("a parameter is not finite")
        runs.save(self.path, self.module, self.run)
        self.saved = time.monotonic()

    def diverged(self, what: str) -> GraphError:
        place = f"in epoch {self.run.epoch + 1}, step {self.run.step + 1}"
        help = "give a smaller learning rate, clip gradients, or scale the inputs; `graphgen check --trace` names the value"
        kept = f"; {self.path} holds the weights of an earlier step" if self.path is not None else ""
        return GraphError(Problem("GG089", None, f"{what} {place}: the training has diverged{kept}", help))
