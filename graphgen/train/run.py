"""A training run as it stands, and the file that it can be resumed from.

The file is an npz: ``p/<name>`` and the graph's hash as the module's own `save_parameters` writes them, ``o/...`` the
optimizer's memory, ``run`` a text in JSON with the position and the settings. Where the best weights are kept, these are
what ``p/`` holds, and ``now/p/<name>`` are the latest. Random numbers need no state: each is drawn from the seed and the
position that it belongs to.
"""

from __future__ import annotations

import contextlib
import glob
import inspect
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from graphgen import npz
from graphgen.errors import GraphError, Problem
from graphgen.train.settings import sound_settings


@dataclass
class Weights:
    """What a model has learned: parameters, and where it has any, state such as running statistics."""

    parameters: dict[str, Any]
    state: dict[str, Any] | None = None

    def copied(self) -> Weights:
        return Weights(_copied(self.parameters), None if self.state is None else _copied(self.state))

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        return {**flat(self.parameters, f"{prefix}p/"), **flat(self.state or {}, f"{prefix}s/")}


@dataclass
class Best:
    """The weights of the epoch with the lowest validation loss so far."""

    epoch: int
    loss: float
    weights: Weights


@dataclass
class Run:
    """Where a training stands.

    Attributes
    ----------
    settings
        What it was started with; see `graphgen.train.fit`.
    epoch, batch, step
        Epochs complete, batches done in the one after them, steps taken in all.
    total, seen
        The sum of the losses of this epoch's rows, and how many these are.
    history
        The figures of each complete epoch.
    waited
        Epochs since the best one.
    """

    weights: Weights
    optimizer_state: dict[str, Any]
    settings: dict[str, Any]
    epoch: int = 0
    batch: int = 0
    step: int = 0
    total: float = 0.0
    seen: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    waited: int = 0
    best: Best | None = None


_COUNTS = ("epoch", "batch", "step", "seen", "waited")


def flat(tree: Mapping[str, Any], prefix: str) -> dict[str, np.ndarray]:
    """The arrays and numbers of a dict of dicts, by their path."""
    arrays: dict[str, np.ndarray] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            arrays |= flat(value, f"{prefix}{name}/")
        else:
            arrays[f"{prefix}{name}"] = np.asanyarray(value)
    return arrays


def save(path: Path, module: ModuleType, run: Run) -> None:
    """Write a run, under its name only once all of it is on the disk.

    Raises
    ------
    GraphError
        If the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    if os.path.lexists(target) and not os.path.isfile(target):
        raise GraphError(Problem("GG085", None, f"cannot write {path}: it is no file", "write to another file with -o"))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    best = None if run.best is None else {"epoch": run.best.epoch, "loss": run.best.loss}
    told = {**{name: getattr(run, name) for name in _COUNTS}, "total": run.total, "history": run.history, "best": best}
    arrays = flat(run.optimizer_state, "o/")
    kept = run.weights
    if run.best is not None:
        kept = run.best.weights
        arrays |= run.weights.arrays("now/")
    arrays["run"] = np.array(json.dumps({"settings": run.settings, **told}))
    try:
        with _removed(temporary):
            write_weights(module, temporary, kept)
            npz.add(temporary, arrays)
            if target.exists():
                temporary.chmod(target.stat().st_mode)
            _to_disk(temporary)
            temporary.replace(target)
            _to_disk(target.parent)
    except OSError as error:
        raise GraphError(Problem("GG085", None, f"cannot write {path}: {error.strerror}")) from error


@contextlib.contextmanager
def _removed(temporary: Path) -> Iterator[None]:
    try:
        yield
    finally:
        temporary.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, would outlive a loss of power."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def clear(path: Path) -> None:
    """Remove what killed runs have left half-written."""
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    for left in glob.glob(f".{glob.escape(name)}.*.tmp", root_dir=folder):
        if not _alive(left.removeprefix(f".{name}.").partition(".")[0]):
            Path(folder, left).unlink(missing_ok=True)


def _alive(process: str) -> bool:
    """Whether a process lives: what it writes is its own."""
    if not process.isdecimal() or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return True


def write_weights(module: ModuleType, path: Path, weights: Weights) -> None:
    """Let the module write its parameters, and its state where it has any."""
    state = {"state": weights.state} if weights.state is not None else {}
    module.save_parameters(path, weights.parameters, **state)


def initial(module: ModuleType, seed: int, sizes: Mapping[str, int]) -> tuple[Weights, dict[str, Any]]:
    """New weights, and the optimizer's memory of them."""
    parameters = module.init_parameters(seed, **_asked(module.init_parameters, sizes))
    state = module.init_state(**_asked(module.init_state, sizes)) if hasattr(module, "init_state") else None
    return Weights(parameters, state), module.init_optimizer_state(parameters)


def _asked(function: Any, sizes: Mapping[str, int]) -> dict[str, int]:
    """The sizes that a function takes as keywords."""
    keywords = [each.name for each in inspect.signature(function).parameters.values() if each.kind is each.KEYWORD_ONLY]
    unknown = [name for name in keywords if name not in sizes]
    if unknown:
        message = f"the size {unknown[0]} of the parameters is no axis of an input"
        raise GraphError(Problem("GG087", None, message, "declare it as a number"))
    return {name: sizes[name] for name in keywords}


def load(path: Path, module: ModuleType, new: tuple[Weights, dict[str, Any]]) -> Run:
    """Read a run.

    Parameters
    ----------
    new
        Weights and memory as a new run has them: the names, shapes and dtypes that the file must have.

    Raises
    ------
    GraphError
        If the file cannot be read, or holds no run of this model.
    """
    weights, memory = new
    own = _graph_hash(module, weights)
    with npz.opened(path) as archive:
        told = _told(archive)
        theirs = str(archive["graph"]) if "graph" in archive.headers else own
        if theirs != own:
            message = f"{path} was trained with the graph {theirs}, and the model is now {own}"
            raise GraphError(
                Problem("GG088", None, message, "take the model and its optimizer back, or train anew into another file with -o")
            )
        filling = _Filling(archive)
        best = None
        if told["best"] is not None:
            kept = weights.copied()
            filling.fill_weights(kept, "")
            best = Best(told["best"]["epoch"], told["best"]["loss"], kept)
        filling.fill_weights(weights, "now/" if best else "")
        filling.fill(memory, "o/")
    if filling.problems:
        message = f"{path} holds the training of another model: {'; '.join(filling.problems)}"
        raise GraphError(Problem("GG088", None, message, "train anew into another file with -o"))
    counts = {name: told[name] for name in _COUNTS}
    return Run(
        weights, memory, told["settings"], total=float(told["total"]), history=told["history"], best=best, **counts
    )


def _graph_hash(module: ModuleType, weights: Weights) -> str:
    """The hash of a module's graph, which it writes into its files."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "weights.npz")
        write_weights(module, path, weights)
        with npz.opened(path) as archive:
            return str(archive["graph"])


def _told(archive: npz.Archive) -> dict[str, Any]:
    """The position and the settings, checked."""
    message = f"{archive.path} holds no training that can be resumed"
    problem = GraphError(
        Problem("GG088", None, message, "it may hold weights alone: train anew into another file with -o")
    )
    header = archive.headers.get("run")
    if header is None or header.shape != () or header.dtype.kind != "U":
        raise problem
    try:
        told = json.loads(str(archive["run"]))
        sound = (
            isinstance(told, dict)
            and all(type(told[name]) is int and told[name] >= 0 for name in _COUNTS)
            and isinstance(told["total"], (int, float))
            and isinstance(told["settings"], dict)
            and isinstance(told["history"], list)
            and all(isinstance(each, dict) for each in told["history"])
            and (told["best"] is None or type(told["best"]["epoch"]) is int and type(told["best"]["loss"]) is float)
            and sound_settings(told["settings"])
        )
    except (ValueError, KeyError, TypeError, RecursionError, GraphError) as error:
        raise problem from error
    if not sound:
        raise problem
    return told


class _Filling:
    """Puts what a file holds where a new run has its like."""

    def __init__(self, archive: npz.Archive):
        self.archive = archive
        self.problems: list[str] = []

    def fill_weights(self, weights: Weights, prefix: str) -> None:
        self.fill(weights.parameters, f"{prefix}p/")
        if weights.state is not None:
            self.fill(weights.state, f"{prefix}s/")

    def fill(self, tree: dict[str, Any], prefix: str) -> None:
        """Fill a dict of dicts in place; arrays are written into, numbers replaced."""
        arrays = flat(tree, prefix)
        extra = [key for key in self.archive.headers if key.startswith(prefix) and key not in arrays]
        self.problems += [f"{key} is none of its values" for key in extra]
        self._fill(tree, prefix)

    def _fill(self, tree: dict[str, Any], prefix: str) -> None:
        for name, value in tree.items():
            key = f"{prefix}{name}"
            if isinstance(value, dict):
                self._fill(value, f"{key}/")
            elif self._fits(key, np.asanyarray(value)):
                stored = self.archive[key]
                if isinstance(value, np.ndarray):
                    value[...] = stored
                else:
                    tree[name] = type(value)(stored.item())

    def _fits(self, key: str, expected: np.ndarray) -> bool:
        header = self.archive.headers.get(key)
        if header is None:
            self.problems.append(f"{key} is missing")
        elif (header.shape, header.dtype) != (expected.shape, expected.dtype):
            came = f"{header.dtype} of shape {header.shape}"
            self.problems.append(f"{key} is {came}, expected {expected.dtype} of shape {expected.shape}")
        else:
            return True
        return False


def _copied(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in values.items()}
