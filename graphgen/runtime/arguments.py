"""Checks of arguments at the entry of a generated function."""
# ruff: noqa: TC004 -- supplied.py holds types alone: what it names exists where the helpers are copied to

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from graphgen.runtime.supplied import INPUTS, PARAMETERS, _float


def _check(parameters: dict, /, **inputs: Any) -> list:
    """Return parameters, then the inputs given, as arrays of the declared dtypes; ValueError if one does not fit."""
    if not hasattr(parameters, "get"):
        raise ValueError(f"parameters: expected a dict of arrays by name, got {type(parameters).__name__}")
    sizes: dict = {}
    arrays = [_argument(name, parameters.get(name), *PARAMETERS[name], sizes) for name in PARAMETERS]
    arrays += [_argument(name, value, *INPUTS[name], sizes) for name, value in inputs.items()]
    return arrays


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


def _shape_text(shape: tuple) -> str:
    """Return a shape as it is declared, with the names of symbolic sizes unquoted."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _expect(name: str, array: np.ndarray, axis: int, size: int) -> None:
    """Raise a ValueError unless the axis has its derived size, such as 2*n."""
    if array.shape[axis] != size:
        shape = (PARAMETERS.get(name) or INPUTS[name])[0]
        came = _shape_text(array.shape)
        raise ValueError(f"{name}: expected shape {_shape_text(shape)} with {shape[axis]} = {size}, got {came}")


def _check_tangents(tangents: dict, /, **values: Any) -> list:
    """Return the direction given for each value, in its shape and in the order given; an absent one is zero."""
    _refuse_unknown(tangents, values)
    directions = []
    for name, value in values.items():
        direction = tangents.get(name)
        if direction is None:
            direction = np.zeros_like(value, dtype=_float)
        direction = _cast(name, direction, np.dtype(_float).name)
        if direction.shape != np.shape(value):
            came = _shape_text(direction.shape)
            raise ValueError(f"{name}: expected the shape of its value, {_shape_text(np.shape(value))}, got {came}")
        directions.append(direction)
    return directions


def _check_cotangents(cotangents: dict, /, **shapes: tuple) -> list:
    """Return the cotangent given for each output, of its shape and in the order given; an absent one is zero."""
    _refuse_unknown(cotangents, shapes)
    checked = []
    for name, shape in shapes.items():
        cotangent = cotangents.get(name)
        cotangent = np.zeros(shape) if cotangent is None else cotangent
        cotangent = _cast(name, cotangent, np.dtype(_float).name)
        if cotangent.shape != shape:
            came = _shape_text(cotangent.shape)
            raise ValueError(f"{name}: expected the shape of the output, {_shape_text(shape)}, got {came}")
        checked.append(cotangent)
    return checked


def _are_several(tangents: dict, /, **values: Any) -> bool:
    """Say whether tangents come with a leading axis, several directions at once."""
    _refuse_unknown(tangents, values)
    given = {name: tangents.get(name) for name in values}
    return any(each is not None and np.ndim(each) == np.ndim(values[name]) + 1 for name, each in given.items())


def _check_several_tangents(tangents: dict, /, **values: Any) -> list:
    """Return the directions given for each value, along a leading axis and in the order given; absent ones are zero."""
    _refuse_unknown(tangents, values)
    given = {name: _cast(name, each, np.dtype(_float).name) for name, each in tangents.items() if each is not None}
    count = max(len(each) for each in given.values() if each.ndim)
    for name, each in given.items():
        expected = (count, *np.shape(values[name]))
        if each.shape != expected:
            came = _shape_text(each.shape)
            raise ValueError(f"{name}: expected {count} directions of shape {_shape_text(expected)}, got {came}")
    return [given.get(name, np.zeros((count, *np.shape(value)), dtype=_float)) for name, value in values.items()]


def _refuse_unknown(given: dict, known: dict) -> None:
    """Raise a ValueError unless `given` is a dict with names in `known` alone."""
    if not hasattr(given, "get"):
        raise ValueError(f"expected a dict by name, of {', '.join(known)}; got {type(given).__name__}")
    unknown = [str(name) for name in given if name not in known]
    if unknown:
        raise ValueError(f"unknown: {', '.join(unknown)}; known are {', '.join(known)}")


def _check_scalar(parameters: dict, /, **inputs: Any) -> list:
    """Return all parameters, then the inputs given, as Python floats; ValueError if one is not a number."""
    if not hasattr(parameters, "get"):
        raise ValueError(f"parameters: expected a dict of numbers by name, got {type(parameters).__name__}")
    numbers = [_scalar(name, parameters.get(name)) for name in PARAMETERS]
    numbers += [_scalar(name, value) for name, value in inputs.items()]
    return numbers


def _scalar(name: str, value: Any) -> float:
    """Return a number, a NumPy scalar or a 0-d array as a Python float; ValueError for anything else."""
    if isinstance(value, (int, float)) or (getattr(value, "shape", None) == () and value.dtype.kind in "fiub"):
        return float(value)
    if value is None:
        raise ValueError(f"{name}: missing, expected a number")
    shape = getattr(value, "shape", None)
    came = type(value).__name__ if shape is None else f"{value.dtype} of shape {shape}"
    raise ValueError(f"{name}: expected a number, got {came}")


def _check_tangents_scalar(tangents: dict, /, **values: Any) -> list:
    """Return the direction given for each value, as floats in the order given; an absent one is zero."""
    _refuse_unknown(tangents, values)
    return [_scalar(name, 0.0 if tangents.get(name) is None else tangents[name]) for name in values]


def _check_cotangents_scalar(cotangents: dict, /, **shapes: tuple) -> list:
    """Return the cotangent given for each output, as floats in the order given; an absent one is zero."""
    _refuse_unknown(cotangents, shapes)
    return [_scalar(name, 0.0 if cotangents.get(name) is None else cotangents[name]) for name in shapes]


def _along_each(sweep: Callable, tangents: dict, /) -> tuple[float, np.ndarray]:
    """Return the loss, and its derivative along each of several directions: a list of numbers for each value."""
    given = {name: np.asarray(each, dtype=float) for name, each in tangents.items() if each is not None}
    counts = {each.shape for each in given.values()}
    if len(counts) > 1:
        shapes = ", ".join(f"{name} {_shape_text(each.shape)}" for name, each in given.items())
        raise ValueError(f"tangents: expected as many directions for each, got {shapes}")
    found = [sweep({name: each[place] for name, each in given.items()}) for place in range(*counts.pop())]
    return found[0][0] if found else sweep({})[0], np.array([slope for _, slope in found])
