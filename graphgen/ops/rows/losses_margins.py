"""Losses that ask for a margin, and are 0 where it is kept: composites over primitives."""

from __future__ import annotations

import math
from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import flag
from graphgen.ops.reducing import check_floats, check_pair, check_reduction, number, reduced, rows_axis
from graphgen.ops.table import Mismatch, Type, composite, example, integers


def _pair(prediction: Type, target: Type, /, *, reduction: Any) -> dict[str, Any]:
    check_reduction(reduction)
    check_pair(prediction, target)
    return {"reduction": reduction}


@composite(
    canonical=_pair,
    formula="y = mean(maximum(1 - target*prediction, 0))",
    origin="sklearn.metrics.hinge_loss",
    examples=(example(("m", "n"), ("m", "n")),),
)
def hinge(prediction: Any, target: Any, /, *, reduction: Any = "mean") -> Any:
    """Hinge loss; the target holds -1 and 1."""
    return reduced(ops.relu(1 - target * prediction), reduction)


@composite(
    canonical=_pair,
    formula="y = mean(maximum(1 - target*prediction, 0)**2)",
    origin='keras.losses.squared_hinge; sklearn.svm.LinearSVC(loss="squared_hinge")',
    examples=(example(("m", "n"), ("m", "n")),),
)
def squared_hinge(prediction: Any, target: Any, /, *, reduction: Any = "mean") -> Any:
    """Square of the hinge loss, which has no kink; the target holds -1 and 1."""
    return reduced(ops.square(ops.relu(1 - target * prediction, name="within")), reduction)


def _cosine(x1: Type, x2: Type, target: Type, /, *, reduction: Any, margin: Any) -> dict[str, Any]:
    check_reduction(reduction)
    check_pair(x1, x2, ("x1", "x2"))
    rows_axis("vectors need an axis of features", x1, -1)
    if target.dtype == "bool":
        raise Mismatch("GG030", "the target is bool", "it holds 1 for pairs that are alike, -1 for others", about=2)
    if not sizes.same(target.shape, x1.shape[:-1]):
        message = f"target {target} does not fit vectors {x1}"
        raise Mismatch("GG020", message, f"expected {sizes.shape_text(x1.shape[:-1])}", about=2)
    return {"reduction": reduction, "margin": number("margin", margin, -1.0, most=1.0)}


@composite(
    canonical=_cosine,
    formula="y = mean(1 - c if target > 0 else maximum(0, c - margin)); c = sum(x1*x2) / (norm(x1)*norm(x2))",
    origin="torch.nn.functional.cosine_embedding_loss",
    examples=(example(("m", "n"), ("m", "n"), integers("m")), example(("m", "n"), ("m", "n"), ("m",), margin=-0.5)),
)
def cosine_embedding(x1: Any, x2: Any, target: Any, /, *, reduction: Any = "mean", margin: Any = 0.0) -> Any:
    """Asks vectors of the last axis to point the same way where the target is 1, and apart where it is -1.

    The cosine with a vector of length 0 is 0, and passes no gradient; torch adds 1e-12 to squared lengths instead.
    """
    units = [ops.quotient(x, ops.norm(x, axis=-1, keepdims=True, name="norm"), name="unit") for x in (x1, x2)]
    cosine = ops.sum(units[0] * units[1], axis=-1, name="cosine")
    return reduced(ops.where(target > 0, 1 - cosine, ops.relu(cosine - margin)), reduction)


def _triplet(
    anchor: Type, positive: Type, negative: Type, /, *, reduction: Any, margin: Any, p: Any, eps: Any, swap: Any
) -> dict[str, Any]:
    check_reduction(reduction)
    check_pair(anchor, positive, ("anchor", "positive"))
    check_floats(anchor, positive, negative)
    if not sizes.same(anchor.shape, negative.shape):
        help = "each anchor has one vector that it should be near, and one that it should be far from"
        message = f"anchor and negative differ in shape: {anchor} and {negative}"
        raise Mismatch("GG020", message, help, about=2)
    rows_axis("vectors need an axis of features", anchor, -1)
    infinite = isinstance(p, float) and p == math.inf
    if not infinite and (isinstance(p, bool) or not isinstance(p, (int, float)) or not p > 0):
        raise Mismatch("GG005", f"p is a number above 0, got {brief(p)}", "2 is the length, 1 the sum of magnitudes")
    return {
        "reduction": reduction,
        "margin": number("margin", margin, 0.0, above=True),
        "p": p if infinite else float(p),
        "eps": number("eps", eps, 0.0),
        "swap": flag("swap", swap),
    }


@composite(
    canonical=_triplet,
    formula="y = mean(maximum(0, margin + norm(anchor - positive + eps) - norm(anchor - negative + eps)))",
    origin="torch.nn.functional.triplet_margin_loss; Balntas et al., Learning local feature descriptors with triplets"
    " and shallow convolutional neural networks (2016)",
    examples=(
        example(("m", "n"), ("m", "n"), ("m", "n"), eps=0.375),
        example(("m", "n"), ("m", "n"), ("m", "n"), p=1, swap=True),
    ),
)
def triplet_margin(
    anchor: Any,
    positive: Any,
    negative: Any,
    /,
    *,
    reduction: Any = "mean",
    margin: Any = 1.0,
    p: Any = 2.0,
    eps: Any = 1e-6,
    swap: Any = False,
) -> Any:
    """Asks each anchor to be nearer to its positive than to its negative, by the margin, in the p-norm of the last axis.

    With swap=True the positive's distance from the negative counts where it is smaller than the anchor's.
    """

    def distance(one: Any, other: Any, name: str) -> Any:
        return ops.norm(ops.add(ops.subtract(one, other), eps, name=f"{name}_gap"), ord=p, axis=-1, name=name)

    near, far = distance(anchor, positive, "near"), distance(anchor, negative, "far")
    if swap:
        far = ops.minimum(far, distance(positive, negative, "between"), name="nearer")
    return reduced(ops.relu(margin + near - far, name="over"), reduction)
