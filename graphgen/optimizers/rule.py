"""What an optimizer is, and what several of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from graphgen import ops
from graphgen.digits import short

Step = tuple[Any, dict[str, Any]]


class Optimizer(NamedTuple):
    """How to change one parameter.

    Attributes
    ----------
    source
        The paper that its formulas are from, for `train_step` to tell.
    step
        ``step(parameter, gradient, memory, step, rate, **options)``: what is subtracted from the parameter, and the new
        memory, by name. `step` is the number of this step, from 1; `rate` is the learning rate.
    memory
        ``memory(options)``: the arrays of the parameter's shape that it keeps, by name, each with its initial value.
    options
        Keywords and their defaults.
    numbers
        The numbers that it keeps for all parameters together, each with its initial value.
    before
        ``before(numbers, step, **options)``: the numbers that are computed once for each step, the new kept ones among
        them. `step` finds them in its memory.
    """

    source: str
    step: Callable[..., Step]
    memory: Callable[[Mapping[str, Any]], Mapping[str, float]]
    options: Mapping[str, Any]
    numbers: Mapping[str, float] = MappingProxyType({})
    before: Callable[..., dict[str, Any]] | None = None


def decayed(parameter: Any, gradient: Any, weight_decay: Any) -> Any:
    """The gradient of the loss and of ``weight_decay / 2 * sum(parameter**2)``."""
    return ops.add(gradient, weight_decay * parameter, name="decayed") if is_given(weight_decay) else gradient


def is_given(number: Any) -> bool:
    """Whether an option has an effect: a number from a table of parameters may have one."""
    return not isinstance(number, float) or number != 0.0


def average(weight: float, kept: Any, new: Any, name: str) -> Any:
    """The moving average ``weight * kept + (1 - weight) * new``."""
    return ops.add(weight * kept, rest(weight) * new, name=name)


def rest(weight: float) -> float:
    """``1 - weight``: 0.1 for 0.9, where that is as right as the difference of two floats."""
    return short(1.0 - weight, 2e-13)
