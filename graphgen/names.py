"""Which names values, parameters and sizes may have."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

from graphgen.errors import brief

# The public face of generated modules: CONTRACT 3.
FACE = frozenset(
    [
        "PARAMETERS",
        "INPUTS",
        "OUTPUTS",
        "STATE",
        "init_parameters",
        "init_state",
        "init_optimizer_state",
        "save_parameters",
        "load_parameters",
        "load_state",
        "forward",
        "loss",
        "value_and_grad",
        "evaluate",
        "train_step",
        "check_gradients",
        "forward_sweep",
        "backward",
        "jvp",
        "vjp",
        "jacobian",
        "hessian",
        "hvp",
        "gauss_newton_product",
        "per_example_gradients",
        "Workspace",
    ]
)
RESERVED = FACE | frozenset(keyword.kwlist) | frozenset(dir(builtins)) | {"np", "math"}


def reason_against(name: object) -> str | None:
    """Why `name` cannot be the name of a value, or None if it can."""
    if not isinstance(name, str):
        return "a name is a string"
    if not name.isidentifier():
        return "it is not an identifier"
    if not unicodedata.is_normalized("NFKC", name):
        return "Python would read it as another name"
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
        return (
            "it is a builtin of Python" if hasattr(builtins, name) else "it is part of a generated module's public face"
        )
    return None


def usable(name: str) -> str:
    """`name` as found in a model's source, made usable: a reserved one gets a trailing underscore."""
    if name.startswith("_"):
        return ""
    return name if name == "loss" or reason_against(name) is None else f"{name}_"


def remedy(name: object) -> str:
    """What may be done about a name that cannot be one."""
    if not isinstance(name, str):
        return "give a string"
    words = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", name)).strip("_")
    words = words.removeprefix("d_").removesuffix("_dot")
    if words and not words.isidentifier():
        words = f"x{words}"
    candidate = words if reason_against(words) is None else f"{words}_"
    return f"choose another name, such as {candidate}" if reason_against(candidate) is None else "choose another name"


FLOAT_TYPES = ("float32", "float64")
TIES = ("split", "first")


def fact_problems(facts: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """What is wrong with a graph's own name, dtype and policies: the key, and the problem's code, message and help."""
    name, dtype, k, ties = (facts[key] for key in ("name", "dtype", "relu_at_zero", "ties"))
    if not isinstance(name, str) or not name.isascii() or not name.replace("-", "_").isidentifier():
        help = "a module is called by it: use letters, digits and underscores"
        yield "name", ("GG011", f"{brief(name)} cannot name a graph", help)
    elif keyword.iskeyword(name) or name == "numpy":
        yield (
            "name",
            ("GG011", f"{name!r} cannot name a graph", "a module is called by it, and Python could not import it"),
        )
    if not isinstance(dtype, str) or dtype not in FLOAT_TYPES:
        yield "dtype", ("GG030", f"unknown dtype {brief(dtype)} of the graph", 'one of "float32", "float64"')
    if isinstance(k, bool) or not isinstance(k, Real) or not 0 <= float(k) <= 1:
        message = f"relu_at_zero is a number from 0 to 1, not {brief(k)}"
        yield "relu_at_zero", ("GG005", message, "0, 0.5 and 1 are the common choices")
    if not isinstance(ties, str) or ties not in TIES:
        yield "ties", ("GG005", f"unknown ties {brief(ties)}", 'one of "split", "first"')
