"""Declared gradients: what they compute, and how it moves while derived gradients are compared with differences."""
# ruff: noqa: TC004 -- supplied.py holds types alone: what it names exists where the helpers are copied to

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from graphgen.runtime.check import _aligned
from graphgen.runtime.reductions import norm

if TYPE_CHECKING:
    from graphgen.runtime.supplied import _declared, _value_and_grad_clipped, loss

# The point of a check, what declared gradients were declared of there, and what is done now: pass, note or repeat it.
_held = SimpleNamespace(point=None, values=[], now=None)

# Whether gradients are left unclipped, as they are while they are compared with differences.
_clips = SimpleNamespace(lifted=False)


def stop_gradient(a: Any) -> Any:
    """Return `a`, a constant to every derivative; `check_gradients` holds it still as it varies what it comes from."""
    held = _at_the_point(a)
    return a if held is None else held[0]


def straight_through(value: Any, x: Any) -> Any:
    """Return `value`, with the gradient of `x`; within differences of `check_gradients` it moves as `x` does."""
    held = _at_the_point(value, x)
    return value if held is None else held[0] + _moved(x, held[1])


def custom_gradient(value: Any, x: Any, slope: Any) -> Any:
    """Return `value`, with `slope` by `x`; within differences of `check_gradients` it moves with that slope."""
    held = _at_the_point(value, x, slope)
    return value if held is None else held[0] + held[2] * _moved(x, held[1])


def scale_gradient(x: Any, factor: Any) -> Any:
    """Return `x`, its gradient times `factor`; within differences of `check_gradients` it moves with that slope."""
    held = _at_the_point(x, factor)
    return x if held is None else held[0] + held[1] * _moved(x, held[0])


def clipped(gradient: Any, low: Any, high: Any) -> Any:
    """Return a gradient kept between two bounds; `check_gradients` lifts them."""
    return gradient if _clips.lifted else np.clip(gradient, low, high)


def clipped_scalar(gradient: float, low: float, high: float) -> float:
    """Return a gradient kept between two bounds; `check_gradients` lifts them."""
    return gradient if _clips.lifted else max(min(gradient, high), low)


def clipped_to_norm(gradient: np.ndarray, max_norm: float, axis: int | tuple[int, ...] | None = None) -> np.ndarray:
    """Return a gradient scaled down to a norm where it is longer, along axes; `check_gradients` lifts that."""
    if _clips.lifted:
        return gradient
    return gradient * (max_norm / np.maximum(norm(gradient, axis=axis, keepdims=True), max_norm))


def _at_the_point(*values: Any) -> tuple | None:
    """Return what these were at the point of a check while it takes differences there; None at any other time."""
    if _held.now is None:
        return None
    if _held.now is not _held.values:
        return next(_held.now)
    _held.values.append(tuple(value * 1 for value in values))  # copies, be they arrays or floats
    return None


def _moved(value: Any, held: Any) -> Any:
    """Return how far a value has moved: 0 where it is as it was, be that infinite."""
    return np.where(value == held, 0.0, value - held)


def _loss_or_nan_held(arguments: tuple) -> float:
    """Return the loss, where what declares its gradient moves as declared from the first call at this point on.

    It is nan where a step has left the domain of a function.
    """
    if _held.point is arguments:
        _held.now = iter(_held.values)
    else:
        _held.point, _held.values = arguments, []
        _held.now = _held.values
    try:
        with np.errstate(all="ignore"):
            return float(loss(*arguments))
    except (ValueError, ArithmeticError):
        return math.nan
    finally:
        _held.now = None


def _value_and_grad_unclipped(*arguments: Any) -> tuple:
    """Return the loss and its gradients without clipping on their way, as they are compared with differences."""
    _clips.lifted = True
    try:
        return _value_and_grad_clipped(*arguments)
    finally:
        _clips.lifted = False


def _gradient_table_declared(rows: list) -> str:
    """Return the rows as an aligned table, with notes on what is declared of a gradient instead of derived."""
    noted = [(*row[:4], "; ".join(filter(None, [_declared.get(row[0], ""), row[4]]))) for row in rows]
    return _aligned(noted)
