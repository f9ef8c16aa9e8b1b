"""What a model is worth: its loss in the inference form, and metrics of its outputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from graphgen.errors import GraphError, Problem
from graphgen.train.data import Data, batch_size_name
from graphgen.train.run import Weights

# Of what forward returns, by the outputs' names, and the inputs, by theirs: a number.
Metric = Callable[[Mapping[str, np.ndarray], Mapping[str, np.ndarray]], float]


def accuracy(output: str, target: str, *, axis: int = -1, ignore_index: int | None = None) -> Metric:
    """A metric: the part of the targets that are the largest along an axis of an output.

    Parameters
    ----------
    output, target
        Names of an output and an input of the model. A target with as many axes as the output has a probability for each
        class; the likeliest is meant.
    axis
        That of the classes.
    ignore_index
        Targets of this number are left out.
    """

    def measure(outputs: Mapping[str, np.ndarray], inputs: Mapping[str, np.ndarray]) -> float:
        expected = inputs[target]
        if expected.ndim == outputs[output].ndim:
            expected = expected.argmax(axis=axis)
        right = outputs[output].argmax(axis=axis) == expected
        return float(np.mean(right if ignore_index is None else right[expected != ignore_index]))

    return measure


def binary_accuracy(output: str, target: str, *, threshold: float = 0.5) -> Metric:
    """A metric: the part of the elements where output and target are on the same side.

    Parameters
    ----------
    output, target
        Names of an output and an input of the model, of one shape. The target is above 0.5 where it says yes.
    threshold
        The output says yes above it: 0.5 for probabilities, 0 for logits.
    """

    def measure(outputs: Mapping[str, np.ndarray], inputs: Mapping[str, np.ndarray]) -> float:
        return float(np.mean((outputs[output] > threshold) == (inputs[target] > 0.5)))

    return measure


def keywords(function: Any) -> dict[str, str]:
    """What a function of a generated module takes by keyword, by the names it has there, to "state" or "seed".

    A keyword has an underscore if one of the user's values is called like it.
    """
    taken = [each.name for each in inspect.signature(function).parameters.values() if each.kind is each.KEYWORD_ONLY]
    return {name: name.rstrip("_") for name in taken if name.rstrip("_") in ("state", "seed")}


def measure(
    module: ModuleType,
    weights: Weights,
    data: Data,
    batch_size: int,
    metrics: Mapping[str, Metric],
    between: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """The loss of data and its metrics.

    The loss is the mean over all rows, in the inference form where the model has one; random numbers come from seed 0.
    Metrics see all rows at once. `between` is called after each batch.
    """
    function = getattr(module, "evaluate", module.loss)
    given = _given(function, weights)
    total, parts = 0.0, []
    for rows in batches(data, batch_size):
        inputs = data.take(rows)
        try:
            with np.errstate(all="ignore"):
                total += function(weights.parameters, *inputs.values(), **given) * len(rows)
                if metrics:
                    parts.append(_outputs(module, weights, inputs))
        except (ArithmeticError, IndexError, ValueError) as error:
            message = f"{data.label}: the model cannot evaluate rows {rows[0]} to {rows[-1]}: {error}"
            raise GraphError(Problem("GG087", None, message)) from error
        between()
    outputs = _joined(module, parts) if parts else {}
    return {
        "loss": total / data.rows,
        **{name: _value(name, metric, outputs, data) for name, metric in metrics.items()},
    }


def _given(function: Any, weights: Weights) -> dict[str, Any]:
    available = {"state": weights.state, "seed": 0}
    return {name: available[meant] for name, meant in keywords(function).items()}


def batches(data: Data, batch_size: int) -> list[np.ndarray]:
    """The rows of each batch, in order; the last may be short."""
    return [np.arange(start, min(start + batch_size, data.rows)) for start in range(0, data.rows, batch_size)]


def _outputs(module: ModuleType, weights: Weights, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What forward returns, by name."""
    taken = [name for name in inspect.signature(module.forward).parameters if name in inputs]
    given = _given(module.forward, weights)
    found = module.forward(weights.parameters, *(inputs[name] for name in taken), **given)
    return dict(zip(module.OUTPUTS, (found,) if len(module.OUTPUTS) == 1 else found, strict=True))


def _joined(module: ModuleType, parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The outputs of all batches, along the axis that counts rows; of what has none the last."""
    size = batch_size_name(module.INPUTS)
    joined = {}
    for name, (shape, _) in module.OUTPUTS.items():
        arrays = [part[name] for part in parts]
        joined[name] = np.concatenate(arrays, axis=shape.index(size)) if size in shape else arrays[-1]
    return joined


def _value(name: str, metric: Metric, outputs: Mapping[str, np.ndarray], data: Data) -> float:
    try:
        value = metric(outputs, data.arrays)
    except (Exception, SystemExit) as error:  # a metric is the user's program
        raise GraphError(Problem("GG081", None, f"the metric {name} raised {type(error).__name__}: {error}")) from error
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        message = f"the metric {name} is a number, got {type(value).__name__}"
        raise GraphError(Problem("GG005", None, message, "return a float")) from error
