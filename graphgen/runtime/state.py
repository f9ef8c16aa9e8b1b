"""State, which functions take and give back: checked at entry, saved beside the parameters."""
# ruff: noqa: TC004 -- supplied.py holds types alone: what it names exists where the helpers are copied to

import os
from typing import TYPE_CHECKING

from graphgen.runtime.arguments import _argument, _check, _scalar
from graphgen.runtime.files import _stored, _write

if TYPE_CHECKING:
    from graphgen.runtime.supplied import PARAMETERS, STATE


def _read_state(state: dict) -> list:
    """Return the state as arrays of the declared dtype, in the order of STATE; ValueError if one does not fit."""
    _need_state(state)
    return [_argument(name, state[name], *STATE[name], {}) for name in STATE]


def _read_state_scalar(state: dict) -> list:
    """Return the state as Python floats, in the order of STATE; ValueError if one is not a number."""
    _need_state(state)
    return [_scalar(name, state[name]) for name in STATE]


def _need_state(state: dict) -> None:
    """Raise a ValueError unless there is a value for each name in STATE."""
    if not hasattr(state, "get"):
        raise ValueError(f"state: expected a dict by name, got {type(state).__name__}; start with init_state()")
    missing = [name for name in STATE if state.get(name) is None]
    if missing:
        raise ValueError(f"state: {', '.join(missing)} missing; start with init_state()")


def _save_with_state(path: str | os.PathLike, parameters: dict, state: dict | None = None) -> None:
    """Write the parameters, and the state if given, to an npz file at exactly `path`, or leave what is there untouched.

    An existing file keeps its mode, and a link stays a link.

    Parameters
    ----------
    path : str or path-like
        The file; no suffix is added.
    parameters : dict
        The parameters by name. Their names, shapes and dtypes are checked as those of any call.
    state : dict, optional
        The state by name, for `load_state`.

    Raises
    ------
    ValueError
        If a parameter or a state is missing or does not fit.
    """
    arrays = {f"p/{name}": array for name, array in zip(PARAMETERS, _check(parameters), strict=True)}
    if state is not None:
        arrays |= {f"s/{name}": array for name, array in zip(STATE, _read_state(state), strict=True)}
    _write(path, arrays)


def load_state(path: str | os.PathLike) -> dict:
    """Return the state that `save_parameters` wrote to `path` beside the parameters.

    Parameters
    ----------
    path : str or path-like
        The npz file.

    Returns
    -------
    dict
        The state by name.

    Raises
    ------
    ValueError
        If it is not an npz file or a damaged one, or listing every name, shape and dtype in it that does not fit.
    """
    stored = _stored(path, "s/", STATE, "state")
    return {name: stored[name] for name in STATE}


def load_state_scalar(path: str | os.PathLike) -> dict:
    """Return the state that `save_parameters` wrote to `path` beside the parameters, as floats by name.

    Parameters
    ----------
    path : str or path-like
        The npz file.

    Raises
    ------
    ValueError
        If it is not an npz file or a damaged one, or listing every name, shape and dtype in it that does not fit.
    """
    stored = _stored(path, "s/", STATE, "state")
    return {name: float(stored[name]) for name in STATE}
