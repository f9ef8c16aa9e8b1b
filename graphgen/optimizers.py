"""Optimizers: functions from a parameter, its gradient and memory to their new values, written with ops.

Formulas, options and defaults are those of torch.optim; ``momentum`` is ``sgd`` with momentum 0.9. Memory is zero at first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, NamedTuple

from graphgen import ops, sizes
from graphgen.program import Node, Program


class Optimizer(NamedTuple):
    """How to change one parameter.

    Attributes
    ----------
    step
        ``step(parameter, gradient, memory, step, **options)``: what is subtracted from the parameter, over the learning
        rate, and the new memory, by name. `step` is the number of this step, from 1.
    memory
        ``memory(options)``: the names of arrays of the parameter's shape that it keeps.
    options
        Keywords and their defaults.
    """

    summary: str
    step: Callable[..., tuple[Any, dict[str, Any]]]
    memory: Callable[[Mapping[str, Any]], tuple[str, ...]]
    options: Mapping[str, Any]


def _sgd(
    parameter: Any, gradient: Any, memory: Mapping[str, Any], step: Any, *, momentum: float, nesterov: bool, weight_decay: float
) -> tuple[Any, dict[str, Any]]:
    """Sutskever et al. (2013), as in torch.optim.SGD: velocity = momentum * velocity + gradient."""
    gradient = _decayed(parameter, gradient, weight_decay)
    if not momentum:
        return gradient, {}
    velocity = ops.add(momentum * memory["velocity"], gradient, name="velocity")
    return gradient + momentum * velocity if nesterov else velocity, {"velocity": velocity}


def _adam(
    parameter: Any, gradient: Any, memory: Mapping[str, Any], step: Any, *, betas: tuple[float, float], eps: float, weight_decay: float
) -> tuple[Any, dict[str, Any]]:
    """Kingma and Ba (2015), algorithm 1."""
    gradient = _decayed(parameter, gradient, weight_decay)
    first = ops.add(betas[0] * memory["first_moment"], round(1.0 - betas[0], 15) * gradient, name="first_moment")
    second = ops.add(betas[1] * memory["second_moment"], round(1.0 - betas[1], 15) * ops.square(gradient), name="second_moment")
    unbiased = first / (1.0 - ops.power(betas[0], step))
    scale = ops.add(ops.sqrt(second / (1.0 - ops.power(betas[1], step))), eps, name="scale")
    return unbiased / scale, {"first_moment": first, "second_moment": second}


def _decayed(parameter: Any, gradient: Any, weight_decay: float) -> Any:
    return ops.add(gradient, weight_decay * parameter, name="decayed") if weight_decay else gradient


_SGD = {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}


def _velocity(options: Mapping[str, Any]) -> tuple[str, ...]:
    return ("velocity",) if options["momentum"] else ()


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer("Gradient descent.", _sgd, _velocity, _SGD),
    "momentum": Optimizer("Gradient descent with momentum.", _sgd, _velocity, {**_SGD, "momentum": 0.9}),
    "adam": Optimizer(
        "Adam.",
        _adam,
        lambda options: ("first_moment", "second_moment"),
        {"learning_rate": 0.001, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0},
    ),
}


def complete(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with defaults filled in.

    Raises
    ------
    ValueError
        For an option that the optimizer does not have, or whose value it cannot have; the message says which.
    """
    defaults = OPTIMIZERS[name].options
    for option, value in options.items():
        if option not in defaults:
            raise ValueError(f"unexpected option {option!r}; its options: {', '.join(defaults)}")
        expected = _expected(option, defaults[option], value)
        if expected is not None:
            raise ValueError(f"{option} is {expected}, got {value!r}")
    if options.get("nesterov") and not options.get("momentum", defaults.get("momentum")):
        raise ValueError("nesterov needs a momentum above 0")
    return {option: _plain(options.get(option, default)) for option, default in defaults.items()}


def _expected(option: str, default: Any, value: Any) -> str | None:
    """What `value` should have been, or None if it will do."""
    if isinstance(default, bool):
        return None if isinstance(value, bool) else "True or False"
    if isinstance(default, tuple):
        pair = isinstance(value, (tuple, list)) and len(value) == len(default) and all(map(_is_number, value))
        return None if pair and all(0 <= each < 1 for each in value) else "a pair of numbers from 0 to below 1"
    return None if _is_number(value) and value >= 0 else "a finite number, not below 0"


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(map(float, value))
    return value if isinstance(value, bool) else float(value)


def update(name: str, options: Mapping[str, Any], memory: tuple[str, ...], dtype: str) -> Program:
    """The step for one parameter, whatever its shape, as a program.

    Its inputs are `parameter`, `gradient`, the memory and the numbers `step` and `learning_rate`; its results, of the
    kind "update", are the new memory and, under "parameter", what is to be subtracted.
    """
    builder = Program(name, dtype).builder()
    shape = (sizes.symbol("size"),)
    values = {each: builder.append(Node(each, "input", (), {}, shape, "float")) for each in ("parameter", "gradient", *memory)}
    step, rate = (builder.append(Node(each, "input", (), {"weak": True}, (), "float")) for each in ("step", "learning_rate"))
    delta, new = OPTIMIZERS[name].step(values["parameter"], values["gradient"], {each: values[each] for each in memory}, step, **options)
    builder.results = {("update", each): value.name for each, value in new.items()}
    builder.results["update", "parameter"] = ops.multiply(rate, delta).name
    return builder.build()
