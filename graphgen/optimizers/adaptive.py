"""Optimizers that give each entry of a parameter a rate of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphgen import ops
from graphgen.optimizers.rule import Step, average, decayed, is_given


def adagrad(
    parameter: Any,
    gradient: Any,
    memory: Mapping[str, Any],
    step: Any,
    rate: Any,
    *,
    lr_decay: float,
    weight_decay: Any,
    initial_accumulator_value: float,
    eps: float,
) -> Step:
    """Duchi et al. (2011), figure 1 with a diagonal matrix."""
    gradient = decayed(parameter, gradient, weight_decay)
    squares = ops.add(memory["sum_of_squares"], ops.square(gradient), name="sum_of_squares")
    if lr_decay:
        rate = rate / (1.0 + lr_decay * (step - 1.0))
    return rate * gradient / (ops.sqrt(squares) + eps), {"sum_of_squares": squares}


def rmsprop(
    parameter: Any,
    gradient: Any,
    memory: Mapping[str, Any],
    step: Any,
    rate: Any,
    *,
    alpha: float,
    eps: float,
    weight_decay: Any,
    momentum: float,
    centered: bool,
) -> Step:
    """Tieleman and Hinton (2012), lecture 6.5; centered and with momentum, Graves (2013), equations 38 to 45.

    As in ``torch.optim.RMSprop``, eps stands outside the square root.
    """
    gradient = decayed(parameter, gradient, weight_decay)
    square = average(alpha, memory["mean_square"], ops.square(gradient), "mean_square")
    new = {"mean_square": square}
    if centered:
        mean = new["mean_gradient"] = average(alpha, memory["mean_gradient"], gradient, "mean_gradient")
        # Where a gradient hardly changes, rounding may take this variance below 0.
        square = ops.maximum(square - ops.square(mean), 0.0, name="variance")
    scale = ops.sqrt(square) + eps
    if not momentum:
        return rate * gradient / scale, new
    velocity = new["velocity"] = ops.add(momentum * memory["velocity"], gradient / scale, name="velocity")
    return rate * velocity, new


def adadelta(
    parameter: Any,
    gradient: Any,
    memory: Mapping[str, Any],
    step: Any,
    rate: Any,
    *,
    rho: float,
    eps: float,
    weight_decay: Any,
) -> Step:
    """Zeiler (2012), algorithm 1; `rate` is 1 there."""
    gradient = decayed(parameter, gradient, weight_decay)
    square = average(rho, memory["mean_square"], ops.square(gradient), "mean_square")
    change = ops.multiply(
        ops.sqrt(memory["mean_square_change"] + eps) / ops.sqrt(square + eps), gradient, name="change"
    )
    square_change = average(rho, memory["mean_square_change"], ops.square(change), "mean_square_change")
    return rate * change, {"mean_square": square, "mean_square_change": square_change}


def _moments(betas: tuple[float, float], gradient: Any, memory: Mapping[str, Any]) -> tuple[Any, Any]:
    """The moving averages of the gradient and of its square."""
    first = average(betas[0], memory["first_moment"], gradient, "first_moment")
    return first, average(betas[1], memory["second_moment"], ops.square(gradient), "second_moment")


def _unbiased(moment: Any, beta: float, step: Any, name: str) -> Any:
    """A moving average that began with 0, over the weight that its terms have by now."""
    return ops.divide(moment, 1.0 - ops.power(beta, step), name=name)


def adam(
    parameter: Any,
    gradient: Any,
    memory: Mapping[str, Any],
    step: Any,
    rate: Any,
    *,
    betas: tuple[float, float],
    eps: float,
    weight_decay: Any,
    amsgrad: bool,
) -> Step:
    """Kingma and Ba (2015), algorithm 1; amsgrad, Reddi et al. (2018), algorithm 2."""
    gradient = decayed(parameter, gradient, weight_decay)
    first, scale, new = _adam(gradient, memory, step, betas, eps, amsgrad)
    return rate * first / scale, new


def adamw(
    parameter: Any,
    gradient: Any,
    memory: Mapping[str, Any],
    step: Any,
    rate: Any,
    *,
    betas: tuple[float, float],
    eps: float,
    weight_decay: Any,
    amsgrad: bool,
) -> Step:
    """Loshchilov and Hutter (2019), algorithm 2: what the weights lose by decay is no part of the moments.

    As in ``torch.optim.AdamW``, the learning rate scales the decay too.
    """
    first, scale, new = _adam(gradient, memory, step, betas, eps, amsgrad)
    if not is_given(weight_decay):
        return rate * first / scale, new
    return rate * (ops.divide(first, scale, name="direction") + weight_decay * parameter), new


def _adam(
    gradient: Any, memory: Mapping[str, Any], step: Any, betas: tuple[float, float], eps: float, amsgrad: bool
) -> tuple[Any, Any, dict[str, Any]]:
    """The first moment, what it is divided by, and the new memory."""
    first, second = _moments(betas, gradient, memory)
    new = {"first_moment": first, "second_moment": second}
    if amsgrad:
        second = new["largest_moment"] = ops.maximum(memory["largest_moment"], second, name="largest_moment")
    unbiased_first = _unbiased(first, betas[0], step, "unbiased_first")
    unbiased_second = _unbiased(second, betas[1], step, "unbiased_second")
    return unbiased_first, ops.sqrt(unbiased_second) + eps, new


def adamax(
    parameter: Any,
    gradient: Any,
    memory: Mapping[str, Any],
    step: Any,
    rate: Any,
    *,
    betas: tuple[float, float],
    eps: float,
    weight_decay: Any,
) -> Step:
    """Kingma and Ba (2015), algorithm 2; as in ``torch.optim.Adamax``, eps keeps the largest gradient above 0."""
    gradient = decayed(parameter, gradient, weight_decay)
    first = average(betas[0], memory["first_moment"], gradient, "first_moment")
    largest = ops.maximum(betas[1] * memory["largest"], ops.abs(gradient) + eps, name="largest")
    unbiased_first = _unbiased(first, betas[0], step, "unbiased_first")
    return rate * unbiased_first / largest, {"first_moment": first, "largest": largest}


def nadam_numbers(
    numbers: Mapping[str, Any], step: Any, *, betas: tuple[float, float], momentum_decay: float, **options: Any
) -> dict[str, Any]:
    """The momentum of this step, that of the next, and the product of all so far: Dozat (2016), algorithm 2.

    The momentum grows towards betas[0] as in Sutskever et al. (2013): ``1 - 0.5 * 0.96**(step * momentum_decay)``.
    """

    def momentum(step: Any, name: str) -> Any:
        return ops.multiply(betas[0], 1.0 - 0.5 * ops.power(0.96, step * momentum_decay), name=name)

    now = momentum(step, "momentum")
    product = ops.multiply(numbers["momentum_product"], now, name="momentum_product")
    return {"momentum": now, "next_momentum": momentum(step + 1.0, "next_momentum"), "momentum_product": product}


def nadam(
    parameter: Any,
    gradient: Any,
    memory: Mapping[str, Any],
    step: Any,
    rate: Any,
    *,
    betas: tuple[float, float],
    eps: float,
    weight_decay: Any,
    momentum_decay: float,
    decoupled_weight_decay: bool,
) -> Step:
    """Dozat (2016), algorithm 2, with the momentum of `nadam_numbers`."""
    own = gradient if decoupled_weight_decay else decayed(parameter, gradient, weight_decay)
    first, second = _moments(betas, own, memory)
    momentum, following, product = (memory[each] for each in ("momentum", "next_momentum", "momentum_product"))
    unbiased_first = ops.multiply(following / (1.0 - product * following), first, name="unbiased_first")
    unbiased_gradient = ops.multiply((1.0 - momentum) / (1.0 - product), own, name="unbiased_gradient")
    scale = ops.sqrt(_unbiased(second, betas[1], step, "unbiased_second")) + eps
    direction = ops.divide(unbiased_first + unbiased_gradient, scale, name="direction")
    if decoupled_weight_decay and is_given(weight_decay):
        direction = direction + weight_decay * parameter
    return rate * direction, {"first_moment": first, "second_moment": second}
