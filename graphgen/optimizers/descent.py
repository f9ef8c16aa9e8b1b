"""Gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphgen import ops
from graphgen.optimizers.rule import Step, decayed


def sgd(
    parameter: Any,
    gradient: Any,
    memory: Mapping[str, Any],
    step: Any,
    rate: Any,
    *,
    momentum: float,
    nesterov: bool,
    weight_decay: Any,
) -> Step:
    """Gradient descent; with momentum, Sutskever et al. (2013), equations 1 to 4, in the form of ``torch.optim.SGD``.

    The velocity is a sum of gradients, and the learning rate scales what comes out, so that a schedule acts at once.
    """
    gradient = decayed(parameter, gradient, weight_decay)
    if not momentum:
        return rate * gradient, {}
    velocity = ops.add(momentum * memory["velocity"], gradient, name="velocity")
    return rate * (gradient + momentum * velocity if nesterov else velocity), {"velocity": velocity}


def velocity(options: Mapping[str, Any]) -> Mapping[str, float]:
    """What `sgd` keeps."""
    return {"velocity": 0.0} if options["momentum"] else {}
