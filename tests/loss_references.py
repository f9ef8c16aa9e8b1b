"""What losses are, in NumPy and loops, from their definitions: nothing here is shifted, guarded or fast."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np


def _reduced(values: Any, reduction: str) -> Any:
    reduce: dict[str, Callable[[Any], Any]] = {"mean": np.mean, "sum": np.sum, "none": np.asarray}
    return reduce[reduction](values)


def mse(x: Any, t: Any, reduction: str = "mean") -> Any:
    return _reduced((x - t) ** 2, reduction)


def l1(x: Any, t: Any, reduction: str = "mean") -> Any:
    return _reduced(np.maximum(x - t, t - x), reduction)


def huber(x: Any, t: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    def value(error: float) -> float:
        return error**2 / 2 if abs(error) <= delta else delta * (abs(error) - delta / 2)

    return _reduced(np.vectorize(value, otypes=[float])(x - t), reduction)


def smooth_l1(x: Any, t: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    return huber(x, t, reduction, beta) / beta if beta else l1(x, t, reduction)


def poisson_nll(
    x: Any, t: Any, reduction: str = "mean", log_input: bool = True, full: bool = False, eps: float = 1e-8
) -> Any:
    rate, logarithm = (np.exp(x), x) if log_input else (x, np.log(x + eps))
    values = rate - t * logarithm
    if full:
        many = np.where(t > 1, t, np.e)
        values = values + np.where(t > 1, many * np.log(many) - many + np.log(2 * np.pi * many) / 2, 0.0)
    return _reduced(values, reduction)


def gaussian_nll(x: Any, t: Any, var: Any, reduction: str = "mean", full: bool = False, eps: float = 1e-6) -> Any:
    if 0 < np.ndim(var) < np.ndim(x):
        var = var[..., None]
    var = np.where(var < eps, eps, var)
    values = -np.log(np.exp(-((x - t) ** 2) / (2 * var)) / np.sqrt(2 * np.pi * var))
    return _reduced(values if full else values - math.log(2 * math.pi) / 2, reduction)


def bce(x: Any, t: Any, weight: Any = 1.0, reduction: str = "mean") -> Any:
    def logarithm(p: float) -> float:
        return -100.0 if p < math.exp(-100) else math.log(p)

    of = np.vectorize(logarithm, otypes=[float])
    return _reduced(-weight * (t * of(x) + (1 - t) * of(1 - x)), reduction)


def bce_with_logits(x: Any, t: Any, weight: Any = None, pos_weight: Any = None, reduction: str = "mean") -> Any:
    share = 1 / (1 + np.exp(-x))
    positive = t * np.log(share) * (1.0 if pos_weight is None else pos_weight)
    values = -(positive + (1 - t) * np.log(1 - share))
    return _reduced(values if weight is None else values * weight, reduction)


def kl_div(x: Any, t: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    target = np.exp(t) if log_target else t
    values = np.where(target > 0, target * (np.log(np.where(target > 0, target, 1.0)) - x), 0.0)
    return values.sum() / len(x) if reduction == "batchmean" else _reduced(values, reduction)


def hellinger(x: Any, t: Any, reduction: str = "mean", axis: int = -1) -> Any:
    return _reduced(np.sqrt(((np.sqrt(x) - np.sqrt(t)) ** 2).sum(axis=axis) / 2), reduction)


def _rows(x: Any, t: Any, axis: int) -> tuple[list[np.ndarray], list[Any], tuple[int, ...]]:
    """Each row of scores, its target, and the shape of what there is for each."""
    moved = np.moveaxis(x, axis, -1)
    targets = np.moveaxis(t, axis, -1) if t.ndim == x.ndim else t
    shape = moved.shape[:-1]
    return [moved[at] for at in np.ndindex(shape)], [targets[at] for at in np.ndindex(shape)], shape


def _per_class(weight: Any, count: int) -> Any:
    return np.ones(count) if weight is None else weight


def cross_entropy(
    x: Any,
    t: Any,
    weight: Any = None,
    reduction: str = "mean",
    axis: int = -1,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Any:
    rows, targets, shape = _rows(x, t, axis)
    count = x.shape[axis]
    weights = _per_class(weight, count)
    values, shares = [], []
    for row, target in zip(rows, targets, strict=True):
        logarithms = np.log(np.exp(row) / np.exp(row).sum())
        soft = target if t.ndim == x.ndim else np.eye(count)[target if target != ignore_index else 0]
        smooth = (1 - label_smoothing) * soft + label_smoothing / count
        kept = t.ndim == x.ndim or target != ignore_index
        values.append(-(weights * smooth * logarithms).sum() * kept)
        shares.append((weights[target] * kept) if t.ndim < x.ndim and kept else float(kept))
    if reduction == "mean":
        return sum(values) / sum(shares)
    return _reduced(np.reshape(values, shape), reduction)


def nll(
    x: Any, t: Any, weight: Any = None, reduction: str = "mean", axis: int = -1, ignore_index: int | None = None
) -> Any:
    rows, targets, shape = _rows(x, t, axis)
    weights = _per_class(weight, x.shape[axis])
    pairs = list(zip(rows, targets, strict=True))
    values = [0.0 if target == ignore_index else -weights[target] * row[target] for row, target in pairs]
    if reduction == "mean":
        return sum(values) / sum(weights[target] for target in targets if target != ignore_index)
    return _reduced(np.reshape(values, shape), reduction)


def multi_margin(x: Any, t: Any, weight: Any = None, reduction: str = "mean", p: int = 1, margin: float = 1.0) -> Any:
    rows, targets, shape = _rows(x, t, -1)
    weights = _per_class(weight, x.shape[-1])
    values = [
        weights[target]
        * sum(max(0.0, margin - row[target] + each) ** p for place, each in enumerate(row) if place != target)
        / len(row)
        for row, target in zip(rows, targets, strict=True)
    ]
    return _reduced(np.reshape(values, shape), reduction)


def hinge(x: Any, t: Any, reduction: str = "mean") -> Any:
    return _reduced(np.where(t * x < 1, 1 - t * x, 0.0), reduction)


def squared_hinge(x: Any, t: Any, reduction: str = "mean") -> Any:
    return _reduced(np.where(t * x < 1, 1 - t * x, 0.0) ** 2, reduction)


def cosine_embedding(x1: Any, x2: Any, t: Any, reduction: str = "mean", margin: float = 0.0) -> Any:
    cosine = (x1 * x2).sum(axis=-1) / np.sqrt((x1**2).sum(axis=-1) * (x2**2).sum(axis=-1))
    return _reduced(np.where(t > 0, 1 - cosine, np.where(cosine > margin, cosine - margin, 0.0)), reduction)


def triplet_margin(
    anchor: Any,
    positive: Any,
    negative: Any,
    reduction: str = "mean",
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
) -> Any:
    def distance(one: Any, other: Any) -> Any:
        return (np.abs(one - other + eps) ** p).sum(axis=-1) ** (1 / p)

    far = distance(anchor, negative)
    if swap:
        far = np.minimum(far, distance(positive, negative))
    return _reduced(np.maximum(margin + distance(anchor, positive) - far, 0.0), reduction)


def ctc(x: Any, t: Any, reduction: str = "mean", blank: int = 0, zero_infinity: bool = False) -> Any:
    """Of all paths over the classes, those that are the labels once repeats are merged and blanks are left out."""
    *batch, time, classes = x.shape
    values = []
    for at in np.ndindex(tuple(batch)):
        total = 0.0
        for path in itertools.product(range(classes), repeat=time):
            merged = [label for label, _ in itertools.groupby(path) if label != blank]
            if merged == t[at].tolist():
                total += math.exp(sum(x[at][step, label] for step, label in enumerate(path)))
        values.append(-math.log(total) if total else 0.0 if zero_infinity else math.inf)
    found = np.reshape(values, tuple(batch))
    return _reduced(found / t.shape[-1] if reduction == "mean" else found, reduction)


LOSSES: dict[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        *(mse, l1, huber, smooth_l1, poisson_nll, gaussian_nll, bce, bce_with_logits, kl_div, hellinger),
        *(cross_entropy, nll, multi_margin, hinge, squared_hinge, cosine_embedding, triplet_margin, ctc),
    )
}
