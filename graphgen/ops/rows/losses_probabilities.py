"""Losses of probabilities, and of their logarithms: composites over primitives."""

from __future__ import annotations

import math
from typing import Any

from graphgen import ops
from graphgen.ops.axes import flag
from graphgen.ops.reducing import (
    REDUCTIONS,
    check_floats,
    check_pair,
    check_reduction,
    check_weight,
    reduced,
    rows_axis,
)
from graphgen.ops.table import Mismatch, Type, composite, example

LEAST_LOGARITHM = -100.0  # torch's bound in bce


def _binary(prediction: Type, target: Type, /, *weights: Type, reduction: Any) -> dict[str, Any]:
    check_reduction(reduction)
    check_pair(prediction, target)
    check_floats(prediction, target, *weights)
    for place, (name, each) in enumerate(zip(("weight", "pos_weight"), weights, strict=False), start=2):
        check_weight(name, each, prediction.shape, place)
    return {"reduction": reduction}


@composite(
    canonical=_binary,
    optional=1,
    formula="y = mean(-weight*(target*log(prediction) + (1 - target)*log(1 - prediction)))",
    origin="torch.nn.functional.binary_cross_entropy",
    examples=(example(("m", "n"), ("m", "n")), example(("m", "n"), ("m", "n"), ("n",))),
)
def bce(prediction: Any, target: Any, weight: Any = None, /, *, reduction: Any = "mean") -> Any:
    """Binary cross entropy; prediction and target hold probabilities, and weights broadcast to them.

    As in torch no logarithm is below -100, so that the loss is finite at 0 and 1; one that would be is a constant, and
    passes no gradient. bce_with_logits needs no such bound, and loses no digits.
    """
    log_share, log_rest = _bounded_log(prediction), _bounded_log(ops.subtract(1, prediction, name="rest"))
    values = -(target * log_share + (1 - target) * log_rest)
    return reduced(values if weight is None else weight * values, reduction)


def _bounded_log(probability: Any) -> Any:
    # Asked this way round, nan is not taken for something small.
    tiny = ops.less_equal(probability, math.exp(LEAST_LOGARITHM), name="tiny")
    return ops.where(tiny, LEAST_LOGARITHM, ops.log(probability), name="log")


def _with_weights(
    logits: Any, target: Any, weight: Any = None, pos_weight: Any = None, **attributes: Any
) -> tuple[list[Any], dict[str, Any]]:
    """Operands and attributes of a call: a weight that is missing before pos_weight is 1."""
    operands = [logits, target]
    if weight is not None or pos_weight is not None:
        operands.append(1.0 if weight is None else weight)
    return (operands if pos_weight is None else [*operands, pos_weight]), attributes


@composite(
    canonical=_binary,
    call=_with_weights,
    optional=2,
    formula="y = mean(weight*((1 - target)*logits + (1 + (pos_weight - 1)*target)*softplus(-logits)))",
    origin="torch.nn.functional.binary_cross_entropy_with_logits",
    examples=(
        example(("m", "n"), ("m", "n")),
        example(("m", "n"), ("m", "n"), ("m", 1)),
        example(("m", "n"), ("m", "n"), (), ("n",)),
    ),
)
def bce_with_logits(
    logits: Any, target: Any, weight: Any = None, pos_weight: Any = None, /, *, reduction: Any = "mean"
) -> Any:
    """Binary cross entropy of sigmoid(logits); the target holds probabilities.

    `weight` and `pos_weight` broadcast to the logits; `pos_weight` weighs positive targets alone.
    """
    line, smooth = (1 - target) * logits, ops.softplus(-logits)
    values = line + (smooth if pos_weight is None else (1 + (pos_weight - 1) * target) * smooth)
    weighed = weight is not None and not weight._is_literal(1.0)
    return reduced(weight * values if weighed else values, reduction)


def _divergence(log_prediction: Type, target: Type, /, *, reduction: Any, log_target: Any) -> dict[str, Any]:
    check_reduction(reduction, (*REDUCTIONS, "batchmean"))
    check_pair(log_prediction, target, ("log_prediction", "target"))
    if reduction == "batchmean" and not target.ndim:
        raise Mismatch("GG027", "batchmean divides by the size of axis 0, and a scalar has none", 'use "sum"', about=0)
    return {"reduction": reduction, "log_target": flag("log_target", log_target)}


@composite(
    canonical=_divergence,
    formula="y = mean(target*(log(target) - log_prediction))",
    origin="torch.nn.functional.kl_div; S. Kullback and R. A. Leibler, On information and sufficiency (1951)",
    examples=(
        example(("m", "n"), ("m", "n"), log_target=True),
        example(("m", "n"), ("m", "n"), reduction="batchmean", log_target=True),
    ),
)
def kl_div(log_prediction: Any, target: Any, /, *, reduction: Any = "mean", log_target: Any = False) -> Any:
    """Kullback-Leibler divergence of predicted probabilities, given by their logarithms, from the target's.

    With log_target=True the target holds logarithms too. The mean is over all elements; "batchmean", the divergence by
    its definition, is the sum divided by the size of axis 0. A target of 0 adds 0.
    """
    if log_target:
        values = ops.exp(target, name="share") * (target - log_prediction)
    else:
        values = ops.xlogy(target, target) - target * log_prediction
    if reduction == "batchmean":
        return ops.sum(values) / target.shape[0]
    return reduced(values, reduction)


def _distributions(prediction: Type, target: Type, /, *, reduction: Any, axis: Any) -> dict[str, Any]:
    check_reduction(reduction)
    check_pair(prediction, target)
    return {"reduction": reduction, "axis": rows_axis("distributions need an axis of classes", prediction, axis)}


@composite(
    canonical=_distributions,
    formula="y = mean(sqrt(sum((sqrt(prediction[i]) - sqrt(target[i]))**2 for i along axis) / 2))",
    origin="E. Hellinger, Neue Begründung der Theorie quadratischer Formen (1909)",
    examples=(example(("m", "n"), ("m", "n")),),
)
def hellinger(prediction: Any, target: Any, /, *, reduction: Any = "mean", axis: Any = -1) -> Any:
    """Hellinger distance of distributions along an axis, between 0 and 1.

    A probability of 0 gets no gradient, where that of a square root is infinite; nor do equal distributions.
    """
    roots = [
        ops.where(ops.greater(each, 0.0, name="above"), ops.sqrt(each), 0.0, name="root")
        for each in (prediction, target)
    ]
    difference = ops.subtract(*roots, name="difference")
    return reduced(math.sqrt(0.5) * ops.norm(difference, axis=axis), reduction)
