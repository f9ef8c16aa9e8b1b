"""Which names values, parameters and sizes may have."""

from __future__ import annotations

import builtins
import keyword

# The public face of generated modules: CONTRACT 3.
FACE = frozenset(
    """PARAMETERS INPUTS OUTPUTS STATE init_parameters init_state init_optimizer_state save_parameters load_parameters
    forward loss value_and_grad evaluate train_step check_gradients forward_sweep backward jvp vjp jacobian hessian hvp
    Workspace""".split()
)
RESERVED = FACE | frozenset(keyword.kwlist) | frozenset(dir(builtins)) | {"np", "math"}


def reason_against(name: object) -> str | None:
    """Why `name` cannot be the name of a value, or None if it can."""
    if not isinstance(name, str):
        return f"a name is a string, not {name!r}"
    if not name.isidentifier():
        return "it is not an identifier"
    if keyword.iskeyword(name):
        return "it is a keyword of Python"
    if name.startswith("_"):
        return "names that start with _ are the generator's"
    if name.startswith("d_"):
        return "names that start with d_ are gradients"
    if name.endswith("_dot"):
        return "names that end with _dot are tangents"
    if name in ("np", "math"):
        return "it is a module in generated code"
    if name in RESERVED:
        return "it is a builtin of Python" if hasattr(builtins, name) else "it is part of a generated module's public face"
    return None


def usable(name: str) -> str:
    """`name` as found in a model's source, made usable: a reserved one gets a trailing underscore."""
    if name.startswith("_"):
        return ""
    return name if name == "loss" or reason_against(name) is None else f"{name}_"
