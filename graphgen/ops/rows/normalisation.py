"""Values brought to mean 0 and variance 1, each kind over axes of its own. Keywords as in torch.

All of them divide what is centred by its deviation, over axes that a view of the operand may have; then a weight and a
bias, where given, scale and shift.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import shape_of, whole
from graphgen.ops.rows.windows import padded
from graphgen.ops.table import Mismatch, Type, composite, example, need_floats

EPS = "eps keeps the divisor from 0"


def standardised(x: Any, axis: tuple[int, ...], eps: float) -> Any:
    """x less its mean over the axes, divided by its deviation there; of the variance nothing is corrected."""
    centred = ops.subtract(x, ops.mean(x, axis=axis, keepdims=True), name="centred")
    variance = ops.mean(ops.square(centred), axis=axis, keepdims=True)
    return ops.divide(centred, ops.sqrt(variance + eps, name="deviation"), name="normalised")


def _affine(y: Any, weight: Any, bias: Any, after: int = 0) -> Any:
    """y * weight + bias, where given; they get so many axes at the end."""
    wider = tuple(range(1, after + 1))
    if weight is not None:
        y = y * (ops.expand_dims(weight, axis=wider) if wider else weight)
    if bias is not None:
        y = y + (ops.expand_dims(bias, axis=wider) if wider else bias)
    return y


def number(keyword: str, value: Any, least: float = 0.0) -> float:
    """A number that is an attribute; raises `Mismatch` below `least`."""
    real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not real or not math.isfinite(value) or value < least:
        raise Mismatch("GG005", f"{keyword} is {brief(value)}", f"give a number from {least:g} up")
    return float(value)


def _check_affine(expected: sizes.Shape, what: str, *affine: Type) -> None:
    """Raise `Mismatch` unless weight and bias, as far as given, are of the shape that is expected."""
    need_floats("normalisation", *affine)
    for place, each in enumerate(affine):
        if not sizes.same(each.shape, expected):
            message = f"{('weight', 'bias')[place]} is {each}, expected {sizes.shape_text(expected)}"
            raise Mismatch("GG020", message, what, about=place + 1)


def _last_axes(x: Type, normalized_shape: Any) -> sizes.Shape:
    """The sizes of the axes that are normalised, which are x's last ones; raises `Mismatch`."""
    shape = shape_of(normalized_shape)
    if not shape or x.ndim < len(shape) or not sizes.same(x.shape[-len(shape) :], shape):
        message = f"normalized_shape {sizes.shape_text(shape)} is not how the shape {x} ends"
        raise Mismatch("GG020", message, "give the sizes of the last axes, over which is normalised", about=0)
    return shape


def _of_last(x: Type, *affine: Type, normalized_shape: Any, eps: Any) -> dict[str, Any]:
    need_floats("normalisation", x)
    shape = _last_axes(x, normalized_shape)
    _check_affine(shape, "one number for each element that is normalised", *affine)
    return {"normalized_shape": shape, "eps": None if eps is None else number("eps", eps)}


def _layer_call(
    x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: Any = 1e-5
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return given(x, weight, bias), {"normalized_shape": normalized_shape, "eps": eps}


def given(x: Any, *optional: Any) -> tuple[Any, ...]:
    """The operands without those that are left out at the end."""
    count = max((place for place, each in enumerate(optional, start=1) if each is not None), default=0)
    if any(each is None for each in optional[:count]):
        raise TypeError("an operand is left out before one that is given")
    return (x, *optional[:count])


@composite(
    canonical=_of_last,
    call=_layer_call,
    optional=2,
    formula="y[..., i] = weight[i] * (x[..., i] - mean(x[...])) / sqrt(var(x[...]) + eps) + bias[i]",
    note=EPS,
    examples=(
        example(("m", "n"), ("n",), ("n",), normalized_shape=(sizes.size("n"),), eps=9.0),
        example(("n", 2, 4), (2, 4), normalized_shape=(2, 4), eps=9.0),
        example(("m", "n", "k"), normalized_shape=(sizes.size("k"),), eps=9.0),
    ),
)
def layer_norm(x: Any, weight: Any = None, bias: Any = None, /, *, normalized_shape: Any, eps: Any = 1e-5) -> Any:
    """The last axes brought to mean 0 and variance 1; then a weight and a bias (Ba et al., 2016)."""
    axes = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    return _affine(standardised(x, axes, eps), weight, bias)


def _rms_call(
    x: Any, normalized_shape: Any, weight: Any = None, eps: Any = None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return given(x, weight), {"normalized_shape": normalized_shape, "eps": eps}


@composite(
    canonical=_of_last,
    call=_rms_call,
    optional=1,
    formula="y[..., i] = weight[i] * x[..., i] / sqrt(mean(x[...]**2) + eps)",
    note=EPS,
    examples=(
        example(("m", "n"), ("n",), normalized_shape=(sizes.size("n"),), eps=9.0),
        example(("n", 2, 4), normalized_shape=(2, 4), eps=9.0),
    ),
)
def rms_norm(x: Any, weight: Any = None, /, *, normalized_shape: Any, eps: Any = None) -> Any:
    """The last axes divided by the root of their mean square, then a weight (Zhang and Sennrich, 2019).

    Without an eps it is the distance from 1 to the next number of the graph's float type.
    """
    axes = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    eps = float(np.finfo(x.builder.program.dtype).eps) if eps is None else eps
    scale = ops.sqrt(ops.mean(ops.square(x), axis=axes, keepdims=True) + eps, name="scale")
    return _affine(ops.divide(x, scale, name="normalised"), weight, None)


def _need_channels(x: Type, least: int, expected: str) -> None:
    need_floats("normalisation", x)
    if x.ndim < least:
        raise Mismatch("GG027", f"x is {x}, expected {expected}", "axis 1 holds the channels", about=0)


def _of_groups(x: Type, *affine: Type, num_groups: Any, eps: Any) -> dict[str, Any]:
    _need_channels(x, 2, "(batch, channels, ...)")
    groups = whole(num_groups)
    if groups is None or groups < 1:
        raise Mismatch("GG005", f"num_groups is {brief(num_groups)}", "give an int from 1 up")
    if sizes.quotient(x.shape[1], groups) is None:
        message = f"{sizes.text(x.shape[1])} channels cannot be divided into {groups} groups"
        raise Mismatch("GG027", message, "num_groups divides the number of channels", about=0)
    _check_affine(x.shape[1:2], "one number for each channel", *affine)
    return {"num_groups": groups, "eps": number("eps", eps)}


def _group_call(
    x: Any, num_groups: Any, weight: Any = None, bias: Any = None, eps: Any = 1e-5
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return given(x, weight, bias), {"num_groups": num_groups, "eps": eps}


@composite(
    canonical=_of_groups,
    call=_group_call,
    optional=2,
    formula="y[n, c, i] = weight[c] * (x[n, c, i] - mean(x[n, g, ...])) / sqrt(var(x[n, g, ...]) + eps) + bias[c]",
    note=EPS,
    examples=(
        example(("n", 4, "m"), (4,), (4,), num_groups=2, eps=9.0),
        example(("n", 3), num_groups=1, eps=9.0),
        example(("m", 2, "n", 2), (2,), num_groups=2, eps=9.0),
    ),
)
def group_norm(x: Any, weight: Any = None, bias: Any = None, /, *, num_groups: Any, eps: Any = 1e-5) -> Any:
    """Channels in groups, each brought to mean 0 and variance 1; then a weight and a bias (Wu and He, 2018)."""
    batch, channels, *space = x.shape
    shape = (batch, num_groups, sizes.quotient(channels, num_groups), *space)
    groups = ops.reshape(x, shape=shape, name="groups")
    normalised = ops.reshape(standardised(groups, tuple(range(2, len(shape))), eps), shape=x.shape)
    return _affine(normalised, weight, bias, len(space))


def _of_instances(x: Type, *affine: Type, eps: Any) -> dict[str, Any]:
    _need_channels(x, 3, "(batch, channels, space, ...)")
    _check_affine(x.shape[1:2], "one number for each channel", *affine)
    return {"eps": number("eps", eps)}


def _instance_call(
    x: Any, weight: Any = None, bias: Any = None, eps: Any = 1e-5
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return given(x, weight, bias), {"eps": eps}


@composite(
    canonical=_of_instances,
    call=_instance_call,
    optional=2,
    formula="y[n, c, i] = weight[c] * (x[n, c, i] - mean(x[n, c, ...])) / sqrt(var(x[n, c, ...]) + eps) + bias[c]",
    note=EPS,
    examples=(example(("m", 2, "n"), (2,), (2,), eps=9.0), example(("m", 2, "n", 2), eps=100.0)),
)
def instance_norm(x: Any, weight: Any = None, bias: Any = None, /, *, eps: Any = 1e-5) -> Any:
    """Each channel of each sample brought to mean 0 and variance 1; then a weight and a bias (Ulyanov et al., 2016)."""
    return _affine(standardised(x, tuple(range(2, x.ndim)), eps), weight, bias, x.ndim - 2)


def _neighbours(x: Type, /, *, size: Any, alpha: Any, beta: Any, k: Any) -> dict[str, Any]:
    _need_channels(x, 3, "(batch, channels, space, ...)")
    count = whole(size)
    if count is None or count < 1:
        raise Mismatch("GG005", f"size is {brief(size)}", "give an int from 1 up: how many channels count")
    return {"size": count, "alpha": number("alpha", alpha), "beta": number("beta", beta), "k": number("k", k)}


@composite(
    canonical=_neighbours,
    formula="y[n, c, i] = x[n, c, i] / (k + alpha * sum(x[n, j, i]**2 for j) / size)**beta",
    examples=(example(("n", 4, 3), size=3, alpha=0.5), example(("m", 2, 2, "n"), size=2, alpha=1.0, beta=0.5, k=2.0)),
)
def local_response_norm(x: Any, /, *, size: Any, alpha: Any = 1e-4, beta: Any = 0.75, k: Any = 1.0) -> Any:
    """Each value divided by a power of the mean square of `size` channels around it (Krizhevsky et al., 2012)."""
    squares = ops.reshape(ops.square(x), shape=(*x.shape[:2], sizes.product(x.shape[2:])))
    around = padded(ops.swapaxes(squares, axis1=1, axis2=2), ((size // 2, (size - 1) // 2),))
    found = ops.windows(
        around, kernel_size=(size,), name="windows"
    )  # (batch, places, channels of the window, channels)
    means = ops.swapaxes(ops.mean(found, axis=2, name="means"), axis1=1, axis2=2)
    scale = ops.power(k + alpha * ops.reshape(means, shape=x.shape), beta, name="scale")
    return x / scale
