"""The activations as their papers, or torch's documentation, define them: one plain function of NumPy each, in float64."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def logistic(x: Any) -> Any:
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def normal_cdf(x: Any) -> Any:
    return 0.5 * np.vectorize(math.erfc, otypes=[float])(-x / math.sqrt(2))


def normal_pdf(x: Any) -> Any:
    return np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def normal_cdf_tanh(x: Any) -> Any:
    return (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def normal_pdf_tanh(x: Any) -> Any:
    slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
    return slope * (1 - (2 * normal_cdf_tanh(x) - 1) ** 2) / 2


def hardsigmoid(x: Any) -> Any:
    return np.where(x <= -3, 0, np.where(x >= 3, 1, (x + 3) / 6))


# Parts of activations, which formulas may hold.
PARTS: dict[str, Callable[..., Any]] = {
    "sech": lambda x: 1 / np.cosh(x),
    "tanhshrink": lambda x: x - np.tanh(x),
    "hardsigmoid": hardsigmoid,
    "normal_cdf": normal_cdf,
    "normal_pdf": normal_pdf,
    "normal_cdf_tanh": normal_cdf_tanh,
    "normal_pdf_tanh": normal_pdf_tanh,
}


def softplus(x: Any, beta: float = 1.0, threshold: float = math.inf) -> Any:
    return np.where(x * beta > threshold, x, np.logaddexp(0.0, x * beta) / beta)


def gelu(x: Any, approximate: str = "none") -> Any:
    return x * (normal_cdf(x) if approximate == "none" else normal_cdf_tanh(x))


def selu(x: Any) -> Any:
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return scale * (np.maximum(x, 0) + np.minimum(alpha * np.expm1(np.minimum(x, 0)), 0))


def celu(x: Any, alpha: float = 1.0) -> Any:
    return np.maximum(x, 0) + np.minimum(alpha * np.expm1(np.minimum(x, 0) / alpha), 0)


ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "sigmoid": logistic,
    "logsigmoid": lambda x: -np.logaddexp(0.0, -x),
    "hardsigmoid": hardsigmoid,
    "softplus": softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "symmetric_elliot": lambda x: x / (1 + np.abs(x)),
    "elliot": lambda x: 0.5 * x / (1 + np.abs(x)) + 0.5,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hardtanh": lambda x, min_val=-1.0, max_val=1.0: np.clip(x, min_val, max_val),
    "leaky_relu": lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
    "prelu": lambda x, weight: np.where(x > 0, x, weight * x),
    "elu": lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "celu": celu,
    "selu": selu,
    "silu": lambda x: x * logistic(x),
    "mish": lambda x: x * np.tanh(np.logaddexp(0.0, x)),
    "gelu": gelu,
    "hardswish": lambda x: x * hardsigmoid(x),
    "threshold": lambda x, threshold=0.0, value=0.0: np.where(x > threshold, x, value),
    "hardshrink": lambda x, lambd=0.5: np.where(np.abs(x) > lambd, x, 0.0),
    "softshrink": lambda x, lambd=0.5: np.sign(x) * np.maximum(np.abs(x) - lambd, 0),
    "tanhshrink": lambda x: x - np.tanh(x),
}


def glu(x: Any, axis: int = -1) -> Any:
    value, gate = np.split(x, 2, axis)
    return value * logistic(gate)


def maxout(x: Any, pieces: int, axis: int = -1) -> Any:
    groups = np.split(x, x.shape[axis] // pieces, axis)
    return np.concatenate([each.max(axis, keepdims=True) for each in groups], axis)
