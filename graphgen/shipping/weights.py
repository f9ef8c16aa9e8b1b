"""Weights out of a file, held against what a program declares."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from graphgen import npz, sizes
from graphgen.errors import GraphError, Problem
from graphgen.program import Program

_PREFIXES = {"param": "p/", "state": "s/"}


def read(
    declared: Program, needed: Program, source: str | os.PathLike | Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The parameters and the state that a program needs, by name.

    Parameters
    ----------
    declared
        The whole program: its parameters must all be there, and no others.
    needed
        The part of it whose state must be there.

    Raises
    ------
    GraphError
        Listing each name, shape and dtype that does not fit, and each value that is not finite.
    """
    keys = {node.name: f"{_PREFIXES[op]}{node.name}" for op in _PREFIXES for node in declared.leaves(op)}
    if isinstance(source, Mapping):
        arrays = {keys.get(name, f"p/{name}"): np.asanyarray(array) for name, array in source.items()}
        headers = {key: npz.Header(array.shape, array.dtype) for key, array in arrays.items()}
        problems = _problems(declared, needed, keys, headers)
        return _found("weights", declared, needed, keys, problems, arrays)
    with npz.opened(source) as archive:
        problems = _problems(declared, needed, keys, archive.headers)
        wanted = [key for key in keys.values() if key in archive.headers and not problems]
        arrays = {key: archive[key] for key in wanted}
        return _found(os.fsdecode(source), declared, needed, keys, problems, arrays)


def _problems(
    declared: Program, needed: Program, keys: Mapping[str, str], headers: Mapping[str, npz.Header]
) -> list[str]:
    """What does not fit, a text for each."""
    problems = []
    known: dict[str, int] = {}
    for name, key in keys.items():
        node = declared.nodes[name]
        if key not in headers:
            if node.op == "param" or name in needed.nodes:
                problems.append(f"{name} is missing")
            continue
        shape, dtype = headers[key]
        fits = len(shape) == len(node.shape) and all(
            known.setdefault(sizes.text(size), came) == came if not isinstance(size, int) else size == came
            for size, came in zip(node.shape, shape, strict=True)
        )
        if not fits:
            problems.append(f"{name} has shape {shape}, expected {sizes.shape_text(node.shape)}")
        if dtype != declared.dtype:
            problems.append(f"{name} is {dtype}, expected {declared.dtype}")
    kept = tuple(_PREFIXES.values())
    return problems + [f"{key[2:]} is unknown" for key in headers if key.startswith(kept) and key not in keys.values()]


def _found(
    label: str,
    declared: Program,
    needed: Program,
    keys: Mapping[str, str],
    problems: list[str],
    arrays: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    values = {name: arrays[key] for name, key in keys.items() if key in arrays and name in needed.nodes}
    if not problems:
        problems = [f"{name} has values that are not finite" for name in values if not np.isfinite(values[name]).all()]
    if problems:
        message = f"{label} does not fit {declared.name}: {'; '.join(problems)}"
        help = "give what graphgen train or save_parameters wrote for this model, in this dtype"
        raise GraphError(Problem("GG088", None, message, help))
    return values
