"""Control of gradients: what is differentiated is declared here, where it is not what is computed.

Each is written as a call in generated code, ``hard = straight_through(np.sign(x), x)``, so that `check_gradients` can
tell what is declared from what is wrong: while it takes differences, ``hard`` moves as its declared slope says.
Higher orders differentiate the declared slopes in turn.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from graphgen import ops, sizes
from graphgen.calculus.declared import Clipped, CustomGradient, ScaleGradient, StopGradient, StraightThrough
from graphgen.calculus.formula import piecewise
from graphgen.errors import brief
from graphgen.ops.axes import axes_of, number_text, without
from graphgen.ops.elementwise_row import elementwise
from graphgen.ops.reducing import check_floats, number
from graphgen.ops.table import Mismatch, Type, example, linear, paired

a, value, x, slope, factor, gradient, low, high = sp.symbols("a value x slope factor gradient low high", real=True)

ROWS = (
    elementwise(
        "stop_gradient",
        StopGradient(a),
        "The operand; no gradient passes.",
        dtype_rule="number",
        zero_slope=True,
        controls=lambda y, a: "no gradient passes",
        origin="jax.lax",
    ),
    elementwise(
        "straight_through",
        StraightThrough(value, x),
        "The value, with the gradient of x: what has no useful slope of its own, as sign or round, is trained as if it were x.",
        (value, x),
        controls=lambda y, value, x: f"straight-through: {y} as {x}",
        origin="Bengio, Leonard and Courville 2013",
    ),
    elementwise(
        "custom_gradient",
        CustomGradient(value, x, slope),
        "The value, with the slope that is given for its slope by x: a number, or an array that may depend on x.",
        (value, x, slope),
        controls=lambda y, value, x, slope: f"declared slope by {x}",
        origin="TensorFlow",
    ),
    elementwise(
        "scale_gradient",
        ScaleGradient(x, factor),
        "The operand, its gradient times a factor: -1 reverses it, as in domain-adversarial training.",
        (x, factor),
        controls=lambda y, x, factor: f"gradient times {factor}",
        origin="Ganin and Lempitsky 2015",
    ),
    elementwise(
        "clipped",
        piecewise((low, gradient < low), (high, gradient > high), (gradient, sp.true)),
        "A gradient kept between low and high.",
        (gradient,),
        attributes={"low": float("-inf"), "high": float("inf")},
        requires=low < high,
        stable=Clipped(gradient, low, high),
    ),
)


@linear
class clip_gradient:
    """The operand, its gradient kept from low to high; or, where its norm is above max_norm, scaled down to that.

    The norm is that of the whole array, or along axes (Pascanu, Mikolov and Bengio 2013). Nothing is clipped in
    forward mode, where no gradient passes through a node; `check_gradients` compares the gradients without clipping.
    """

    formula = "y = x"
    examples = (
        example(("m", "n"), low=-1.0, high=1.0),
        example(("m", "n"), high=21.0),
        example(("m", "n"), max_norm=1.0),
        example(("m", "n"), max_norm=45.0, axis=1),
    )
    of_scalar = True
    view = True
    origin = "Pascanu, Mikolov and Bengio 2013"

    def canonical(x: Type, /, *, low: Any, high: Any, max_norm: Any, axis: Any) -> dict[str, Any]:
        check_floats(x)
        least, most = (None if each is None else number(key, each) for key, each in (("low", low), ("high", high)))
        if max_norm is not None:
            if least is not None or most is not None:
                raise Mismatch("GG005", "max_norm is given, and bounds too", "clip by norm, or to bounds; or twice")
            return {"max_norm": number("max_norm", max_norm, 0.0, above=True), "axis": axes_of(axis, x.ndim)}
        if axis is not None:
            raise Mismatch(
                "GG005", f"axis={brief(axis)} without max_norm", "bounds hold for each element: leave it out"
            )
        if least is None and most is None:
            raise Mismatch("GG005", "no bounds and no max_norm", "as in low=-1.0, high=1.0, or max_norm=1.0")
        if least is not None and most is not None and least >= most:
            raise Mismatch("GG005", f"needs low < high, got low={least:g}, high={most:g}", "as in low=-1.0, high=1.0")
        return {key: each for key, each in (("low", least), ("high", most)) if each is not None}

    def infer(x: Type, /, *, low: Any = None, high: Any = None, max_norm: Any = None, axis: Any = None) -> Type:
        return x

    def transpose(place: int, g: Any, x: Any, /, **bounds: Any) -> Any:
        if "max_norm" not in bounds:
            return ops.clipped(g, **bounds)
        largest, axis = bounds["max_norm"], bounds["axis"]
        return (
            ops.clipped_to_norm(g, max_norm=largest, axis=axis) if axis else ops.clipped(g, low=-largest, high=largest)
        )

    def numpy(x: Type, /, **bounds: Any) -> str:
        return "{0}"

    def controls(y: str, x: str, /, **bounds: Any) -> str:
        if "max_norm" in bounds:
            return f"gradient clipped to norm {bounds['max_norm']:g}"
        if len(bounds) == 2:
            return f"gradient clipped to [{bounds['low']:g}, {bounds['high']:g}]"
        ((key, bound),) = bounds.items()
        return f"gradient clipped to at {'least' if key == 'low' else 'most'} {bound:g}"


@paired
class clipped_to_norm:
    """A gradient scaled down to a norm of max_norm along axes, where it is longer.

    Where it is, its derivative takes away what would change its length.
    """

    formula = "y[i] = x[i] * min(1, max_norm / sqrt(sum(x[k]**2 for k along axis)))"
    examples = (
        example(("m", "n"), max_norm=2.0, axis=(0, 1)),
        example(("m", "n"), max_norm=12.0, axis=(1,)),
        example(("n",), max_norm=500.0, axis=(0,)),
    )
    analytic = False

    def infer(x: Type, /, *, max_norm: Any, axis: Any) -> Type:
        return x

    def tangent(place: int, dot: Any, y: Any, x: Any, /, *, max_norm: float, axis: Any) -> Any:
        length = ops.norm(x, axis=axis, keepdims=True)
        along = ops.sum(y * dot, axis=axis, keepdims=True) / max_norm**2
        moved = dot - ops.where(length > max_norm, along, 0.0) * y
        return moved * (max_norm / ops.maximum(length, max_norm))

    def transpose(place: int, g: Any, y: Any, x: Any, /, *, max_norm: float, axis: Any) -> Any:
        return clipped_to_norm.tangent(place, g, y, x, max_norm=max_norm, axis=axis)

    def numpy(x: Type, /, *, max_norm: float, axis: Any) -> str:
        along = "" if axis == tuple(range(x.ndim)) else f", axis={axis[0] if len(axis) == 1 else axis}"
        return f"clipped_to_norm({{0}}, {number_text(max_norm)}{along})"

    def operations(y: Type, x: Type, /, *, max_norm: float, axis: Any) -> dict[str, sizes.Size]:
        norms = sizes.product(without(x.shape, axis))
        each = sizes.product(x.shape)
        return {"multiplications": 2 * each, "additions": each, "sqrt": norms, "divisions": norms, "comparisons": norms}
