"""Schedules: how the learning rate changes from step to step, as functions for ``g.optimizer(..., schedule=)``.

A schedule is a factor of the learning rate; steps count from 0. Generated modules have it as ``learning_rate(step)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from graphgen.digits import short
from graphgen.errors import brief
from graphgen.initializers import is_finite

__all__ = ["Schedule", "cosine", "exponential", "inverse_time", "linear", "step", "warm_up"]


class Schedule(NamedTuple):
    """A schedule by name, with its options."""

    name: str
    options: tuple[tuple[str, Any], ...] = ()


def step(every: int, gamma: float = 0.1) -> Schedule:
    """Times `gamma` after each `every` steps, as ``torch.optim.lr_scheduler.StepLR``."""
    return Schedule("step", (("every", every), ("gamma", gamma)))


def exponential(gamma: float) -> Schedule:
    """Times `gamma` after each step, as ``torch.optim.lr_scheduler.ExponentialLR``."""
    return Schedule("exponential", (("gamma", gamma),))


def cosine(steps: int, floor: float = 0.0) -> Schedule:
    """Half a cosine from 1 down to `floor`, where it stays after `steps` steps: Loshchilov and Hutter (2017), eq. 5."""
    return Schedule("cosine", (("steps", steps), ("floor", floor)))


def linear(steps: int, floor: float = 0.0) -> Schedule:
    """A straight line from 1 down to `floor`, where it stays after `steps` steps."""
    return Schedule("linear", (("steps", steps), ("floor", floor)))


def inverse_time(decay: float) -> Schedule:
    """``1 / (1 + decay * step)``, in the end one over the step: Bottou (2012), section 5.2."""
    return Schedule("inverse_time", (("decay", decay),))


def warm_up(steps: int, then: Schedule | None = None) -> Schedule:
    """``1 / steps, 2 / steps, ..., 1`` over the first steps: Goyal et al. (2017), section 2.2.

    What comes `then` begins with its own step 0; without it the rate stays as it is.
    """
    return Schedule("warm_up", (("steps", steps), ("then", then)))


class _Kind(NamedTuple):
    """What the options of a schedule must be, the rate as Python source, what is said of it, and an example."""

    options: dict[str, str]
    rate: str
    said: str
    example: str


_COUNT, _FACTOR, _POSITIVE = "a whole number above 0", "a number from 0 to 1", "a finite number above 0"
_KINDS = {
    "step": _Kind(
        {"every": _COUNT, "gamma": _FACTOR},
        "{rate} * {gamma} ** (step // {every})",
        "times {gamma} after each {every} steps",
        "step(every=1000, gamma=0.1)",
    ),
    "exponential": _Kind(
        {"gamma": _FACTOR}, "{rate} * {gamma}**step", "times {gamma} after each step", "exponential(gamma=0.999)"
    ),
    "cosine": _Kind(
        {"steps": _COUNT, "floor": _FACTOR},
        "{rate} * 0.5 * (1.0 + math.cos(math.pi * min(step, {steps}) / {steps}))",
        "half a cosine over {steps} steps (Loshchilov and Hutter 2017, eq. 5)",
        "cosine(steps=1000)",
    ),
    "linear": _Kind(
        {"steps": _COUNT, "floor": _FACTOR},
        "{rate} * (1.0 - min(step, {steps}) / {steps})",
        "a straight line over {steps} steps",
        "linear(steps=1000)",
    ),
    "inverse_time": _Kind(
        {"decay": _POSITIVE},
        "{rate} / (1.0 + {decay} * step)",
        "over 1 + {decay} * step (Bottou 2012, section 5.2)",
        "inverse_time(decay=0.01)",
    ),
    "warm_up": _Kind(
        {"steps": _COUNT},
        "{rate} * (step + 1) / {steps}",
        "{steps} steps of warm-up (Goyal et al. 2017, section 2.2)",
        "warm_up(steps=100)",
    ),
}


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value > 0)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    _COUNT: _is_count,
    _FACTOR: lambda value: is_finite(value) and 0 <= value <= 1,
    _POSITIVE: lambda value: is_finite(value) and value > 0,
}


def schedule_problems(schedule: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with a schedule, and what to do."""
    if not isinstance(schedule, Schedule) or schedule.name not in _KINDS:
        listed = ", ".join(_KINDS)
        yield f"{brief(schedule)} is no schedule", f"give one of graphgen.schedules: {listed}"
        return
    kind, given = _KINDS[schedule.name], dict(schedule.options)
    for option, what in kind.options.items():
        if not _CHECKS[what](given.get(option)):
            message = f"the schedule {schedule.name}: {option} is {what}, got {brief(given.get(option))}"
            yield message, f"as in schedules.{kind.example}"
    if given.get("then") is not None:
        yield from schedule_problems(given["then"])


class Rate(NamedTuple):
    """The body of ``learning_rate(step)``: its statements, what it returns, and what is said of it."""

    lines: list[str]
    returned: str
    said: str


def rate_source(schedule: Schedule, rate: float) -> Rate:
    """The learning rate of a schedule whose factors are of `rate`, as Python source."""
    kind, given = _KINDS[schedule.name], dict(schedule.options)
    then, floor = given.pop("then", None), rate * given.pop("floor", 0.0)
    texts = {option: _number(value) for option, value in given.items()}
    text, said = kind.rate.format(rate=_number(rate - floor), **texts), kind.said.format(**texts)
    if floor:
        return Rate([], f"{_number(floor)} + {text}", f"{said}, down to {_number(floor)}")
    if schedule.name != "warm_up":
        return Rate([], text, said)
    lines = [f"if step < {texts['steps']}:", f"    return {text}"]
    if then is None:
        return Rate(lines, _number(rate), said)
    after = rate_source(then, rate)
    return Rate([*lines, f"step = step - {texts['steps']}", *after.lines], after.returned, f"{said}, then {after.said}")


def _number(value: Any) -> str:
    """A number as Python source, in few digits if they say the same."""
    return str(int(value)) if isinstance(value, Integral) else repr(short(float(value)))
