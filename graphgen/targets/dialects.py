"""The languages formulas are written in: NumPy of real and of complex numbers, Python's math, and plain mathematics."""

from dataclasses import dataclass, field
from typing import Literal

from graphgen.targets.precedence import ADD, AND, ATOM, BIT_AND, BIT_OR, MULTIPLY, NOT, OR, UNARY

DialectName = Literal["numpy", "math", "complex", "text"]

# sympy's class -> the name in our text, which is the op's
NAMES = {
    "exp": "exp",
    "exp2": "exp2",
    "expm1": "expm1",
    "log": "log",
    "log2": "log2",
    "log10": "log10",
    "log1p": "log1p",
    "LogAddExp": "logaddexp",
    "Logit": "logit",
    "XLogY": "xlogy",
    "Cbrt": "cbrt",
    "Hypot": "hypot",
    "OverSquares": "over_squares",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "asin": "asin",
    "acos": "acos",
    "atan": "atan",
    "Atan2": "atan2",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "asinh": "asinh",
    "acosh": "acosh",
    "atanh": "atanh",
    "Sinc": "sinc",
    "SincSlope": "sinc_slope",
    "Abs": "abs",
    "sign": "sign",
    "floor": "floor",
    "ceiling": "ceil",
    "Round": "round",
    "Trunc": "trunc",
    "Fmod": "fmod",
    "Remainder": "remainder",
    "Sigmoid": "sigmoid",
    "Softplus": "softplus",
    "Erf": "erf",
    "Erfc": "erfc",
    "Gaussian": "gaussian",
    "Lgamma": "lgamma",
    "Digamma": "digamma",
    "Polygamma": "polygamma",
    "Sech": "sech",
    "Tanhshrink": "tanhshrink",
    "Hardsigmoid": "hardsigmoid",
    "NormalCdf": "normal_cdf",
    "NormalPdf": "normal_pdf",
    "NormalCdfTanh": "normal_cdf_tanh",
    "NormalPdfTanh": "normal_pdf_tanh",
    "Quotient": "quotient",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "Nonzero": "nonzero",
    "StopGradient": "stop_gradient",
    "StraightThrough": "straight_through",
    "CustomGradient": "custom_gradient",
    "ScaleGradient": "scale_gradient",
    "Clipped": "clipped",
}


# Arguments at which nothing warns, for calls in a branch that is not taken, and None for those that may be anything.
# Divisors and bases of powers take 1.
HARMLESS: dict[str, tuple[float | None, ...]] = {
    **dict.fromkeys(("exp", "exp2", "expm1", "log1p", "sin", "cos", "tan", "asin", "acos", "sinh", "cosh", "atanh", "sinc"), (0.0,)),
    **dict.fromkeys(("log", "log2", "log10", "lgamma", "digamma"), (1.0,)),
    "acosh": (2.0,),
    "logit": (0.5,),
    **dict.fromkeys(("xlogy", "fmod", "remainder", "polygamma"), (None, 1.0)),
}

# Functions whose first argument is a whole number, written as one.
COUNTING = ("polygamma",)


@dataclass(frozen=True)
class Dialect:
    """The spelling of one language: what a call is named, and which signs stand for and, or, not.

    Attributes
    ----------
    names : of calls, where they are not the prefix and the name in our text.
    helpers : functions that the generated module brings along, called by their plain names.
    templates : what takes more than a call, with holes `{0}`, or `{0:atom}` where the operand must hold together.
    missing : functions that it has no spelling for.
    """

    prefix: str
    times: str = " * "
    over: str = " / "
    both: tuple[str, int] = (" & ", BIT_AND)
    either: tuple[str, int] = (" | ", BIT_OR)
    negation: tuple[str, int] = ("~", UNARY)
    names: dict[str, str] = field(default_factory=dict)
    helpers: frozenset[str] = frozenset()
    templates: dict[str, tuple[str, int]] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()


_DECLARED = ("stop_gradient", "straight_through", "custom_gradient", "scale_gradient", "clipped")
_HELPERS = frozenset(
    ("sigmoid", "softplus", "logit", "xlogy", "quotient", "over_squares", "sinc", "sinc_slope")
    + ("erf", "erfc", "gaussian", "lgamma", "digamma", "polygamma")
    + ("sech", "tanhshrink", "hardsigmoid", "normal_cdf", "normal_pdf", "normal_cdf_tanh", "normal_pdf_tanh")
    + _DECLARED
)
_NOT_ANALYTIC = frozenset(("lgamma", "digamma", "polygamma", *_DECLARED))
DIALECTS: dict[str, Dialect] = {
    "numpy": Dialect(
        "np.",
        names={name: f"np.arc{name[1:]}" for name in ("asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh")},
        helpers=_HELPERS,
    ),
    "math": Dialect(
        "math.",
        both=(" and ", AND),
        either=(" or ", OR),
        negation=("not ", NOT),
        names={"abs": "abs", "maximum": "max", "minimum": "min"},
        helpers=_HELPERS - {"erf", "erfc", "lgamma"},
        templates={
            "sign": ("float(({0:atom} > 0.0) - ({0:atom} < 0.0))", ATOM),
            "floor": ("float(math.floor({0}))", ATOM),
            "ceil": ("float(math.ceil({0}))", ATOM),
            "round": ("float(round({0}))", ATOM),
            "trunc": ("float(math.trunc({0}))", ATOM),
            "remainder": ("{0:atom} % {1:atom}", MULTIPLY),
            "logaddexp": ("max({0}, {1}) + math.log1p(math.exp(-abs({0:atom} - {1:atom})))", ADD),
        },
    ),
    # Functions that are analytic as they are written, for complex steps: see checking/analytic.py.
    "complex": Dialect(
        "np.",
        names={name: f"np.arc{name[1:]}" for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")},
        helpers=(_HELPERS - _NOT_ANALYTIC)
        | {"abs", "maximum", "minimum", "atan2", "hypot", "cbrt", "logaddexp", "fmod", "remainder"}
        | {"sign", "floor", "ceil", "round", "trunc"},
        missing=_NOT_ANALYTIC,
    ),
    "text": Dialect("", times="*", over="/"),
}
