"""The languages formulas are written in: NumPy, Python's math, and plain mathematics."""

from dataclasses import dataclass, field
from typing import Literal

from graphgen.targets.precedence import AND, BIT_AND, BIT_OR, NOT, OR, UNARY

DialectName = Literal["numpy", "math", "text"]

# sympy's class -> the name in NumPy, and in our text
NAMES = {
    "exp": "exp",
    "expm1": "expm1",
    "log": "log",
    "log1p": "log1p",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "Abs": "abs",
    "sign": "sign",
    "floor": "floor",
    "Sigmoid": "sigmoid",
    "Softplus": "softplus",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "Nonzero": "nonzero",
    "Exponent": "exponent",
}


# Arguments at which nothing warns, for calls in a branch that is not taken; divisors and bases of powers take 1.
HARMLESS = dict.fromkeys(("exp", "expm1", "log1p", "sin", "cos", "tan", "arcsin", "arccos", "sinh", "cosh"), 0) | {
    "log": 1,
    "sqrt": 1,
}


@dataclass(frozen=True)
class Dialect:
    """The spelling of one language: what a call is named, and which signs stand for and, or, not."""

    prefix: str
    times: str = " * "
    over: str = " / "
    both: tuple[str, int] = (" & ", BIT_AND)
    either: tuple[str, int] = (" | ", BIT_OR)
    negation: tuple[str, int] = ("~", UNARY)
    names: dict[str, str] = field(default_factory=dict)  # where the name is not prefix + NumPy's name
    helpers: frozenset[str] = frozenset()  # functions that the generated module brings along


_NUMPY_HELPERS = {name: name for name in ("sigmoid", "softplus")}
DIALECTS: dict[str, Dialect] = {
    "numpy": Dialect("np.", names=_NUMPY_HELPERS, helpers=frozenset(_NUMPY_HELPERS)),
    "math": Dialect(
        "math.",
        both=(" and ", AND),
        either=(" or ", OR),
        negation=("not ", NOT),
        names={"arcsin": "math.asin", "arccos": "math.acos", "arctan": "math.atan", "abs": "abs", "maximum": "max"}
        | {"minimum": "min", "sigmoid": "sigmoid", "softplus": "softplus"},
        helpers=frozenset({"sigmoid", "softplus"}),
    ),
    "text": Dialect("", times="*", over="/"),
}
