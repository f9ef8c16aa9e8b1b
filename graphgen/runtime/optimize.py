"""Checks before parameters change."""

import numpy as np


def _check_step(parameters: dict, state: dict, gradients: dict, memory: tuple, names: tuple) -> None:
    """Raise ValueError, before anything is changed, if a parameter or its memory cannot be written to in place."""
    places = [(name, parameters[name], gradients[name]) for name in names]
    for key in memory:
        if not isinstance(state.get(key), dict) or any(name not in state[key] for name in names):
            raise ValueError(f"optimizer_state: {key} is missing; start with init_optimizer_state(parameters)")
        places += [(f"optimizer_state[{key!r}][{name!r}]", state[key][name], gradients[name]) for name in names]
    for place, array, gradient in places:
        if not isinstance(array, np.ndarray) or not array.flags.writeable or array.dtype.kind != "f":
            raise ValueError(f"{place}: expected a writable array of floats, to be changed in place")
        if array.shape != gradient.shape:
            raise ValueError(f"{place}: expected shape {gradient.shape}, got {array.shape}")


def _check_scalar_step(parameters: dict, state: dict, gradients: dict, memory: tuple, names: tuple) -> None:
    """Raise ValueError, before anything is changed, if the optimizer's memory does not fit."""
    for key in memory:
        if not isinstance(state.get(key), dict) or any(name not in state[key] for name in names):
            raise ValueError(f"optimizer_state: {key} is missing; start with init_optimizer_state(parameters)")
