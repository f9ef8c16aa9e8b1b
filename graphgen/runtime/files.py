"""Parameters in npz files."""
# ruff: noqa: TC004 -- supplied.py holds types alone: what it names exists where the helpers are copied to

import os
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from graphgen.runtime.arguments import _check, _fits, _misfit
from graphgen.runtime.initialize import _packed

if TYPE_CHECKING:
    from graphgen.runtime.supplied import PARAMETERS, _float, _hash


def save_parameters(path: str | os.PathLike, parameters: dict) -> None:
    """Write the parameters to an npz file at exactly `path`, or leave what is there untouched.

    An existing file keeps its mode, and a link stays a link.

    Parameters
    ----------
    path : str or path-like
        The file; no suffix is added.
    parameters : dict
        The parameters by name. Their names, shapes and dtypes are checked as those of any call.

    Raises
    ------
    ValueError
        If a parameter is missing or does not fit.
    """
    _write(path, {f"p/{name}": array for name, array in zip(PARAMETERS, _check(parameters), strict=True)})


def _write(path: str | os.PathLike, arrays: dict) -> None:
    """Write arrays and the graph's hash to an npz file, in one step."""
    path = os.path.realpath(os.fsdecode(path))
    temporary = f"{path}.{os.urandom(4).hex()}.tmp"
    try:
        with open(temporary, "xb") as file:
            if os.path.exists(path):
                os.chmod(temporary, os.stat(path).st_mode)
            np.savez(file, graph=_hash, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # in one step: nobody sees half a file
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise


def load_parameters(path: str | os.PathLike) -> dict:
    """Return the parameters that `save_parameters` wrote to `path`.

    A file may hold more than parameters, such as the state of a training run; that is left alone.

    Parameters
    ----------
    path : str or path-like
        The npz file.

    Returns
    -------
    dict
        The parameters by name, in declaration order, as `init_parameters` returns them.

    Raises
    ------
    ValueError
        If it is not an npz file or a damaged one, or listing every name, shape and dtype in it that does not fit.
    """
    stored = _stored(path, "p/", PARAMETERS, "parameter")
    return _packed({name: stored[name] for name in PARAMETERS})


def _stored(path: str | os.PathLike, prefix: str, declared: dict, what: str) -> dict:
    """Return the arrays of a file under a prefix, by name; ValueError if they are not those declared."""
    place = os.fsdecode(path)
    with open(path, "rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{place}: not an npz file")
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as entries:
                stored = {key[2:]: entries[key] for key in entries.files if key.startswith(prefix)}
                graph = str(entries["graph"]) if "graph" in entries.files else "an unknown graph"
        except Exception as error:  # of zipfile, of zlib and of NumPy: a flipped bit raises any of them
            raise ValueError(f"{place}: cannot be read as an npz file; {type(error).__name__}: {error}") from error
    problems = _problems(stored, declared, what)
    if problems:
        title = f"{place} does not fit this graph, {_hash}; it was saved by {graph}:"
        raise ValueError("\n  ".join([title, *problems]))
    return stored


def _problems(stored: dict, declared: dict, what: str) -> list:
    """Return what in the stored arrays does not fit the declared ones, a line for each."""
    problems: list = []
    sizes: dict = {}
    for name, (shape, _) in declared.items():
        if name not in stored:
            problems.append(f"{name}: missing")
            continue
        if not isinstance(stored[name], np.ndarray):
            problems.append(f"{name}: not an array")
            continue
        if not _fits(name, stored[name].shape, shape, sizes):
            problems.append(_misfit(name, stored[name].shape, shape, sizes))
        if stored[name].dtype != _float:
            problems.append(f"{name}: expected {np.dtype(_float)}, got {stored[name].dtype}")
    problems += [f"{name}: not a {what} of this graph" for name in stored if name not in declared]
    return problems
