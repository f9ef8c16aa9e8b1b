"""Losses of numbers: composites over primitives. `reduction` is "mean" (the default), "sum" or "none", as in torch.

The mean is over all elements, so that the gradient of each is divided by their number.
"""

from __future__ import annotations

import math
from typing import Any

from graphgen import ops, sizes
from graphgen.ops.axes import flag
from graphgen.ops.reducing import check_floats, check_pair, check_reduction, number, reduced
from graphgen.ops.table import Mismatch, Type, composite, example


def _pair(prediction: Type, target: Type, /, *, reduction: Any) -> dict[str, Any]:
    check_reduction(reduction)
    check_pair(prediction, target)
    return {"reduction": reduction}


@composite(
    canonical=_pair,
    formula="y = mean((prediction - target)**2)",
    origin="torch.nn.functional.mse_loss",
    examples=(example(("m", "n"), ("m", "n")),),
)
def mse(prediction: Any, target: Any, /, *, reduction: Any = "mean") -> Any:
    """Mean squared error."""
    return reduced(ops.square(ops.subtract(prediction, target, name="error")), reduction)


@composite(
    canonical=_pair,
    formula="y = mean(abs(prediction - target))",
    origin="torch.nn.functional.l1_loss",
    examples=(example(("m", "n"), ("m", "n")),),
)
def l1(prediction: Any, target: Any, /, *, reduction: Any = "mean") -> Any:
    """Mean absolute error; where prediction and target are equal its slope is 0."""
    return reduced(ops.abs(ops.subtract(prediction, target, name="error")), reduction)


def _bent(prediction: Any, target: Any, bound: float, slope: float) -> Any:
    """A parabola of the error up to `bound`, and on along its tangent, of this slope."""
    error = ops.subtract(prediction, target, name="error")
    size = ops.abs(error, name="size")
    near = ops.less(size, bound, name="near")
    square = 0.5 * slope / bound * ops.square(ops.where(near, error, 0.0, name="small"))
    line = size - 0.5 * bound
    return ops.where(near, square, line if slope == 1 else slope * line)


BENT = "large errors are not squared: none overflows"


def _huber(prediction: Type, target: Type, /, *, reduction: Any, delta: Any) -> dict[str, Any]:
    return {**_pair(prediction, target, reduction=reduction), "delta": number("delta", delta, 0.0, above=True)}


@composite(
    canonical=_huber,
    formula="y = mean(r**2 / 2 if abs(r) < delta else delta*(abs(r) - delta / 2)); r = prediction - target",
    origin="torch.nn.functional.huber_loss; P. J. Huber, Robust estimation of a location parameter (1964)",
    note=BENT,
    examples=(example(("m", "n"), ("m", "n")), example(("m", "n"), ("m", "n"), delta=2.25)),
)
def huber(prediction: Any, target: Any, /, *, reduction: Any = "mean", delta: Any = 1.0) -> Any:
    """Half the squared error where that is below `delta`, and a line from there on."""
    return reduced(_bent(prediction, target, delta, delta), reduction)


def _smooth(prediction: Type, target: Type, /, *, reduction: Any, beta: Any) -> dict[str, Any]:
    return {**_pair(prediction, target, reduction=reduction), "beta": number("beta", beta, 0.0)}


@composite(
    canonical=_smooth,
    formula="y = mean(r**2 / (2*beta) if abs(r) < beta else abs(r) - beta / 2); r = prediction - target",
    origin="torch.nn.functional.smooth_l1_loss; R. Girshick, Fast R-CNN (2015), equation 3",
    note=BENT,
    examples=(example(("m", "n"), ("m", "n")), example(("m", "n"), ("m", "n"), beta=2.25)),
)
def smooth_l1(prediction: Any, target: Any, /, *, reduction: Any = "mean", beta: Any = 1.0) -> Any:
    """The absolute error, with a parabola in place of the kink where it is below `beta`: huber, divided by it."""
    if beta == 0:
        return l1.expand(prediction, target, reduction=reduction)
    return reduced(_bent(prediction, target, beta, 1.0), reduction)


def _poisson(
    prediction: Type, target: Type, /, *, reduction: Any, log_input: Any, full: Any, eps: Any
) -> dict[str, Any]:
    attributes = _pair(prediction, target, reduction=reduction)
    flags = {"log_input": flag("log_input", log_input), "full": flag("full", full)}
    return {**attributes, **flags, "eps": number("eps", eps, 0.0)}


@composite(
    canonical=_poisson,
    formula="y = mean(exp(prediction) - target*prediction)",
    origin="torch.nn.functional.poisson_nll_loss",
    examples=(example(("m", "n"), ("m", "n")),),
)
def poisson_nll(
    prediction: Any,
    target: Any,
    /,
    *,
    reduction: Any = "mean",
    log_input: Any = True,
    full: Any = False,
    eps: Any = 1e-8,
) -> Any:
    """Minus the log-likelihood of counts: the prediction is the logarithm of their mean.

    With log_input=False it is the mean itself, to which `eps` is added in the logarithm. The part that depends on the
    target alone is left out, or, if `full`, put in by Stirling's formula for targets above 1.
    """
    if log_input:
        values = ops.exp(prediction, name="exp") - target * prediction
    else:
        values = prediction - target * ops.log(prediction + eps)
    if full:
        above = ops.greater(target, 1.0, name="above")
        stirling = target * ops.log(target) - target + 0.5 * ops.log(2 * math.pi * target)
        values = values + ops.where(above, stirling, 0.0, name="stirling")
    return reduced(values, reduction)


def _gaussian(prediction: Type, target: Type, var: Type, /, *, reduction: Any, full: Any, eps: Any) -> dict[str, Any]:
    attributes = _pair(prediction, target, reduction=reduction)
    check_floats(prediction, target, var)
    shape = prediction.shape
    if not any(sizes.same(var.shape, each) for each in ((), shape, shape[:-1], (*shape[:-1], 1)[: prediction.ndim])):
        help = "one for each element, or one for each row, with or without a last axis of size 1"
        raise Mismatch("GG020", f"var {var} does not fit the prediction {prediction}", help, about=2)
    return {**attributes, "full": flag("full", full), "eps": number("eps", eps, 0.0, above=True)}


@composite(
    canonical=_gaussian,
    formula="y = mean((log(v) + (prediction - target)**2 / v) / 2); v = maximum(var, eps)",
    origin="torch.nn.functional.gaussian_nll_loss; Nix and Weigend, Estimating the mean and variance of the target"
    " probability distribution (1994)",
    examples=(example(("m", "n"), ("m", "n"), ("m", "n"), eps=0.25), example(("m", "n"), ("m", "n"), ("m",), eps=2.1)),
)
def gaussian_nll(
    prediction: Any, target: Any, var: Any, /, *, reduction: Any = "mean", full: Any = False, eps: Any = 1e-6
) -> Any:
    """Minus the log-likelihood of a normal target whose mean is predicted, and its variance `var`.

    A variance below `eps` counts as `eps`, and gets no gradient. The constant log(2*pi) / 2 is added if `full`.
    """
    if var.ndim and not sizes.same(var.shape, prediction.shape) and var.ndim < prediction.ndim:
        var = ops.expand_dims(var, axis=-1)
    kept = ops.maximum(var, eps, name="var")
    error = ops.subtract(prediction, target, name="error")
    values = 0.5 * (ops.log(kept) + ops.square(error) / kept)
    return reduced(values + 0.5 * math.log(2 * math.pi) if full else values, reduction)
