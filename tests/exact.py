"""Exact tests of maps that are linear in each operand, in whole numbers."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from sample import UNKNOWN, whole

from graphgen import Graph, load, ops


def check(
    expression: Callable[..., Any], expected: Any, *operands: np.ndarray, symbolic: bool = False, style: str = "compact"
) -> ModuleType:
    """Compare the value with NumPy's, and both modes' derivatives with the map itself, exactly; return the module.

    The expression is linear in each operand, of whole numbers; floats are parameters and other operands inputs.
    """
    g = Graph("linear")
    leaves: dict[str, np.ndarray] = {}
    inputs: dict[str, np.ndarray] = {}
    nodes = []
    for place, array in enumerate(operands):
        shape = tuple("n" if symbolic and size == UNKNOWN else size for size in array.shape)
        if array.dtype.kind == "f":
            nodes.append(g.param(f"x{place}", shape))
            leaves[f"x{place}"] = array
        else:
            nodes.append(g.input(f"x{place}", shape, dtype=array.dtype.name))
            inputs[f"x{place}"] = array
    result = expression(*nodes)
    g.output(result=result)
    weights = whole(*np.shape(expected)) + 1.0
    g.loss(ops.sum(result * g.input("weights", result.shape)))
    module = load(g, mode="both", style=style)
    found = module.forward(leaves, **inputs)
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_array_equal(found, expected)
    inputs["weights"] = weights
    gradients = module.value_and_grad(leaves, **inputs)[1]
    for name, array in leaves.items():
        direction = np.flip(array) + 2.0
        # Whole numbers and maps that are linear in each operand: the difference quotient is exact.
        same = {key: np.array(value) for key, value in leaves.items()}
        change = module.loss({**same, name: array + direction}, **inputs) - module.loss(same, **inputs)
        assert np.shape(gradients[name]) == array.shape
        assert np.sum(gradients[name] * direction) == change
        assert module.jvp(leaves, {name: direction}, **inputs)[1] == change
    return module
