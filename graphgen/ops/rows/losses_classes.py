"""Losses of classes, one of which is each row's label: composites over primitives.

torch has the classes on axis 1; here they are on the last, as features are, unless `axis` says another.
"""

from __future__ import annotations

from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import whole, without
from graphgen.ops.reducing import check_reduction, number, reduced, rows_axis
from graphgen.ops.rows.softmax import SHIFT, shifted
from graphgen.ops.table import Mismatch, Type, composite, example, integers


def _scores(what: str, scores: Type, axis: Any) -> int:
    """The axis of classes; raises `Mismatch` unless the scores are floats and have it."""
    if scores.dtype != "float":
        message = f"{what} are floats, got {scores.dtype}"
        raise Mismatch("GG031", message, 'convert with ops.cast({0}, "float")', about=0)
    return rows_axis(f"{what} need an axis of classes", scores, axis)


def _check_labels(what: str, scores: Type, target: Type, axis: int) -> None:
    """Raise `Mismatch` unless there is an integer for each row of scores."""
    if not target.dtype.startswith("int"):
        help = 'declare {1} with dtype="int64"'
        raise Mismatch("GG030", f"labels are integers, got {target.dtype}", help, about=1)
    expected = without(scores.shape, (axis % scores.ndim,))
    if not sizes.same(target.shape, expected):
        message = f"labels {target} do not fit {what} {scores}"
        raise Mismatch("GG020", message, f"expected {sizes.shape_text(expected)}", about=1)


def _check_weight(what: str, scores: Type, weight: tuple[Type, ...], axis: int) -> None:
    for each in weight:
        if not sizes.same(each.shape, (scores.shape[axis],)):
            message = f"weight {each} does not fit {what} {scores}"
            help = f"one for each class, of shape {sizes.shape_text((scores.shape[axis],))}"
            raise Mismatch("GG020", message, help, about=2)


def _ignored(ignore_index: Any) -> int | None:
    if ignore_index is None:
        return None
    found = whole(ignore_index)
    if found is None:
        help = "the label of rows that do not count, such as -100, or None if all do"
        raise Mismatch("GG005", f"ignore_index is an int or None, got {brief(ignore_index)}", help)
    return found


def _label(target: Any, ignore_index: int | None) -> tuple[Any, Any]:
    """Labels that can be picked, and which of them count; None if all do."""
    if ignore_index is None:
        return target, None
    kept = ops.not_equal(target, ignore_index, name="kept")
    return ops.where(kept, target, 0, name="label"), kept


def _floats(weight: Any) -> Any:
    return weight if weight.dtype == "float" else ops.cast(weight, dtype="float")


def _along(weight: Any, axis: int, ndim: int) -> Any:
    """Weights of classes as they broadcast to scores."""
    after = tuple(range(1, ndim - axis % ndim))
    return ops.expand_dims(_floats(weight), axis=after) if after else _floats(weight)


def _weights(weight: Any, label: Any) -> Any:
    """The weight of each row, that of its label."""
    return None if weight is None else ops.take(_floats(weight), label, axis=0, name="weight")


def _picked(scores: Any, label: Any, axis: int) -> Any:
    """The score of each row's label; the axis of classes keeps size 1."""
    index = ops.expand_dims(label, axis=axis, name="index")
    return ops.take_along_axis(scores, index, axis=axis, name="picked")


def _averaged(values: Any, weights: Any, kept: Any, reduction: str) -> Any:
    """Values of the rows that are kept, and their mean by weights."""
    if kept is not None:
        values = ops.where(kept, values, 0.0)
    if reduction != "mean" or (weights is None and kept is None):
        return reduced(values, reduction)
    if kept is not None:
        weights = ops.cast(kept, dtype="float") if weights is None else ops.where(kept, weights, 0.0)
    return ops.divide(ops.sum(values), ops.sum(weights, name="count"))


def _cross_entropy(
    logits: Type,
    target: Type,
    /,
    *weight: Type,
    reduction: Any,
    axis: Any,
    ignore_index: Any,
    label_smoothing: Any,
) -> dict[str, Any]:
    check_reduction(reduction)
    axis = _scores("logits", logits, axis)
    ignored = _ignored(ignore_index)
    if target.dtype == "bool":
        raise Mismatch("GG030", "the target is bool", "give integer labels, or probabilities as floats", about=1)
    if target.dtype == "float":
        if not sizes.same(target.shape, logits.shape):
            labels = ' (labels are declared with dtype="int64")' if target.ndim < logits.ndim else ""
            message = f"probabilities {target} do not fit logits {logits}"
            raise Mismatch("GG020", message, f"expected {sizes.shape_text(logits.shape)}{labels}", about=1)
        if ignored is not None:
            message = "ignore_index is a label, and the target holds probabilities"
            raise Mismatch("GG005", message, "leave it out, or give integer labels", about=1)
    else:
        _check_labels("logits", logits, target, axis)
    _check_weight("logits", logits, weight, axis)
    smoothing = number("label_smoothing", label_smoothing, 0.0, most=1.0)
    return {"reduction": reduction, "axis": axis, "ignore_index": ignored, "label_smoothing": smoothing}


@composite(
    canonical=_cross_entropy,
    optional=1,
    places=True,
    formula="y = mean(-log(softmax(logits)[target]))",
    origin="torch.nn.functional.cross_entropy; label smoothing: Szegedy et al., Rethinking the inception architecture"
    " for computer vision (2016), section 7",
    note=SHIFT,
    examples=(
        example(("m", "n"), integers("m")),
        example(("m", "n"), ("m", "n"), label_smoothing=0.1),
        example(("n", 3), integers("n"), ignore_index=1),
        example((3, "n"), integers("n"), (3,), axis=0, label_smoothing=0.25),
    ),
)
def cross_entropy(
    logits: Any,
    target: Any,
    weight: Any = None,
    /,
    *,
    reduction: Any = "mean",
    axis: Any = -1,
    ignore_index: Any = None,
    label_smoothing: Any = 0.0,
) -> Any:
    """Cross entropy of softmax(logits) over an axis, the last unless said; the target holds labels, or probabilities.

    `weight` has a number for each class. `label_smoothing` is the share of the target that is spread evenly over all
    classes. Labels are integers; rows labelled `ignore_index` do not count. Of labels the mean is over the weights of
    those that count (without any it is nan), of probabilities over all rows.
    """
    from_maximum = shifted(logits, (axis,))
    total = ops.sum(ops.exp(from_maximum, name="exp"), axis=axis, keepdims=True, name="total")
    if target.dtype == "float":
        return reduced(_of_probabilities(from_maximum, total, target, weight, axis, label_smoothing), reduction)
    label, kept = _label(target, ignore_index)
    weights = _weights(weight, label)
    values = _of_labels(from_maximum, total, label, weight, weights, axis, label_smoothing)
    return _averaged(values, weights, kept, reduction)


def _of_probabilities(from_maximum: Any, total: Any, target: Any, weight: Any, axis: int, smoothing: float) -> Any:
    """The cross entropy of each row with its target."""
    if smoothing:
        target = ops.add((1 - smoothing) * target, smoothing / _count(target, axis), name="target")
    each = target * ops.subtract(ops.log(total), from_maximum)
    if weight is not None:
        each = _along(weight, axis, target.ndim) * each
    return ops.sum(each, axis=axis)


def _of_labels(
    from_maximum: Any, total: Any, label: Any, weight: Any, weights: Any, axis: int, smoothing: float
) -> Any:
    """The cross entropy of each row with its label; `weights` are those of the labels."""
    picked = _picked(from_maximum, label, axis)
    if weight is None and smoothing:
        spread = ops.mean(from_maximum, axis=axis, keepdims=True, name="spread")
        picked = (1 - smoothing) * picked + smoothing * spread
    values = ops.squeeze(ops.subtract(ops.log(total), picked, name="each"), axis=axis)
    if weight is None:
        return values
    values = weights * values
    if smoothing:
        others = _along(weight, axis, from_maximum.ndim) * ops.subtract(ops.log(total), from_maximum)
        values = (1 - smoothing) * values + smoothing * ops.mean(others, axis=axis, name="spread")
    return values


def _count(x: Any, axis: int) -> Any:
    """The number of classes, as a value."""
    size = x.shape[axis]
    return size if isinstance(size, int) else x._apply("size", (), {"size": size}, "classes")


def _nll(
    log_probabilities: Type, target: Type, /, *weight: Type, reduction: Any, axis: Any, ignore_index: Any
) -> dict[str, Any]:
    check_reduction(reduction)
    axis = _scores("log_probabilities", log_probabilities, axis)
    _check_labels("log_probabilities", log_probabilities, target, axis)
    _check_weight("log_probabilities", log_probabilities, weight, axis)
    return {"reduction": reduction, "axis": axis, "ignore_index": _ignored(ignore_index)}


@composite(
    canonical=_nll,
    optional=1,
    places=True,
    formula="y = mean(-log_probabilities[target])",
    origin="torch.nn.functional.nll_loss",
    examples=(
        example(("m", "n"), integers("m")),
        example(("n", 3), integers("n"), ignore_index=1),
        example((3, "n"), integers("n"), (3,), axis=0),
    ),
)
def nll(
    log_probabilities: Any,
    target: Any,
    weight: Any = None,
    /,
    *,
    reduction: Any = "mean",
    axis: Any = -1,
    ignore_index: Any = None,
) -> Any:
    """Minus the logarithm of each label's probability: cross_entropy of what log_softmax answers, with its keywords."""
    label, kept = _label(target, ignore_index)
    values = -ops.squeeze(_picked(log_probabilities, label, axis), axis=axis)
    weights = _weights(weight, label)
    return _averaged(values if weights is None else weights * values, weights, kept, reduction)


def _multi_margin(scores: Type, target: Type, /, *weight: Type, reduction: Any, p: Any, margin: Any) -> dict[str, Any]:
    check_reduction(reduction)
    axis = _scores("scores", scores, -1)
    _check_labels("scores", scores, target, axis)
    _check_weight("scores", scores, weight, axis)
    power = int(p) if isinstance(p, float) and p.is_integer() else whole(p)
    if power not in (1, 2):
        raise Mismatch("GG005", f"p is 1 or 2, got {brief(p)}", "2 squares what is within the margin")
    return {"reduction": reduction, "p": power, "margin": number("margin", margin)}


@composite(
    canonical=_multi_margin,
    optional=1,
    places=True,
    formula="y = mean(sum(maximum(0, margin - scores[target] + scores[k])**p for k != target) / n)",
    origin="torch.nn.functional.multi_margin_loss; Crammer and Singer, On the algorithmic implementation of multiclass"
    " kernel-based vector machines (2001)",
    examples=(
        example(("m", "n"), integers("m")),
        example(("n", 3), integers("n"), (3,), p=2, margin=2.5),
    ),
)
def multi_margin(
    scores: Any, target: Any, weight: Any = None, /, *, reduction: Any = "mean", p: Any = 1, margin: Any = 1.0
) -> Any:
    """By how much other classes' scores come within the margin of the label's, to the power of `p`, 1 or 2.

    The sum over the other classes is divided by the number of all; rows are weighed by their label's weight.
    """
    index = ops.expand_dims(target, axis=-1, name="index")
    picked = ops.take_along_axis(scores, index, axis=-1, name="picked")
    classes = scores._apply("arange", (), {"size": scores.shape[-1]}, "classes")
    others = ops.not_equal(index if index.dtype == "int64" else ops.cast(index, dtype="int64"), classes, name="others")
    within = ops.where(others, ops.relu(margin - picked + scores, name="within"), 0.0)
    values = ops.mean(within if p == 1 else ops.square(within), axis=-1)
    return reduced(values if weight is None else _weights(weight, target) * values, reduction)
