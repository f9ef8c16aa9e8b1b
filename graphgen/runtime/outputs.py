"""What is compared with differences where there is no loss: the outputs, each entry times a weight, added up."""
# ruff: noqa: TC004 -- supplied.py holds types alone: what it names exists where the helpers are copied to

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from graphgen.runtime.supplied import INPUTS, OUTPUTS, _differentiated, _read, forward, jacobian, vjp


def _summed_outputs(parameters: dict, *inputs: Any) -> float:
    """Return the sum of the outputs times their weights."""
    outputs = _float_outputs(parameters, inputs)
    return float(sum(np.sum(_weights(value) * value) for value in outputs.values()))


def _gradients_by_vjp(parameters: dict, *inputs: Any) -> tuple[float, dict]:
    """Return the sum of the outputs times their weights, and its gradient by vjp."""
    cotangents = {name: _weights(value) for name, value in _float_outputs(parameters, inputs).items()}
    given = dict(zip(INPUTS, inputs, strict=True))
    gradients = vjp(parameters, cotangents, *(given[name] for name in _differentiated))
    return _summed_outputs(parameters, *inputs), gradients


def _gradients_by_jacobian(parameters: dict, *inputs: Any) -> tuple[float, dict]:
    """Return the sum of the outputs times their weights, and its gradient by the Jacobian."""
    outputs = _float_outputs(parameters, inputs)
    given = dict(zip(INPUTS, inputs, strict=True))
    found = jacobian(parameters, *(given[name] for name in _differentiated))
    parts = found if len(outputs) > 1 else dict.fromkeys(outputs, found)
    gradients: dict = {}
    for output, value in outputs.items():
        for name, derivatives in parts[output].items():
            product = np.tensordot(_weights(value), derivatives, np.ndim(value))
            gradients[name] = gradients.get(name, 0.0) + product
    return _summed_outputs(parameters, *inputs), gradients


def _float_outputs(parameters: dict, inputs: tuple) -> dict:
    """Return the outputs that have derivatives, by name."""
    given = dict(zip(INPUTS, inputs, strict=True))
    found = forward(parameters, *(given[name] for name in _read))
    values = found if len(OUTPUTS) > 1 else (found,)
    pairs = zip(OUTPUTS, values, strict=True)
    return {name: value for name, value in pairs if OUTPUTS[name][1].startswith("float")}


def _weights(value: Any) -> np.ndarray:
    """Return weights of all sizes for the entries of an output."""
    return np.cos(1.0 + np.arange(np.size(value))).reshape(np.shape(value))
