"""The options of ``g.optimizer``: what each optimizer has, what all have, and what is wrong with those given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from graphgen.errors import brief, did_you_mean
from graphgen.initializers import is_finite
from graphgen.optimizers.table import OPTIMIZERS
from graphgen.schedules import schedule_problems

Complaint = tuple[str, str | None]  # message, help

# What every optimizer has besides its own options; see `Graph.optimizer`.
COMMON: dict[str, Any] = {
    "schedule": None,
    "clip_value": None,
    "clip_norm": None,
    "noise": 0.0,
    "noise_decay": 0.55,
    "noise_seed": 0,
    "max_norm": None,
    "groups": {},
}
# What a group of parameters may have of its own.
OF_GROUPS = ("learning_rate", "weight_decay", "max_norm")

_NOT_NEGATIVE = "a finite number, not below 0"
_FRACTION = "a number from 0 to below 1"
_FRACTIONS = "a pair of numbers from 0 to below 1"
_POSITIVE = "a finite number above 0"
_DECAY = "a number from 0 to 10"  # beyond that no noise is left, and soon step**decay overflows
_COUNT = "a whole number, not below 0"
_FLAG = "True or False"
_KINDS = {
    "betas": _FRACTIONS,
    "alpha": _FRACTION,
    "rho": _FRACTION,
    **dict.fromkeys(("clip_value", "clip_norm", "max_norm"), _POSITIVE),
    "noise_seed": _COUNT,
    "noise_decay": _DECAY,
    **dict.fromkeys(("nesterov", "centered", "amsgrad", "decoupled_weight_decay"), _FLAG),
}


def _is_fraction(value: Any) -> bool:
    return is_finite(value) and 0 <= value < 1


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= 0)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    _NOT_NEGATIVE: lambda value: is_finite(value) and value >= 0,
    _FRACTION: _is_fraction,
    _FRACTIONS: lambda value: isinstance(value, (tuple, list)) and len(value) == 2 and all(map(_is_fraction, value)),
    _POSITIVE: lambda value: is_finite(value) and value > 0,
    _DECAY: lambda value: is_finite(value) and 0 <= value <= 10,
    _COUNT: _is_count,
    _FLAG: lambda value: isinstance(value, bool),
}


def complete(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, in which there are no problems, with defaults filled in."""
    defaults = {**OPTIMIZERS[name].options, **COMMON}
    return {option: _plain(option, options.get(option, default)) for option, default in defaults.items()}


def _plain(option: str, value: Any) -> Any:
    kind = _KINDS.get(option, _NOT_NEGATIVE)
    if value is None or option in ("schedule", "groups") or kind == _FLAG:
        return value
    if kind == _COUNT:
        return int(value)
    return tuple(map(float, value)) if kind == _FRACTIONS else float(value)


def option_problems(name: str, options: Mapping[Any, Any], trained: Mapping[str, int]) -> Iterator[Complaint]:
    """What is wrong with the options of an optimizer of the parameters `trained`, by number of axes, and what to do."""
    defaults = {**OPTIMIZERS[name].options, **COMMON}
    for option, value in options.items():
        if option not in defaults:
            near = did_you_mean(option, defaults) if isinstance(option, str) else None
            yield f"unexpected option {brief(option)}", near or f"its options: {', '.join(defaults)}"
        elif option == "schedule" and value is not None:
            yield from schedule_problems(value)
        elif option == "groups":
            yield from _group_problems(value, options, trained)
        elif option != "schedule":
            yield from _value_problems(option, value, defaults[option])
    if options.get("max_norm") is not None and trained and max(trained.values()) < 2:
        yield (
            "max_norm limits no parameter: all have fewer than two axes",
            'name them, as in groups={"w": {"max_norm": 3.0}}',
        )
    if options.get("nesterov", defaults.get("nesterov")) is True and not options.get("momentum", defaults["momentum"]):
        yield "nesterov needs a momentum above 0", "give momentum=0.9"


def _value_problems(option: str, value: Any, default: Any) -> Iterator[Complaint]:
    expected = _KINDS.get(option, _NOT_NEGATIVE)
    if not (_CHECKS[expected](value) or (value is None and default is None)):
        yield f"{option} is {expected}, got {brief(value)}", f"leave it out for {default!r}"


def _group_problems(groups: Any, options: Mapping[Any, Any], trained: Mapping[str, int]) -> Iterator[Complaint]:
    """What is wrong with groups: who is in them, what they have, and what two of them say differently."""
    help = 'as in groups={"*_b": {"weight_decay": 0.0}}'
    if not isinstance(groups, Mapping):
        yield f"groups is a dict of dicts, by the names of parameters, got {brief(groups)}", help
        return
    said: dict[tuple[str, str], str] = {}
    for names, own in groups.items():
        if not isinstance(names, str) or not isinstance(own, Mapping):
            yield f"a group is a name, or a pattern such as *_b, with a dict, got {brief(names)}: {brief(own)}", help
            continue
        members = _members(names, trained)
        if not members:
            near = did_you_mean(names, trained)
            yield f"no trained parameter is called {brief(names)}", near or f"one of {', '.join(trained) or 'none'}"
        for option, value in own.items():
            if option not in OF_GROUPS:
                yield (
                    f"the group {brief(names)} cannot have the option {brief(option)}",
                    f"one of {', '.join(OF_GROUPS)}",
                )
                continue
            for problem, _ in _value_problems(option, value, None if option == "max_norm" else 0.0):
                yield f"the group {brief(names)}: {problem}", "leave it out for what the other parameters have"
            for member in members:
                if said.setdefault((member, option), names) != names:
                    message = (
                        f"the groups {brief(said[member, option])} and {brief(names)} both give {member} a {option}"
                    )
                    yield message, "name it in one of them"
                    break
        if "learning_rate" in own and options.get("learning_rate", 1) == 0:
            message = f"the group {brief(names)} has a learning rate, and the learning rate of the others is 0"
            yield message, "give them learning rates above 0, and declare what stays as it is with trainable=False"


def _members(names: str, trained: Iterable[str]) -> list[str]:
    return [name for name in trained if fnmatchcase(name, names)]


def of_groups(options: Mapping[str, Any], option: str, trained: Iterable[str]) -> dict[str, Any]:
    """What groups say of an option, by parameter."""
    return {
        member: _plain(option, group[option])
        for names, group in options["groups"].items()
        if option in group
        for member in _members(names, trained)
    }
