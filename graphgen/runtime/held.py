"""stop_gradient, and how its values are held still while gradients are compared with differences."""
# ruff: noqa: TC004 -- supplied.py holds types alone: what it names exists where the helpers are copied to

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from graphgen.runtime.supplied import loss

# The point of a check, the values that stop_gradient passed there, and what it does now: pass, note or repeat them.
_held = SimpleNamespace(point=None, values=[], now=None)


def stop_gradient(a: Any) -> Any:
    """Return `a`, a constant to every derivative; `check_gradients` holds it still as it varies what it comes from."""
    if _held.now is None:
        return a
    if _held.now is not _held.values:
        return next(_held.now)
    _held.values.append(a * 1)  # a copy, be it an array or a float
    return a


def _loss_or_nan_held(arguments: tuple) -> float:
    """Return the loss, with the values of stop_gradient as at the first call at this point; nan out of domain."""
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
