"""What can be wrong with an input or a parameter, besides its type."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

import numpy as np

from graphgen import sizes
from graphgen.errors import brief, did_you_mean
from graphgen.initializers import INITIALIZERS, Initializer

Complaint = tuple[str, str, str | None]  # code, message, help

LARGEST = sys.float_info.max
INITS = f"one of {', '.join(INITIALIZERS)}, a number or an array"


def leaf_problems(name: str, op: str, attributes: Mapping[str, Any]) -> Iterator[Complaint]:
    """The problems of a leaf whose type is known."""
    if op == "input":
        yield from _bound_problems(attributes["low"], attributes["high"])
    elif op == "param":
        yield from _init_problems(name, attributes["init"], attributes["shape"])
        if not isinstance(attributes["trainable"], bool):
            yield "GG005", f"trainable is True or False, got {brief(attributes['trainable'])}", "leave it out for True"


def _bound_problems(low: Any, high: Any) -> Iterator[Complaint]:
    for bound in (low, high):
        if bound is not None and not _is_finite(bound):
            yield "GG005", f"low and high are finite numbers, got {brief(bound)}", "samples are drawn from [low, high)"
            return
    if low is not None and high is not None and not low < high:
        yield "GG005", f"low must lie below high, got {low} and {high}", "samples are drawn from [low, high)"


def _init_problems(name: str, init: Any, shape: sizes.Shape) -> Iterator[Complaint]:
    if isinstance(init, Initializer):
        yield from _initializer_problems(init)
    elif isinstance(init, str):
        if init not in INITIALIZERS:
            yield "GG002", f"unknown init {brief(init)}", did_you_mean(init, INITIALIZERS) or INITS
    elif init is None or isinstance(init, bool) or not isinstance(init, (Real, np.ndarray, list, tuple)):
        yield "GG002", f"an init is a name, a number or an array, not {brief(init)}", INITS
    else:
        yield from _array_problems(name, init, shape)


def _initializer_problems(init: Initializer) -> Iterator[Complaint]:
    """An Initializer is a plain tuple, which anyone can make."""
    if not isinstance(init.name, str) or init.name not in INITIALIZERS:
        yield "GG002", f"unknown init {brief(init.name)}", INITS
        return
    known = dict(INITIALIZERS[init.name])
    for option, value in init.options:
        if option not in known or not _is_finite(value):
            message = f"the init {init.name} cannot have the option {brief(option)}={brief(value)}"
            yield "GG002", message, f"its options: {', '.join(known) or 'none'}; finite numbers"


def _array_problems(name: str, init: Any, shape: sizes.Shape) -> Iterator[Complaint]:
    try:
        value = np.asarray(init)
    except ValueError:  # lists of different lengths
        yield "GG002", f"the init is no array: {brief(init)}", INITS
        return
    if value.dtype.kind not in "iuf":
        yield "GG002", f"an init is made of numbers, not {brief(init)}", INITS
    elif not np.isfinite(value).all():
        yield "GG002", "the init holds nan or infinity", "give finite numbers"
    elif value.ndim and not sizes.same(value.shape, shape):
        message = f"the init has shape {value.shape}, {name} has {sizes.shape_text(shape)}"
        yield "GG020", message, "give one number for each element"


def _is_finite(value: Any) -> bool:
    """Whether it is a number that a float can hold."""
    number: Any = value if isinstance(value, (int, float, np.integer, np.floating)) else None
    return number is not None and not isinstance(value, bool) and bool(abs(number) < LARGEST)
