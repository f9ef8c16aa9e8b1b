"""Losses: composites over primitives. `reduction` is "mean" (the default), "sum" or "none", as in torch.nn.functional."""

from __future__ import annotations

from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.rows.softmax import SHIFT, shifted
from graphgen.ops.table import Mismatch, Type, composite, example, integers


def _reduced(values: Any, reduction: str) -> Any:
    if reduction == "none":
        return values
    return ops.mean(values) if reduction == "mean" else ops.sum(values)


def _check_reduction(reduction: Any) -> None:
    if not isinstance(reduction, str) or reduction not in ("mean", "sum", "none"):
        raise Mismatch("GG005", f"unknown reduction {brief(reduction)}", 'one of "mean", "sum", "none"')


def _same_shapes(prediction: Type, target: Type, /, *, reduction: Any) -> dict[str, Any]:
    _check_reduction(reduction)
    for place, each in enumerate((prediction, target)):
        if each.dtype != "float":
            raise Mismatch(
                "GG031",
                f"needs floats, got {each.dtype}",
                'declare it with dtype="float64", or ops.cast it',
                about=place,
            )
    if not sizes.same(prediction.shape, target.shape):
        remedy = "reshape one of them: a loss that broadcasts compares every row with every other"
        raise Mismatch("GG020", f"prediction and target differ in shape: {prediction} and {target}", remedy, about=1)
    return {"reduction": reduction}


@composite(
    canonical=_same_shapes,
    formula="y = mean((prediction - target)**2)",
    origin="torch.nn.functional.mse_loss",
    examples=(example(("m", "n"), ("m", "n")),),
)
def mse(prediction: Any, target: Any, /, *, reduction: Any = "mean") -> Any:
    """Mean squared error."""
    return _reduced(ops.square(ops.subtract(prediction, target, name="error")), reduction)


def _logits(logits: Type, target: Type, /, *, reduction: Any) -> dict[str, Any]:
    _check_reduction(reduction)
    if logits.dtype != "float":
        raise Mismatch(
            "GG031", f"logits are floats, got {logits.dtype}", 'convert with ops.cast({0}, "float")', about=0
        )
    if not logits.ndim:
        raise Mismatch(
            "GG027", "logits need an axis of classes, got a scalar", "the last axis holds the classes", about=0
        )
    labels = target.dtype.startswith("int")
    expected = logits.shape[:-1] if labels else logits.shape
    if target.dtype == "bool":
        raise Mismatch("GG030", "the target is bool", "give integer labels, or probabilities as floats", about=1)
    if not sizes.same(target.shape, expected):
        kind = "labels" if labels else "probabilities"
        other = ' (labels are declared with dtype="int64")' if not labels and target.ndim < logits.ndim else ""
        raise Mismatch(
            "GG020",
            f"{kind} {target} do not fit logits {logits}",
            f"expected {sizes.shape_text(expected)}{other}",
            about=1,
        )
    return {"reduction": reduction}


@composite(
    canonical=_logits,
    places=True,
    formula="y = mean(-log(softmax(logits)[target]))",
    note=SHIFT,
    examples=(example(("m", "n"), integers("m")),),
)
def cross_entropy(logits: Any, target: Any, /, *, reduction: Any = "mean") -> Any:
    """Cross entropy of softmax(logits) over the last axis; the target holds integer labels, or probabilities."""
    from_maximum = shifted(logits, (logits.ndim - 1,))
    total = ops.sum(ops.exp(from_maximum, name="exp"), axis=-1, keepdims=True, name="total")
    if target.dtype.startswith("int"):
        index = ops.expand_dims(target, axis=-1, name="index")
        picked = ops.take_along_axis(from_maximum, index, axis=-1, name="picked")
        values = ops.squeeze(ops.subtract(ops.log(total), picked, name="each"), axis=-1)
    else:
        values = ops.sum(target * ops.subtract(ops.log(total), from_maximum), axis=-1)
    return _reduced(values, reduction)


@composite(
    canonical=_same_shapes,
    formula="y = mean((1 - target)*logits + softplus(-logits))",
    origin="torch.nn.functional.binary_cross_entropy_with_logits",
    examples=(example(("m", "n"), ("m", "n")),),
)
def bce_with_logits(logits: Any, target: Any, /, *, reduction: Any = "mean") -> Any:
    """Binary cross entropy of sigmoid(logits); the target holds probabilities."""
    return _reduced((1 - target) * logits + ops.softplus(-logits), reduction)


@composite(
    canonical=_same_shapes,
    formula="y = mean(maximum(1 - target*prediction, 0))",
    origin="sklearn.metrics.hinge_loss",
    examples=(example(("m", "n"), ("m", "n")),),
)
def hinge(prediction: Any, target: Any, /, *, reduction: Any = "mean") -> Any:
    """Hinge loss; the target holds -1 and 1."""
    return _reduced(ops.relu(1 - target * prediction), reduction)
