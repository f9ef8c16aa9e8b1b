"""Images laid out as columns and back, made larger and smaller, and channels turned into space. Keywords as in torch."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import FULL
from graphgen.ops.rows.convolution import columns
from graphgen.ops.rows.windows import counts, padded, per_axis, plain, spread
from graphgen.ops.table import Mismatch, Type, composite, example, need_floats


def _image(x: Type, axes: int, what: str, channels: int = 1) -> None:
    """Raise `Mismatch` unless x is floats, with axes of channels and of space, and perhaps one of batches."""
    need_floats(what, x)
    if x.ndim not in (channels + axes, channels + axes + 1):
        message = f"{what} needs {channels + axes} axes, or one more for batches, got {x}"
        raise Mismatch("GG027", message, "channels come before the axes of space", about=0)


def _sliding(x: Type, axes: int, **given: Any) -> dict[str, Any]:
    least = {"padding": 0}
    return {keyword: plain(per_axis(keyword, each, axes, least.get(keyword, 1))) for keyword, each in given.items()}


def _count(kernel_size: Any) -> int:
    """The axes of space: two, unless kernel_size says."""
    return len(kernel_size) if isinstance(kernel_size, (tuple, list)) and kernel_size else 2


def _unfolding(x: Type, *, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> dict[str, Any]:
    axes = _count(kernel_size)
    _image(x, axes, "unfold")
    given = _sliding(x, axes, dilation=dilation, padding=padding, stride=stride)
    kernel = per_axis("kernel_size", kernel_size, axes)
    surrounded = tuple(
        size + 2 * pad for size, pad in zip(x.shape[-axes:], spread(given["padding"], axes), strict=True)
    )
    counts(x, surrounded, kernel, given["stride"], given["dilation"])
    return {"kernel_size": kernel, **given}


@composite(
    canonical=_unfolding,
    formula="y[..., c*k + j, i] = x[..., c, stride*i + dilation*j - padding]",
    examples=(
        example(("n", 1, 3, 2), kernel_size=2, padding=1),
        example((2, 6, "n"), kernel_size=(3, 2), dilation=(2, 1), stride=(1, 2)),
    ),
)
def unfold(x: Any, /, *, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The windows of an image (batch, channels, height, width) as columns: (batch, channels * window, windows).

    The batch axis may be missing; as many axes of space as kernel_size has numbers, two if it is one number.
    """
    axes = len(kernel_size)
    alone = x.ndim == axes + 1
    x = ops.expand_dims(x, axis=0) if alone else x
    x = padded(x, tuple((pad, pad) for pad in spread(padding, axes)))
    found, _ = columns(x, kernel_size, stride, dilation)
    return ops.squeeze(found, axis=0) if alone else found


def _folding(
    x: Type, *, output_size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> dict[str, Any]:
    axes = max(_count(kernel_size), _count(output_size))
    need_floats("fold", x)
    if x.ndim not in (2, 3):
        message = f"x is {x}, expected (batch, channels * window, windows)"
        raise Mismatch("GG027", message, "the batch axis alone may be missing", about=0)
    wanted, kernel = per_axis("output_size", output_size, axes), per_axis("kernel_size", kernel_size, axes)
    given = _sliding(x, axes, dilation=dilation, padding=padding, stride=stride)
    surrounded = tuple(size + 2 * pad for size, pad in zip(wanted, spread(given["padding"], axes), strict=True))
    places = counts(x, surrounded, kernel, given["stride"], given["dilation"])
    if not sizes.equal(x.shape[-1], sizes.product(places)):
        message = f"an image of {wanted} has {math.prod(places)} windows, x {x} holds {sizes.text(x.shape[-1])}"
        raise Mismatch(
            "GG027", message, "output_size and the other keywords are those that the image is unfolded with", about=0
        )
    if sizes.quotient(x.shape[-2], math.prod(kernel)) is None:
        message = f"columns of {sizes.text(x.shape[-2])} do not hold windows of {math.prod(kernel)} for each channel"
        raise Mismatch("GG027", message, "axis -2 holds the channels' windows one after the other", about=0)
    return {"output_size": wanted, "kernel_size": kernel, **given}


@composite(
    canonical=_folding,
    formula="y[..., c, stride*i + dilation*j - padding] += x[..., c*k + j, i]",
    examples=(
        example(("n", 2, 4), output_size=(2, 3), kernel_size=(1, 2)),
        example((4, 9), output_size=(3, 2), kernel_size=2, dilation=(2, 1), padding=1),
    ),
)
def fold(x: Any, /, *, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Columns added up where their windows lie in an image of `output_size`: the adjoint of unfold."""
    axes = len(kernel_size)
    pads = spread(padding, axes)
    size = tuple(each + 2 * pad for each, pad in zip(output_size, pads, strict=True))
    places = counts(x.node.type, size, kernel_size, stride, dilation)
    channels = sizes.quotient(x.shape[-2], math.prod(kernel_size))
    found = ops.reshape(x, shape=(*x.shape[:-2], channels, *kernel_size, *places), name="windows")
    y = ops.overlap_add(found, size=size, stride=stride, dilation=dilation, name="full")
    if not any(pads):
        return y
    return ops.getitem(y, key=(*(FULL,) * (y.ndim - axes), *((pad or None, -pad or None, None) for pad in pads)))


MODES = {"nearest": None, "linear": 1, "bilinear": 2, "trilinear": 3}  # and how many axes of space each goes with


def _resizing(x: Type, *, size: Any, scale_factor: Any, mode: Any, align_corners: Any) -> dict[str, Any]:
    """The attributes of an interpolation in canonical form: `size` or `scale_factor`, for each axis of space."""
    axes = x.ndim - 2
    need_floats("interpolate", x)
    if not isinstance(mode, str) or mode not in MODES:
        raise Mismatch("GG005", f"unknown mode {brief(mode)}", f"one of {', '.join(MODES)}")
    if axes < 1 or MODES[mode] not in (None, axes):
        fitting = ", ".join(f'"{name}" for {count}' for name, count in MODES.items() if count)
        message = f"mode {mode!r} does not go with {x}: (batch, channels) and {max(axes, 0)} axes of space"
        raise Mismatch("GG027", message, f'"nearest" for any, {fitting}', about=0)
    if align_corners is not None and (mode == "nearest" or not isinstance(align_corners, (bool, np.bool_))):
        message = f"align_corners is {brief(align_corners)} with mode {mode!r}"
        raise Mismatch("GG005", message, 'True or False, and not with "nearest"')
    if (size is None) == (scale_factor is None):
        given = "both" if size is not None else "neither"
        raise Mismatch("GG005", f"size or scale_factor is needed, got {given}", "give size=(28, 28), or scale_factor=2")
    corners = bool(align_corners) if mode != "nearest" else None
    if size is not None:
        return {"size": per_axis("size", size, axes), "scale_factor": None, "mode": mode, "align_corners": corners}
    factors = tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * axes
    real = all(
        isinstance(each, (int, float, np.integer, np.floating)) and not isinstance(each, bool) for each in factors
    )
    if len(factors) != axes or not real or not all(0 < each < math.inf for each in factors):
        several = f", or {axes} of them" if axes > 1 else ""
        raise Mismatch("GG005", f"scale_factor is {brief(scale_factor)}", f"give a number above 0{several}")
    for made, factor in zip(x.shape[2:], factors, strict=True):
        _scaled(x, made, float(factor))
    return {"size": None, "scale_factor": plain(tuple(map(_number, factors))), "mode": mode, "align_corners": corners}


def _number(value: Any) -> int | float:
    return int(value) if float(value).is_integer() else float(value)


def _scaled(x: Any, size: sizes.Size, factor: float) -> sizes.Size:
    """floor(size * factor), for a size that is known or a factor that is whole."""
    if factor.is_integer():
        return sizes.product((size, int(factor)))
    if not isinstance(size, int):
        message = f"a size of {sizes.text(size)} cannot be scaled by {factor:g}"
        raise Mismatch("GG027", message, "declare the size as an int, or scale by a whole number", about=0)
    made = math.floor(size * factor)
    if size and not made:
        raise Mismatch("GG005", f"a size of {size} scaled by {factor:g} is 0", "scale by more, or give size=", about=0)
    return made


@composite(
    canonical=_resizing,
    formula="y[n, c, i] = sum(weights[i, j] * x[n, c, j] for j)",
    examples=(
        example(("n", 1, 3, 2), scale_factor=2),
        example((2, 1, "n"), scale_factor=3, mode="linear"),
        example(("n", 1, 3, 2), size=(5, 3), mode="bilinear", align_corners=True),
        example(("n", 1, 4), size=7),
        example((1, 1, 2, 3, 2), size=(3, 4, 2), mode="trilinear"),
    ),
)
def interpolate(
    x: Any, /, *, size: Any = None, scale_factor: Any = None, mode: Any = "nearest", align_corners: Any = None
) -> Any:
    """(batch, channels) and axes of space made larger or smaller: "nearest", "linear", "bilinear", "trilinear".

    Between two elements the value changes linearly. With align_corners the first and the last stay where they are; else
    elements are areas that share the whole extent.
    """
    axes = x.ndim - 2
    factors = (None,) * axes if scale_factor is None else spread(scale_factor, axes)
    if size is None:
        size = tuple(_scaled(x.node.type, each, float(by)) for each, by in zip(x.shape[2:], factors, strict=True))
    if mode == "nearest":
        return _nearest(x, size, factors)
    for axis, (made, factor) in enumerate(zip(size, factors, strict=True), start=2):
        if not sizes.equal(x.shape[axis], made):
            x = _applied(_weights(x, x.shape[axis], made, factor, align_corners), x, axis)
    return x


def _step(size: sizes.Size, made: sizes.Size, factor: Any) -> tuple[sizes.Size, sizes.Size]:
    """How far apart the new elements are, in terms of the old ones, as a fraction."""
    if factor is None:
        return size, made
    exact = Fraction(factor).limit_denominator(1000)
    return exact.denominator, exact.numerator


def _nearest_step(size: sizes.Size, made: sizes.Size, factor: Any) -> tuple[sizes.Size, sizes.Size]:
    """The same for "nearest", where as many elements are copied and twice as many are pairs, whatever the factor was.

    torch has it so for images, and in all its gradients; its values over one axis or three do not fit these.
    """
    for whole in (1, 2):
        if sizes.equal(sizes.product((size, whole)), made):
            return 1, whole
    return _step(size, made, factor)


def _nearest(x: Any, size: sizes.Shape, factors: tuple[Any, ...]) -> Any:
    """Each new element is the old one at or before its place; by whole factors each old one fills a window."""
    steps = [_nearest_step(*each) for each in zip(x.shape[2:], size, factors, strict=True)]
    whole = [sizes.quotient(above, below) for below, above in steps]
    if all(isinstance(each, int) for each in whole):
        inside = tuple(range(2, x.ndim))
        shape = (*x.shape[:2], *whole, *x.shape[2:])
        filled = ops.broadcast_to(ops.expand_dims(x, axis=inside), shape=shape)
        return ops.overlap_add(filled, size=size, stride=tuple(whole))
    for axis, (made, (below, above)) in enumerate(zip(size, steps, strict=True), start=2):
        at = _places(x, made) * below / above  # in this order: of whole numbers a quotient that is whole is exact
        x = ops.take(x, ops.cast(at, "int64", name="index"), axis=axis)
    return x


def _places(x: Any, count: sizes.Size) -> Any:
    return ops.cast(x._apply("arange", (), {"size": count}, None), "float")


def _weights(x: Any, size: sizes.Size, made: sizes.Size, factor: Any, align_corners: bool) -> Any:
    """The matrix that interpolates an axis: an old element counts 1 where it lies, and 0 from its neighbours on."""
    below, above = (size - 1, made - 1) if align_corners else _step(size, made, factor)
    if made == 1 and align_corners:
        below, above = 0, 1
    known = isinstance(below, int) and isinstance(above, int)
    places = _places(x, made) if align_corners else _places(x, made) + 0.5
    at = places * (below / above) if known else places * below / above
    if not align_corners:
        at = ops.minimum(ops.maximum(at - 0.5, 0.0), size - 1, name="at")
    distance = ops.abs(ops.expand_dims(at, axis=1) - _places(x, size))
    return ops.relu(1.0 - distance, name="weights")


def _applied(weights: Any, x: Any, axis: int) -> Any:
    """The product of a matrix and x along one axis."""
    if axis == x.ndim - 1:
        return ops.matmul(x, ops.transpose(weights))
    if axis == x.ndim - 2:
        return ops.matmul(weights, x)
    behind = x.shape[axis + 1 :]
    product = ops.matmul(weights, ops.reshape(x, shape=(*x.shape[: axis + 1], sizes.product(behind))))
    return ops.reshape(product, shape=(*product.shape[:-1], *behind))


def _shuffling(x: Type, *, upscale_factor: Any) -> dict[str, Any]:
    if x.ndim < 3:
        raise Mismatch("GG027", f"needs axes of channels, height and width, got {x}", "add what is missing", about=0)
    factor = per_axis("upscale_factor", upscale_factor, 1)[0]
    if sizes.quotient(x.shape[-3], factor**2) is None:
        message = f"{sizes.text(x.shape[-3])} channels of {x} do not make up squares of {factor} x {factor}"
        raise Mismatch("GG027", message, "their number is to be a multiple of upscale_factor**2", about=0)
    return {"upscale_factor": factor}


@composite(
    canonical=_shuffling,
    formula="y[..., c, r*h + i, r*w + j] = x[..., c*r**2 + i*r + j, h, w]",
    examples=(example(("n", 8, 3, 2), upscale_factor=2),),
)
def pixel_shuffle(x: Any, /, *, upscale_factor: Any) -> Any:
    """Every r**2 channels as squares of r x r elements: (channels * r**2, h, w) to (channels, h * r, w * r)."""
    r, (*before, channels, height, width) = upscale_factor, x.shape
    made = sizes.quotient(channels, r * r)
    first = len(before)
    apart = ops.reshape(x, shape=(*before, made, r, r, height, width))
    order = (*range(first + 1), first + 3, first + 1, first + 4, first + 2)
    return ops.reshape(ops.transpose(apart, axes=order), shape=(*before, made, height * r, width * r))


def _unshuffling(x: Type, *, downscale_factor: Any) -> dict[str, Any]:
    if x.ndim < 3:
        raise Mismatch("GG027", f"needs axes of channels, height and width, got {x}", "add what is missing", about=0)
    factor = per_axis("downscale_factor", downscale_factor, 1)[0]
    if any(sizes.quotient(size, factor) is None for size in x.shape[-2:]):
        message = f"{x} does not fall into squares of {factor} x {factor}"
        raise Mismatch("GG027", message, "height and width are to be multiples of downscale_factor", about=0)
    return {"downscale_factor": factor}


@composite(
    canonical=_unshuffling,
    formula="y[..., c*r**2 + i*r + j, h, w] = x[..., c, r*h + i, r*w + j]",
    examples=(example(("n", 2, 6, 4), downscale_factor=2),),
)
def pixel_unshuffle(x: Any, /, *, downscale_factor: Any) -> Any:
    """Squares of r x r elements as channels: what undoes pixel_shuffle."""
    r, (*before, channels, height, width) = downscale_factor, x.shape
    height, width = sizes.quotient(height, r), sizes.quotient(width, r)
    first = len(before)
    apart = ops.reshape(x, shape=(*before, channels, height, r, width, r))
    order = (*range(first + 1), first + 2, first + 4, first + 1, first + 3)
    return ops.reshape(
        ops.transpose(apart, axes=order), shape=(*before, sizes.product((channels, r * r)), height, width)
    )
