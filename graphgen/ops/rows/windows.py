"""Sliding windows and their overlap-add: the one adjoint pair that convolution and pooling are made of.

The pair takes any number of axes, the last ones of its operand. Of the window it has the places inside first, then the
windows' own: unfold is windows and a reshape, and what reduces a window runs over long rows. torch's fold and unfold,
on images laid flat, are the pair between reshapes. See ``layout.py`` for the rules.
"""

from __future__ import annotations

from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import shape_of, whole
from graphgen.ops.banding import Band, Entry
from graphgen.ops.operations import taking
from graphgen.ops.table import Mismatch, Type, example, linear, need_floats

Pads = tuple[tuple[int, int], ...]  # before and after, for each of the last axes


def per_axis(keyword: str, value: Any, count: int, least: int = 1) -> tuple[int, ...]:
    """One int for each of the last `count` axes: a single one stands for all; raises `Mismatch` below `least`."""
    entries = tuple(value) if isinstance(value, (tuple, list)) else (value,) * count
    if len(entries) == 1:
        entries = entries * count
    numbers = [whole(each) for each in entries]
    if len(entries) != count or any(number is None or number < least for number in numbers):
        several = f" or {count} of them" if count > 1 else ""
        raise Mismatch("GG005", f"{keyword} is {brief(value)}", f"give an int{several}, none below {least}")
    return tuple(map(int, entries))


def plain(entries: tuple[Any, ...]) -> Any:
    """What is the same for every axis but once: the canonical form of an attribute, short in comments."""
    return entries[0] if len(set(entries)) == 1 else entries


def spread(entries: Any, count: int) -> tuple[Any, ...]:
    """An attribute in canonical form, with an entry for each axis."""
    return entries if isinstance(entries, tuple) else (entries,) * count


def lengths(kernel_size: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    """How far a window reaches along each axis."""
    return tuple(step * (size - 1) + 1 for size, step in zip(kernel_size, dilation, strict=True))


def counts(x: Type, space: sizes.Shape, kernel_size: tuple[int, ...], stride: Any, dilation: Any) -> sizes.Shape:
    """How many windows there are along each of the axes `space`; raises `Mismatch` where there is none."""
    stride, dilation = spread(stride, len(space)), spread(dilation, len(space))
    reach = lengths(kernel_size, dilation)
    for size, length in zip(space, reach, strict=True):
        if isinstance(size, int) and size < length:
            message = f"windows of {sizes.shape_text(reach)} do not fit into {sizes.shape_text(space)}, of {x}"
            raise Mismatch("GG027", message, "make the windows smaller, or pad by more", about=0)
    return tuple(
        (size - length) // step + 1 if step > 1 or isinstance(size, int) else size - (length - 1)
        for size, length, step in zip(space, reach, stride, strict=True)
    )


def padded(x: Any, pads: Pads, value: float = 0.0, name: str = "padded") -> Any:
    """x with `value` around its last axes."""
    if not any(map(any, pads)):
        return x
    return ops.pad(x, pad_width=((0, 0),) * (x.ndim - len(pads)) + pads, constant_values=value, name=name)


def need_axes(x: Type, count: int, what: str) -> None:
    """Raise `Mismatch` unless x has `count` axes at least."""
    if x.ndim < count:
        raise Mismatch(
            "GG027", f"{what} needs {count} axes at least, got {x}", "add axes with ops.expand_dims", about=0
        )


def _options(count: int, **steps: Any) -> str:
    return "".join(f", {keyword}={spread(each, count)}" for keyword, each in steps.items() if each != 1)


@linear
class windows:
    """Windows that slide over the last axes, as many as `kernel_size` has numbers; its adjoint is overlap_add."""

    formula = "y[..., k, i] = x[..., stride*i + dilation*k]"
    examples = (
        example(("m", "n"), kernel_size=(3,), stride=1),
        example(("n", 4, 3), kernel_size=(2, 2), stride=(2, 1), dilation=(1, 2)),
        example(("n",), kernel_size=(2,), stride=2),
    )
    chooses = True

    def canonical(x: Type, /, *, kernel_size: Any, stride: Any, dilation: Any) -> dict[str, Any]:
        count = len(kernel_size) if isinstance(kernel_size, (tuple, list)) else 1
        need_axes(x, max(count, 1), "the window")
        return {
            "kernel_size": per_axis("kernel_size", kernel_size, max(count, 1)),
            "stride": plain(per_axis("stride", stride, count)),
            "dilation": plain(per_axis("dilation", dilation, count)),
        }

    def infer(x: Type, /, *, kernel_size: Any, stride: Any = 1, dilation: Any = 1) -> Type:
        before, space = x.shape[: -len(kernel_size)], x.shape[-len(kernel_size) :]
        return Type((*before, *kernel_size, *counts(x, space, kernel_size, stride, dilation)), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, kernel_size: Any, stride: Any, dilation: Any) -> Any:
        return ops.overlap_add(g, size=x.shape[-len(kernel_size) :], stride=stride, dilation=dilation)

    def bands(place: int, x: Type, /, *, kernel_size: Any, stride: Any, dilation: Any) -> tuple[Entry, ...]:
        count = len(kernel_size)
        reach = [each - 1 for each in lengths(kernel_size, spread(dilation, count))]
        steps = [
            Band(x.ndim + axis, 0, high) if step == 1 else None
            for axis, (high, step) in enumerate(zip(reach, spread(stride, count), strict=True))
        ]
        return (*range(x.ndim - count), *steps)

    def numpy(x: Type, /, *, kernel_size: Any, stride: Any, dilation: Any) -> str:
        return f"windows({{0}}, {kernel_size}{_options(len(kernel_size), stride=stride, dilation=dilation)})"


@linear
class overlap_add:
    """Zeros of `size` along the last axes, to which windows are added where they lay: the adjoint of windows."""

    formula = "y[..., stride*i + dilation*k] += x[..., k, i]"
    examples = (
        example(("m", 3, "n"), size=(sizes.size("n") + 2,), stride=1),
        example(("m", 2, 2, 2, 3), size=(4, 5), stride=(2, 1), dilation=(1, 2)),
        example(("n", 2, 4), size=(6,), dilation=2),
    )
    adds_zeros = True
    operations = taking(additions=1)

    def canonical(x: Type, /, *, size: Any, stride: Any, dilation: Any) -> dict[str, Any]:
        space = shape_of(size)
        count = len(space)
        need_floats("overlap_add", x)
        need_axes(x, 2 * max(count, 1), "windows and their places")
        steps = plain(per_axis("stride", stride, count)), plain(per_axis("dilation", dilation, count))
        kernel_size = x.shape[-2 * count : -count]
        if any(not isinstance(each, int) for each in kernel_size):
            raise Mismatch("GG027", f"the window {sizes.shape_text(kernel_size)} is to be of ints", about=0)
        if not sizes.same(counts(x, space, kernel_size, *steps), x.shape[-count:]):
            fitting = sizes.shape_text(counts(x, space, kernel_size, *steps))
            message = (
                f"{sizes.shape_text(space)} holds {fitting} such windows, not {sizes.shape_text(x.shape[-count:])}"
            )
            raise Mismatch("GG027", message, "size, stride and dilation are those of the windows", about=0)
        return {"size": space, "stride": steps[0], "dilation": steps[1]}

    def infer(x: Type, /, *, size: Any, stride: Any = 1, dilation: Any = 1) -> Type:
        return Type((*x.shape[: -2 * len(size)], *size), x.dtype)

    def transpose(place: int, g: Any, x: Any, /, *, size: Any, stride: Any, dilation: Any) -> Any:
        kernel_size = x.shape[-2 * len(size) : -len(size)]
        return ops.windows(g, kernel_size=kernel_size, stride=stride, dilation=dilation)

    def bands(place: int, x: Type, /, *, size: Any, stride: Any, dilation: Any) -> tuple[Entry, ...]:
        count = len(size)
        reach = [each - 1 for each in lengths(x.shape[-2 * count : -count], spread(dilation, count))]
        before = x.ndim - 2 * count
        steps = [
            Band(before + axis, -high, 0) if step == 1 else None
            for axis, (high, step) in enumerate(zip(reach, spread(stride, count), strict=True))
        ]
        return (*range(before), *(None,) * count, *steps)

    def numpy(x: Type, /, *, size: Any, stride: Any, dilation: Any) -> str:
        return f"overlap_add({{0}}, {sizes.shape_text(size)}{_options(len(size), stride=stride, dilation=dilation)})"
