"""What every generated module defines for itself and the helpers refer to: declared here, never copied.

These are annotations without values. The helper files import them for the type checker alone.
"""

from collections.abc import Callable

import numpy as np

# {name: (shape, dtype)}. A size is an int, a symbolic size ("batch"), or one derived from symbolic sizes ("2*n").
PARAMETERS: dict[str, tuple[tuple[int | str, ...], str]]
INPUTS: dict[str, tuple[tuple[int | str, ...], str]]
OUTPUTS: dict[str, tuple[tuple[int | str, ...], str]]
STATE: dict[str, tuple[tuple[int | str, ...], str]]

# The module's float type. A dtype "float32" or "float64" in the tables above means this one.
_float: type[np.floating]

# The hash of the graph.
_hash: str

# {input: (low, high)}: the values that checks may draw for an input; None is no bound, a size is written as above.
_bounds: dict[str, tuple[float | str | None, float | str | None]]

# The symbolic sizes of the parameters: keywords of init_parameters.
_sizes: tuple[str, ...]

# The parameters and inputs that the loss is differentiated by.
_wrt: tuple[str, ...]

# The inputs that forward reads, and those that derivatives of the outputs read.
_read: tuple[str, ...]
_differentiated: tuple[str, ...]

# What forward_sweep saves for backward.
_saved: tuple[str, ...]

# {name: note}: for each gradient on whose way another one is declared, what is said of that.
_declared: dict[str, str]

# The parameters that the optimizer changes, what it keeps of each of them, and the numbers that it keeps.
_trained: tuple[str, ...]
_memory: tuple[str, ...]
_numbers: tuple[str, ...]

# Of the checked variant, for each function: what its results are called, by name, its values in order, and the facts of
# those that are something else in another function.
_traced: dict[str, tuple[dict[str, str], tuple[str, ...], dict[str, tuple]]]

# Of each value: how its entries depend on those of the operands ("each" on the same one, a "choice" of two, or the
# "whole"), the op, the operands, the sweep, the statement, the user's statement and its place.
_facts: dict[str, tuple[str, str, tuple, str, str, str, str]]

# What may be done about a value that is not finite, by the op that made it, "inf" and "nan".
_remedies: dict[str, str]

init_parameters: Callable[..., dict[str, np.ndarray]]
loss: Callable[..., float]
jvp: Callable[..., tuple[float, float]]
_value_and_grad: Callable[..., tuple]
_value_and_grad_clipped: Callable[..., tuple]
forward: Callable[..., tuple]
vjp: Callable[..., dict[str, np.ndarray]]
jacobian: Callable[..., dict]
