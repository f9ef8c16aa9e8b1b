"""What can be wrong with an input or a parameter, besides its type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

import numpy as np

from graphgen import sizes
from graphgen.errors import brief
from graphgen.initializers import INITS, Initializer, initializer_problems, is_finite

Complaint = tuple[str, str, str | None]  # code, message, help


def leaf_problems(name: str, op: str, attributes: Mapping[str, Any]) -> Iterator[Complaint]:
    """The problems of a leaf whose type is known."""
    if op == "input":
        yield from _bound_problems(attributes["low"], attributes["high"])
    elif op == "param":
        yield from _init_problems(name, attributes["init"], attributes["shape"])
        if not isinstance(attributes["trainable"], bool):
            yield "GG005", f"trainable is True or False, got {brief(attributes['trainable'])}", "leave it out for True"
    elif op == "state":
        yield from _state_problems(name, attributes["init"], attributes["shape"])


def _bound_problems(low: Any, high: Any) -> Iterator[Complaint]:
    for bound in (low, high):
        if bound is not None and not is_finite(bound):
            yield "GG005", f"low and high are finite numbers, got {brief(bound)}", "samples are drawn from [low, high)"
            return
    if low is not None and high is not None and not low < high:
        yield "GG005", f"low must lie below high, got {low} and {high}", "samples are drawn from [low, high)"


def _state_problems(name: str, init: Any, shape: sizes.Shape) -> Iterator[Complaint]:
    unknown = sizes.symbols(shape)
    if unknown:
        help = "a state outlives the call that knows the size: give a number"
        yield "GG022", f"the size {unknown[0]} of {name} is not a number", help
    elif isinstance(init, (bool, str)) or not isinstance(init, (Real, np.ndarray, list, tuple)):
        yield "GG002", f"the init of a state is a number or an array, not {brief(init)}", "0.0 and 1.0 are the usual ones"
    else:
        yield from _array_problems(name, init, shape)


def _init_problems(name: str, init: Any, shape: sizes.Shape) -> Iterator[Complaint]:
    if isinstance(init, (Initializer, str)):
        yield from initializer_problems(Initializer(init) if isinstance(init, str) else init, shape)
    elif init is None or isinstance(init, bool) or not isinstance(init, (Real, np.ndarray, list, tuple)):
        yield "GG002", f"an init is a name, a number or an array, not {brief(init)}", INITS
    else:
        yield from _array_problems(name, init, shape)


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
