"""What may be done about a value that is not finite, by the op that made it."""

from __future__ import annotations

import math

import numpy as np
import sympy as sp

from graphgen import ops

_OWN = {
    "divide": "the divisor is 0: ops.where(divisor == 0.0, 1.0, divisor) keeps it away, or a small number added to it",
    "log": "keep x above 0 with ops.maximum(x, 1e-7); of a softmax take ops.log_softmax, of a sigmoid ops.logsigmoid",
    "sqrt": "the root of a negative number is nan: take ops.sqrt(ops.maximum(x, 0.0)), or find out why x is below 0",
    "power": "a power of 0 or of a negative number: keep the base above 0 with ops.maximum(x, 1e-7)",
    "xlogy": "keep its second operand above 0 with ops.maximum(y, 1e-7)",
    "slope of sqrt": "the slope of sqrt is infinite at 0: take ops.sqrt(x + 1e-12), or ops.norm for a length",
    "slope of power": "the slope of a power below 1 is infinite at 0: add a small number to the base, as 1e-12",
}
_OWN |= {"log2": _OWN["log"], "log10": _OWN["log"], "quotient": _OWN["divide"], "slope of rsqrt": _OWN["slope of sqrt"]}
_MASKED = "every entry of a row is -inf: leave one that is not, or drop the row with ops.where, before and after"
_OWN |= {f"{name}: divide": _MASKED for name in ("softmax", "scaled_dot_product_attention")}
_SOFT = "subtract the largest of them first, as ops.softmax and ops.logsumexp do, or bound x with ops.clip"


def remedies(labels: list[str], dtype: str) -> dict[str, str]:
    """The remedies for what may happen in these ops, and for all others: by "inf" and "nan".

    Parameters
    ----------
    labels
        Ops by name; "slope of sqrt" where a derivative is meant.
    dtype
        The float type, which says where numbers end.
    """
    largest = float(np.finfo(dtype).max)
    end = f"{dtype} ends at {largest:.1e}"
    wider = ", dtype float64" if dtype == "float32" else ""
    found = {label: text for label in dict.fromkeys(labels) if (text := _of(label, dtype, largest))}
    return {
        **found,
        "inf": f"{end}: scale the data, begin with smaller weights, take a smaller learning rate, clip_norm{wider}",
        "nan": "inf - inf, inf / inf or 0 * inf: is a whole row masked, or an operand infinite that should not be?",
    }


def _of(label: str, dtype: str, largest: float) -> str | None:
    """The remedy for one op, or None where there is only what holds for all."""
    if label in _OWN:
        return _OWN[label]
    label = label.partition(": ")[2] or label
    if label in _OWN:
        return _OWN[label]
    name = label.removeprefix("slope of ")
    row = ops.ELEMENTWISE.get(name)
    if row is None:
        return None
    if name != label:
        return (
            f"the slope of {name} is infinite there: keep x away from it, as with ops.clip" if _is_steep(row) else None
        )
    if row.overflows:
        return f"{name} overflows in {dtype} {_limit(name, largest)}: {_SOFT}"
    if row.domain is not sp.true:
        return f"{name} needs {_condition(row)}: keep it there with ops.clip or ops.maximum"
    return None


def _is_steep(row: ops.Elementwise) -> bool:
    """Whether a slope is infinite at the end of where the op is defined, or in the middle."""
    return row.steep or row.domain is not sp.true


def _limit(name: str, largest: float) -> str:
    """From where on an op that grows exponentially is infinite."""
    limits = {"exp": math.log(largest), "expm1": math.log(largest), "exp2": math.log2(largest)}
    if name in limits:
        return f"above {limits[name]:.1f}"
    return f"beyond {math.log(largest) + math.log(2):.1f} on both sides"


def _condition(row: ops.Elementwise) -> str:
    """Where an op is defined, as its table says."""
    text = str(row.domain.xreplace({row.slots[0]: sp.Symbol("x")}))
    return text.replace("Ne(", "").replace(", 0)", " not 0").replace("Abs(x)", "abs(x)").replace("&", "and")
