"""A layer declared, compiled and run: what it gives, which parameters it has, and whether its gradients are right."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphgen import Graph, load

DTYPES = {"f": None, "i": "int64", "b": "bool"}


def run(
    declare: Callable[..., Any],
    inputs: Mapping[str, np.ndarray],
    shapes: Mapping[str, tuple[Any, ...]] | None = None,
    style: str = "compact",
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """What `declare(*nodes)` gives, and its parameters, drawn at random; first axes are of size "batch" unless said.

    Gradients of the parameters and of floats are checked against differences.
    """
    g = Graph("layer")
    nodes = []
    for name, array in inputs.items():
        shape = (shapes or {}).get(name, ("batch", *array.shape[1:]))
        nodes.append(g.input(name, shape, dtype=DTYPES[array.dtype.kind]))
    y = declare(*nodes)
    g.output(y=y)
    g.loss((y * g.input("weights", y.shape)).sum())
    module = load(g, style=style, wrt=[name for name, array in inputs.items() if array.dtype.kind == "f"])
    generator = np.random.default_rng(1)
    parameters = {name: generator.normal(size=shape) for name, (shape, _) in module.PARAMETERS.items()}
    value = module.forward(parameters, **inputs)
    module.check_gradients(parameters, **inputs, weights=generator.normal(size=value.shape))
    return value, parameters


def some(*shape: int) -> np.ndarray:
    return np.random.default_rng([*shape]).normal(size=shape)


def standardised(x: np.ndarray, axis: Any, eps: float = 1e-5) -> np.ndarray:
    return (x - x.mean(axis=axis, keepdims=True)) / np.sqrt(x.var(axis=axis, keepdims=True) + eps)


def softmax(x: np.ndarray) -> np.ndarray:
    """Along the last axis, where some scores may be -inf."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
