"""Parameters as views of one flat vector, and the random initial values."""
# ruff: noqa: TC004 -- supplied.py holds types alone: what it names exists where the helpers are copied to

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from graphgen.runtime.supplied import _float


def _views(shapes: dict) -> dict:
    """Return an array of zeros for each name, all of them views of one flat vector, in the order given."""
    flat = np.zeros(sum(math.prod(shape) for shape in shapes.values()), dtype=_float)
    views, start = {}, 0
    for name, shape in shapes.items():
        stop = start + math.prod(shape)
        views[name] = flat[start:stop].reshape(shape)
        start = stop
    return views


def _packed(arrays: dict) -> dict:
    """Return the arrays as views of one flat vector that holds their values."""
    views = _views({name: array.shape for name, array in arrays.items()})
    for name, array in arrays.items():
        views[name][...] = array
    return views


def _packed_scalar(arrays: dict) -> dict:
    """Return the 0-d arrays as Python floats."""
    return {name: float(array) for name, array in arrays.items()}


def uniform(generator: np.random.Generator, shape: tuple, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """Return values drawn evenly from [low, high)."""
    return generator.uniform(low, high, shape)


def normal(generator: np.random.Generator, shape: tuple, mean: float = 0.0, std: float = 1.0) -> np.ndarray:
    """Return values drawn from the normal distribution."""
    return generator.normal(mean, std, shape)


def glorot_uniform(generator: np.random.Generator, shape: tuple) -> np.ndarray:
    """Return even values of variance 2 / (fan_in + fan_out) (Glorot & Bengio 2010, eq. 16)."""
    bound = math.sqrt(6.0 / sum(_fans(shape)))  # even values in [-bound, bound) have the variance bound**2 / 3
    return generator.uniform(-bound, bound, shape)


def glorot_normal(generator: np.random.Generator, shape: tuple) -> np.ndarray:
    """Return normal values of variance 2 / (fan_in + fan_out) (Glorot & Bengio 2010, eq. 12)."""
    return generator.normal(0.0, math.sqrt(2.0 / sum(_fans(shape))), shape)


def he_uniform(generator: np.random.Generator, shape: tuple) -> np.ndarray:
    """Return even values of variance 2 / fan_in, which keeps the scale of relu layers (He et al. 2015, eq. 10)."""
    bound = math.sqrt(6.0 / _fans(shape)[0])  # even values in [-bound, bound) have the variance bound**2 / 3
    return generator.uniform(-bound, bound, shape)


def he_normal(generator: np.random.Generator, shape: tuple) -> np.ndarray:
    """Return normal values of variance 2 / fan_in, which keeps the scale of relu layers (He et al. 2015, eq. 10)."""
    return generator.normal(0.0, math.sqrt(2.0 / _fans(shape)[0]), shape)


def lecun_uniform(generator: np.random.Generator, shape: tuple) -> np.ndarray:
    """Return even values of variance 1 / fan_in (LeCun et al. 1998, eq. 16)."""
    bound = math.sqrt(3.0 / _fans(shape)[0])  # even values in [-bound, bound) have the variance bound**2 / 3
    return generator.uniform(-bound, bound, shape)


def lecun_normal(generator: np.random.Generator, shape: tuple) -> np.ndarray:
    """Return normal values of variance 1 / fan_in (LeCun et al. 1998, eq. 16)."""
    return generator.normal(0.0, math.sqrt(1.0 / _fans(shape)[0]), shape)


def truncated_normal(
    generator: np.random.Generator, shape: tuple, mean: float = 0.0, std: float = 1.0, cut: float = 2.0
) -> np.ndarray:
    """Return values drawn from the normal distribution, anew where they are more than `cut` deviations off."""
    values = np.atleast_1d(generator.normal(size=shape))
    while (far := np.abs(values) > cut).any():
        values[far] = generator.normal(size=int(far.sum()))
    return mean + std * values.reshape(shape)


def variance_scaling(
    generator: np.random.Generator,
    shape: tuple,
    scale: float = 1.0,
    mode: str = "fan_in",
    distribution: str = "truncated_normal",
) -> np.ndarray:
    """Return values of variance scale / n, where n is the fan_in, the fan_out or their mean, fan_avg."""
    fan_in, fan_out = _fans(shape)
    variance = scale / {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[mode]
    if distribution == "uniform":
        bound = math.sqrt(3.0 * variance)  # even values in [-bound, bound) have the variance bound**2 / 3
        return generator.uniform(-bound, bound, shape)
    if distribution == "normal":
        return generator.normal(0.0, math.sqrt(variance), shape)
    # What is left of a normal distribution within two deviations has 0.8796 of its deviation.
    return truncated_normal(generator, shape, 0.0, math.sqrt(variance) / 0.8796256610342398)


def orthogonal(generator: np.random.Generator, shape: tuple, gain: float = 1.0) -> np.ndarray:
    """Return a random orthogonal matrix, times `gain` (Saxe et al. 2014); axes after the first count as columns."""
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(generator.normal(size=(max(rows, columns), min(rows, columns))))
    q *= np.where(np.diag(r) < 0.0, -1.0, 1.0)  # with these signs every orthogonal matrix is equally likely
    return gain * (q if rows >= columns else q.T).reshape(shape)


def identity(generator: np.random.Generator, shape: tuple, gain: float = 1.0) -> np.ndarray:
    """Return the identity matrix, times `gain` (Le et al. 2015)."""
    return gain * np.eye(*shape)


def forget_bias(generator: np.random.Generator, shape: tuple, value: float = 1.0) -> np.ndarray:
    """Return zeros, but `value` in the second of four parts, an LSTM's forget gates (Jozefowicz et al. 2015)."""
    bias = np.zeros(shape)
    bias[shape[0] // 4 : shape[0] // 2] = value
    return bias


def _fans(shape: tuple) -> tuple[int, int]:
    """Return how many values each unit reads and how many units read each value, at least 1.

    Weights are (in, out); kernels are (out, in, *window), and each place of the window counts.
    """
    if len(shape) < 3:
        ends = shape or (1,)
        return max(1, ends[0]), max(1, ends[-1])
    window = math.prod(shape[2:])
    return max(1, shape[1] * window), max(1, shape[0] * window)
