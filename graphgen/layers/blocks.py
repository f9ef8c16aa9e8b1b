"""Residual blocks: what convolutions change is added to what goes in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.graph import Handle
from graphgen.layers.convolution import conv1d, conv2d, conv3d
from graphgen.layers.declaring import layer, units_of
from graphgen.layers.normalisation import batch_norm
from graphgen.ops.axes import whole
from graphgen.ops.table import Mismatch

_CONVOLUTIONS = {3: conv1d, 4: conv2d, 5: conv3d}  # by the rank of what goes in


@layer
def residual_block(
    x: Handle,
    channels: Any,
    name: str,
    *,
    kernel_size: int = 3,
    stride: int = 1,
    norm: Callable[[Any, str], Any] | None = batch_norm,
    init: Any = "he_normal",
) -> Any:
    """relu(shortcut(x) + norm(conv(relu(norm(conv(x)))))), as in figure 2 and section 3.3 of He et al. (2016).

    Parameters
    ----------
    x
        Shape (batch, channels, space), with one, two or three axes of space.
    channels
        How many come out. The shortcut is x itself if x has as many and the stride is 1, else a convolution with a
        window of size 1, and a norm.
    name
        Names the parameters: those of `name`_conv1, `name`_norm1, `name`_conv2, `name`_norm2, and of `name`_shortcut and
        `name`_shortcut_norm where there are these.
    kernel_size
        An odd number: the size of the windows, along each axis.
    stride
        That of the first convolution, and of the shortcut.
    norm
        A layer of (x, name); None for none, and for convolutions with biases.
    init
        The initializer of the weights.

    Returns
    -------
    Handle
        Shape (batch, channels, space / stride).
    """
    if len(x.shape) not in _CONVOLUTIONS:
        raise Mismatch("GG027", f"x is {x.type}, expected (batch, channels, space, ...)", "space has up to 3 axes")
    size, made = whole(kernel_size), units_of(channels, "channels")
    if size is None or size < 1 or size % 2 == 0:
        raise Mismatch("GG005", f"kernel_size is {brief(kernel_size)}", "give an odd int, whose windows have a centre")
    conv: Callable[..., Any] = _CONVOLUTIONS[len(x.shape)]

    def convolved(part: Any, which: str, norm_name: str, window: int, step: int) -> Any:
        found = conv(part, made, window, which, stride=step, padding=window // 2, bias=norm is None, init=init)
        return found if norm is None else norm(found, norm_name)

    inner = ops.relu(convolved(x, "conv1", "norm1", size, stride), name="inner")
    branch = convolved(inner, "conv2", "norm2", size, 1)
    alike = sizes.equal(x.shape[1], made) and stride == 1
    return ops.relu(branch + (x if alike else convolved(x, "shortcut", "shortcut_norm", 1, stride)))
