"""Layers that lay out, pick or combine features: flatten, embedding, maxout and prelu."""

from __future__ import annotations

from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.graph import Handle
from graphgen.layers.declaring import layer, parameter, units_of
from graphgen.ops.axes import whole
from graphgen.ops.table import Mismatch


@layer
def flatten(x: Handle, start_axis: int = 1, end_axis: int = -1, *, name: str | None = None) -> Any:
    """All axes but the first laid out as one, as in torch.nn.Flatten; ops.flatten takes in the first as well.

    Parameters
    ----------
    x
        Shape (batch, ...).
    start_axis, end_axis
        The first and the last of the axes that become one.
    name
        Names the result, if it is assigned to no variable.
    """
    return ops.flatten(x, start_axis=start_axis, end_axis=end_axis)


@layer
def embedding(
    index: Handle, count: Any, features: Any, name: str, *, padding_idx: int | None = None, init: Any = "normal"
) -> Any:
    """A vector for each integer, as in torch.nn.Embedding.

    Parameters
    ----------
    index
        Integers below `count`, of any shape.
    count, features
        How many vectors there are, and their size.
    name
        Names the parameter: `name`_w of shape (count, features).
    padding_idx
        An index that stands for no word: its vector is zeros, and no gradient reaches it. Negative ones count from the end.
    init
        The initializer of the vectors.

    Returns
    -------
    Handle
        Shape (*index, features).
    """
    if not index.dtype.startswith("int"):
        raise Mismatch("GG030", f"an index is made of integers, got {index.dtype}", 'declare it with dtype="int64"')
    shape = units_of(count, "vectors"), units_of(features, "features")
    padding = None if padding_idx is None else _row_of(padding_idx, shape[0])
    vectors = ops.take(parameter(index, "w", shape, init), index, axis=0)
    if padding is None:
        return vectors
    return ops.where(ops.expand_dims(ops.equal(index, padding), axis=-1, name="padding"), 0.0, vectors)


def _row_of(padding_idx: Any, count: sizes.Size) -> int:
    """The index that stands for no word, counted from the front; raises `Mismatch`."""
    row = whole(padding_idx)
    known = isinstance(count, int)
    if row is None or row < (-count if known else 0) or (known and row >= count):
        message = f"padding_idx is {brief(padding_idx)}, of {sizes.text(count)} vectors"
        raise Mismatch("GG005", message, "give the index that stands for no word")
    return row % count if known else row


@layer
def maxout(
    x: Handle, units: Any, name: str, *, pieces: int = 2, init: Any = "glorot_uniform", bias: bool = True
) -> Any:
    """The largest of several affine maps of the last axis (Goodfellow et al., 2013).

    Parameters
    ----------
    x
        Shape (..., features).
    units
        The size of the result's last axis.
    name
        Names the parameters: `name`_w of shape (features, units * pieces), where the pieces of a unit are neighbours, and
        `name`_b of shape (units * pieces,), zeros at first.
    pieces
        How many maps there are for each unit.
    init
        The initializer of the weights.
    bias
        Whether there is a `name`_b.
    """
    if not x.shape:
        raise Mismatch("GG027", "needs an axis of features, got a scalar", "multiply scalars with *")
    number = whole(pieces)
    if number is None or number < 1:
        raise Mismatch("GG005", f"pieces is {brief(pieces)}", "give an int from 1 up: the largest of so many is taken")
    made = sizes.product((units_of(units), number))
    y = x @ parameter(x, "w", (x.shape[-1], made), init)
    return ops.maxout(y + parameter(x, "b", (made,), "zeros") if bias else y, pieces=number)


@layer
def prelu(x: Handle, name: str, *, num_parameters: int = 1, init: Any = 0.25) -> Any:
    """x where it is positive, a slope that is learned times x elsewhere, as in torch.nn.PReLU.

    Parameters
    ----------
    x
        Any shape; axis 1 holds the channels.
    name
        Names the parameter: `name`_w of shape (num_parameters,).
    num_parameters
        1 for the same slope everywhere, or the number of channels for a slope for each.
    init
        The slope at first.
    """
    count = whole(num_parameters)
    channels = x.shape[1] if len(x.shape) > 1 else 1
    if count is None or (count != 1 and not sizes.equal(count, channels)):
        message = f"num_parameters is {brief(num_parameters)}, and x {x.type} has {sizes.text(channels)} channels"
        raise Mismatch("GG005", message, "give 1, or the number of channels, which axis 1 holds")
    w = parameter(x, "w", (count,), init)
    inside = tuple(range(1, len(x.shape) - 1)) if count > 1 else ()
    return ops.prelu(x, ops.expand_dims(w, axis=inside) if inside else w)
