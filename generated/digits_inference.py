"""digits: forward pass of digits.py, in the compact style.

graph       13 nodes, 12 edges; hash 55cbd551
parameters  2,410 values, float32
cost        forward 4.8 kflop and 10 exp a sample
bytes       forward 1.5 kB a sample + 9.6 kB
options     style compact, inference
made by graphgen 0.1.0 (target numpy); its authors claim no ownership of this file
"""

from typing import Any

import numpy as np

_float = np.float32  # the type of every float in this file

PARAMETERS = {
    "fc1_w": ((64, 32), "float32"),
    "fc1_b": ((32,), "float32"),
    "fc2_w": ((32, 10), "float32"),
    "fc2_b": ((10,), "float32"),
}
INPUTS = {"x": (("batch", 64), "float32")}
OUTPUTS = {"probabilities": (("batch", 10), "float32")}


def forward(parameters: dict, x: np.ndarray) -> np.ndarray:
    """Return probabilities of shape (batch, 10), for x of shape (batch, 64)."""
    fc1_w, fc1_b, fc2_w, fc2_b, x = _check(parameters, x=x)

    hidden = np.maximum(x @ fc1_w + fc1_b, 0.0)                         # digits.py:13  (batch, 32)
    logits = hidden @ fc2_w + fc2_b                                     # digits.py:14  (batch, 10)
    # probabilities = softmax(logits, axis=1)  digits.py:15  shifted so that exp cannot overflow
    probabilities_exp = np.exp(logits - finite_max(logits, axis=1))     # (batch, 10)
    probabilities = probabilities_exp / probabilities_exp.sum(axis=1, keepdims=True)  # (batch, 10)
    return probabilities


# What follows is the same in every module that graphgen makes: checks, files, initial values.


def finite_max(a: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Return the maximum along `axis`, kept as size 1, and 0 where it is not finite, or of nothing.

    It is the shift of softmax: exp(a - finite_max(a)) cannot overflow, and inf - inf does not arise.
    """
    largest = np.max(a, axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(largest), largest, np.zeros_like(largest))


def _shape_text(shape: tuple) -> str:
    """Return a shape as it is declared, with the names of symbolic sizes unquoted."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _cast(name: str, value: Any, dtype: str) -> np.ndarray:
    """Return `value` as an array of the declared dtype; ValueError where the cast would change what it says."""
    wanted = np.dtype(_float if dtype in ("float32", "float64") else dtype)
    try:
        array = np.asarray(value)
    except ValueError as error:  # lists of unequal lengths
        raise ValueError(f"{name}: expected {dtype}, got what is no array: {error}") from None
    if array.dtype == wanted:
        return array
    if wanted.kind == "f" and array.dtype.kind in "fiub":
        return array.astype(wanted)
    if wanted.kind in "iu" and array.dtype.kind in "iu":
        if array.size and not np.iinfo(wanted).min <= int(array.min()) <= int(array.max()) <= np.iinfo(wanted).max:
            raise ValueError(f"{name}: expected {dtype}, got {array.dtype} from {array.min()} to {array.max()}")
        return array.astype(wanted)
    remedy = ""
    if wanted.kind in "iu" and array.dtype.kind in "fb":
        remedy = f"; if its values are whole numbers, pass {name}.astype({dtype!r})"
    elif wanted.kind == "b" and array.dtype.kind in "fiu":
        remedy = f"; pass a comparison such as {name} != 0"
    raise ValueError(f"{name}: expected {dtype}, got {array.dtype}{remedy}")


def _fits(name: str, came: tuple, shape: tuple, sizes: dict) -> bool:
    """Say whether the shape that came fits the declared one; a symbolic size not yet in `sizes` is what came."""
    if len(came) != len(shape):
        return False
    for axis, declared in enumerate(shape):
        size = came[axis]
        if isinstance(declared, str):
            # a derived size such as 2*n is checked once n is known
            if declared.isidentifier() and sizes.setdefault(declared, (size, name))[0] != size:
                return False
        elif size != declared:
            return False
    return True


def _misfit(name: str, came: tuple, shape: tuple, sizes: dict) -> str:
    """Say which shape was expected, with the sizes that earlier arguments have fixed, and which one came."""
    fixed = [(size, *sizes[size]) for size in dict.fromkeys(shape) if size in sizes and sizes[size][1] != name]
    known = ", ".join(f"{size} = {value} as in {where}" for size, value, where in fixed)
    return f"{name}: expected shape {_shape_text(shape)}{' with ' if known else ''}{known}, got {_shape_text(came)}"


def _argument(name: str, value: Any, shape: tuple, dtype: str, sizes: dict) -> np.ndarray:
    """Return `value` as an array of the declared dtype; ValueError if that or its shape does not fit.

    `sizes` collects each symbolic size with the argument that fixed it: {"batch": (64, "x")}.
    """
    if value is None:
        raise ValueError(f"{name}: missing, expected {dtype} of shape {_shape_text(shape)}")
    wanted = _float if dtype in ("float32", "float64") else dtype
    array = value if type(value) is np.ndarray and value.dtype == wanted else _cast(name, value, dtype)
    # The shapes are never equal where a symbolic size is declared.
    if array.shape != shape and not _fits(name, array.shape, shape, sizes):
        raise ValueError(_misfit(name, array.shape, shape, sizes))
    return array


def _check(parameters: dict, /, **inputs: Any) -> list:
    """Return parameters, then the inputs given, as arrays of the declared dtypes; ValueError if one does not fit."""
    if not hasattr(parameters, "get"):
        raise ValueError(f"parameters: expected a dict of arrays by name, got {type(parameters).__name__}")
    sizes: dict = {}
    arrays = [_argument(name, parameters.get(name), *PARAMETERS[name], sizes) for name in PARAMETERS]
    arrays += [_argument(name, value, *INPUTS[name], sizes) for name, value in inputs.items()]
    return arrays
