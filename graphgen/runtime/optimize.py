"""Before and after an optimizer's step: checks, what gradients go through, and a bound on parameters."""
# ruff: noqa: TC004 -- supplied.py holds types alone: what it names exists where the helpers are copied to

import math
from typing import TYPE_CHECKING

import numpy as np

from graphgen.runtime.arguments import _scalar

if TYPE_CHECKING:
    from graphgen.runtime.supplied import _memory, _numbers, _trained


def _check_step(parameters: dict, state: dict, gradients: dict) -> None:
    """Raise ValueError, before anything is changed, if a parameter or its memory cannot be written to in place."""
    _check_memory(state)
    places = [(name, parameters[name], gradients[name]) for name in _trained]
    for key in _memory:
        places += [(f"optimizer_state[{key!r}][{name!r}]", state[key][name], gradients[name]) for name in _trained]
    for place, array, gradient in places:
        if not isinstance(array, np.ndarray) or not array.flags.writeable or array.dtype.kind != "f":
            raise ValueError(f"{place}: expected a writable array of floats, to be changed in place")
        if array.shape != gradient.shape:
            raise ValueError(f"{place}: expected shape {gradient.shape}, got {array.shape}")


def _check_step_scalar(parameters: dict, state: dict, gradients: dict) -> None:
    """Raise ValueError, before anything is changed, if the optimizer's memory does not fit."""
    _check_memory(state)
    if not hasattr(parameters, "__setitem__"):
        raise ValueError(f"parameters: expected a dict, to be changed in place, got {type(parameters).__name__}")
    for key in _memory:
        for name in _trained:
            _scalar(f"optimizer_state[{key!r}][{name!r}]", state[key][name])


def _check_memory(state: dict) -> None:
    """Raise ValueError if the optimizer's memory of a parameter, or a number that it keeps, is missing or no number."""
    if not hasattr(state, "get") or not hasattr(state, "__setitem__"):
        raise ValueError(f"optimizer_state: expected a dict, got {type(state).__name__}")
    missing = [key for key in _numbers if key not in state]
    for key in _memory:
        if not isinstance(state.get(key), dict) or any(name not in state[key] for name in _trained):
            missing.append(key)
    if missing:
        raise ValueError(f"optimizer_state: {missing[0]} is missing; start with init_optimizer_state(parameters)")
    for key in _numbers:
        number = np.asarray(state[key])  # out of a file it comes as a 0-d array
        if key == "step" and (number.shape or number.dtype.kind not in "iu" or number < 0):
            raise ValueError(f"optimizer_state['step']: expected an int from 0 up, got {state[key]!r}")
        if number.shape or number.dtype.kind not in "iuf":
            raise ValueError(f"optimizer_state[{key!r}]: expected a number, got {state[key]!r}")


def _clip_value(gradients: dict, largest: float) -> dict:
    """Return the gradients with each entry brought into [-largest, largest]."""
    return {name: np.clip(gradient, -largest, largest) for name, gradient in gradients.items()}


def _clip_value_scalar(gradients: dict, largest: float) -> dict:
    """Return the gradients brought into [-largest, largest]."""
    return {name: min(max(gradient, -largest), largest) for name, gradient in gradients.items()}


def _clip_norm(gradients: dict, largest: float) -> dict:
    """Return the gradients, scaled down if the norm of all of them together is above `largest`.

    Pascanu et al. (2013), algorithm 1; with 1e-6 added to the norm, as in torch.nn.utils.clip_grad_norm_.
    """
    # Squares of what is scaled to 1 neither overflow nor vanish.
    peak = max((float(np.max(np.abs(each), initial=0.0)) for each in gradients.values()), default=0.0)
    if not 0.0 < peak < math.inf:
        return gradients
    norm = peak * math.sqrt(sum(float(np.sum(np.square(each / peak))) for each in gradients.values()))
    scale = largest / (norm + 1e-6)
    return gradients if scale >= 1.0 else {name: scale * gradient for name, gradient in gradients.items()}


def _clip_norm_scalar(gradients: dict, largest: float) -> dict:
    """Return the gradients, scaled down if the norm of all of them together is above `largest`.

    Pascanu et al. (2013), algorithm 1; with 1e-6 added to the norm, as in torch.nn.utils.clip_grad_norm_.
    """
    scale = largest / (math.hypot(*gradients.values()) + 1e-6)
    return gradients if scale >= 1.0 else {name: scale * gradient for name, gradient in gradients.items()}


def _with_noise(gradients: dict, variance: float, seed: tuple) -> dict:
    """Return the gradients with normal noise added to each entry: Neelakantan et al. (2015), equation 1.

    The seed tells the step too, so that a run that is resumed goes on with the same noise.
    """
    generator = np.random.default_rng(seed)
    deviation = math.sqrt(variance)
    return {
        name: gradient + (deviation * generator.normal(size=gradient.shape)).astype(gradient.dtype)
        for name, gradient in gradients.items()
    }


def _with_noise_scalar(gradients: dict, variance: float, seed: tuple) -> dict:
    """Return the gradients with normal noise added to each: Neelakantan et al. (2015), equation 1.

    The seed tells the step too, so that a run that is resumed goes on with the same noise.
    """
    generator = np.random.default_rng(seed)
    deviation = math.sqrt(variance)
    return {name: gradient + deviation * float(generator.normal()) for name, gradient in gradients.items()}


def _limit_norms(parameter: np.ndarray, largest: float) -> None:
    """Scale down, in place, the weights that a unit reads with, where their norm is above `largest`.

    Srivastava et al. (2014), section 5.1. The units are the last axis of weights, (in, out), the first axis of kernels,
    (out, in, *window); an array of one axis or none is one unit.
    """
    axes = tuple(range(1, parameter.ndim)) if parameter.ndim > 2 else tuple(range(min(parameter.ndim, 1)))
    # Squares of what is scaled to 1 neither overflow nor vanish.
    peak = np.max(np.abs(parameter), axis=axes, keepdims=True, initial=0.0)
    peak = np.where(peak == 0.0, 1.0, peak)
    norm = peak * np.sqrt(np.sum(np.square(parameter / peak), axis=axes, keepdims=True))
    parameter *= largest / np.maximum(norm, largest)
