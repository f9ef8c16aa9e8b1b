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

# The parameters that the optimizer changes, what it keeps of each of them, and the numbers that it keeps.
_trained: tuple[str, ...]
_memory: tuple[str, ...]
_numbers: tuple[str, ...]

init_parameters: Callable[..., dict[str, np.ndarray]]
loss: Callable[..., float]
jvp: Callable[..., tuple[float, float]]
_value_and_grad: Callable[..., tuple]
