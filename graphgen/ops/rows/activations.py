"""Activations of networks.

Names and defaults are those of torch.nn.functional, but that `axis` is called so and softplus needs no threshold.
"""

from __future__ import annotations

from math import inf
from typing import Any

import sympy as sp
from sympy import Abs, Piecewise, exp, log, tanh
from sympy.codegen.cfunctions import expm1

from graphgen import ops, sizes
from graphgen.calculus.activations import Hardsigmoid, NormalCdf, NormalCdfTanh, Tanhshrink
from graphgen.calculus.functions import Maximum, Minimum
from graphgen.errors import brief
from graphgen.ops.axes import FULL, axis_of, whole
from graphgen.ops.elementwise_row import elementwise
from graphgen.ops.table import Mismatch, Type, composite, example, need_floats

a, weight = sp.symbols("a weight", real=True)
alpha, beta, lambd, threshold, value = sp.symbols("alpha beta lambd threshold value", real=True)
negative_slope, min_val, max_val = sp.symbols("negative_slope min_val max_val", real=True)

# With these, values of mean 0 and variance 1 stay so (Klambauer et al., 2017).
SCALE, ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717

ELLIOTT = "Elliott, A better activation function for artificial neural networks (1993)"

ROWS = (
    elementwise("sigmoid", 1 / (1 + exp(-a)), "Logistic function."),
    elementwise("logsigmoid", -log(1 + exp(-a)), "Logarithm of sigmoid."),
    elementwise(
        "hardsigmoid",
        Piecewise((0, a <= -3), (1, a >= 3), ((a + 3) / 6, True)),
        "A line from 0 at -3 to 1 at 3, and level beyond.",
        stable=Hardsigmoid(a),
    ),
    elementwise(
        "softplus",
        Piecewise((a, a > threshold / beta), (log(1 + exp(beta * a)) / beta, True)),
        "Smooth relu: log(1 + exp(beta * a)) / beta. It overflows nowhere, so that threshold is not needed for that.",
        attributes={"beta": 1.0, "threshold": inf},
        requires=(beta > 0) & (threshold >= 0),
    ),
    elementwise("softsign", a / (1 + Abs(a)), "Like tanh, but slower to level off."),
    elementwise("symmetric_elliot", a / (1 + Abs(a)), "Another name of softsign.", origin=ELLIOTT),
    elementwise(
        "elliot",
        0.5 * a / (1 + Abs(a)) + 0.5,
        "Like sigmoid, but slower to level off, and without an exponential.",
        origin=ELLIOTT,
        stable=(Maximum(a, 0) + 0.5) / (1 + Abs(a)),
    ),
    elementwise("relu", Maximum(a, 0), "The operand where positive, 0 elsewhere."),
    elementwise(
        "relu6",
        Piecewise((0, a < 0), (6, a > 6), (a, True)),
        "The operand, kept between 0 and 6.",
        stable=Minimum(Maximum(a, 0), 6),
    ),
    elementwise(
        "hardtanh",
        Piecewise((min_val, a < min_val), (max_val, a > max_val), (a, True)),
        "The operand, kept between min_val and max_val.",
        attributes={"min_val": -1.0, "max_val": 1.0},
        requires=min_val < max_val,
        stable=Minimum(Maximum(a, min_val), max_val),
    ),
    elementwise(
        "leaky_relu",
        Piecewise((a, a > 0), (negative_slope * a, True)),
        "The operand where positive, negative_slope times it elsewhere.",
        attributes={"negative_slope": 0.01},
    ),
    elementwise(
        "prelu",
        Piecewise((a, a > 0), (weight * a, True)),
        "leaky_relu whose slope is learned, which is taken at 0 as well. weight broadcasts (He et al., 2015).",
        (a, weight),
        stable=Maximum(a, 0) + weight * Minimum(a, 0),
    ),
    elementwise(
        "elu",
        Piecewise((a, a > 0), (alpha * expm1(a), True)),
        "The operand where positive, alpha * (exp(a) - 1) elsewhere (Clevert et al., 2016).",
        attributes={"alpha": 1.0},
        stable=Piecewise((a, a > 0), (alpha * expm1(Minimum(a, 0)), True)),
    ),
    elementwise(
        "celu",
        Piecewise((a, a > 0), (alpha * expm1(a / alpha), True)),
        "elu without a kink: alpha * (exp(a / alpha) - 1) where not positive (Barron, 2017).",
        attributes={"alpha": 1.0},
        requires=sp.Ne(alpha, 0),
        stable=Piecewise((a, a > 0), (alpha * expm1(Minimum(a, 0) / alpha), True)),
    ),
    elementwise(
        "selu",
        Piecewise((SCALE * a, a > 0), (SCALE * ALPHA * expm1(a), True)),
        "elu scaled so that values of mean 0 and variance 1 stay so (Klambauer et al., 2017).",
        stable=SCALE * Piecewise((a, a > 0), (ALPHA * expm1(Minimum(a, 0)), True)),
    ),
    elementwise("silu", a / (1 + exp(-a)), "The operand times its sigmoid; also called swish (Elfwing et al., 2018)."),
    elementwise("mish", a * tanh(log(1 + exp(a))), "The operand times tanh of its softplus (Misra, 2019)."),
    elementwise(
        "gelu",
        a * NormalCdf(a),
        "The operand times the probability that a normal variable is below it (Hendrycks and Gimpel, 2016).",
        attributes={"approximate": "none"},
        variants={"tanh": a * NormalCdfTanh(a)},
    ),
    elementwise(
        "hardswish",
        Piecewise((0, a <= -3), (a, a >= 3), (a * (a + 3) / 6, True)),
        "The operand times its hardsigmoid (Howard et al., 2019).",
        stable=a * Hardsigmoid(a),
    ),
    elementwise(
        "threshold",
        Piecewise((a, a > threshold), (value, True)),
        "The operand where above the threshold, value elsewhere.",
        attributes={"threshold": 0.0, "value": 0.0},
    ),
    elementwise(
        "hardshrink",
        Piecewise((a, Abs(a) > lambd), (0, True)),
        "The operand, but 0 where it is not beyond lambd or -lambd.",
        attributes={"lambd": 0.5},
    ),
    elementwise(
        "softshrink",
        Piecewise((a - lambd, a > lambd), (a + lambd, a < -lambd), (0, True)),
        "The operand, brought nearer to 0 by lambd.",
        attributes={"lambd": 0.5},
        requires=lambd >= 0,
    ),
    elementwise("tanhshrink", a - tanh(a), "The operand, brought nearer to 0 by its tanh.", stable=Tanhshrink(a)),
)


def _halved(x: Type, /, *, axis: Any) -> dict[str, Any]:
    need_floats("glu", x)
    axis = axis_of(axis, x.ndim)
    _part_of(x, axis, 2)
    return {"axis": axis}


def _part_of(x: Any, axis: int, count: int) -> sizes.Size:
    """The size of one of `count` equal parts of an axis; raises `Mismatch`."""
    part = sizes.quotient(x.shape[axis], count)
    if part is None:
        message = f"axis {axis} of {x} cannot be split into {count} equal parts"
        remedy = f"its size must be a multiple of {count}, whatever the symbolic sizes are"
        raise Mismatch("GG027", message, remedy, about=0)
    return part


@composite(
    canonical=_halved,
    formula="y[..., i] = x[..., i] * sigmoid(x[..., n // 2 + i])",
    examples=(example(("n", 4)), example((6, "n"), axis=0)),
)
def glu(x: Any, /, *, axis: Any = -1) -> Any:
    """Gated linear unit: the first half along an axis, times the sigmoid of the second (Dauphin et al., 2017)."""
    half = _part_of(x, axis, 2)
    before, after = (FULL,) * axis, (FULL,) * (x.ndim - axis - 1)
    gate = ops.getitem(x, key=(*before, (half, None, None), *after), name="gate")
    return ops.getitem(x, key=(*before, (None, half, None), *after), name="half") * ops.sigmoid(gate)


def _grouped(x: Type, /, *, pieces: Any, axis: Any) -> dict[str, Any]:
    count = whole(pieces)
    if count is None or count < 1:
        raise Mismatch(
            "GG005", f"pieces is an int above 0, got {brief(pieces)}", "the largest of so many is taken each time"
        )
    axis = axis_of(axis, x.ndim)
    _part_of(x, axis, count)
    return {"pieces": count, "axis": axis}


@composite(
    canonical=_grouped,
    formula="y[..., i] = max(x[..., pieces*i + j] for j)",
    examples=(example(("n", 6), pieces=3), example((4, "n"), pieces=2, axis=0)),
    origin="Goodfellow et al., Maxout networks (2013)",
)
def maxout(x: Any, /, *, pieces: Any, axis: Any = -1) -> Any:
    """The largest of each group of `pieces` neighbours along an axis."""
    shape = (*x.shape[:axis], _part_of(x, axis, pieces), pieces, *x.shape[axis + 1 :])
    return ops.max(ops.reshape(x, shape=shape, name="groups"), axis=axis + 1)
