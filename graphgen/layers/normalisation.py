"""Values brought to mean 0 and variance 1, with a weight and a bias that are learned. Keywords as in torch.nn."""

from __future__ import annotations

from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.graph import Handle
from graphgen.layers.declaring import layer, parameter, state
from graphgen.ops.axes import shape_of
from graphgen.ops.rows.normalisation import number
from graphgen.ops.table import Mismatch


def affine(x: Handle, shape: Any, weight: bool, bias: bool) -> dict[str, Any]:
    """The parameters of a normalisation, by the keyword of its op: a weight of ones, a bias of zeros."""
    found = {"weight": parameter(x, "w", shape, "ones")} if weight else {}
    return {**found, "bias": parameter(x, "b", shape, "zeros")} if bias else found


@layer
def layer_norm(
    x: Handle,
    name: str,
    *,
    normalized_shape: Any = None,
    eps: float = 1e-5,
    elementwise_affine: bool = True,
    bias: bool = True,
) -> Any:
    """The last axes brought to mean 0 and variance 1, as in torch.nn.LayerNorm.

    Parameters
    ----------
    x
        Any shape of one axis at least.
    name
        Names the parameters, of the shape that is normalised: `name`_w, ones at first, and `name`_b, zeros at first.
    normalized_shape
        The sizes of the last axes, over which is normalised; that of the last one unless said.
    eps
        Added to the variance.
    elementwise_affine, bias
        Whether there are parameters, and whether there is a `name`_b among them.
    """
    shape = _last_axes(x, normalized_shape)
    found = affine(x, shape, elementwise_affine, elementwise_affine and bias)
    return ops.layer_norm(x, shape, **found, eps=eps)


@layer
def rms_norm(
    x: Handle,
    name: str,
    *,
    normalized_shape: Any = None,
    eps: float | None = None,
    elementwise_affine: bool = True,
) -> Any:
    """The last axes divided by the root of their mean square, as in torch.nn.RMSNorm.

    Parameters
    ----------
    x
        Any shape of one axis at least.
    name
        Names the parameter `name`_w, of the shape that is normalised, ones at first.
    normalized_shape
        The sizes of the last axes, over which is normalised; that of the last one unless said.
    eps
        Added to the mean square; the distance from 1 to the next float unless said.
    elementwise_affine
        Whether there is a `name`_w.
    """
    shape = _last_axes(x, normalized_shape)
    return ops.rms_norm(x, shape, **affine(x, shape, elementwise_affine, False), eps=eps)


@layer
def batch_norm(x: Handle, name: str, *, momentum: float = 0.1, eps: float = 1e-5, affine: bool = True) -> Any:
    """Each channel brought to mean 0 and variance 1 over the batch, as in torch.nn.BatchNorm2d (Ioffe and Szegedy 2015).

    In training by the mean and the variance of the batch at hand, which also move the running ones: those are state, and
    in inference take their place.

    Parameters
    ----------
    x
        Shape (batch, channels, ...); the number of channels is known.
    name
        Names what it keeps, one number for each channel: the parameters `name`_w, ones at first, and `name`_b, zeros at
        first, and the state `name`_running_mean and `name`_running_var, zeros and ones at first.
    momentum
        The share of the batch in the running mean and variance. The variance that goes into it is the unbiased one.
    eps
        Added to the variance.
    affine
        Whether there are parameters.
    """
    _check_running(x, momentum, eps)
    given = _of_channels(x, 2, affine)
    channels, axes = x.shape[1:2], (0, *range(2, len(x.shape)))
    running_mean, running_var = state(x, "running_mean", channels, 0.0), state(x, "running_var", channels, 1.0)

    def along(each: Any) -> Any:
        return ops.expand_dims(each, axis=tuple(range(1, len(axes)))) if len(axes) > 1 else each

    mean = ops.mean(x, axis=axes, name="mean")
    centred = ops.subtract(x, along(ops.in_training(mean, running_mean)), name="centred")
    var = ops.mean(ops.square(centred), axis=axes, name="var")
    deviation = ops.sqrt(ops.in_training(var, running_var) + eps, name="deviation")
    y = ops.divide(centred, along(deviation), name="normalised")
    count = sizes.product(tuple(x.shape[axis] for axis in axes))
    kept = round(1.0 - momentum, 15)
    x.graph.update(running_mean, kept * running_mean + momentum * mean)
    x.graph.update(running_var, kept * running_var + momentum * _unbiased(var, count))
    return y * along(given["weight"]) + along(given["bias"]) if given else y


def _unbiased(var: Handle, count: sizes.Size) -> Any:
    """A variance over so many values, corrected; of a single one it is 0 as it is."""
    if isinstance(count, int):
        return var * (count / max(count - 1, 1))
    others = Handle(var.graph, var.graph._operand("batch_norm", count - 1, None))
    return ops.divide(var * count, ops.maximum(others, 1.0), name="unbiased")


@layer
def group_norm(x: Handle, num_groups: int, name: str, *, eps: float = 1e-5, affine: bool = True) -> Any:
    """Channels in groups, each group of each sample brought to mean 0 and variance 1, as in torch.nn.GroupNorm.

    Parameters
    ----------
    x
        Shape (batch, channels, ...).
    num_groups
        Divides the number of channels.
    name
        Names the parameters, one number for each channel: `name`_w, ones at first, and `name`_b, zeros at first.
    eps
        Added to the variance.
    affine
        Whether there are parameters.
    """
    return ops.group_norm(x, num_groups, **_of_channels(x, 2, affine), eps=eps)


@layer
def instance_norm(x: Handle, name: str, *, eps: float = 1e-5, affine: bool = False) -> Any:
    """Each channel of each sample brought to mean 0 and variance 1, as in torch.nn.InstanceNorm2d.

    Parameters
    ----------
    x
        Shape (batch, channels, space, ...).
    name
        Names the parameters, if there are any: `name`_w, ones at first, and `name`_b, zeros at first.
    eps
        Added to the variance.
    affine
        Whether there are parameters, one number for each channel.
    """
    return ops.instance_norm(x, **_of_channels(x, 3, affine), eps=eps)


def _check_running(x: Handle, momentum: Any, eps: Any) -> None:
    """Raise `Mismatch` for options that batch_norm cannot have, and where its state would have no known shape."""
    number("eps", eps)
    if number("momentum", momentum) > 1:
        raise Mismatch("GG005", f"momentum is {brief(momentum)}", "give a number from 0 to 1: the share of the batch")
    if len(x.shape) > 1 and not isinstance(x.shape[1], int):
        message = f"the number of channels of {x.type} is not known"
        raise Mismatch("GG022", message, "the running statistics outlive the call that knows it: give a number")


def _last_axes(x: Handle, normalized_shape: Any) -> Any:
    """The shape that is normalised."""
    if not x.shape:
        raise Mismatch("GG027", "needs an axis of features, got a scalar", "its only element would always be 0")
    return x.shape[-1:] if normalized_shape is None else shape_of(normalized_shape)


def _of_channels(x: Handle, least: int, given: bool) -> dict[str, Any]:
    """A weight and a bias with one number for each channel, if they are asked for."""
    if len(x.shape) < least:
        expected = ("batch", "channels", "space")[:least]
        raise Mismatch("GG027", f"x is {x.type}, expected ({', '.join(expected)}, ...)", "axis 1 holds the channels")
    return affine(x, x.shape[1:2], given, given)
