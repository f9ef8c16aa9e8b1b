"""What a training tells on stderr: a bar on a terminal, elsewhere one line for each epoch."""

from __future__ import annotations

import time
from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class Silence:
    """Tells nothing; the others have its methods."""

    def begin(self, epoch: int, batches: int, done: int) -> None:
        """An epoch begins, or goes on after `done` batches."""

    def stepped(self, loss: float) -> None:
        """A step has been taken."""

    def say(self, text: str) -> None:
        """Tell something else."""

    def epoch(self, figures: Mapping[str, float]) -> None:
        """An epoch is complete."""

    def close(self) -> None:
        """The training has ended."""


class Lines(Silence):
    """One line for each epoch."""

    def __init__(self, console: Console, epochs: int | None):
        self.console = console
        self.epochs = epochs
        self.started = time.monotonic()

    def begin(self, epoch: int, batches: int, done: int) -> None:
        self.started = time.monotonic()

    def say(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)

    def epoch(self, figures: Mapping[str, float]) -> None:
        self.say(f"{line(figures, self.epochs)}  {time.monotonic() - self.started:.1f} s")


class Bar(Lines):
    """A bar for the steps of an epoch, below the lines of those that are complete."""

    def __init__(self, console: Console, epochs: int | None):
        super().__init__(console, epochs)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("loss {task.fields[loss]}"),
        )
        self.progress = Progress(*columns, console=console, transient=True)
        self.task: TaskID | None = None

    def begin(self, epoch: int, batches: int, done: int) -> None:
        super().begin(epoch, batches, done)
        if self.task is None:
            self.progress.start()
        else:
            self.progress.remove_task(self.task)
        self.task = self.progress.add_task(f"epoch {epoch}", total=batches, completed=done, loss="")

    def stepped(self, loss: float) -> None:
        if self.task is not None:
            self.progress.update(self.task, advance=1, loss=f"{loss:.4g}")

    def close(self) -> None:
        self.progress.stop()


def reporter(shown: bool, epochs: int | None) -> Silence:
    """What fits stderr."""
    if not shown:
        return Silence()
    console = Console(stderr=True, highlight=False, markup=False)
    return (Bar if console.is_terminal else Lines)(console, epochs)


def line(figures: Mapping[str, float], epochs: int | None = None) -> str:
    """The figures of an epoch in one line."""
    of = f"/{epochs}" if epochs is not None else ""
    shown = [f"epoch {figures['epoch']:.0f}{of}"]
    for name, value in figures.items():
        if name != "epoch":
            shown.append(f"{name} {value:.2%}" if "accuracy" in name else f"{name} {value:.4g}")
    return "  ".join(shown)
