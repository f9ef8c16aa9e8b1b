"""digits: forward and reverse sweeps of digits.py, in the teach style.

graph       13 nodes, 12 edges; hash 55cbd551
parameters  2,410 values, float32
cost        forward 4.8 kflop, 10 exp and 1 log a sample; reverse 5.5 kflop a sample more
bytes       forward 1.4 kB a sample + 9.6 kB; reverse 1.5 kB a sample + 11 kB more; saved for reverse 172 B a sample
options     style teach, mode reverse, optimizer adam
made by graphgen 0.1.0 (target numpy); its authors claim no ownership of this file
"""

import math
import os
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

_float = np.float32  # the type of every float in this file

PARAMETERS = {
    "fc1_w": ((64, 32), "float32"),
    "fc1_b": ((32,), "float32"),
    "fc2_w": ((32, 10), "float32"),
    "fc2_b": ((10,), "float32"),
}
INPUTS = {"x": (("batch", 64), "float32"), "label": (("batch",), "int64")}
OUTPUTS = {"probabilities": (("batch", 10), "float32")}
_hash = "55cbd551"
_bounds = {"label": (0, 10)}
_sizes = ()
_trained = ("fc1_w", "fc1_b", "fc2_w", "fc2_b")
_memory = ("first_moment", "second_moment")
_numbers = ("step",)


def forward(parameters: dict, x: np.ndarray) -> np.ndarray:
    """Return probabilities of shape (batch, 10), for x of shape (batch, 64)."""
    fc1_w, fc1_b, fc2_w, fc2_b, x = _check(parameters, x=x)

    fc1_matmul = x @ fc1_w                                              # digits.py:13  (batch, 32)
    fc1 = fc1_matmul + fc1_b                                            # digits.py:13  (batch, 32)
    hidden = np.maximum(fc1, 0.0)                                       # digits.py:13  (batch, 32)
    logits_matmul = hidden @ fc2_w                                      # digits.py:14  (batch, 10)
    logits = logits_matmul + fc2_b                                      # digits.py:14  (batch, 10)
    # probabilities = softmax(logits, axis=1)  digits.py:15  shifted so that exp cannot overflow
    probabilities_exp = np.exp(logits - finite_max(logits, axis=1))     # (batch, 10)
    probabilities = probabilities_exp / probabilities_exp.sum(axis=1, keepdims=True)  # (batch, 10)
    return probabilities


def loss(parameters: dict, x: np.ndarray, label: np.ndarray) -> float:
    """Return the loss."""
    fc1_w, fc1_b, fc2_w, fc2_b, x, label = _check(parameters, x=x, label=label)

    fc1_matmul = x @ fc1_w                                              # digits.py:13  (batch, 32)
    fc1 = fc1_matmul + fc1_b                                            # digits.py:13  (batch, 32)
    hidden = np.maximum(fc1, 0.0)                                       # digits.py:13  (batch, 32)
    logits_matmul = hidden @ fc2_w                                      # digits.py:14  (batch, 10)
    logits = logits_matmul + fc2_b                                      # digits.py:14  (batch, 10)
    # loss = cross_entropy(logits, label)  digits.py:16  shifted so that exp cannot overflow
    loss_shifted = logits - finite_max(logits, axis=1)                  # (batch, 10)
    loss_picked = np.take_along_axis(loss_shifted, label[:, None], axis=1)  # (batch, 1)
    loss = (np.log(np.exp(loss_shifted).sum(axis=1, keepdims=True)) - loss_picked)[:, 0].mean()
    return float(loss)


def value_and_grad(parameters: dict, x: np.ndarray, label: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
    """Return the loss, and its gradient with respect to each parameter."""
    fc1_w, fc1_b, fc2_w, fc2_b, x, label = _check(parameters, x=x, label=label)
    batch = x.shape[0]

    # forward sweep
    fc1_matmul = x @ fc1_w                                              # digits.py:13  (batch, 32)
    fc1 = fc1_matmul + fc1_b                                            # digits.py:13  (batch, 32)
    hidden = np.maximum(fc1, 0.0)                                       # digits.py:13  (batch, 32)
    logits_matmul = hidden @ fc2_w                                      # digits.py:14  (batch, 10)
    logits = logits_matmul + fc2_b                                      # digits.py:14  (batch, 10)
    # loss = cross_entropy(logits, label)  digits.py:16  shifted so that exp cannot overflow
    loss_shifted = logits - finite_max(logits, axis=1)                  # (batch, 10)
    loss_exp = np.exp(loss_shifted)                                     # (batch, 10)
    loss_total = loss_exp.sum(axis=1, keepdims=True)                    # (batch, 1)
    loss_each = np.log(loss_total) - np.take_along_axis(loss_shifted, label[:, None], axis=1)  # (batch, 1)
    loss = loss_each[:, 0].mean()

    # reverse sweep
    d_loss = _float(1.0)                                                # the seed
    # loss = cross_entropy(logits, label)
    d_loss_each = np.full((batch,), d_loss / batch, dtype=_float)[:, None]  # (batch, 1)
    d_loss_shifted = np.broadcast_to(d_loss_each / loss_total, (batch, 10)) * loss_exp  # (batch, 10)
    d_loss_shifted[np.arange(batch), label] -= d_loss_each[:, 0]
    d_logits = d_loss_shifted                                           # (batch, 10)
    # logits = logits_matmul + fc2_b
    d_logits_matmul = d_logits                                          # (batch, 10)
    d_fc2_b = d_logits.sum(axis=0)                                      # (10,)  fc2_b was broadcast over batch
    # logits_matmul = hidden @ fc2_w
    d_hidden = d_logits_matmul @ fc2_w.T                                # (batch, 32)
    d_fc2_w = hidden.T @ d_logits_matmul                                # (32, 10)
    # hidden = relu(fc1)  dhidden/dfc1 = where(hidden > 0, 1, 0)
    d_fc1 = np.where(hidden > 0.0, d_hidden, 0.0)                       # (batch, 32)  at 0 the smaller slope holds
    # fc1 = fc1_matmul + fc1_b
    d_fc1_matmul = d_fc1                                                # (batch, 32)
    d_fc1_b = d_fc1.sum(axis=0)                                         # (32,)  fc1_b was broadcast over batch
    # fc1_matmul = x @ fc1_w
    d_fc1_w = x.T @ d_fc1_matmul                                        # (64, 32)
    return float(loss), {"fc1_w": d_fc1_w, "fc1_b": d_fc1_b, "fc2_w": d_fc2_w, "fc2_b": d_fc2_b}


def init_optimizer_state(parameters: dict) -> dict:
    """Return what adam keeps between steps: first_moment, second_moment and the number of steps."""
    return {
        "step": 0,
        "first_moment": {name: np.zeros_like(parameters[name]) for name in _trained},
        "second_moment": {name: np.zeros_like(parameters[name]) for name in _trained},
    }


def train_step(
    parameters: dict,
    optimizer_state: dict,
    x: np.ndarray,
    label: np.ndarray,
    learning_rate: float | None = None,
) -> float:
    """Take one step of adam, in place, and return the loss before it.

    Kingma and Ba (2015), algorithm 1, with torch.optim's conventions.
    The learning rate is 0.001 unless given. Nothing changes before every gradient is known.
    """
    value, gradients = value_and_grad(parameters, x, label)
    _check_step(parameters, optimizer_state, gradients)
    step = int(optimizer_state["step"]) + 1
    learning_rate = 0.001 if learning_rate is None else float(learning_rate)
    for name in _trained:
        parameter, gradient = parameters[name], gradients[name]
        first_moment = optimizer_state["first_moment"][name]
        second_moment = optimizer_state["second_moment"][name]
        first_moment[...] = 0.9 * first_moment + 0.1 * gradient
        second_moment[...] = 0.999 * second_moment + 0.001 * gradient**2
        unbiased_first = first_moment / (1.0 - 0.9**step)
        unbiased_second = second_moment / (1.0 - 0.999**step)
        parameter -= learning_rate * unbiased_first / (np.sqrt(unbiased_second) + 1e-08)
    optimizer_state["step"] = step
    return value


def init_parameters(seed: int = 0) -> dict:
    """Return new parameters: views of one flat vector, in the order of PARAMETERS."""
    generator = np.random.default_rng(seed)
    return _packed({
        "fc1_w": he_normal(generator, (64, 32)),
        "fc1_b": np.zeros((32,)),
        "fc2_w": glorot_uniform(generator, (32, 10)),
        "fc2_b": np.zeros((10,)),
    })


# What follows is the same in every module that graphgen makes: checks, files, initial values.
_value_and_grad = value_and_grad  # what check_gradients compares with differences


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


def _refuse_unknown(given: dict, known: dict) -> None:
    """Raise a ValueError unless `given` is a dict with names in `known` alone."""
    if not hasattr(given, "get"):
        raise ValueError(f"expected a dict by name, of {', '.join(known)}; got {type(given).__name__}")
    unknown = [str(name) for name in given if name not in known]
    if unknown:
        raise ValueError(f"unknown: {', '.join(unknown)}; known are {', '.join(known)}")


def _known_sizes(given: dict) -> dict:
    """Return all symbolic sizes: as the arguments given have them, the others 3, 4, 5 ... in order of appearance."""
    declared = {**INPUTS, **PARAMETERS}
    sizes: dict = {}
    for name, value in given.items():
        if name in declared:  # whether their shapes fit is found out later, with a better message
            pairs = zip(declared[name][0], np.shape(value), strict=False)
            sizes |= {size: came for size, came in pairs if isinstance(size, str)}
    free = 3
    for shape, _ in declared.values():
        for size in shape:
            if isinstance(size, str) and size.isidentifier() and size not in sizes:
                sizes[size] = free
                free += 1
    return sizes


def _size(size: Any, sizes: dict) -> Any:
    """Return the value of a symbolic size; numbers, and the None of an absent bound, stand for themselves."""
    return sizes.get(size, size)


def _draw(generator: np.random.Generator, shape: tuple, dtype: str, low: Any, high: Any) -> np.ndarray:
    """Return random values: floats normal or in [low, high), integers in [low, high), by default ten from low or 0."""
    if dtype == "bool":
        return generator.integers(0, 2, shape).astype(bool)
    if not dtype.startswith("float"):
        low = 0 if low is None else low
        return generator.integers(low, low + 10 if high is None else high, shape)
    if low is not None and high is not None:
        return generator.uniform(low, high, shape)
    values = generator.normal(size=shape)
    if low is not None:
        return low + np.abs(values)
    return values if high is None else high - np.abs(values)


def _draw_point(generator: np.random.Generator, parameters: dict | None, seed: int, inputs: dict) -> dict:
    """Return float64 copies of all parameters and inputs by name; what is not given is drawn."""
    _refuse_unknown(inputs, INPUTS)
    sizes = _known_sizes({**(parameters or {}), **inputs})
    if parameters is None:
        initial = init_parameters(seed, **{name: sizes[name] for name in _sizes})
        parameters = {name: value + 0.1 * generator.normal(size=np.shape(value)) for name, value in initial.items()}
    values = {name: inputs.get(name) for name in INPUTS}
    for name, (shape, dtype) in INPUTS.items():
        if values[name] is None:
            low, high = (_size(bound, sizes) for bound in _bounds.get(name, (None, None)))
            values[name] = _draw(generator, tuple(_size(size, sizes) for size in shape), dtype, low, high)
    arrays = _check(parameters, **values)
    return {name: np.array(array, order="C") for name, array in zip((*PARAMETERS, *INPUTS), arrays, strict=True)}


def _largest(array: np.ndarray) -> float:
    """Return the largest magnitude in an array, 0 for an empty one."""
    return float(np.max(np.abs(array), initial=0.0))


# Of an array with more entries than this, as many are drawn, and a direction through all of them is checked as well.
_ENTRIES = 64


def _directions(generator: np.random.Generator, size: int) -> tuple[list, list]:
    """Return directions through an array of that size, each as places and weights, and what to note about them."""
    if size <= _ENTRIES:
        return [([place], [1.0]) for place in range(size)], []
    chosen = np.sort(generator.choice(size, _ENTRIES, replace=False))
    # The slope along this direction through all entries is of the size of a typical entry's gradient.
    through_all = (np.arange(size), generator.normal(size=size) / math.sqrt(size))
    return [([place], [1.0]) for place in chosen] + [through_all], [f"{_ENTRIES} of {size} entries and a direction"]


def _loss_or_nan(arguments: tuple) -> float:
    """Return the loss, and nan where a step has left the domain of a function: there `math` raises, NumPy warns."""
    try:
        with np.errstate(all="ignore"):
            return float(loss(*arguments))
    except (ValueError, ArithmeticError):
        return math.nan


# Differences start with this step, for values around 1, and go on with a quarter of it.
_FIRST_STEP = 2.0**-6
_RUNGS = 12


def _one_sided_slope(value: Callable[[float], float], step: float) -> float:
    """Return the slope of `value` at 0 on the side of `step`: divided differences, extrapolated to a step of 0.

    The steps shrink fourfold. Each column of Neville's table cancels one more power of the step, and the entry that
    agrees best with its neighbours is the answer (Ridders 1982; Numerical Recipes, 5.7); nan if no two are finite.
    """
    start = value(0.0)
    slope, doubt = math.nan, math.inf
    coarser: list[float] = []
    for _ in range(_RUNGS):
        row = [(value(step) - start) / step]
        rounding = 2.0**-52 * abs(start / step)  # makes neighbours at small steps agree by chance
        for column, neighbour in enumerate(coarser, start=1):
            row.append(row[-1] + (row[-1] - neighbour) / (4.0**column - 1.0))
            difference = rounding + max(abs(row[-1] - row[-2]), abs(row[-1] - neighbour))
            if difference < doubt:
                slope, doubt = row[-1], difference
        if doubt <= 1e-10 * abs(slope):
            break
        coarser, step = row, step / 4.0
    return slope


def _slopes(flat: np.ndarray, places: Any, weights: Any, arguments: tuple) -> tuple[float, float]:
    """Return the slopes of the loss forward and backward along a direction; `flat` is a view of one argument."""
    here = flat[places]

    def value(step: float) -> float:
        flat[places] = here + step * np.asarray(weights)
        return _loss_or_nan(arguments)

    first_step = _FIRST_STEP * max(1.0, _largest(here))
    try:
        return _one_sided_slope(value, first_step), _one_sided_slope(value, -first_step)
    finally:
        flat[places] = here


def _gradient_row(
    generator: np.random.Generator, name: str, gradient: np.ndarray, array: np.ndarray, arguments: tuple, floor: float
) -> tuple:
    """Return the row of one gradient: its entries, or some of them and a direction, against differences."""
    largest = _largest(gradient)
    if not math.isfinite(largest):
        return name, array.shape, largest, math.inf, "not finite"
    directions, notes = _directions(generator, array.size)
    derived = np.array([gradient.ravel()[places] @ weights for places, weights in directions])
    flat = array.reshape(-1)
    slopes = np.array([_slopes(flat, places, weights, arguments) for places, weights in directions]).reshape(-1, 2)
    measured = slopes.mean(axis=1)
    floor = max(largest, floor / max(1.0, _largest(array)))  # steps are larger where values are
    # The slopes on the two sides of a smooth entry agree to about ten digits.
    smooth = np.abs(slopes[:, 0] - slopes[:, 1]) <= 1e-6 * np.maximum(np.abs(measured), floor)
    scale = max(floor, _largest(measured[smooth])) or 1.0
    if not smooth.all():
        notes.append(f"{np.sum(~smooth)} of {len(smooth)} at a kink, left out")
    if largest == 0.0:
        notes.append("all zero")
    elif largest < floor:
        notes.append("too small to measure well")
    error = _largest((measured - derived)[smooth]) / scale
    if directions and not smooth.any():
        error = math.nan
    return name, array.shape, largest, error, "; ".join(notes)


def _gradient_rows(parameters: dict | None, seed: int, inputs: dict) -> list:
    """Return a row (name, shape, largest entry, worst error, notes) for each gradient."""
    global _float
    declared, _float = _float, np.float64
    try:
        generator = np.random.default_rng(seed)
        point = _draw_point(generator, parameters, seed, inputs)
        arguments = ({name: point[name] for name in PARAMETERS}, *(point[name] for name in INPUTS))
        result, gradients = _value_and_grad(*arguments)[:2]
        here = loss(*arguments)
        if not math.isfinite(result):
            raise ValueError(f"the loss is {result} at this point: pass other inputs, or declare their low and high")
        if not abs(result - here) <= 1e-12 * max(1.0, abs(here)):  # nan is a difference
            raise AssertionError(f"value_and_grad answers with the loss {result!r}, loss with {here!r}")
        # Rounding hides slopes that are much smaller than this beside the loss and the other gradients.
        floor = 1e-5 * max([abs(here), *map(_largest, gradients.values())])
        rows = []
        for name, gradient in gradients.items():
            if np.shape(gradient) != point[name].shape:
                shapes = f"{np.shape(gradient)}, its value {point[name].shape}"
                raise AssertionError(f"the gradient of {name} has shape {shapes}")
            rows.append(_gradient_row(generator, name, np.asarray(gradient), point[name], arguments, floor))
        return rows
    finally:
        _float = declared


def _wrong(rows: list, tolerance: float) -> bool:
    """Say whether an error exceeds the tolerance; nan stands for a gradient that could not be compared."""
    return any(error > tolerance for _, _, _, error, _ in rows)


# The largest relative error that passes. A file in float64 is usually better by four digits.
_TOLERANCE = 1e-6


def _aligned(rows: list) -> str:
    """Return rows of a name, a shape, two numbers and notes with their columns aligned, below a head."""
    cells = [("name", "shape", "largest", "worst error", "notes")]
    for name, shape, largest, error, notes in rows:
        cells.append((name, str(shape), f"{largest:.1e}", f"{error:.1e}", notes))
    widths = [max(len(row[column]) for row in cells) for column in range(4)]
    return "\n".join("  ".join([*map(str.ljust, row, widths), row[4]]).rstrip() for row in cells)


def _gradient_table(rows: list) -> str:
    """Return the rows (name, shape, largest entry, worst error, notes) as a table."""
    return _aligned(rows)


def check_gradients(
    parameters: dict | None = None, *, seed: int = 0, tolerance: float | None = None, **inputs: Any
) -> dict[str, float]:
    """Compare every gradient with differences of the loss, in float64 whatever the module's dtype.

    An entry at a kink, where the slopes on its two sides differ, has no derivative to compare with: it is left out, and
    the table says so. While the check runs the whole module computes in float64.

    Parameters
    ----------
    parameters : dict, optional
        The point to check at. By default that of `init_parameters(seed)` with normal noise of 0.1 added, so that
        what starts at zero does not sit exactly at a kink.
    seed : int
        For everything that is drawn.
    tolerance : float, optional
        The largest error that passes; 1e-6 by default.
    **inputs
        Inputs by name. Missing ones are drawn: floats normal or within their bounds, integers within theirs.

    Returns
    -------
    dict
        The worst error for each gradient, relative to that gradient's largest entry; nan if nothing could be compared.

    Raises
    ------
    AssertionError
        With the table of all gradients, if an error exceeds the tolerance.
    ValueError
        If an input does not fit, or the loss is not finite at the point.
    """
    rows = _gradient_rows(parameters, seed, inputs)
    if _wrong(rows, _TOLERANCE if tolerance is None else tolerance):
        raise AssertionError("wrong gradients\n" + _gradient_table(rows))
    return {name: error for name, _, _, error, _ in rows}


def _main() -> None:
    """Print the table of `check_gradients`, and exit with 1 if a gradient is wrong."""
    rows = _gradient_rows(None, 0, {})
    print(_gradient_table(rows))
    if _wrong(rows, _TOLERANCE):
        raise SystemExit(1)


def _check_memory(state: dict) -> None:
    """Raise ValueError if the optimizer's memory of a parameter, or a number that it keeps, is missing or no number."""
    if not hasattr(state, "get") or not hasattr(state, "__setitem__"):
        raise ValueError(f"optimizer_state: expected a dict, got {type(state).__name__}")
    missing = [key for key in _numbers if key not in state]
    for key in _memory:
        if not isinstance(state.get(key), dict) or any(name not in state[key] for name in _trained):
            missing.append(key)
    if missing:
        raise ValueError(f"optimizer_state: {missing[0]} is missing; start with init_optimizer_state(parameters)")
    for key in _numbers:
        number = np.asarray(state[key])  # out of a file it comes as a 0-d array
        if key == "step" and (number.shape or number.dtype.kind not in "iu" or number < 0):
            raise ValueError(f"optimizer_state['step']: expected an int from 0 up, got {state[key]!r}")
        if number.shape or number.dtype.kind not in "iuf":
            raise ValueError(f"optimizer_state[{key!r}]: expected a number, got {state[key]!r}")


def _check_step(parameters: dict, state: dict, gradients: dict) -> None:
    """Raise ValueError, before anything is changed, if a parameter or its memory cannot be written to in place."""
    _check_memory(state)
    places = [(name, parameters[name], gradients[name]) for name in _trained]
    for key in _memory:
        places += [(f"optimizer_state[{key!r}][{name!r}]", state[key][name], gradients[name]) for name in _trained]
    for place, array, gradient in places:
        if not isinstance(array, np.ndarray) or not array.flags.writeable or array.dtype.kind != "f":
            raise ValueError(f"{place}: expected a writable array of floats, to be changed in place")
        if array.shape != gradient.shape:
            raise ValueError(f"{place}: expected shape {gradient.shape}, got {array.shape}")


def _views(shapes: dict) -> dict:
    """Return an array of zeros for each name, all of them views of one flat vector, in the order given."""
    flat = np.zeros(sum(math.prod(shape) for shape in shapes.values()), dtype=_float)
    views, start = {}, 0
    for name, shape in shapes.items():
        stop = start + math.prod(shape)
        views[name] = flat[start:stop].reshape(shape)
        start = stop
    return views


def _packed(arrays: dict) -> dict:
    """Return the arrays as views of one flat vector that holds their values."""
    views = _views({name: array.shape for name, array in arrays.items()})
    for name, array in arrays.items():
        views[name][...] = array
    return views


def _fans(shape: tuple) -> tuple[int, int]:
    """Return how many values each unit reads and how many units read each value, at least 1.

    Weights are (in, out); kernels are (out, in, *window), and each place of the window counts.
    """
    if len(shape) < 3:
        ends = shape or (1,)
        return max(1, ends[0]), max(1, ends[-1])
    window = math.prod(shape[2:])
    return max(1, shape[1] * window), max(1, shape[0] * window)


def he_normal(generator: np.random.Generator, shape: tuple) -> np.ndarray:
    """Return normal values of variance 2 / fan_in, which keeps the scale of relu layers (He et al. 2015, eq. 10)."""
    return generator.normal(0.0, math.sqrt(2.0 / _fans(shape)[0]), shape)


def glorot_uniform(generator: np.random.Generator, shape: tuple) -> np.ndarray:
    """Return even values of variance 2 / (fan_in + fan_out) (Glorot & Bengio 2010, eq. 16)."""
    bound = math.sqrt(6.0 / sum(_fans(shape)))  # even values in [-bound, bound) have the variance bound**2 / 3
    return generator.uniform(-bound, bound, shape)


def _write(path: str | os.PathLike, arrays: dict) -> None:
    """Write arrays and the graph's hash to an npz file, in one step."""
    path = os.path.realpath(os.fsdecode(path))
    temporary = f"{path}.{os.urandom(4).hex()}.tmp"
    try:
        with open(temporary, "xb") as file:
            if os.path.exists(path):
                os.chmod(temporary, os.stat(path).st_mode)
            np.savez(file, graph=_hash, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # in one step: nobody sees half a file
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise


def save_parameters(path: str | os.PathLike, parameters: dict) -> None:
    """Write the parameters to an npz file at exactly `path`, or leave what is there untouched.

    An existing file keeps its mode, and a link stays a link.

    Parameters
    ----------
    path : str or path-like
        The file; no suffix is added.
    parameters : dict
        The parameters by name. Their names, shapes and dtypes are checked as those of any call.

    Raises
    ------
    ValueError
        If a parameter is missing or does not fit.
    """
    _write(path, {f"p/{name}": array for name, array in zip(PARAMETERS, _check(parameters), strict=True)})


def _problems(stored: dict, declared: dict, what: str) -> list:
    """Return what in the stored arrays does not fit the declared ones, a line for each."""
    problems: list = []
    sizes: dict = {}
    for name, (shape, _) in declared.items():
        if name not in stored:
            problems.append(f"{name}: missing")
            continue
        if not isinstance(stored[name], np.ndarray):
            problems.append(f"{name}: not an array")
            continue
        if not _fits(name, stored[name].shape, shape, sizes):
            problems.append(_misfit(name, stored[name].shape, shape, sizes))
        if stored[name].dtype != _float:
            problems.append(f"{name}: expected {np.dtype(_float)}, got {stored[name].dtype}")
    problems += [f"{name}: not a {what} of this graph" for name in stored if name not in declared]
    return problems


def _stored(path: str | os.PathLike, prefix: str, declared: dict, what: str) -> dict:
    """Return the arrays of a file under a prefix, by name; ValueError if they are not those declared."""
    place = os.fsdecode(path)
    with open(path, "rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{place}: not an npz file")
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as entries:
                stored = {key[2:]: entries[key] for key in entries.files if key.startswith(prefix)}
                graph = str(entries["graph"]) if "graph" in entries.files else "an unknown graph"
        except Exception as error:  # of zipfile, of zlib and of NumPy: a flipped bit raises any of them
            raise ValueError(f"{place}: cannot be read as an npz file; {type(error).__name__}: {error}") from error
    problems = _problems(stored, declared, what)
    if problems:
        title = f"{place} does not fit this graph, {_hash}; it was saved by {graph}:"
        raise ValueError("\n  ".join([title, *problems]))
    return stored


def load_parameters(path: str | os.PathLike) -> dict:
    """Return the parameters that `save_parameters` wrote to `path`.

    A file may hold more than parameters, such as the state of a training run; that is left alone.

    Parameters
    ----------
    path : str or path-like
        The npz file.

    Returns
    -------
    dict
        The parameters by name, in declaration order, as `init_parameters` returns them.

    Raises
    ------
    ValueError
        If it is not an npz file or a damaged one, or listing every name, shape and dtype in it that does not fit.
    """
    stored = _stored(path, "p/", PARAMETERS, "parameter")
    return _packed({name: stored[name] for name in PARAMETERS})


if __name__ == "__main__":
    _main()
