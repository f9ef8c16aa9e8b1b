"""Initial values of parameters: a name, a number, an array, or one of these functions' answers.

The numbers are drawn in the generated module by ``init_parameters(seed)``; see ``graphgen/runtime/initialize.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from graphgen import sizes
from graphgen.errors import brief, did_you_mean

Options = tuple[tuple[str, float | str], ...]


class Initializer(NamedTuple):
    """An initializer by name, with its options in the order of the generated helper's keywords."""

    name: str
    options: Options = ()


INITIALIZERS: dict[str, Options] = {
    "zeros": (),
    "ones": (),
    "constant": (("value", 0.0),),
    "uniform": (("low", 0.0), ("high", 1.0)),
    "normal": (("mean", 0.0), ("std", 1.0)),
    "glorot_uniform": (),
    "glorot_normal": (),
    "he_uniform": (),
    "he_normal": (),
    "lecun_uniform": (),
    "lecun_normal": (),
    "truncated_normal": (("mean", 0.0), ("std", 1.0), ("cut", 2.0)),
    "variance_scaling": (("scale", 1.0), ("mode", "fan_in"), ("distribution", "truncated_normal")),
    "orthogonal": (("gain", 1.0),),
    "identity": (("gain", 1.0),),
    "forget_bias": (("value", 1.0),),
}
INITS = f"one of {', '.join(INITIALIZERS)}, a number or an array"
# What options must be that not every number suits.
_CHOICES: dict[str, tuple[str, ...]] = {
    "mode": ("fan_in", "fan_out", "fan_avg"),
    "distribution": ("truncated_normal", "normal", "uniform"),
}
_LEAST: dict[str, float] = {"scale": 0.0, "cut": 0.1, "std": 0.0}


def zeros() -> Initializer:
    """Zeros."""
    return Initializer("zeros")


def ones() -> Initializer:
    """Ones."""
    return Initializer("ones")


def constant(value: float) -> Initializer:
    """The same number everywhere."""
    return Initializer("constant", (("value", float(value)),))


def uniform(low: float = 0.0, high: float = 1.0) -> Initializer:
    """Uniform over [low, high)."""
    return Initializer("uniform", (("low", float(low)), ("high", float(high))))


def normal(mean: float = 0.0, std: float = 1.0) -> Initializer:
    """Normal with this mean and standard deviation."""
    return Initializer("normal", (("mean", float(mean)), ("std", float(std))))


def glorot_uniform() -> Initializer:
    """Uniform within sqrt(6 / (fan_in + fan_out)): Glorot and Bengio (2010), equation 16."""
    return Initializer("glorot_uniform")


def glorot_normal() -> Initializer:
    """Normal with variance 2 / (fan_in + fan_out): Glorot and Bengio (2010), equation 12."""
    return Initializer("glorot_normal")


def he_uniform() -> Initializer:
    """Uniform within sqrt(6 / fan_in): He et al. (2015), equation 10, as a uniform distribution."""
    return Initializer("he_uniform")


def he_normal() -> Initializer:
    """Normal with variance 2 / fan_in: He et al. (2015), equation 10."""
    return Initializer("he_normal")


def forget_bias(value: float = 1.0) -> Initializer:
    """Zeros, but a value for the second of four parts: an LSTM's forget gates."""
    return Initializer("forget_bias", (("value", float(value)),))


def lecun_uniform() -> Initializer:
    """Uniform within sqrt(3 / fan_in): LeCun et al. (1998), equation 16, as a uniform distribution."""
    return Initializer("lecun_uniform")


def lecun_normal() -> Initializer:
    """Normal with variance 1 / fan_in: LeCun et al. (1998), equation 16."""
    return Initializer("lecun_normal")


def truncated_normal(mean: float = 0.0, std: float = 1.0, cut: float = 2.0) -> Initializer:
    """Normal with this mean and standard deviation, but drawn anew where it is more than `cut` deviations off."""
    return Initializer("truncated_normal", (("mean", mean), ("std", std), ("cut", cut)))


def variance_scaling(scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal") -> Initializer:
    """Values with variance scale / n, where n is the fan_in, the fan_out, or their mean, fan_avg.

    The distribution is "normal", "truncated_normal" (at two standard deviations) or "uniform". He et al. (2015) is scale 2
    of fan_in, Glorot and Bengio (2010) is scale 1 of fan_avg, LeCun et al. (1998) is scale 1 of fan_in.
    """
    return Initializer("variance_scaling", (("scale", scale), ("mode", mode), ("distribution", distribution)))


def orthogonal(gain: float = 1.0) -> Initializer:
    """A random orthogonal matrix, times `gain`: Saxe et al. (2014).

    The first axis is the matrix's rows and the others together its columns; the fewer of the two are orthonormal.
    """
    return Initializer("orthogonal", (("gain", gain),))


def identity(gain: float = 1.0) -> Initializer:
    """The identity matrix, times `gain`: Le et al. (2015) for the weights that a recurrent layer reads itself with."""
    return Initializer("identity", (("gain", gain),))


def initializer_problems(init: Initializer, shape: sizes.Shape) -> Iterator[tuple[str, str, str | None]]:
    """What is wrong with an initializer for a parameter of this shape: code, message and help.

    An Initializer is a plain tuple, which anyone can make.
    """
    if not isinstance(init.name, str) or init.name not in INITIALIZERS:
        near = did_you_mean(init.name, INITIALIZERS) if isinstance(init.name, str) else None
        yield "GG002", f"unknown init {brief(init.name)}", near or INITS
        return
    for option, value in init.options:
        expected = _expected(init.name, option)
        if not expected[1](value):
            message = f"the init {init.name} cannot have the option {brief(option)}={brief(value)}"
            yield "GG002", message, expected[0]
    bounds: list[Any] = [{**dict(INITIALIZERS[init.name]), **dict(init.options)}.get(each) for each in ("low", "high")]
    if init.name == "uniform" and all(map(is_finite, bounds)) and bounds[0] > bounds[1]:
        message = f"the init uniform draws from [low, high), got low={brief(bounds[0])} and high={brief(bounds[1])}"
        yield "GG002", message, "give low and high in this order"
    if init.name == "orthogonal" and len(shape) < 2:
        message = f"the init orthogonal makes a matrix, got the shape {sizes.shape_text(shape)}"
        yield "GG027", message, "give two axes or more, or choose another init, such as normal"
    if init.name == "identity" and (len(shape) != 2 or not sizes.same(shape[:1], shape[1:])):
        message = f"the init identity makes a square matrix, got the shape {sizes.shape_text(shape)}"
        yield "GG027", message, "give two equal axes, or choose another init, such as orthogonal"
    if init.name == "forget_bias" and (len(shape) != 1 or sizes.quotient(shape[0], 4) is None):
        message = f"the init forget_bias makes four parts of an axis, got the shape {sizes.shape_text(shape)}"
        yield "GG027", message, "it is for the bias of an LSTM, of shape (4 * units,)"


def _expected(name: str, option: Any) -> tuple[str, Callable[[Any], bool]]:
    """What an option must be, and whether it is."""
    known = dict(INITIALIZERS[name])
    if option not in known:
        return f"its options: {', '.join(known) or 'none'}; finite numbers", lambda value: False
    if option in _CHOICES:
        return (
            f"one of {', '.join(_CHOICES[option])}",
            lambda value: isinstance(value, str) and value in _CHOICES[option],
        )
    least = _LEAST.get(option)
    if least is not None:
        return f"a finite number, not below {least}", lambda value: is_finite(value) and value >= least
    return f"its options: {', '.join(known)}; finite numbers", is_finite


def is_finite(value: Any) -> bool:
    """Whether it is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    number: Any = value.item() if isinstance(value, np.generic) else value  # a float32 cannot hold the bound
    return bool(abs(number) < sys.float_info.max)
