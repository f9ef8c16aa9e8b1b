"""Positions in a sequence that are learned; ops.sinusoidal_positions has those that are computed."""

from __future__ import annotations

from typing import Any

from graphgen import ops, sizes
from graphgen.graph import Handle
from graphgen.layers.declaring import layer, parameter, units_of
from graphgen.ops.table import Mismatch


@layer
def learned_positions(x: Handle, name: str, *, length: Any = None, init: Any = "normal") -> Any:
    """x plus a vector for each place in time (Gehring et al., 2017).

    Parameters
    ----------
    x
        Shape (..., time, features).
    name
        Names the parameter: `name`_w of shape (length, features).
    length
        How many places there are at most; the size of x's axis of time unless said.
    init
        The initializer of the vectors.
    """
    if len(x.shape) < 2:
        raise Mismatch("GG027", f"x is {x.type}, expected (..., time, features)", "add the axis of time")
    time, features = x.shape[-2:]
    count = time if length is None else units_of(length, "places")
    if isinstance(time, int) and isinstance(count, int) and time > count:
        raise Mismatch("GG027", f"x {x.type} has {time} places, and {count} are learned", "give a larger length=")
    w = parameter(x, "w", (count, features), init)
    if sizes.equal(count, time):
        return x + w
    return x + ops.take(w, x._apply("arange", (), {"size": time}, None), axis=0)
