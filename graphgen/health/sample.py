"""Where a model is looked at: its weights, and rows of data or drawn ones."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from graphgen import sizes
from graphgen.errors import GraphError, Problem, check_sizes
from graphgen.module.tables import bounds
from graphgen.program import Program
from graphgen.runtime.check import _draw
from graphgen.train import data as data_files
from graphgen.train.data import Data, batch_size_name

ROWS = 64  # as many are drawn, and are looked at together
SIZE = 8  # of other axes whose size is not known


@dataclass(frozen=True)
class Sample:
    """Weights, state and inputs of a model.

    Attributes
    ----------
    label
        What the rows and the weights are, for people.
    """

    label: str
    parameters: dict[str, Any]
    state: dict[str, Any]
    data: Data
    seed: int

    def call(self, function: Any, inputs: Mapping[str, np.ndarray], *others: Any) -> Any:
        """Call a generated function with what it asks for of all this; `others` come after the parameters.

        An input may be called like another argument, which then has another name: what they are is told by their order.
        """
        asked = [*inspect.signature(function).parameters.values()]
        positional = [each.name for each in asked if each.kind is not each.KEYWORD_ONLY][1 + len(others) :]
        named = [each for each in asked if each.kind is each.KEYWORD_ONLY]
        keywords = {each.name: self.state if each.annotation is dict else self.seed for each in named}
        return function(self.parameters, *others, *(inputs[name] for name in positional if name in inputs), **keywords)

    def batches(self, size: int = ROWS) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
        """The rows, so many at a time, and which they are."""
        rows = np.arange(self.data.rows)
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            which = f"rows {part[0]} to {part[-1]}" if self.data.divisible and len(rows) > size else ""
            yield which, self.data.take(part)

    def first(self, rows: int) -> dict[str, np.ndarray]:
        """The first rows, together."""
        return self.data.take(np.arange(min(rows, self.data.rows)))


def sample(
    program: Program,
    module: ModuleType,
    *,
    data: str | os.PathLike | Mapping[str, Any] | None = None,
    rows: int | None = None,
    parameters: str | os.PathLike | None = None,
    seed: int = 0,
    known: Mapping[str, int] | None = None,
) -> Sample:
    """Read or draw what a model is looked at with.

    Parameters
    ----------
    program
        All that is declared.
    module
        Any module of it, which has its own ways to begin and to load weights.
    data
        Inputs by name, or a file; without it they are drawn as `check_gradients` draws them, from normal distributions
        or within what is declared.
    rows
        The first so many rows of data alone, or how many to draw.
    parameters
        A file of weights, and state; without it those of `init_parameters`.
    known
        The numbers of symbolic sizes; of rows 64, of others 8.

    Raises
    ------
    GraphError
        If a file does not fit the model.
    """
    inputs, given = program.leaves("input"), _sizes(program, dict(known or {}), rows)
    if data is None or not inputs:
        found = _drawn(program, module, given, seed)
        label = f"{found.rows} drawn rows" if found.divisible else "one drawn point"
    else:
        found = data_files.read(data, module.INPUTS, _ranges(program))
        found = found if rows is None or not found.divisible else found.subset(np.arange(min(rows, found.rows)))
        label = f"{found.rows:,} rows of {found.label}" if found.divisible else found.label
        given |= _known(program, found.arrays)
    values, state = _weights(program, module, parameters, seed, given)
    whose = f"the weights of {os.fsdecode(parameters)}" if parameters is not None else f"fresh weights of seed {seed}"
    return Sample(f"{label}, {whose}", values, state, found, seed)


def _sizes(program: Program, known: dict[str, int], rows: int | None) -> dict[str, int]:
    """The numbers of all symbolic sizes."""
    leaves = [*program.leaves("input"), *program.leaves("param")]
    names = list(dict.fromkeys(name for node in leaves for name in sizes.symbols(node.shape)))
    check_sizes(known, names)
    entries = {node.name: (tuple(_entry(size) for size in node.shape), node.dtype) for node in program.leaves("input")}
    counted = batch_size_name(entries)
    return {name: known.get(name, (rows or ROWS) if name == counted else SIZE) for name in names}


def _entry(size: sizes.Size) -> int | str:
    return size if isinstance(size, int) else sizes.text(size)


def _number(size: Any, known: Mapping[str, int]) -> Any:
    """A size or a bound as a number."""
    if size is None or isinstance(size, (int, float)):
        return size
    return int(size.subs({symbol: known[symbol.name] for symbol in size.free_symbols}))


def _ranges(program: Program) -> dict[str, tuple[int | None, int | None]]:
    """The integers that inputs may hold, as far as they are numbers."""
    found = bounds(program, guarded=False)
    return {
        name: (_whole(low), _whole(high)) for name, (low, high) in found.items() if program.nodes[name].dtype != "float"
    }


def _whole(bound: Any) -> int | None:
    return bound if isinstance(bound, int) else None


def _known(program: Program, arrays: Mapping[str, np.ndarray]) -> dict[str, int]:
    """The symbolic sizes as data have them."""
    found = {}
    for node in program.leaves("input"):
        for size, number in zip(node.shape, arrays[node.name].shape, strict=True):
            if not isinstance(size, int) and size.is_Symbol:
                found[size.name] = number
    return found


def _drawn(program: Program, module: ModuleType, known: Mapping[str, int], seed: int) -> Data:
    """Inputs drawn by seed."""
    generator = np.random.default_rng(seed)
    limits = bounds(program)
    arrays = {}
    for node in program.leaves("input"):
        shape = tuple(_number(size, known) for size in node.shape)
        low, high = (_number(bound, known) for bound in limits.get(node.name, (None, None)))
        dtype = module.INPUTS[node.name][1]
        try:
            arrays[node.name] = np.asarray(_draw(generator, shape, dtype, low, high)).astype(dtype)
        except (MemoryError, ValueError) as error:
            message = f"size: {node.name} of shape {sizes.shape_text(shape)} does not fit into memory"
            raise GraphError(Problem("GG117", None, message, "draw fewer rows, or give smaller sizes")) from error
    size = batch_size_name(module.INPUTS)
    axes = {
        name: tuple(at for at, each in enumerate(shape) if each == size) for name, (shape, _) in module.INPUTS.items()
    }
    rows = next((arrays[name].shape[found[0]] for name, found in axes.items() if found), 1)
    return Data("drawn", arrays, axes if size is not None else dict.fromkeys(axes, ()), rows if size is not None else 1)


def _weights(
    program: Program, module: ModuleType, file: str | os.PathLike | None, seed: int, known: Mapping[str, int]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and state: from a file where there is one. What is not finite in it is for others to tell."""
    names = dict.fromkeys(name for node in program.leaves("param") for name in sizes.symbols(node.shape))
    fresh = {} if not hasattr(module, "STATE") else module.init_state()
    if file is None:
        return module.init_parameters(seed, **{name: known[name] for name in names}) if program.leaves(
            "param"
        ) else {}, fresh
    try:
        values = module.load_parameters(file)
        if fresh:
            fresh = module.load_state(file)
    except OSError as error:
        message = f"cannot read {os.fsdecode(file)}: {error.strerror or error}"
        raise GraphError(Problem("GG085", None, message)) from error
    except ValueError as error:
        help = "give what graphgen train or save_parameters wrote for this model, in this dtype"
        raise GraphError(Problem("GG088", None, " ".join(str(error).split()), help)) from error
    return values, fresh
