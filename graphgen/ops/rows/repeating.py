"""Elements in another order, or several times. See ``layout.py`` for the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import FULL, REVERSED, axes_of, axis_of, shape_of, size_of, whole
from graphgen.ops.banding import Entry, off_axis
from graphgen.ops.picks import constant_index
from graphgen.ops.table import Mismatch, Type, composite, example, linear


@composite(
    canonical=lambda x, *, axis: {"axis": axes_of(axis, x.ndim)},
    formula="y[..., i, ...] = x[..., n - 1 - i, ...]",
    examples=(example(("m", "n"), axis=1), example(("m", "n"))),
)
def flip(x: Any, /, *, axis: Any = None) -> Any:
    """Turn round the elements along axes, all of them unless said."""
    return ops.getitem(x, key=tuple(REVERSED if place in axis else FULL for place in range(x.ndim))) if axis else x


@linear
class roll:
    """Shift along axes, what falls off at one end coming back at the other; without axes as if x were flat."""

    formula = "y[..., (i + shift) % n, ...] = x[..., i, ...]"
    examples = (example(("m", "n"), shift=1, axis=1), example(("m", "n"), shift=(2, -1), axis=(0, 1)))
    of_scalar = True
    chooses = True

    def bands(place: int, x: Type, /, *, shift: Any, axis: Any) -> tuple[Entry, ...]:
        return (None,) * x.ndim if axis is None else off_axis(place, x, axis=axis)

    def mapped(operands: Sequence[Any], which: Sequence[bool], /, *, shift: Any, axis: Any) -> Any:
        (x,) = operands
        if axis is not None:
            return ops.roll(x, shift=shift, axis=tuple(each + 1 for each in axis))
        flat = ops.reshape(x, shape=(x.shape[0], sizes.product(x.shape[1:])))
        return ops.reshape(ops.roll(flat, shift=shift, axis=1), shape=x.shape)

    def canonical(x: Type, /, *, shift: Any, axis: Any) -> dict[str, Any]:
        shifts = shift if isinstance(shift, (tuple, list)) else (shift,)
        axes = axis if isinstance(axis, (tuple, list)) else (axis,)
        if any(whole(each) is None for each in shifts):
            raise Mismatch("GG005", f"a shift is an int, got {brief(shift)}", "give one for each axis")
        if axis is None:
            return {"shift": (sum(map(int, shifts)),), "axis": None}
        if len(shifts) != len(axes) and 1 not in (len(shifts), len(axes)):
            raise Mismatch("GG005", f"{len(shifts)} shifts for {len(axes)} axes", "give one shift for each axis")
        count = max(len(shifts), len(axes)) if shifts and axes else 0
        total: dict[int, int] = {}
        for place in range(count):
            each = axis_of(axes[place % len(axes)], x.ndim)
            total[each] = total.get(each, 0) + int(shifts[place % len(shifts)])
        return {"shift": tuple(total.values()), "axis": tuple(total)}

    def infer(x: Type, /, *, shift: Any, axis: Any = None) -> Type:
        return x

    def transpose(place: int, g: Any, x: Any, /, *, shift: Any, axis: Any) -> Any:
        return ops.roll(g, shift=tuple(-each for each in shift), axis=axis)

    def numpy(x: Type, /, *, shift: Any, axis: Any) -> str:
        single = len(shift) == 1
        along = "" if axis is None else f", axis={axis[0] if single else axis}"
        return f"np.roll({{0}}, {shift[0] if single else shift}{along})"


def _counts(x: Type, /, *, reps: Any) -> dict[str, Any]:
    counts = shape_of(reps)
    return {"reps": (*(1,) * (x.ndim - len(counts)), *counts)}


@composite(
    canonical=_counts,
    formula="y[i] = x[i % n]",
    examples=(example(("m", "n"), reps=(2, 3)), example(("n",), reps=(2, 1))),
)
def tile(x: Any, /, *, reps: Any) -> Any:
    """x over and over along its axes; more repetitions than axes add axes in front."""
    missing = len(reps) - x.ndim
    x = ops.expand_dims(x, axis=tuple(range(missing))) if missing else x
    # Before an axis that is repeated comes one of the repetitions; an axis of size 1 can hold them itself.
    apart = [axis for axis, size in enumerate(x.shape) if reps[axis] != 1 and size != 1]
    spread = ops.expand_dims(x, axis=tuple(axis + place for place, axis in enumerate(apart))) if apart else x
    shape: list[sizes.Size] = []
    for axis, size in enumerate(x.shape):
        shape += [reps[axis], size] if axis in apart else [sizes.product((reps[axis], size))]
    result = spread if sizes.same(spread.shape, tuple(shape)) else ops.broadcast_to(spread, shape=tuple(shape))
    final = tuple(sizes.product(pair) for pair in zip(reps, x.shape, strict=True))
    return ops.reshape(result, shape=final) if apart else result


def _repeats(x: Type, /, *, repeats: Any, axis: Any) -> dict[str, Any]:
    size = sizes.product(x.shape) if axis is None else x.shape[axis_of(axis, x.ndim)]
    if isinstance(repeats, np.ndarray):
        repeats = repeats.tolist()
    if isinstance(repeats, (tuple, list)) and len(repeats) != 1:
        if not sizes.equal(len(repeats), size):
            message = f"{len(repeats)} repeats for an axis of size {sizes.text(size)}"
            raise Mismatch("GG027", message, "give one number for each element, or a single one", about=0)
        if any(whole(each) is None or each < 0 for each in repeats):
            raise Mismatch(
                "GG005", f"repeats are ints, none below 0, got {brief(repeats)}", "give one for each element"
            )
        counts: Any = tuple(map(int, repeats))
    else:
        counts = size_of(repeats[0] if isinstance(repeats, (tuple, list)) else repeats)
    return {"repeats": counts, "axis": None if axis is None else axis_of(axis, x.ndim)}


@composite(
    canonical=_repeats,
    formula="y[..., i, ...] = x[..., i // repeats, ...]",
    examples=(example(("m", "n"), repeats=2, axis=1), example((3, "n"), repeats=(1, 0, 2), axis=0)),
)
def repeat(x: Any, /, *, repeats: Any, axis: Any = None) -> Any:
    """Each element several times along an axis, or along x laid flat; as many times each, or each its own number."""
    if axis is None and x.ndim != 1:
        x = ops.flatten(x)
    along = axis or 0
    if isinstance(repeats, tuple):
        return ops.take(x, constant_index(x, np.repeat(np.arange(len(repeats)), repeats)), axis=along)
    before, size, after = x.shape[:along], x.shape[along], x.shape[along + 1 :]
    if size == 1:
        return ops.broadcast_to(x, shape=(*before, repeats, *after))
    spread = ops.broadcast_to(ops.expand_dims(x, axis=along + 1), shape=(*before, size, repeats, *after))
    return ops.reshape(spread, shape=(*before, sizes.product((size, repeats)), *after))
