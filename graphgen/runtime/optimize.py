"""Checks before parameters change."""

import numpy as np


def _check_step(
    parameters: dict, state: dict, gradients: dict, memory: tuple, names: tuple, counts: bool = False
) -> None:
    """Raise ValueError, before anything is changed, if a parameter or its memory cannot be written to in place."""
    _check_state(state, memory, names, counts)
    places = [(name, parameters[name], gradients[name]) for name in names]
    for key in memory:
        places += [(f"optimizer_state[{key!r}][{name!r}]", state[key][name], gradients[name]) for name in names]
    for place, array, gradient in places:
        if not isinstance(array, np.ndarray) or not array.flags.writeable or array.dtype.kind != "f":
            raise ValueError(f"{place}: expected a writable array of floats, to be changed in place")
        if array.shape != gradient.shape:
            raise ValueError(f"{place}: expected shape {gradient.shape}, got {array.shape}")


def _check_step_scalar(
    parameters: dict, state: dict, gradients: dict, memory: tuple, names: tuple, counts: bool = False
) -> None:
    """Raise ValueError, before anything is changed, if the optimizer's memory does not fit."""
    _check_state(state, memory, names, counts)


def _check_state(state: dict, memory: tuple, names: tuple, counts: bool) -> None:
    """Raise ValueError if the optimizer's memory of a parameter, or the number of steps that it counts, is missing."""
    if not hasattr(state, "get"):
        raise ValueError(f"optimizer_state: expected a dict, got {type(state).__name__}")
    missing = ["step"] if counts and "step" not in state else []
    for key in memory:
        if not isinstance(state.get(key), dict) or any(name not in state[key] for name in names):
            missing.append(key)
    if missing:
        raise ValueError(f"optimizer_state: {missing[0]} is missing; start with init_optimizer_state(parameters)")
    step = np.asarray(state.get("step", 0))  # out of a file it comes as a 0-d array
    if step.shape or step.dtype.kind not in "iu" or step < 0:
        raise ValueError(f"optimizer_state['step']: expected an int from 0 up, got {state['step']!r}")
