"""Convolutions with weights and a bias of their own, over one, two or three axes of space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphgen import ops, sizes
from graphgen.graph import Handle
from graphgen.layers.declaring import layer, parameter, units_of
from graphgen.ops.rows.windows import per_axis
from graphgen.ops.table import Mismatch

_SPACE = ("depth", "height", "width")


def _channels_of(x: Handle, axes: int) -> Any:
    """The size of x's axis of channels; raises `Mismatch` if x has another rank."""
    if len(x.shape) not in (axes + 1, axes + 2):
        expected = f"({', '.join(['batch', 'channels', *_SPACE[3 - axes :]])})"
        raise Mismatch("GG027", f"x is {x.type}, expected {expected}", "the batch axis alone may be missing")
    return x.shape[-axes - 1]


def _divided(channels: Any, groups: int, what: str) -> Any:
    """The channels of one group; raises `Mismatch` if they cannot be divided so."""
    part = sizes.quotient(channels, groups)
    if part is None:
        message = f"{sizes.text(channels)} channels that {what} cannot be divided into {groups} groups"
        raise Mismatch("GG027", message, "groups divides both numbers of channels")
    return part


def _conv(axes: int) -> Callable[..., Any]:
    """The layer of the convolution over so many axes."""

    def conv(
        x: Handle,
        channels: Any,
        kernel_size: Any,
        name: str,
        *,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        init: Any = "glorot_uniform",
    ) -> Any:
        taken, made = _channels_of(x, axes), units_of(channels, "channels")
        window = per_axis("kernel_size", kernel_size, axes)
        count = per_axis("groups", groups, 1)[0]
        _divided(made, count, "come out")
        w = parameter(x, "w", (made, _divided(taken, count, "go in"), *window), init)
        more = (parameter(x, "b", (made,), "zeros"),) if bias else ()
        op: Any = getattr(ops, conv.__name__)
        return op(x, w, *more, stride=stride, padding=padding, dilation=dilation, groups=groups)

    conv.__name__ = conv.__qualname__ = f"conv{axes}d"
    conv.__doc__ = f"""Convolution over {axes} ax{"e" if axes > 1 else "i"}s of space, as in torch.nn.Conv{axes}d.

    Parameters
    ----------
    x
        Shape (batch, channels, {", ".join(_SPACE[3 - axes :])}).
    channels
        How many come out.
    kernel_size, stride, padding, dilation
        An int, or one for each axis of space; padding may be "valid" or "same".
    name
        Names the parameters: `name`_w of shape (channels, channels of x / groups, *kernel_size), and `name`_b of shape
        (channels,), zeros at first.
    groups
        How many groups of channels are convolved apart.
    bias
        Whether there is a `name`_b.
    init
        The initializer of the weights.
    """
    return layer(conv)


def _conv_transpose(axes: int) -> Callable[..., Any]:
    """The layer of the transposed convolution over so many axes."""

    def conv_transpose(
        x: Handle,
        channels: Any,
        kernel_size: Any,
        name: str,
        *,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        init: Any = "glorot_uniform",
    ) -> Any:
        taken, made = _channels_of(x, axes), units_of(channels, "channels")
        window = per_axis("kernel_size", kernel_size, axes)
        count = per_axis("groups", groups, 1)[0]
        _divided(taken, count, "go in")
        w = parameter(x, "w", (taken, _divided(made, count, "come out"), *window), init)
        more = (parameter(x, "b", (made,), "zeros"),) if bias else ()
        op: Any = getattr(ops, conv_transpose.__name__)
        steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
        return op(x, w, *more, groups=groups, **steps)

    conv_transpose.__name__ = conv_transpose.__qualname__ = f"conv_transpose{axes}d"
    conv_transpose.__doc__ = f"""The adjoint of a convolution, which makes images larger, as in torch.nn.ConvTranspose{axes}d.

    Parameters
    ----------
    x
        Shape (batch, channels, {", ".join(_SPACE[3 - axes :])}).
    channels
        How many come out.
    kernel_size, stride, padding, output_padding, dilation
        An int, or one for each axis of space: those of the convolution whose adjoint it is.
    name
        Names the parameters: `name`_w of shape (channels of x, channels / groups, *kernel_size), and `name`_b of shape
        (channels,), zeros at first.
    groups, bias, init
        As those of a convolution.
    """
    return layer(conv_transpose)


conv1d, conv2d, conv3d = _conv(1), _conv(2), _conv(3)
conv_transpose1d, conv_transpose2d, conv_transpose3d = _conv_transpose(1), _conv_transpose(2), _conv_transpose(3)
