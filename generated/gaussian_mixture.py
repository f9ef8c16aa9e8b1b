"""gaussian_mixture: forward and reverse sweeps of gaussian_mixture.py, in the compact style.

graph       69 nodes, 77 edges; hash dfb0683e
parameters  6 * components values, float64
cost        forward about 21*components*points flop, components*points exp, points log and 2 lgamma;
            reverse about 24*components*points flop more
bytes       forward about 216*components*points B; reverse about 208*components*points B more;
            saved for reverse about 40*components*points B
options     style compact, mode reverse
made by graphgen 0.1.0 (target numpy); its authors claim no ownership of this file
"""

import math
import os
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

_float = np.float64  # the type of every float in this file

PARAMETERS = {
    "alphas": (("components",), "float64"),
    "means": (("components", 2), "float64"),
    "icf": (("components", 3), "float64"),
}
INPUTS = {"x": (("points", 2), "float64"), "wishart": ((2,), "float64")}
OUTPUTS = {"log_posterior": ((), "float64")}
_hash = "dfb0683e"
_bounds = {"wishart": (0.5, 2.0)}
_sizes = ("components",)
_factor_index_index = np.array([[0, 0], [2, 0]], dtype=np.int64)
_log_gamma_constant = np.array([0.0, 1.0], dtype=_float)


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # an infinity may turn out not to matter
def forward(parameters: dict, x: np.ndarray, wishart: np.ndarray) -> np.ndarray:
    """Return log_posterior, for x of shape (points, 2) and wishart of shape (2,)."""
    alphas, means, icf, x, wishart = _check(parameters, x=x, wishart=wishart)

    log_diagonal = icf[:, :2]                                           # gaussian_mixture.py:26  (components, 2)
    below = icf[:, 2:]                                                  # gaussian_mixture.py:26  (components, 1)
    diagonal = np.exp(log_diagonal)                                     # gaussian_mixture.py:27  (components, 2)
    # gaussian_mixture.py:31  (components, 2, 2)
    factor = diag_embed(diagonal, (2, 2)) + np.tril(np.take(icf, _factor_index_index, axis=1), -1)
    log_determinant = log_diagonal.sum(axis=1)                          # gaussian_mixture.py:32  (components,)
    # whitened = einsum("kij,knj->kni", factor, x - means[:, None])  gaussian_mixture.py:34
    whitened = (x - means[:, None]) @ factor.swapaxes(1, 2)             # (components, points, 2)
    squared_length = (whitened**2).sum(axis=2)                          # gaussian_mixture.py:35  (components, points)
    # gaussian_mixture.py:36  (components, points)
    log_density = log_determinant[:, None] - squared_length / 2.0 - 1.8378770664093453
    # log_weight = log_softmax(alphas, axis=0)  gaussian_mixture.py:37  shifted so that exp cannot overflow
    log_weight_shifted = alphas - finite_max(alphas, axis=0)            # (components,)
    log_weight = log_weight_shifted - np.log(np.exp(log_weight_shifted).sum(keepdims=True))  # (components,)
    log_likelihood_add = log_weight[:, None] + log_density              # gaussian_mixture.py:38  (components, points)
    # log_likelihood = logsumexp(log_weight[:, None] + log_density, axis=0)  gaussian_mixture.py:38
    # shifted so that exp cannot overflow
    log_likelihood_max = finite_max(log_likelihood_add, axis=0)         # (1, points)
    log_likelihood_exp = np.exp(log_likelihood_add - log_likelihood_max)  # (components, points)
    log_likelihood_log = np.log(log_likelihood_exp.sum(axis=0, keepdims=True))  # (1, points)
    log_likelihood = (log_likelihood_log + log_likelihood_max)[0]       # (points,)
    scale = wishart[0]                                                  # gaussian_mixture.py:40
    extra = wishart[1]                                                  # gaussian_mixture.py:40
    freedom = extra + 2.0 + 1.0                                         # gaussian_mixture.py:41
    log_gamma = lgamma((freedom - _log_gamma_constant) / 2.0).sum() + 0.5723649429247001  # gaussian_mixture.py:43
    normaliser = freedom * 2.0 * (np.log(scale) - 0.34657359027997264) - log_gamma  # gaussian_mixture.py:44
    size = (diagonal**2).sum(axis=1) + (below**2)[:, 0]                 # gaussian_mixture.py:45  (components,)
    log_prior = scale**2 / 2.0 * size - extra * log_determinant - normaliser  # gaussian_mixture.py:46  (components,)
    log_posterior = log_likelihood.sum() + log_prior.sum()              # gaussian_mixture.py:48
    return np.array(log_posterior)


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # an infinity may turn out not to matter
def loss(parameters: dict, x: np.ndarray, wishart: np.ndarray) -> float:
    """Return the loss."""
    alphas, means, icf, x, wishart = _check(parameters, x=x, wishart=wishart)

    log_diagonal = icf[:, :2]                                           # gaussian_mixture.py:26  (components, 2)
    below = icf[:, 2:]                                                  # gaussian_mixture.py:26  (components, 1)
    diagonal = np.exp(log_diagonal)                                     # gaussian_mixture.py:27  (components, 2)
    # gaussian_mixture.py:31  (components, 2, 2)
    factor = diag_embed(diagonal, (2, 2)) + np.tril(np.take(icf, _factor_index_index, axis=1), -1)
    log_determinant = log_diagonal.sum(axis=1)                          # gaussian_mixture.py:32  (components,)
    # whitened = einsum("kij,knj->kni", factor, x - means[:, None])  gaussian_mixture.py:34
    whitened = (x - means[:, None]) @ factor.swapaxes(1, 2)             # (components, points, 2)
    squared_length = (whitened**2).sum(axis=2)                          # gaussian_mixture.py:35  (components, points)
    # gaussian_mixture.py:36  (components, points)
    log_density = log_determinant[:, None] - squared_length / 2.0 - 1.8378770664093453
    # log_weight = log_softmax(alphas, axis=0)  gaussian_mixture.py:37  shifted so that exp cannot overflow
    log_weight_shifted = alphas - finite_max(alphas, axis=0)            # (components,)
    log_weight = log_weight_shifted - np.log(np.exp(log_weight_shifted).sum(keepdims=True))  # (components,)
    log_likelihood_add = log_weight[:, None] + log_density              # gaussian_mixture.py:38  (components, points)
    # log_likelihood = logsumexp(log_weight[:, None] + log_density, axis=0)  gaussian_mixture.py:38
    # shifted so that exp cannot overflow
    log_likelihood_max = finite_max(log_likelihood_add, axis=0)         # (1, points)
    log_likelihood_exp = np.exp(log_likelihood_add - log_likelihood_max)  # (components, points)
    log_likelihood_log = np.log(log_likelihood_exp.sum(axis=0, keepdims=True))  # (1, points)
    log_likelihood = (log_likelihood_log + log_likelihood_max)[0]       # (points,)
    scale = wishart[0]                                                  # gaussian_mixture.py:40
    extra = wishart[1]                                                  # gaussian_mixture.py:40
    freedom = extra + 2.0 + 1.0                                         # gaussian_mixture.py:41
    log_gamma = lgamma((freedom - _log_gamma_constant) / 2.0).sum() + 0.5723649429247001  # gaussian_mixture.py:43
    normaliser = freedom * 2.0 * (np.log(scale) - 0.34657359027997264) - log_gamma  # gaussian_mixture.py:44
    size = (diagonal**2).sum(axis=1) + (below**2)[:, 0]                 # gaussian_mixture.py:45  (components,)
    log_prior = scale**2 / 2.0 * size - extra * log_determinant - normaliser  # gaussian_mixture.py:46  (components,)
    log_posterior = log_likelihood.sum() + log_prior.sum()              # gaussian_mixture.py:48
    loss = -log_posterior                                               # gaussian_mixture.py:50
    return float(loss)


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # an infinity may turn out not to matter
def value_and_grad(parameters: dict, x: np.ndarray, wishart: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
    """Return the loss, and its gradient with respect to each parameter."""
    alphas, means, icf, x, wishart = _check(parameters, x=x, wishart=wishart)

    # forward sweep
    log_diagonal = icf[:, :2]                                           # gaussian_mixture.py:26  (components, 2)
    below = icf[:, 2:]                                                  # gaussian_mixture.py:26  (components, 1)
    diagonal = np.exp(log_diagonal)                                     # gaussian_mixture.py:27  (components, 2)
    # gaussian_mixture.py:31  (components, 2, 2)
    factor = diag_embed(diagonal, (2, 2)) + np.tril(np.take(icf, _factor_index_index, axis=1), -1)
    log_determinant = log_diagonal.sum(axis=1)                          # gaussian_mixture.py:32  (components,)
    # gaussian_mixture.py:34  (components, points, 2)
    whitened_subtract = x - means[:, None]
    # whitened = einsum("kij,knj->kni", factor, x - means[:, None])  gaussian_mixture.py:34
    whitened = whitened_subtract @ factor.swapaxes(1, 2)                # (components, points, 2)
    squared_length = (whitened**2).sum(axis=2)                          # gaussian_mixture.py:35  (components, points)
    # gaussian_mixture.py:36  (components, points)
    log_density = log_determinant[:, None] - squared_length / 2.0 - 1.8378770664093453
    # log_weight = log_softmax(alphas, axis=0)  gaussian_mixture.py:37  shifted so that exp cannot overflow
    log_weight_shifted = alphas - finite_max(alphas, axis=0)            # (components,)
    log_weight_exp = np.exp(log_weight_shifted)                         # (components,)
    log_weight_total = log_weight_exp.sum(keepdims=True)                # (1,)
    log_weight = log_weight_shifted - np.log(log_weight_total)          # (components,)
    log_likelihood_add = log_weight[:, None] + log_density              # gaussian_mixture.py:38  (components, points)
    # log_likelihood = logsumexp(log_weight[:, None] + log_density, axis=0)  gaussian_mixture.py:38
    # shifted so that exp cannot overflow
    log_likelihood_max = finite_max(log_likelihood_add, axis=0)         # (1, points)
    log_likelihood_exp = np.exp(log_likelihood_add - log_likelihood_max)  # (components, points)
    log_likelihood_total = log_likelihood_exp.sum(axis=0, keepdims=True)  # (1, points)
    log_likelihood = (np.log(log_likelihood_total) + log_likelihood_max)[0]  # (points,)
    scale = wishart[0]                                                  # gaussian_mixture.py:40
    extra = wishart[1]                                                  # gaussian_mixture.py:40
    freedom = extra + 2.0 + 1.0                                         # gaussian_mixture.py:41
    log_gamma = lgamma((freedom - _log_gamma_constant) / 2.0).sum() + 0.5723649429247001  # gaussian_mixture.py:43
    normaliser = freedom * 2.0 * (np.log(scale) - 0.34657359027997264) - log_gamma  # gaussian_mixture.py:44
    size = (diagonal**2).sum(axis=1) + (below**2)[:, 0]                 # gaussian_mixture.py:45  (components,)
    log_prior_divide = scale**2 / 2.0                                   # gaussian_mixture.py:46
    log_prior = log_prior_divide * size - extra * log_determinant - normaliser  # gaussian_mixture.py:46  (components,)
    log_posterior = log_likelihood.sum() + log_prior.sum()              # gaussian_mixture.py:48
    loss = -log_posterior                                               # gaussian_mixture.py:50

    # reverse sweep
    # log_prior = scale**2 / 2 * size - extra * log_determinant - normaliser
    d_size_multiply = -log_prior_divide
    # log_likelihood = logsumexp(log_weight[:, None] + log_density, axis=0)
    d_log_density = -1.0 / log_likelihood_total * log_likelihood_exp    # (components, points)
    d_log_weight = d_log_density.sum(axis=1)                            # (components,)
    # log_weight = log_softmax(alphas, axis=0)
    # (1,)  log_weight_log was broadcast over components
    d_log_weight_total = (-d_log_weight).sum(keepdims=True) / log_weight_total
    d_alphas = d_log_weight_total * log_weight_exp + d_log_weight       # (components,)
    # squared_length = sum(whitened**2, axis=2)
    d_whitened = 2.0 * (d_log_density / -2.0)[:, :, None] * whitened    # (components, points, 2)
    # whitened = einsum("kij,knj->kni", factor, x - means[:, None])
    d_factor = d_whitened.swapaxes(1, 2) @ whitened_subtract            # (components, 2, 2)
    d_means = (-(d_whitened @ factor)).sum(axis=1)                      # (components, 2)
    # diagonal is read 2 times: its gradients add
    d_diagonal = np.diagonal(d_factor, axis1=1, axis2=2) + 2.0 * d_size_multiply * diagonal  # (components, 2)
    # diagonal = exp(log_diagonal); log_determinant = sum(log_diagonal, axis=1)
    d_log_diagonal = d_diagonal * diagonal + (d_log_weight + extra)[:, None]  # (components, 2)
    # icf is read 3 times: its gradients add
    d_icf_assemble = np.concatenate((d_log_diagonal, 2.0 * d_size_multiply * below), axis=1)  # (components, 3)
    d_icf = d_icf_assemble + scatter_add(np.tril(d_factor, -1), _factor_index_index, 3, axis=1)  # (components, 3)
    return float(loss), {"alphas": d_alphas, "means": d_means, "icf": d_icf}


def init_parameters(seed: int = 0, *, components: int) -> dict:
    """Return new parameters: views of one flat vector, in the order of PARAMETERS."""
    generator = np.random.default_rng(seed)
    return _packed({
        "alphas": np.zeros((components,)),
        "means": normal(generator, (components, 2)),
        "icf": np.zeros((components, 3)),
    })


# What follows is the same in every module that graphgen makes: checks, files, initial values.
_value_and_grad = value_and_grad  # what check_gradients compares with differences


def diag_embed(x: np.ndarray, sizes: tuple, offset: int = 0, axis1: int = -2, axis2: int = -1) -> np.ndarray:
    """Return zeros with the last axis of x on the diagonals of two axes of these sizes: the adjoint of np.diagonal."""
    total = np.zeros((*x.shape[:-1], *sizes), dtype=x.dtype)
    rows = np.arange(x.shape[-1]) - min(offset, 0)
    total[..., rows, rows + offset] = x
    return np.moveaxis(total, (-2, -1), (axis1, axis2))


def finite_max(a: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Return the maximum along `axis`, kept as size 1, and 0 where it is not finite, or of nothing.

    It is the shift of softmax: exp(a - finite_max(a)) cannot overflow, and inf - inf does not arise.
    """
    largest = np.max(a, axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(largest), largest, np.zeros_like(largest))


def _polynomial(coefficients: Any, x: Any) -> Any:
    """Return a polynomial at x, by Horner's rule; the coefficient of the highest power comes first."""
    total = coefficients[0] * x + coefficients[1]
    for each in coefficients[2:]:
        total *= x
        total += each
    return total


def _ratio(polynomials: tuple, x: Any) -> Any:
    """Return the quotient of two polynomials at x."""
    above, below = polynomials
    return _polynomial(above, x) / _polynomial(below, x)


# What Stirling's formula for lgamma(x) leaves, times x, for all x >= 1, as a quotient of polynomials of 1 / x**2.
_LGAMMA_FIT = (
    (0.005387741867099152, 0.34429912187170114, 3.2758266080734666, 9.753265182985961, 11.48174485847177,
     5.77942060343918, 1.2072473435873852, 0.08333333333333263),
    (0.11340192377956551, 4.943120049021009, 42.38967419386799, 121.13368708387014, 139.97737699462027,
     69.82753348075848, 14.520301456378304, 1.0),
)  # fmt: skip


def _lgamma_of_positive(a: np.ndarray) -> np.ndarray:
    """Return lgamma(a) by Stirling's formula (DLMF 5.11.1), below 1 from lgamma(a + 1)."""
    above = np.where(a < 1.0, a + 1.0, a)
    inverse = 1.0 / above
    rest = 0.4189385332046727 + inverse * _ratio(_LGAMMA_FIT, inverse * inverse)  # the number is (log(2*pi) - 1) / 2
    return (above - 0.5) * (np.log(above) - 1.0) + rest - np.log(np.minimum(a, 1.0))


def _from_whole(a: np.ndarray) -> np.ndarray:
    """Return the distance of a negative a from the nearest whole number, and 1/2 for others."""
    return np.where(a < 0.0, a - np.round(a), 0.5)


def lgamma(a: np.ndarray) -> np.ndarray:
    """Return log(abs(gamma(a))), below 0 by reflection (DLMF 5.5.3); at 0, -1, -2, ... it is infinite."""
    size = np.abs(a)
    values = _lgamma_of_positive(size)
    if not np.any(a < 0.0):
        return values
    turn = _from_whole(a)
    sine = np.abs(turn * np.sinc(turn))  # abs(sin(pi*a)) / pi
    mirrored = -np.log(size) - np.log(sine) - values
    return np.where(a < 0.0, np.where(sine > 0.0, mirrored, np.inf), values)


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


def scatter_add(updates: np.ndarray, index: np.ndarray, rows: int, axis: int = 0) -> np.ndarray:
    """Return zeros of `rows` along `axis`, to which the updates are added at index: the adjoint of np.take."""
    count = np.ndim(index)
    updates = np.moveaxis(updates, range(axis, axis + count), range(count))
    row_shape = updates.shape[count:]
    row_size = math.prod(row_shape)
    total = np.zeros(rows * row_size, dtype=updates.dtype)
    # np.add.at is several times faster on flat arrays; a negative row is a negative place there as well
    places = np.asarray(index, dtype=np.intp).reshape(-1, 1) * row_size + np.arange(row_size)
    np.add.at(total, places.ravel(), updates.ravel())
    return np.moveaxis(total.reshape((rows, *row_shape)), 0, axis)


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


def normal(generator: np.random.Generator, shape: tuple, mean: float = 0.0, std: float = 1.0) -> np.ndarray:
    """Return values drawn from the normal distribution."""
    return generator.normal(mean, std, shape)


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
