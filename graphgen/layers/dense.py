"""Affine maps of the last axis."""

from __future__ import annotations

from typing import Any

from graphgen.graph import Handle
from graphgen.layers.declaring import layer, parameter, units_of
from graphgen.ops.table import Mismatch


@layer
def dense(x: Handle, units: Any, name: str, *, init: Any = "glorot_uniform", bias: bool = True) -> Any:
    """An affine map of the last axis: ``x @ w + b``.

    Parameters
    ----------
    x
        Shape (..., features).
    units
        The size of the result's last axis.
    name
        Names the parameters: `name`_w of shape (features, units), `name`_b of shape (units,), zeros at first. The result
        is called so only if it is assigned to no variable.
    init
        The initializer of the weights.
    bias
        Whether there is a `name`_b.

    Returns
    -------
    Handle
        Shape (..., units).
    """
    if not x.shape:
        raise Mismatch("GG027", "needs an axis of features, got a scalar", "multiply scalars with *")
    shape = (x.shape[-1], units_of(units))
    w = parameter(x, "w", shape, init)
    if not bias:
        return x @ w
    b = parameter(x, "b", shape[1:], "zeros")
    return x @ w + b
