"""Convolution: windows laid out as columns, then one matrix product; and its adjoint. Keywords as in torch.

There is no gradient code here. That of the columns is an overlap-add, and so the gradient of a convolution is the
convolution with the kernel turned round, as the textbooks have it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import FULL
from graphgen.ops.rows.windows import Pads, counts, lengths, padded, per_axis, plain, spread
from graphgen.ops.table import Example, Mismatch, Type, composite, example, need_floats

MODES = ("valid", "same")


def _number(groups: Any) -> int:
    return per_axis("groups", groups, 1)[0]


def _check_operands(axes: int, x: Type, weight: Type, bias: tuple[Type, ...]) -> None:
    """Dtypes and ranks, which all convolutions have in common."""
    need_floats("convolution", x, weight, *bias)
    if x.ndim not in (axes + 1, axes + 2):
        expected = f"({', '.join(['batch', 'channels', *('depth', 'height', 'width')[3 - axes :]])})"
        raise Mismatch("GG027", f"x is {x}, expected {expected}", "the batch axis alone may be missing", about=0)
    if weight.ndim != axes + 2 or not all(isinstance(size, int) and size for size in weight.shape[2:]):
        message = f"weight is {weight}, expected 2 axes of channels and {axes} of the window, of known sizes"
        raise Mismatch("GG027", message, "the window's sizes are ints from 1 up", about=1)


def _check_channels(
    axes: int, x: Type, weight: Type, bias: tuple[Type, ...], groups: int, inside: Any, made: Any
) -> None:
    """Whether channels and groups fit: `inside` are those that the weight takes in, `made` those that it makes."""
    channels = x.shape[-axes - 1]
    if not sizes.equal(channels, inside):
        got, expected = sizes.text(channels), sizes.text(inside)
        of = f" of {groups} groups" if groups > 1 else ""
        message = f"x {x} has {got} channels, weight {weight}{of} takes {expected}"
        raise Mismatch("GG027", message, f"axis {x.ndim - axes - 1} of x holds the channels", about=1)
    for what, size in (("channels that go in", inside), ("channels that come out", made)):
        if sizes.quotient(size, groups) is None:
            message = f"{sizes.text(size)} {what} cannot be divided into {groups} groups"
            raise Mismatch("GG027", message, "groups divides both numbers of channels", about=1)
    for each in bias:
        if not sizes.same(each.shape, (made,)):
            message = f"bias is {each}, expected {sizes.shape_text((made,))}"
            raise Mismatch("GG027", message, "one number for each channel that comes out", about=2)


def _convolution(
    axes: int, x: Type, weight: Type, *bias: Type, stride: Any, padding: Any, dilation: Any, groups: Any
) -> dict[str, Any]:
    """The attributes of a convolution over this many axes in canonical form; raises `Mismatch`."""
    _check_operands(axes, x, weight, bias)
    groups = _number(groups)
    inside = sizes.product((weight.shape[1], groups))
    _check_channels(axes, x, weight, bias, groups, inside, weight.shape[0])
    steps = per_axis("stride", stride, axes)
    if isinstance(padding, str):
        if padding not in MODES:
            raise Mismatch("GG005", f"unknown padding {brief(padding)}", 'an int, ints, "valid" or "same"')
        if padding == "same" and set(steps) != {1}:
            raise Mismatch(
                "GG005", f'padding="same" with stride {plain(steps)}', "same sizes need stride 1: pad by ints"
            )
    else:
        padding = plain(per_axis("padding", padding, axes, least=0))
    dilation = per_axis("dilation", dilation, axes)
    pads = _pads(padding, weight.shape[2:], dilation)
    padded = tuple(before + size + after for size, (before, after) in zip(x.shape[-axes:], pads, strict=True))
    counts(x, padded, weight.shape[2:], steps, dilation)
    return {"stride": plain(steps), "padding": padding, "dilation": plain(dilation), "groups": groups}


def _pads(padding: Any, kernel_size: tuple[int, ...], dilation: Any) -> Pads:
    """How much goes before and after each axis; of an odd number one more goes after."""
    axes = len(kernel_size)
    if padding == "same":
        missing = [length - 1 for length in lengths(kernel_size, spread(dilation, axes))]
        return tuple((each // 2, each - each // 2) for each in missing)
    return tuple((each, each) for each in spread(0 if padding == "valid" else padding, axes))


def columns(
    x: Any, kernel_size: tuple[int, ...], stride: Any, dilation: Any, groups: int = 1
) -> tuple[Any, sizes.Shape]:
    """x, of shape (batch, channels, space), with a column for each window; and how many there are along each axis.

    The columns are of shape (batch, channels * window, windows), with an axis for groups before that of channels.
    """
    batch, channels, *space = x.shape
    places = counts(x.node.type, tuple(space), kernel_size, stride, dilation)
    copies = set(kernel_size) != {1} or stride != 1
    found = ops.windows(x, kernel_size=kernel_size, stride=stride, dilation=dilation, name="windows") if copies else x
    rows = sizes.product((sizes.quotient(channels, groups), *kernel_size))
    shape = (batch, *(groups,) * (groups > 1), rows, sizes.product(places))
    return ops.reshape(found, shape=shape, name="columns"), places


def _biased(y: Any, bias: Any, axes: int) -> Any:
    return y if bias is None else y + ops.expand_dims(bias, axis=tuple(range(1, axes + 1)))


def _grouped(weight: Any, groups: int) -> Any:
    """The weight as a matrix, or one for each group."""
    first, *others = weight.shape
    rows = (groups, sizes.quotient(first, groups)) if groups > 1 else (first,)
    return ops.reshape(weight, shape=(*rows, sizes.product(tuple(others))), name="kernel")


def _convolved(x: Any, weight: Any, bias: Any, *, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    made, _, *window = weight.shape
    alone = x.ndim == len(window) + 1
    x = ops.expand_dims(x, axis=0) if alone else x
    x = padded(x, _pads(padding, tuple(window), dilation))
    laid_out, places = columns(x, tuple(window), stride, dilation, groups)
    product = ops.matmul(_grouped(weight, groups), laid_out, name="product")
    y = ops.reshape(product, shape=(*(() if alone else x.shape[:1]), made, *places))
    return _biased(y, bias, len(window))


def _conv(axes: int, shape: str, *examples: Example) -> Any:
    """The row of the convolution over so many axes."""

    def conv(
        x: Any,
        weight: Any,
        bias: Any = None,
        /,
        *,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
    ) -> Any:
        return _convolved(x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)

    conv.__name__ = f"conv{axes}d"
    conv.__doc__ = f"Convolution of {shape} with a weight of (channels out, channels in / groups, window)."
    facts: dict[str, Any] = {"canonical": partial(_convolution, axes), "optional": 1, "examples": examples}
    return composite(
        formula="y[n, o, i] = bias[o] + sum(weight[o, c, k] * x[n, c, stride*i + dilation*k - padding] for c for k)",
        **facts,
    )(conv)


conv1d = _conv(
    1,
    "(batch, channels, length)",
    example(("n", "m", 6), ("p", "m", 3), ("p",), padding=1),
    example(("m", 4, "n"), (4, 2, 2), dilation=2, groups=2),
    example(("m", "n"), (3, 2, 1)),
)
conv2d = _conv(
    2,
    "(batch, channels, height, width)",
    example(("n", 1, 4, 3), (2, 1, 3, 2), (2,), stride=(2, 1), padding=(1, 0)),
    example(("m", 2, 2, "n"), (4, 1, 1, 2), padding="same", groups=2),
)
conv3d = _conv(
    3,
    "(batch, channels, depth, height, width)",
    example(("n", 1, 3, 2, 3), (2, 1, 2, 2, 2), (2,), padding=(0, 1, 0)),
)


def _transposition(
    axes: int,
    x: Type,
    weight: Type,
    *bias: Type,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> dict[str, Any]:
    """The attributes of a transposed convolution over this many axes in canonical form; raises `Mismatch`."""
    _check_operands(axes, x, weight, bias)
    groups = _number(groups)
    made = sizes.product((weight.shape[1], groups))
    _check_channels(axes, x, weight, bias, groups, weight.shape[0], made)
    stride, dilation = per_axis("stride", stride, axes), per_axis("dilation", dilation, axes)
    padding = per_axis("padding", padding, axes, least=0)
    more = per_axis("output_padding", output_padding, axes, least=0)
    if any(each >= max(step, apart) for each, step, apart in zip(more, stride, dilation, strict=True)):
        message = (
            f"output_padding {plain(more)} is not below the stride {plain(stride)}, nor the dilation {plain(dilation)}"
        )
        raise Mismatch("GG005", message, "it tells sizes apart that the convolution gives the same size")
    full = _full_size(x.shape[-axes:], weight.shape[2:], stride, more, dilation)
    if any(isinstance(size, int) and size <= 2 * pad for size, pad in zip(full, padding, strict=True)):
        message = f"padding {plain(padding)} takes away more than the {sizes.shape_text(full)} that there is"
        raise Mismatch(
            "GG027", message, "as in torch, padding of the transposed convolution makes the result smaller", about=0
        )
    return {
        "stride": plain(stride),
        "padding": plain(padding),
        "output_padding": plain(more),
        "groups": groups,
        "dilation": plain(dilation),
    }


def _full_size(space: sizes.Shape, window: tuple[int, ...], stride: Any, more: Any, dilation: Any) -> sizes.Shape:
    """The size of what a transposed convolution gives, before its padding is taken away."""
    reach = lengths(window, dilation)
    return tuple(
        (size - 1) * step + length + extra for size, step, length, extra in zip(space, stride, reach, more, strict=True)
    )


def _transposed(
    x: Any, weight: Any, bias: Any, *, stride: Any, padding: Any, output_padding: Any, groups: int, dilation: Any
) -> Any:
    inside, made, *window = weight.shape
    axes = len(window)
    alone = x.ndim == axes + 1
    x = ops.expand_dims(x, axis=0) if alone else x
    batch, space, made = x.shape[0], x.shape[2:], sizes.product((made, groups))
    rows = (*(groups,) * (groups > 1), sizes.quotient(inside, groups), sizes.product(space))
    kernel = _grouped(weight, groups)
    order = (*range(kernel.ndim - 2), kernel.ndim - 1, kernel.ndim - 2)
    laid_out = ops.matmul(ops.transpose(kernel, axes=order), ops.reshape(x, shape=(batch, *rows)), name="columns")
    found = ops.reshape(laid_out, shape=(batch, made, *window, *space), name="windows")
    steps, more = spread(stride, axes), spread(output_padding, axes)
    within = tuple(each % step for each, step in zip(more, steps, strict=True))  # what the strides leave over
    size = _full_size(space, tuple(window), steps, within, spread(dilation, axes))
    y = ops.overlap_add(found, size=size, stride=stride, dilation=dilation, name="full")
    y = padded(y, tuple((0, each - kept) for each, kept in zip(more, within, strict=True)))
    kept = tuple((each or None, -each or None, None) for each in spread(padding, axes))
    y = ops.getitem(y, key=(0 if alone else FULL, FULL, *kept)) if alone or padding else y
    return _biased(y, bias, axes)


def _conv_transpose(axes: int, *examples: Example) -> Any:
    """The row of the transposed convolution over so many axes."""

    def conv_transpose(
        x: Any,
        weight: Any,
        bias: Any = None,
        /,
        *,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: Any = 1,
        dilation: Any = 1,
    ) -> Any:
        steps = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
        return _transposed(x, weight, bias, groups=groups, **steps)

    conv_transpose.__name__ = f"conv_transpose{axes}d"
    conv_transpose.__doc__ = (
        f"The adjoint of conv{axes}d, plus a bias; the weight is of (channels in, channels out / groups, window)."
    )
    facts: dict[str, Any] = {"canonical": partial(_transposition, axes), "optional": 1, "examples": examples}
    return composite(
        formula="y[n, o, stride*i + dilation*k - padding] += weight[c, o, k] * x[n, c, i]",
        note="the adjoint of the convolution with this weight",
        **facts,
    )(conv_transpose)


conv_transpose1d = _conv_transpose(
    1,
    example(("n", 4, 3), (4, 2, 3), (2,), stride=2, padding=1, output_padding=1),
    example(("m", 4, "n"), (4, 1, 2), groups=2, dilation=2),
    example((2, "n"), (2, 1, 2)),
)
conv_transpose2d = _conv_transpose(2, example(("n", 2, 2, 3), (2, 3, 3, 2), (3,), stride=(2, 1), padding=(1, 0)))
conv_transpose3d = _conv_transpose(3, example(("n", 1, 2, 1, 2), (1, 2, 2, 2, 1), (2,), stride=2))
