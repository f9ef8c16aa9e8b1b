"""What a training is asked to do: checked, and held against the run that it resumes."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from graphgen.errors import GraphError, Problem, brief

# Without these the position in a run means nothing: a resumed run must have them as they were.
FIXED = ("seed", "batch_size", "validation", "order", "data")
# These may change; what is not given is as it was.
FREE = ("epochs", "steps", "learning_rate", "patience")
DEFAULTS = {"seed": 0, "batch_size": 32, "validation": None, "order": "shuffled"}
EPOCHS = 10  # where neither epochs nor steps are given


def check(given: Mapping[str, Any]) -> None:
    """Refuse values that a setting cannot have.

    Raises
    ------
    GraphError
        Listing all of them.
    """
    problems = []
    for name, value in given.items():
        expected = _expected(name, value)
        if expected is not None:
            problems.append(Problem("GG005", None, f"{name} is {expected}, got {brief(value)}"))
    if problems:
        raise GraphError(problems)


def _expected(name: str, value: Any) -> str | None:
    """What a value should have been, or None if it will do."""
    if value is None:
        return None
    whole = not isinstance(value, bool) and isinstance(value, Integral)
    number = not isinstance(value, bool) and isinstance(value, Real) and _finite(value)
    if name == "seed":
        return None if whole and value >= 0 else "a whole number from 0 up"
    if name == "learning_rate":
        return None if number and value >= 0 else "a finite number, not below 0"
    if name == "save_every":
        return None if number and value >= 0 else "a number of seconds from 0 up"
    if name == "validation":
        data = isinstance(value, (str, os.PathLike, Mapping))
        return (
            None
            if data or (number and 0 < value < 1)
            else "a part of the rows between 0 and 1, a file, or arrays by name"
        )
    return None if whole and value >= 1 else "a whole number from 1 up"


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def started(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a new run."""
    settings = {name: _plain(value) for name, value in given.items() if value is not None}
    settings = {**DEFAULTS, **settings}
    if "epochs" not in settings and "steps" not in settings:
        settings["epochs"] = EPOCHS
    return settings


def sound_settings(stored: Mapping[str, Any]) -> bool:
    """Whether what a file says of a run's settings can be; raises GraphError for numbers that they cannot have."""
    check({name: stored.get(name) for name in (*FREE, "seed", "batch_size")})
    part = stored["validation"]
    check({"validation": part if not isinstance(part, str) else None})
    texts = all(isinstance(stored[name], str) for name in ("order", "data"))
    return texts and None not in (stored["seed"], stored["batch_size"])


def resumed(path: Path, given: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run that goes on.

    Raises
    ------
    GraphError
        Listing what is no longer as it was when the run began.
    """
    problems = []
    for name in FIXED:
        before, now = stored.get(name), given.get(name)
        if now is not None and _plain(now) != before:
            what = f"{name} is not what {path} was trained with"
            if name in ("seed", "batch_size") or isinstance(before, float):
                what = f"{name} is {_said(now)}, and {path} was trained with {_said(before)}"
            problems.append(Problem("GG088", None, what, "give what it was, or train anew into another file with -o"))
        elif now is None and name == "validation" and isinstance(before, str):
            message = f"{path} was trained with data for validation of its own"
            problems.append(Problem("GG088", None, message, "give it again"))
        elif now is None and name == "order" and before != DEFAULTS["order"]:
            problems.append(Problem("GG088", None, f"{path} was trained in an order of its own", "give it again"))
    if problems:
        raise GraphError(problems)
    kept = {name: value for name, value in stored.items() if name in (*FIXED, *FREE)}
    return {**kept, **{name: _plain(value) for name, value in given.items() if name in FREE and value is not None}}


def _plain(value: Any) -> Any:
    """A number as JSON has it."""
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


def _said(value: Any) -> str:
    return "data of its own" if isinstance(value, str) else repr(value)
