"""The optimizers by name, with the options and defaults of ``torch.optim``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphgen.optimizers.adaptive import adadelta, adagrad, adam, adamax, adamw, nadam, nadam_numbers, rmsprop
from graphgen.optimizers.descent import sgd, velocity
from graphgen.optimizers.rule import Optimizer

_SGD = {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}
_BETAS = (0.9, 0.999)
_ADAM = {"learning_rate": 0.001, "betas": _BETAS, "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False}
_ADAMAX = {"learning_rate": 0.002, "betas": _BETAS, "eps": 1e-8, "weight_decay": 0.0}
_NADAM = {**_ADAMAX, "momentum_decay": 0.004, "decoupled_weight_decay": False}
_ADADELTA = {"learning_rate": 1.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0.0}
_ADAGRAD = {
    "learning_rate": 0.01,
    "lr_decay": 0.0,
    "weight_decay": 0.0,
    "initial_accumulator_value": 0.0,
    "eps": 1e-10,
}
_RMSPROP = {
    "learning_rate": 0.01,
    "alpha": 0.99,
    "eps": 1e-8,
    "weight_decay": 0.0,
    "momentum": 0.0,
    "centered": False,
}


def _of_rmsprop(options: Mapping[str, Any]) -> Mapping[str, float]:
    kept = {"mean_square": True, "mean_gradient": options["centered"], "velocity": bool(options["momentum"])}
    return {name: 0.0 for name, is_kept in kept.items() if is_kept}


def _of_adagrad(options: Mapping[str, Any]) -> Mapping[str, float]:
    return {"sum_of_squares": options["initial_accumulator_value"]}


def _of_adadelta(options: Mapping[str, Any]) -> Mapping[str, float]:
    return {"mean_square": 0.0, "mean_square_change": 0.0}


def _of_adamax(options: Mapping[str, Any]) -> Mapping[str, float]:
    return {"first_moment": 0.0, "largest": 0.0}


def _of_nadam(options: Mapping[str, Any]) -> Mapping[str, float]:
    return {"first_moment": 0.0, "second_moment": 0.0}


def _of_adam(options: Mapping[str, Any]) -> Mapping[str, float]:
    return {"first_moment": 0.0, "second_moment": 0.0, **({"largest_moment": 0.0} if options["amsgrad"] else {})}


_SUTSKEVER = "Sutskever et al. (2013), section 2"

OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer("", sgd, velocity, _SGD),
    "momentum": Optimizer(_SUTSKEVER, sgd, velocity, {**_SGD, "momentum": 0.9}),
    "nesterov": Optimizer(_SUTSKEVER, sgd, velocity, {**_SGD, "momentum": 0.9, "nesterov": True}),
    "adagrad": Optimizer("Duchi et al. (2011), figure 1", adagrad, _of_adagrad, _ADAGRAD),
    "rmsprop": Optimizer("Tieleman and Hinton (2012), lecture 6.5", rmsprop, _of_rmsprop, _RMSPROP),
    "adadelta": Optimizer("Zeiler (2012), algorithm 1", adadelta, _of_adadelta, _ADADELTA),
    "adam": Optimizer("Kingma and Ba (2015), algorithm 1", adam, _of_adam, _ADAM),
    "adamax": Optimizer("Kingma and Ba (2015), algorithm 2", adamax, _of_adamax, _ADAMAX),
    "nadam": Optimizer("Dozat (2016), algorithm 2", nadam, _of_nadam, _NADAM, {"momentum_product": 1.0}, nadam_numbers),
    "adamw": Optimizer("Loshchilov and Hutter (2019), algorithm 2", adamw, _of_adam, {**_ADAM, "weight_decay": 0.01}),
}
