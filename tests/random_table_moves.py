"""Moves of random graphs over the rest of the op table: mathematics, activations, reductions, order, shapes, windows."""

from typing import Any

import numpy as np
import scipy.special
from numpy.lib.stride_tricks import sliding_window_view
from random_steps import DISTANCE, NUMPY, Maker, Rejected, apart


def _convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A plain convolution of one axis: (batch, channels, space) with (channels out, channels in, window)."""
    return np.einsum("bisk,oik->bos", sliding_window_view(x, kernel.shape[-1], axis=-1), kernel)


NUMPY |= {
    "rsqrt": lambda x: 1.0 / np.sqrt(x),
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "lgamma": scipy.special.gammaln,
    "digamma": scipy.special.digamma,
    "xlogy": scipy.special.xlogy,
    "atan2": np.arctan2,
    "silu": lambda x: x / (1.0 + np.exp(-x)),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "gelu": lambda x: x * scipy.special.ndtr(x),
    "logsigmoid": lambda x: -np.log1p(np.exp(-x)),
    "softsign": lambda x: x / (1.0 + np.abs(x)),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "hardtanh": lambda x: np.clip(x, -1.0, 1.0),
    "softshrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0.0),
    "norm": lambda x, axis=None, keepdims=False: np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims)),
    "conv1d": _convolved,
    "diagonal": np.diagonal,
    "repeat": np.repeat,
}


def _gap_along(x: np.ndarray, **_: Any) -> float:
    return float(np.min(np.diff(np.sort(x.ravel())), initial=np.inf))


DISTANCE |= {
    "hardtanh": lambda x, **_: min(apart(x, -1.0), apart(x, 1.0)),
    "softshrink": lambda x, **_: min(apart(x, -0.5), apart(x, 0.5)),
    "selu": lambda x, **_: apart(x, 0.0),
    "cbrt": lambda x, **_: apart(x, 0.0) - 0.1,  # its slope grows without bound
    "sort": _gap_along,
    "median": _gap_along,
    "std": lambda x, **attributes: float(np.min(np.std(x, **attributes), initial=np.inf)) - 0.1,
    "norm": lambda x, **attributes: float(np.min(NUMPY["norm"](x, **attributes), initial=np.inf)) - 0.1,
}


def _mathematics(m: Maker) -> int:
    names = ("exp2", "asinh", "atan", "sinh", "cosh", "sinc", "cbrt", "erf", "erfc")
    return m.call(m.choose(names), m.pick())


def _of_positive(m: Maker) -> int:
    return m.call(m.choose(("log2", "log10", "rsqrt", "lgamma", "digamma")), m.positive())


def _of_two(m: Maker) -> int:
    x = m.positive()
    if m.chance(0.3):
        return m.call("xlogy", m.partner(x), x)
    return m.call(m.choose(("logaddexp", "hypot", "atan2")), m.partner(x), x)


def _activation(m: Maker) -> int:
    names = ("silu", "mish", "gelu", "logsigmoid", "softsign", "selu", "hardtanh", "softshrink")
    return m.call(m.choose(names), m.pick())


def _reduction(m: Maker) -> int:
    x = m.pick()
    return m.call(m.choose(("prod", "norm", "var", "std")), x, axis=m.axes(x), keepdims=m.chance(0.5))


def _scan(m: Maker) -> int:
    x = m.pick(least=1)
    return m.call(m.choose(("cumsum", "cumprod")), x, axis=m.axis(x))


def _order(m: Maker) -> int:
    x = m.pick(least=1)
    return m.call("median", x) if m.chance(0.3) else m.call("sort", x, axis=m.axis(x))


def _arranged(m: Maker) -> int:
    x = m.pick(least=1)
    op = m.choose(("flip", "roll", "swapaxes", "repeat", "tile"))
    if op == "flip":
        return m.call(op, x, axis=m.axes(x))
    if op == "roll":
        return m.call(op, x, shift=int(m.generator.integers(-3, 4)), axis=m.axis(x))
    if op == "swapaxes":
        return m.call(op, x, axis1=m.axis(x), axis2=m.axis(x))
    if op == "repeat":
        return m.call(op, x, repeats=int(m.generator.integers(1, 3)), axis=m.axis(x))
    return m.call(op, x, reps=tuple(int(each) for each in m.generator.integers(1, 3, len(m.shape(x)))))


def _matrix(m: Maker) -> int:
    if m.chance(0.3):
        x = m.pick(least=1, most=1)
        return m.call("diagonal", m.call("outer", x, x))
    return m.call(m.choose(("tril", "triu")), m.pick(least=2), k=int(m.generator.integers(-1, 2)))


def _products(m: Maker) -> int:
    x = m.pick(least=1, most=1)
    return m.call(m.choose(("outer", "kron")), x, m.pick(least=1, most=1))


def _windows(m: Maker) -> int:
    x = m.pick(least=3, most=3)
    if not all(isinstance(size, int) for size in m.shape(x)[1:]):
        raise Rejected
    channels, length = m.shape(x)[1:]
    kernel = m.param((2, channels, int(m.generator.integers(1, length + 1))))
    return m.call("conv1d", x, kernel)


TABLE_MOVES = (
    _mathematics,
    _of_positive,
    _of_two,
    *[_activation] * 3,
    _reduction,
    _scan,
    _order,
    _arranged,
    _matrix,
    _products,
    _windows,
)
