"""Pooling: windows, and what is made of each. Keywords as in torch."""

from __future__ import annotations

import functools
import math
from functools import partial
from typing import Any

import numpy as np

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import whole
from graphgen.ops.picks import constant_index
from graphgen.ops.rows.windows import Pads, counts, lengths, need_axes, padded, per_axis, plain, spread
from graphgen.ops.table import Example, Mismatch, Type, composite, example, need_floats

MOST_WINDOWS = 2**20  # of an adaptive pool along one axis

Ints = tuple[int, ...]


def _sliding(
    axes: int, x: Type, *, kernel_size: Any, stride: Any, padding: Any = 0, dilation: Any = 1, ceil_mode: Any
) -> dict[str, Any]:
    """The attributes that all pooling has, in canonical form; raises `Mismatch`."""
    need_floats("pooling", x)
    need_axes(x, axes, "the window")
    kernel = per_axis("kernel_size", kernel_size, axes)
    steps = kernel if stride is None else per_axis("stride", stride, axes)
    pads = per_axis("padding", padding, axes, least=0)
    apart = per_axis("dilation", dilation, axes)
    if not isinstance(ceil_mode, (bool, np.bool_)):
        raise Mismatch("GG005", f"ceil_mode is True or False, got {brief(ceil_mode)}", "leave it out for False")
    reach = lengths(kernel, apart)
    if any(2 * pad > length for pad, length in zip(pads, reach, strict=True)):
        message = f"padding {plain(pads)} is more than half of the window {sizes.shape_text(reach)}"
        raise Mismatch("GG005", message, "no window may lie in the padding alone")
    if ceil_mode and any(
        step > 1 and not isinstance(size, int) for size, step in zip(x.shape[-axes:], steps, strict=True)
    ):
        raise Mismatch(
            "GG027", f"ceil_mode needs known sizes, got {x}", "declare them as ints, or leave it out", about=0
        )
    surrounded = _surrounded(x.shape[-axes:], _pads(x.shape[-axes:], kernel, steps, pads, apart, bool(ceil_mode)))
    counts(x, surrounded, kernel, steps, apart)
    return {
        "kernel_size": plain(kernel),
        "stride": None if steps == kernel else plain(steps),
        "padding": plain(pads),
        "dilation": plain(apart),
        "ceil_mode": bool(ceil_mode),
    }


def _surrounded(space: sizes.Shape, pads: Pads) -> sizes.Shape:
    return tuple(before + size + after for size, (before, after) in zip(space, pads, strict=True))


def _pads(space: sizes.Shape, kernel: Ints, steps: Ints, padding: Ints, apart: Ints, ceil_mode: bool) -> Pads:
    """What goes around: the padding, and in ceil_mode as much behind as the last window, which starts inside, lacks."""
    result = []
    for size, length, step, pad in zip(space, lengths(kernel, apart), steps, padding, strict=True):
        lacking = 0
        if ceil_mode and step > 1:
            last = -(-(size + 2 * pad - length) // step)
            last -= last * step >= size + pad
            lacking = max(last * step + length - (size + 2 * pad), 0)
        result.append((pad, pad + lacking))
    return tuple(result)


def _windows(
    x: Any, axes: int, value: float, *, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Any, Ints, Pads]:
    """The windows of x with `value` around it, the axes that they have inside, and how much was put around."""
    kernel = spread(kernel_size, axes)
    steps = kernel if stride is None else spread(stride, axes)
    pads = _pads(x.shape[x.ndim - axes :], kernel, steps, spread(padding, axes), spread(dilation, axes), ceil_mode)
    surrounded = padded(x, pads, value)
    found = ops.windows(surrounded, kernel_size=kernel, stride=plain(steps), dilation=dilation, name="windows")
    return found, tuple(range(x.ndim - axes, x.ndim)), pads


def _max_pool(axes: int, *examples: Example) -> Any:
    """The row of max pooling over so many axes."""

    def max_pool(
        x: Any,
        /,
        *,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: Any = False,
    ) -> Any:
        steps = {"stride": stride, "padding": padding, "dilation": dilation}
        found, inside, _ = _windows(x, axes, -math.inf, kernel_size=kernel_size, ceil_mode=ceil_mode, **steps)
        return ops.max(found, axis=inside)

    max_pool.__name__, max_pool.__doc__ = f"max_pool{axes}d", f"The largest element of each window over {_last(axes)}."
    formula = "y[..., i] = max(x[..., stride*i + dilation*k - padding] for k)"
    return composite(canonical=partial(_sliding, axes), formula=formula, examples=examples)(max_pool)


def _last(axes: int) -> str:
    return "the last axis" if axes == 1 else f"the last {axes} axes"


max_pool1d = _max_pool(
    1,
    example(("m", "n"), kernel_size=2),
    example(("n", 7), kernel_size=3, stride=2, padding=1, dilation=2, ceil_mode=True),
)
max_pool2d = _max_pool(
    2,
    example(("m", 4, "n"), kernel_size=2),
    example(("n", 3, 4), kernel_size=(3, 2), stride=1, padding=(1, 0)),
)
max_pool3d = _max_pool(3, example(("n", 2, 4, 3), kernel_size=2, stride=(1, 2, 1)))


def _averaging(
    axes: int,
    x: Type,
    *,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: Any,
    count_include_pad: Any,
    divisor_override: Any,
) -> dict[str, Any]:
    sliding = _sliding(axes, x, kernel_size=kernel_size, stride=stride, padding=padding, ceil_mode=ceil_mode)
    del sliding["dilation"]
    if not isinstance(count_include_pad, (bool, np.bool_)):
        raise Mismatch("GG005", f"count_include_pad is {brief(count_include_pad)}", "give True or False")
    divisor = None if divisor_override is None else whole(divisor_override)
    if divisor == 0 or (divisor is None and divisor_override is not None):
        raise Mismatch("GG005", f"divisor_override is {brief(divisor_override)}", "give an int but 0, or leave it out")
    return {**sliding, "count_include_pad": bool(count_include_pad), "divisor_override": divisor}


def _avg_pool(axes: int, *examples: Example) -> Any:
    """The row of average pooling over so many axes."""

    def avg_pool(
        x: Any,
        /,
        *,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: Any = False,
        count_include_pad: Any = True,
        divisor_override: Any = None,
    ) -> Any:
        sliding = {"kernel_size": kernel_size, "stride": stride, "dilation": 1, "ceil_mode": ceil_mode}
        found, inside, pads = _windows(x, axes, 0.0, padding=padding, **sliding)
        if divisor_override is not None:
            return ops.sum(found, axis=inside) / divisor_override
        counted = spread(padding, axes) if count_include_pad else (0,) * axes
        if pads == tuple((pad, pad) for pad in counted):
            return ops.mean(found, axis=inside)
        return ops.sum(found, axis=inside) / _counted(x, axes, pads, counted, kernel_size, stride)

    avg_pool.__name__, avg_pool.__doc__ = f"avg_pool{axes}d", f"The mean of each window over {_last(axes)}."
    formula = "y[..., i] = sum(x[..., stride*i + k - padding] for k) / n"
    return composite(canonical=partial(_averaging, axes), formula=formula, examples=examples)(avg_pool)


def _counted(x: Any, axes: int, pads: Pads, counted: Ints, kernel_size: Any, stride: Any) -> Any:
    """How many elements of each window count: the windows of ones, with `counted` of the padding among them."""
    space = tuple(size + 2 * pad for size, pad in zip(x.shape[x.ndim - axes :], counted, strict=True))
    ones = x._apply("broadcast_to", (1.0,), {"shape": space}, "ones")
    around = tuple((before - pad, after - pad) for (before, after), pad in zip(pads, counted, strict=True))
    kernel = spread(kernel_size, axes)
    steps = kernel if stride is None else stride
    found = ops.windows(padded(ones, around, name="ones"), kernel_size=kernel, stride=steps, name="counted")
    return ops.sum(found, axis=tuple(range(axes)), name="count")


avg_pool1d = _avg_pool(
    1,
    example(("m", "n"), kernel_size=2),
    example(("n", 6), kernel_size=3, stride=2, padding=1, count_include_pad=False),
)
avg_pool2d = _avg_pool(
    2,
    example(("m", 4, "n"), kernel_size=2),
    example((6, 3), kernel_size=(3, 2), stride=2, padding=1, ceil_mode=True),
    example(("n", 3, 2), kernel_size=2, stride=1, divisor_override=3),
)
avg_pool3d = _avg_pool(3, example(("n", 2, 4, 3), kernel_size=2, stride=(1, 2, 1)))


def _power(axes: int, x: Type, *, norm_type: Any, kernel_size: Any, stride: Any, ceil_mode: Any) -> dict[str, Any]:
    sliding = _sliding(axes, x, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)
    real = isinstance(norm_type, (int, float, np.integer, np.floating)) and not isinstance(norm_type, bool)
    if not real or not norm_type > 0:
        raise Mismatch("GG005", f"norm_type is {brief(norm_type)}", "give a number above 0, such as 2")
    kept = {keyword: sliding[keyword] for keyword in ("kernel_size", "stride", "ceil_mode")}
    return {"norm_type": float(norm_type), **kept}


def _lp_pool(axes: int, *examples: Example) -> Any:
    """The row of pooling by a norm over so many axes."""

    def lp_pool(x: Any, /, *, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: Any = False) -> Any:
        sliding = {"kernel_size": kernel_size, "stride": stride, "ceil_mode": ceil_mode, "padding": 0, "dilation": 1}
        found, inside, pads = _windows(x, axes, 0.0, **sliding)
        norm = ops.norm(found, ord=norm_type, axis=inside)
        if not any(map(any, pads)) or math.isinf(norm_type):
            return norm
        count = _counted(x, axes, pads, (0,) * axes, kernel_size, stride)
        return norm * (math.prod(spread(kernel_size, axes)) / count) ** (1.0 / norm_type)

    lp_pool.__name__ = f"lp_pool{axes}d"
    lp_pool.__doc__ = (
        f"The norm of each window over {_last(axes)}; one that is cut off counts as if it were whole.\n\n"
        "Magnitudes are what is raised to the power: torch raises negative elements as they are, no norm if it is odd."
    )
    formula = "y[..., i] = sum(abs(x[..., stride*i + k])**norm_type for k)**(1/norm_type)"
    return composite(canonical=partial(_power, axes), formula=formula, examples=examples)(lp_pool)


lp_pool1d = _lp_pool(
    1,
    example(("m", "n"), norm_type=2, kernel_size=2),
    example(("n", 4), norm_type=3, kernel_size=3, stride=2, ceil_mode=True),
)
lp_pool2d = _lp_pool(2, example(("m", 4, "n"), norm_type=2, kernel_size=(2, 3)))
lp_pool3d = _lp_pool(3, example(("n", 2, 4, 3), norm_type=1, kernel_size=2, stride=(1, 2, 1)))


def _adaptive(axes: int, x: Type, *, output_size: Any) -> dict[str, Any]:
    """The size to arrive at, in canonical form: an axis with None keeps its size; raises `Mismatch`."""
    need_floats("pooling", x)
    need_axes(x, axes, "the window")
    space = x.shape[-axes:]
    wanted = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * axes
    if len(wanted) != axes or any(each is not None and (whole(each) or 0) < 1 for each in wanted):
        several = f", or {axes} of them" if axes > 1 else ""
        raise Mismatch(
            "GG005", f"output_size is {brief(output_size)}", f"give an int from 1 up{several}; None keeps a size"
        )
    found: tuple[Any, ...] = tuple(size if each is None else whole(each) for each, size in zip(wanted, space, strict=True))
    if set(found) == {1}:
        return {"output_size": 1}
    if any(size is not made and made > MOST_WINDOWS for size, made in zip(space, found, strict=True)):
        message = f"output_size is at most {MOST_WINDOWS:,}, got {brief(output_size)}"
        raise Mismatch("GG005", message, "the places of each window are written into the module")
    for size, made in zip(space, found, strict=True):
        if size is not made and (not isinstance(size, int) or not size):
            message = f"from {x} to {sizes.shape_text(found)}: how large the windows are is not known"
            raise Mismatch("GG027", message, "declare the sizes as ints; 1 and None go with any size", about=0)
    return {"output_size": plain(found)}


def _adapted(x: Any, axes: int, output_size: Any, value: float) -> tuple[Any, Ints, list[np.ndarray]]:
    """Windows as even as can be, their axes inside, and how much each holds where they differ in size.

    Window i of m over an axis of size n holds what lies from floor(i * n / m) up to ceil((i + 1) * n / m), and `value` where
    a longer one has more.
    """
    first = x.ndim - axes
    space, wanted = x.shape[first:], spread(output_size, axes)
    if all(size is made or size % made == 0 for size, made in zip(space, wanted, strict=True)):
        kernel = tuple(1 if size is made else size // made for size, made in zip(space, wanted, strict=True))
        return ops.windows(x, kernel_size=kernel, stride=kernel, name="windows"), tuple(range(first, x.ndim)), []
    held: list[np.ndarray] = []
    for axis, (size, made) in reversed([*enumerate(zip(space, wanted, strict=True), start=first)]):
        starts = np.arange(made) * size // made
        ends = -(-(np.arange(1, made + 1) * size) // made)
        places = starts + np.arange((ends - starts).max())[:, None]
        if (places >= ends).any():
            x = ops.pad(
                x, pad_width=((0, 0),) * axis + ((0, 1),) + ((0, 0),) * (x.ndim - axis - 1), constant_values=value
            )
        x = ops.take(x, constant_index(x, np.where(places < ends, places, size)), axis=axis, name="windows")
        held.insert(0, ends - starts)
    return x, tuple(range(first, x.ndim, 2)), held


def _adaptive_pool(kind: str, axes: int, *examples: Example) -> Any:
    """The row of pooling to a given size over so many axes: "avg" or "max"."""

    def pool(x: Any, /, *, output_size: Any) -> Any:
        reduced, value = (ops.mean, 0.0) if kind == "avg" else (ops.max, -math.inf)
        if output_size == 1:
            return reduced(x, axis=tuple(range(x.ndim - axes, x.ndim)), keepdims=True)
        found, inside, held = _adapted(x, axes, output_size, value)
        if kind == "max" or not held:
            return reduced(found, axis=inside)
        count = functools.reduce(np.multiply.outer, held).astype("float64")
        attributes = {"value": count, "shape": count.shape, "dtype": "float"}
        return ops.sum(found, axis=inside) / x._apply("constant", (), attributes, "count")

    what, function = ("means", "mean") if kind == "avg" else ("largest elements", "max")
    pool.__name__ = f"adaptive_{kind}_pool{axes}d"
    pool.__doc__ = f"The {what} of windows, as even as can be, so that {_last(axes)} become `output_size`."
    formula = f"y[..., i] = {function}(x[..., floor(i*n/m) : ceil((i + 1)*n/m)])"
    return composite(canonical=partial(_adaptive, axes), formula=formula, examples=examples)(pool)


_LINES = (
    example(("n", 6), output_size=3),
    example(("n", 7), output_size=3),
    example(("m", "n"), output_size=1),
)
_IMAGES = (example(("n", 4, 3), output_size=(None, 2)),)
_VOLUMES = (example(("n", 2, 4, 3), output_size=(1, 2, 3)),)

adaptive_avg_pool1d = _adaptive_pool("avg", 1, *_LINES)
adaptive_avg_pool2d = _adaptive_pool("avg", 2, *_IMAGES)
adaptive_avg_pool3d = _adaptive_pool("avg", 3, *_VOLUMES)
adaptive_max_pool1d = _adaptive_pool("max", 1, *_LINES)
adaptive_max_pool2d = _adaptive_pool("max", 2, *_IMAGES)
adaptive_max_pool3d = _adaptive_pool("max", 3, *_VOLUMES)


def _whole_space(x: Type, /, *, keepdims: Any) -> dict[str, Any]:
    need_floats("pooling", x)
    if x.ndim < 3:
        message = f"needs axes of batch, channels and space, got {x}"
        raise Mismatch("GG027", message, "ops.mean and ops.max reduce any axes", about=0)
    if not isinstance(keepdims, (bool, np.bool_)):
        raise Mismatch("GG005", f"keepdims is True or False, got {brief(keepdims)}", "leave it out for False")
    return {"keepdims": bool(keepdims)}


@composite(
    canonical=_whole_space,
    formula="y[n, c] = mean(x[n, c])",
    origin="Lin et al., Network in network (2014)",
    examples=(example(("m", 3, 4, "n")), example(("n", 3, 4), keepdims=True)),
)
def global_avg_pool(x: Any, /, *, keepdims: Any = False) -> Any:
    """The mean over all axes of space, behind those of batch and channels."""
    return ops.mean(x, axis=tuple(range(2, x.ndim)), keepdims=keepdims)


@composite(
    canonical=_whole_space,
    formula="y[n, c] = max(x[n, c])",
    origin="keras, whose layer is GlobalMaxPooling",
    examples=(example(("m", 3, 3, "n")), example(("n", 3, 4), keepdims=True)),
)
def global_max_pool(x: Any, /, *, keepdims: Any = False) -> Any:
    """The largest element over all axes of space, behind those of batch and channels."""
    return ops.max(x, axis=tuple(range(2, x.ndim)), keepdims=keepdims)
