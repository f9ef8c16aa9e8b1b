"""Initial values of parameters: a name, a number, an array, or one of these functions' answers.

The numbers are drawn in the generated module by ``init_parameters(seed)``; see ``graphgen/runtime/initialize.py``.
"""

from __future__ import annotations

from typing import NamedTuple


class Initializer(NamedTuple):
    """An initializer by name, with its options in the order of the generated helper's keywords."""

    name: str
    options: tuple[tuple[str, float], ...] = ()


INITIALIZERS: dict[str, tuple[tuple[str, float], ...]] = {
    "zeros": (),
    "ones": (),
    "constant": (("value", 0.0),),
    "uniform": (("low", 0.0), ("high", 1.0)),
    "normal": (("mean", 0.0), ("std", 1.0)),
    "glorot_uniform": (),
    "glorot_normal": (),
    "he_uniform": (),
    "he_normal": (),
}


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
