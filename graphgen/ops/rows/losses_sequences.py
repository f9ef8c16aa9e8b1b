"""Losses of sequences whose alignment is not known: composites over primitives."""

from __future__ import annotations

import math
from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import FULL, flag, whole
from graphgen.ops.reducing import check_reduction, reduced
from graphgen.ops.table import Mismatch, Type, composite, example, integers

IMPOSSIBLE = -1e30  # stands for log(0): sums of it are finite in float32 too, and no probability matters beside it


def _ctc(log_probabilities: Type, target: Type, /, *, reduction: Any, blank: Any, zero_infinity: Any) -> dict[str, Any]:
    check_reduction(reduction)
    if log_probabilities.dtype != "float":
        message = f"log_probabilities are floats, got {log_probabilities.dtype}"
        raise Mismatch("GG031", message, "give what ops.log_softmax answers", about=0)
    if log_probabilities.ndim < 2:
        message = f"log_probabilities are {log_probabilities}, expected (batch, time, classes)"
        raise Mismatch("GG027", message, "the batch axis alone may be missing", about=0)
    if not target.dtype.startswith("int"):
        raise Mismatch("GG030", f"labels are integers, got {target.dtype}", 'declare {1} with dtype="int64"', about=1)
    *batch, time, classes = log_probabilities.shape
    if target.ndim != len(batch) + 1 or not sizes.same(target.shape[:-1], tuple(batch)):
        message = f"labels {target} do not fit log_probabilities {log_probabilities}"
        expected = sizes.shape_text((*batch, sizes.size("length")))
        raise Mismatch("GG020", message, f"expected {expected}: a row of labels for each sequence", about=1)
    for what, size, place in (("time steps", time, 0), ("labels", target.shape[-1], 1)):
        if not isinstance(size, int) or size < 1:
            message = f"the number of {what} is {sizes.text(size)}, and must be known"
            raise Mismatch(
                "GG027", message, "the sum over alignments is written out: give an int from 1 up", about=place
            )
    number = whole(blank)
    if number is None or number < 0 or (isinstance(classes, int) and number >= classes):
        message = f"blank is one of the {sizes.text(classes)} classes, got {brief(blank)}"
        raise Mismatch("GG005", message, "an int from 0 up: the class that stands for no label")
    return {"reduction": reduction, "blank": number, "zero_infinity": flag("zero_infinity", zero_infinity)}


@composite(
    canonical=_ctc,
    places=True,
    formula="y = mean(-log(sum(prod(p[t, path[t]] for t) for path in alignments(target))) / length);"
    " p = exp(log_probabilities)",
    origin="torch.nn.functional.ctc_loss; Graves et al., Connectionist temporal classification (2006), equations 6 to 8",
    note="state 2*i + 1 stands for label i, the others for blanks; -1e30 is log(0)",
    examples=(example(("n", 2, 3), integers("n", 1), blank=2),),
)
def ctc(
    log_probabilities: Any,
    target: Any,
    /,
    *,
    reduction: Any = "mean",
    blank: Any = 0,
    zero_infinity: Any = False,
) -> Any:
    """Connectionist temporal classification: minus the logarithm of the probability of all alignments with the labels.

    Log-probabilities, as log_softmax answers, have the axes (batch, time, classes), labels (batch, length); all
    sequences are of one length, and so are all labels. The mean is that of the losses divided by the number of labels.
    Where no alignment is possible the loss is infinite, or 0 with zero_infinity=True, and passes no gradient.
    """
    length, time = target.shape[-1], log_probabilities.shape[-2]
    extended = _with_blanks(target, blank)
    shape = (*log_probabilities.shape[:-1], 2 * length + 1)
    states = ops.broadcast_to(ops.expand_dims(extended, axis=-2), shape=shape, name="states")
    emitted = ops.take_along_axis(log_probabilities, states, axis=-1, name="each")
    emitted = ops.maximum(emitted, IMPOSSIBLE, name="emitted")
    skips = ops.not_equal(extended, _padded(extended[..., :-2], 2, 0, blank), name="skips")
    alpha = emitted[..., 0, :2]
    for step in range(1, time):  # two impossible states before the first keep the slices of one length
        before = _padded(alpha, 2, 2 * length - 1 if step == 1 else 0, IMPOSSIBLE, name=f"before{step}")
        stay = _sliced(before, 2, None, name=f"stay{step}")
        advance = _sliced(before, 1, -1, name=f"advance{step}")
        onward = ops.logaddexp(stay, advance, name=f"onward{step}")
        skipping = ops.where(skips, before[..., :-2], IMPOSSIBLE, name=f"skip{step}")
        alpha = ops.add(emitted[..., step, :], ops.logaddexp(onward, skipping), name=f"alpha{step}")
    if time == 1:
        alpha = _padded(alpha, 0, 2 * length - 1, IMPOSSIBLE)
    total = ops.logaddexp(_at(alpha, -1, "on_blank"), _at(alpha, -2, "on_label"), name="total")
    never = ops.less(total, IMPOSSIBLE / 2, name="never")
    values = ops.where(never, 0.0 if zero_infinity else math.inf, -total)
    return reduced(values / length if reduction == "mean" and length > 1 else values, reduction)


def _with_blanks(labels: Any, blank: int) -> Any:
    """Labels with a blank before each, and one at the end."""
    *batch, length = labels.shape
    pairs = _padded(ops.expand_dims(labels, axis=-1), 1, 0, blank)
    row = ops.reshape(pairs, shape=(*batch, 2 * length))
    return _padded(row, 0, 1, blank, name="extended")


def _sliced(x: Any, start: int, stop: int | None, name: str) -> Any:
    """A slice of the last axis."""
    return ops.getitem(x, key=(*(FULL,) * (x.ndim - 1), (start, stop, None)), name=name)


def _at(x: Any, place: int, name: str) -> Any:
    """One place of the last axis."""
    return ops.getitem(x, key=(*(FULL,) * (x.ndim - 1), place), name=name)


def _padded(x: Any, before: int, after: int, value: float, name: str | None = None) -> Any:
    """x with a value before and after its last axis."""
    width = (*((0, 0),) * (x.ndim - 1), (before, after))
    return ops.pad(x, pad_width=width, constant_values=value, name=name)
