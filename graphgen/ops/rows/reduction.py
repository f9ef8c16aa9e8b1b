"""Reductions of x along axes. Sums and means are linear; others give their weights: dy = sum(weights * dx),
d_x = weights * broadcast(d_y)."""

from __future__ import annotations

import math
from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import axis_text, number_text, reduction_axes, whole, without
from graphgen.ops.banding import reduced
from graphgen.ops.broadcasting import expand_to
from graphgen.ops.operations import taking
from graphgen.ops.table import Mismatch, Type, composite, example, linear, reduction


def _spelled(call: str, x: Type, axis: tuple[int, ...], keepdims: bool, *arguments: str, more: str = "") -> str:
    """A call with the keywords that reductions have in NumPy."""
    keywords = [*arguments, axis_text(axis, x.ndim), more, "keepdims=True" if keepdims else ""]
    return f"{call}({', '.join(filter(None, keywords))})"


def _count(x: Any, axis: tuple[int, ...]) -> sizes.Size:
    """How many elements are reduced to one."""
    return sizes.product(tuple(x.shape[each] for each in axis))


def _floats(x: Type, /, *, axis: Any, keepdims: Any) -> dict[str, Any]:
    if x.dtype != "float":
        raise Mismatch("GG031", f"needs floats, got {x.dtype}", 'convert with ops.cast({0}, "float")', about=0)
    return reduction_axes(x, axis=axis, keepdims=keepdims)


def _reduced(x: Type, /, *, axis: Any = None, keepdims: Any = False) -> Type:
    return Type(without(x.shape, axis, keepdims), x.dtype)


def _total(x: Type, /, *, axis: Any = None, keepdims: Any = False) -> Type:
    """The type of a sum or a product: of integers it has 64 bits, as in NumPy."""
    if x.dtype == "bool":
        raise Mismatch("GG030", "needs numbers, got bool", 'count bools with ops.cast({0}, "float").sum()', about=0)
    return Type(without(x.shape, axis, keepdims), "float" if x.dtype == "float" else "int64")


@linear
class sum:
    """Sum over axes; all of them unless said."""

    formula = "y = sum(x[i] for i along axis)"
    examples = (example(("m", "n"), axis=1),)
    of_scalar = True
    canonical = reduction_axes
    infer = _total
    operations = taking(additions=1)
    bands = reduced

    def transpose(place: int, g: Any, x: Any, /, *, axis: Any, keepdims: bool) -> Any:
        return ops.broadcast_to(expand_to(g, x, axis, keepdims), shape=x.shape)

    def numpy(x: Type, /, *, axis: Any, keepdims: bool) -> str:
        return _spelled("{0:atom}.sum", x, axis, keepdims)


@linear
class mean:
    """Mean over axes; all of them unless said."""

    formula = "y = sum(x[i] for i along axis) / n"
    examples = (example(("m", "n"), axis=0),)
    of_scalar = True
    canonical = _floats
    infer = _reduced
    operations = taking({"divisions": 1}, additions=1)
    bands = reduced

    def transpose(place: int, g: Any, x: Any, /, *, axis: Any, keepdims: bool) -> Any:
        return ops.broadcast_to(expand_to(g / _count(x, axis), x, axis, keepdims), shape=x.shape)

    def numpy(x: Type, /, *, axis: Any, keepdims: bool) -> str:
        return _spelled("{0:atom}.mean", x, axis, keepdims)


@reduction
class prod:
    """Product over axes; all of them unless said. The slope is the product of the others, right with zeros too."""

    formula = "y = prod(x[i] for i along axis)"
    examples = (example(("m", "n"), axis=1),)
    of_scalar = True
    canonical = reduction_axes
    infer = _total
    operations = taking(multiplications=1)

    def weights(x: Any, y: Any, policies: Any, /, *, axis: Any) -> Any:
        return ops.product_of_others(x, axis=axis)

    def numpy(x: Type, /, *, axis: Any, keepdims: bool) -> str:
        return _spelled("{0:atom}.prod", x, axis, keepdims)


def _variance(x: Type, /, *, axis: Any, correction: Any, keepdims: Any) -> dict[str, Any]:
    attributes = _floats(x, axis=axis, keepdims=keepdims)
    number = int(correction) if isinstance(correction, float) and correction.is_integer() else whole(correction)
    if number is None or abs(number) >= 2**63:
        message = f"correction is a whole number below 2**63, got {brief(correction)}"
        raise Mismatch("GG005", message, "0 divides by the number of elements n, 1 by n - 1")
    count = _count(x, attributes["axis"])
    if isinstance(count, int) and count <= number:
        elements = f"{count} element{'s' * (count != 1)}"
        raise Mismatch(
            "GG027",
            f"no variance of {elements} of {x} with correction {number}: it divides by {count - number}",
            "reduce over more elements, or give a smaller correction",
            about=0,
        )
    return {**attributes, "correction": number}


def _of_floats(x: Type, /, *, axis: Any = None, correction: Any = 0, keepdims: Any = False) -> Type:
    return Type(without(x.shape, axis, keepdims), "float")


def _centred(x: Any, axis: tuple[int, ...]) -> Any:
    return ops.subtract(x, ops.mean(x, axis=axis, keepdims=True), name="centred")


@reduction
class var:
    """Mean squared distance from the mean over axes, all of them unless said: the sum is divided by n - correction."""

    formula = "y = sum((x[i] - mean(x))**2 for i along axis) / (n - correction)"
    examples = (example(("m", "n"), axis=1), example(("m", "n"), axis=1, correction=1))
    of_scalar = "(0.0 * {0:atom})"
    analytic = "variance"
    canonical = _variance
    infer = _of_floats
    operations = taking({"divisions": 2}, additions=3, multiplications=1)

    def weights(x: Any, y: Any, policies: Any, /, *, axis: Any, correction: int) -> Any:
        return 2 * _centred(x, axis) / (_count(x, axis) - correction)

    def numpy(x: Type, /, *, axis: Any, correction: int, keepdims: bool) -> str:
        return _spelled("{0:atom}.var", x, axis, keepdims, more=f"ddof={correction}" if correction else "")


@reduction
class std:
    """Standard deviation over axes, the square root of var; where it is 0, so is its slope."""

    formula = "y = sqrt(sum((x[i] - mean(x))**2 for i along axis) / (n - correction))"
    examples = (example(("m", "n"), axis=1), example(("m", "n"), axis=1, correction=1))
    of_scalar = "(0.0 * {0:atom})"
    analytic = "deviation"
    canonical = _variance
    infer = _of_floats
    operations = taking({"divisions": 2, "sqrt": 1}, additions=3, multiplications=1)

    def weights(x: Any, y: Any, policies: Any, /, *, axis: Any, correction: int) -> Any:
        return ops.quotient(_centred(x, axis), (_count(x, axis) - correction) * y)

    def numpy(x: Type, /, *, axis: Any, correction: int, keepdims: bool) -> str:
        return _spelled("{0:atom}.std", x, axis, keepdims, more=f"ddof={correction}" if correction else "")

    def policy(name: str, policies: Any, /, *, axis: Any, correction: int) -> str:
        return f"where {name} is 0, so is its slope"


def _norm(x: Type, /, *, ord: Any, axis: Any, keepdims: Any) -> dict[str, Any]:
    number = float(ord) if whole(ord) is not None or isinstance(ord, float) else math.nan
    if not (number > 0 or number == -math.inf):
        other = 'count what is not 0 with ops.cast({0} != 0, "float").sum()' if number == 0 else None
        message = f"ord is a number above 0, or -inf, got {brief(ord)}"
        raise Mismatch("GG005", message, other or "2 is the length, 1 the sum of magnitudes, inf the largest of them")
    attributes = _floats(x, axis=axis, keepdims=keepdims)
    if math.isinf(number):
        _need_elements(x, attributes["axis"])
    return {**attributes, "ord": int(number) if number.is_integer() else number}


@reduction
class norm:
    """Vector norm over axes, all of them unless said; ord is a power above 0, inf or -inf. At 0 its slope is 0."""

    formula = "y = sum(abs(x[i])**ord for i along axis)**(1 / ord)"
    examples = (
        example(("m", "n"), axis=1),
        example(("m", "n"), ord=1, axis=1),
        example(("m", "n"), ord=3, axis=1),
        example(("m", "n"), ord=1.5, axis=1),
        example(("m", "n"), ord=math.inf, axis=1),
    )
    of_scalar = "abs({0})"
    analytic = "power_norm"
    canonical = _norm

    def infer(x: Type, /, *, ord: Any = 2, axis: Any = None, keepdims: Any = False) -> Type:
        return Type(without(x.shape, axis, keepdims), "float")

    def weights(x: Any, y: Any, policies: Any, /, *, ord: float, axis: Any) -> Any:
        if ord == 1:
            return ops.sign(x)
        if ord == 2:
            return ops.quotient(x, y)
        if math.isinf(ord):
            return ops.sign(x) * _tied(ops.abs(x), y, policies, axis)
        share = ops.quotient(ops.abs(x), y, name="share")
        if ord < 2:  # a power below 1 has no slope at 0
            share = ops.where(share > 0, share, 1.0)
        return ops.sign(x) * share ** (ord - 1)

    def numpy(x: Type, /, *, ord: float, axis: Any, keepdims: bool) -> str:
        if ord == 2:
            return _spelled("norm", x, axis, keepdims, "{0}")
        if ord == 1 or math.isinf(ord):
            return _spelled(f"np.abs({{0}}).{'sum' if ord == 1 else 'max' if ord > 0 else 'min'}", x, axis, keepdims)
        return _spelled("p_norm", x, axis, keepdims, "{0}", number_text(float(ord)))

    def operations(y: Type, x: Type, /, *, ord: float, axis: Any, keepdims: bool) -> dict[str, sizes.Size]:
        if ord == 2:
            return taking({"sqrt": 1}, multiplications=1, additions=1)(y, x)
        if math.isinf(ord):
            return taking(abs=1, comparisons=1)(y, x)
        return taking(abs=1, additions=1)(y, x) if ord == 1 else taking({"power": 1}, abs=1, power=1, additions=1)(y, x)

    def policy(name: str, policies: Any, /, *, ord: float, axis: Any) -> str:
        if math.isinf(ord):
            return str(policies.of_ties)
        return "at 0 the slope is 0" if ord == 1 else f"where {name} is 0, so is its slope"


def _tied(x: Any, y: Any, policies: Any, axis: tuple[int, ...]) -> Any:
    """Where x equals y: shared evenly, or given to the first, as the ties policy says."""
    mask = ops.equal(x, y, name="mask")
    if policies.ties == "first":
        return ops.cast(ops.first_true(mask, axis=axis), dtype="float")
    chosen = ops.cast(mask, dtype="float")
    return chosen / ops.sum(chosen, axis=axis, keepdims=True)


def _need_elements(x: Type, axis: tuple[int, ...]) -> None:
    for each in axis:
        if isinstance(x.shape[each], int) and x.shape[each] == 0:
            message = f"axis {each} of {x} is empty: there is no element to choose"
            raise Mismatch("GG023", message, "give it a size", about=0)


def _extremum(x: Type, /, *, axis: Any, keepdims: Any) -> dict[str, Any]:
    attributes = reduction_axes(x, axis=axis, keepdims=keepdims)
    _need_elements(x, attributes["axis"])
    return attributes


def _infer(x: Type, /, *, axis: Any = None, keepdims: Any = False) -> Type:
    if x.dtype == "bool":
        raise Mismatch("GG030", "needs numbers, got bool", 'convert with ops.cast({0}, "float")', about=0)
    return Type(without(x.shape, axis, keepdims), x.dtype)


def _of_ties(name: str, policies: Any, /, *, axis: Any) -> str:
    return str(policies.of_ties)


@reduction
class max:
    """Largest element along axes; the gradient is shared by ties, or goes to the first."""

    formula = "y = max(x[i] for i along axis)"
    examples = (example(("m", "n"), axis=1),)
    of_scalar = True
    analytic = "largest"
    canonical = _extremum
    infer = _infer
    policy = _of_ties
    operations = taking(comparisons=1)

    def weights(x: Any, y: Any, policies: Any, /, *, axis: Any) -> Any:
        return _tied(x, y, policies, axis)

    def numpy(x: Type, /, *, axis: Any, keepdims: bool) -> str:
        return _spelled("{0:atom}.max", x, axis, keepdims)


@reduction
class min:
    """Smallest element along axes; the gradient is shared by ties, or goes to the first."""

    formula = "y = min(x[i] for i along axis)"
    examples = (example(("m", "n"), axis=1),)
    of_scalar = True
    analytic = "smallest"
    canonical = _extremum
    infer = _infer
    policy = _of_ties
    operations = taking(comparisons=1)

    def weights(x: Any, y: Any, policies: Any, /, *, axis: Any) -> Any:
        return _tied(x, y, policies, axis)

    def numpy(x: Type, /, *, axis: Any, keepdims: bool) -> str:
        return _spelled("{0:atom}.min", x, axis, keepdims)


@composite(canonical=_extremum, formula="y = max(x[i] for i along axis)", examples=(example(("m", "n"), axis=1),))
def amax(x: Any, /, *, axis: Any = None, keepdims: Any = False) -> Any:
    """Another name of max, as in NumPy and torch."""
    return ops.max(x, axis=axis, keepdims=keepdims)


@composite(canonical=_extremum, formula="y = min(x[i] for i along axis)", examples=(example(("m", "n"), axis=1),))
def amin(x: Any, /, *, axis: Any = None, keepdims: Any = False) -> Any:
    """Another name of min, as in NumPy and torch."""
    return ops.min(x, axis=axis, keepdims=keepdims)


@reduction
class finite_max:
    """Largest element along axes, kept with size 1, and 0 where that is not finite: a shift that leaves nothing infinite."""

    formula = "y = m if isfinite(m) else 0, for m = max(x[i] for i along axis)"
    examples = (example(("m", "n"), axis=1, keepdims=True),)
    of_scalar = True
    canonical = _floats
    infer = _reduced
    stops = True
    operations = taking(comparisons=1)

    def weights(x: Any, y: Any, policies: Any, /, *, axis: Any) -> Any:
        raise AssertionError("no gradient passes")

    def numpy(x: Type, /, *, axis: Any, keepdims: bool) -> str:
        return f"finite_max({{0}}, axis={axis[0] if len(axis) == 1 else axis})"
