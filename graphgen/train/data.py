"""The data of a training: read, checked against a module's inputs, and cut into batches."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphgen import npz
from graphgen.errors import GraphError, Problem, closest

Source = str | os.PathLike | Mapping[str, Any]
Ranges = Mapping[str, tuple[int | None, int | None]]


@dataclass(frozen=True)
class Data:
    """Inputs of a module, in its dtypes.

    Attributes
    ----------
    label
        The file that they come from, or "data".
    arrays
        By the inputs' names, in order of declaration.
    axes
        For each input, its axes that count rows.
    rows
        How many; 1 where the inputs share no symbolic size, and the data is one batch.
    """

    label: str
    arrays: dict[str, np.ndarray]
    axes: dict[str, tuple[int, ...]]
    rows: int

    @property
    def divisible(self) -> bool:
        return any(self.axes.values())

    def take(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The inputs of these rows."""
        taken = {}
        for name, array in self.arrays.items():
            for axis in self.axes[name]:
                array = np.take(array, rows, axis=axis)
            taken[name] = array
        return taken

    def subset(self, rows: np.ndarray) -> Data:
        return Data(self.label, self.take(rows), self.axes, len(rows))

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that equal data share."""
        digest = hashlib.sha256()
        for name, array in self.arrays.items():
            digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:16]


def batch_size_name(inputs: Mapping[str, tuple[tuple, str]]) -> str | None:
    """The first symbolic size that all inputs share."""
    shapes = [shape for shape, _ in inputs.values()]
    shared = [size for size in (shapes or [()])[0] if isinstance(size, str) and size.isidentifier()]
    return next((size for size in shared if all(size in shape for shape in shapes)), None)


def read(source: Source, inputs: Mapping[str, tuple[tuple, str]], ranges: Ranges, label: str = "data") -> Data:
    """Read data for a module.

    Parameters
    ----------
    source
        An npz file, or arrays by name.
    inputs
        The module's INPUTS.
    ranges
        For integer inputs, the smallest value and the one after the largest; None is no bound.
    label
        What the data is called where it is no file.

    Raises
    ------
    GraphError
        Listing all that is wrong with it.
    """
    if isinstance(source, Mapping):
        given = {name: np.asanyarray(source[name]) for name in inputs if name in source}
        extra = [str(name) for name in source if name not in inputs]
    else:
        label = os.fsdecode(source)
        with npz.opened(source) as archive:
            known = {name: archive.headers[name] for name in inputs if name in archive.headers}
            given = {name: archive[name] for name, header in known.items() if not header.dtype.hasobject}
            given |= {name: np.empty(0, object) for name in known if name not in given}
            extra = [name for name in archive.headers if name not in inputs]
    checking = _Checking(label, [])
    size = batch_size_name(inputs)
    arrays = {
        name: checking.array(name, given.get(name), shape, dtype, ranges, extra)
        for name, (shape, dtype) in inputs.items()
    }
    checking.sizes(arrays, inputs)
    if not inputs:
        checking.wrong("the model has no inputs", "declare them with g.input")
    if checking.problems:
        raise GraphError(checking.problems)
    axes = {name: tuple(axis for axis, each in enumerate(shape) if each == size) for name, (shape, _) in inputs.items()}
    first = next(iter(inputs))
    rows = 1 if size is None else arrays[first].shape[axes[first][0]]
    if not rows:
        raise GraphError(Problem("GG087", None, f"{label} has no rows: {size} is 0", "give at least one row"))
    return Data(label, arrays, axes, rows)


@dataclass
class _Checking:
    """What is wrong with the data, so far."""

    label: str
    problems: list[Problem]

    def wrong(self, message: str, help: str | None = None) -> None:
        self.problems.append(Problem("GG087", None, f"{self.label}: {message}", help))

    def array(
        self, name: str, array: np.ndarray | None, shape: tuple, dtype: str, ranges: Ranges, extra: Iterable[str]
    ) -> np.ndarray:
        """The array in its declared dtype, or what stands for it where there is a problem."""
        missing = np.broadcast_to(np.zeros((), dtype), tuple(each if isinstance(each, int) else 1 for each in shape))
        wanted = f"{dtype} of shape {_text(shape)}"
        if array is None:
            near = closest(name, extra)
            rename = f"rename {near!r}, or save it as" if near else "save it as"
            self.wrong(f"{name} is missing, expected {wanted}", f"{rename} numpy.savez(file, {name}=...)")
            return missing
        if array.dtype.hasobject:
            help = f"convert it to numbers first, as in numpy.array(rows, dtype={dtype!r})"
            self.wrong(f"{name} holds Python objects, which are never unpickled; expected {wanted}", help)
            return missing
        fits = len(array.shape) == len(shape) and all(
            not isinstance(each, int) or each == came for each, came in zip(shape, array.shape, strict=True)
        )
        if not fits:
            self.wrong(f"{name} has shape {array.shape}, expected {_text(shape)}", _reshaping(name, array.shape, shape))
            return missing
        return self.cast(name, array, dtype, ranges.get(name, (None, None)))

    def cast(self, name: str, array: np.ndarray, dtype: str, limits: tuple[int | None, int | None]) -> np.ndarray:
        """The array in its declared dtype; what that would change is a problem."""
        wanted, kind = np.dtype(dtype), array.dtype.kind
        if wanted.kind == "f" and kind in "fiub":
            with np.errstate(over="ignore"):
                cast = array.astype(wanted)
            self.floats(name, array, cast)
            return cast
        if wanted.kind in "iu" and kind in "iu":
            low, high = limits
            info = np.iinfo(wanted)
            low, high = (info.min if low is None else low), (info.max + 1 if high is None else high)
            outside = np.argwhere((array < low) | (array >= high))
            if len(outside):
                place = tuple(map(int, outside[0]))
                message = f"{name} has {_counted(len(outside))} not from {low} to {high - 1}, the first {array[place]} at {place}"
                self.wrong(message, "number the classes or rows that it names from 0")
                return array
            return array.astype(wanted)
        if wanted.kind == "b" and kind == "b":
            return array
        remedy = None
        if kind in "fiub":
            whole = kind == "f" and bool(np.all(np.isfinite(array) & (array == np.floor(array))))
            remedy = (
                f"save {name} != 0"
                if wanted.kind == "b"
                else f"save {name}.astype({dtype!r})"
                if whole or kind == "b"
                else None
            )
        self.wrong(f"{name} is {array.dtype}, expected {dtype}", remedy or f"save it as {dtype}")
        return array

    def floats(self, name: str, array: np.ndarray, cast: np.ndarray) -> None:
        """NaN is never meant; an infinity may be, unless the cast has made it."""
        lost = np.isnan(cast)
        if lost.any():
            place = tuple(map(int, np.argwhere(lost)[0]))
            message = f"{name} has {_counted(int(lost.sum()))} nan, the first at {place}"
            self.wrong(message, "leave these rows out, or fill them in")
        grown = np.isinf(cast) & ~np.isinf(array)
        if grown.any():
            place = tuple(map(int, np.argwhere(grown)[0]))
            self.wrong(f"{name} has values beyond {cast.dtype}, the first at {place}", "scale them")

    def sizes(self, arrays: Mapping[str, np.ndarray], inputs: Mapping[str, tuple[tuple, str]]) -> None:
        """Equal symbolic sizes are equal."""
        if self.problems:
            return
        seen: dict[str, tuple[int, str]] = {}
        for name, (shape, _) in inputs.items():
            for size, came in zip(shape, arrays[name].shape, strict=True):
                if isinstance(size, str) and size.isidentifier():
                    first, where = seen.setdefault(size, (came, name))
                    if first != came:
                        message = f"{size} is {first} in {where} and {came} in {name}"
                        self.wrong(message, f"they share their axis {size}, row for row")


def _counted(number: int) -> str:
    return "1 value that is" if number == 1 else f"{number} values that are"


def _text(shape: tuple) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _reshaping(name: str, came: tuple, shape: tuple) -> str | None:
    """How to come to the expected shape, where it takes a mere reshape."""
    fixed = [each for each in shape if isinstance(each, int)]
    free = [each for each in shape if not isinstance(each, int)]
    rest, count = int(np.prod(fixed)), int(np.prod(came))
    if len(free) == 1 and rest and count % rest == 0 and (not came or count // rest == came[0]):
        return f"save {name}.reshape({', '.join(str(each) if isinstance(each, int) else '-1' for each in shape)})"
    return None


def split(data: Data, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows for training and those for validation, chosen by seed; at least one each.

    Raises
    ------
    GraphError
        If there are not enough rows.
    """
    if not data.divisible or data.rows < 2:
        message = f"{data.label} cannot be split: it is one {'row' if data.divisible else 'batch'}"
        raise GraphError(Problem("GG087", None, message, "give a file for validation"))
    count = min(max(round(fraction * data.rows), 1), data.rows - 1)
    order = np.random.default_rng([seed, SPLIT]).permutation(data.rows)
    return np.sort(order[count:]), np.sort(order[:count])


# What random numbers are drawn for: the second entry of their seeds.
SPLIT, SHUFFLE, STEP = range(3)
