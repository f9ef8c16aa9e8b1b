"""Random numbers, and what is done in training alone."""

from __future__ import annotations

from numbers import Real
from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import shape_of
from graphgen.ops.banding import entry_by_entry
from graphgen.ops.table import Mismatch, Type, composite, example, linear, need_floats


@linear
class in_training:
    """The first operand in training (loss, value_and_grad, jvp, train_step), the second in inference (forward, evaluate).

    A module is written of the one or the other: there is no switch at run time.
    """

    formula = "y = training"
    examples = (example(("m", "n"), ("m", "n")),)
    origin = "what torch.nn.Module.training decides"
    jointly = True
    view = True
    of_scalar = True
    bands = entry_by_entry

    def infer(training: Type, inference: Type, /) -> Type:
        if training.dtype != inference.dtype:
            message = f"one operand holds {training.dtype}, the other {inference.dtype}"
            raise Mismatch("GG030", message, "convert one of them with ops.cast", about=1)
        if not sizes.same(training.shape, inference.shape):
            message = f"the shapes differ: {training} in training, {inference} in inference"
            raise Mismatch("GG020", message, "bring one to the other's shape, as with ops.broadcast_to", about=1)
        return training

    def transpose(place: int, g: Any, operands: Any, /) -> Any:
        return g if place == 0 else g * 0.0

    def numpy(training: Type, inference: Type, /) -> str:
        return "{0}"


def _shape(*, shape: Any) -> dict[str, Any]:
    return {"shape": shape_of(shape)}


@linear
class uniform:
    """Numbers drawn evenly from [0, 1), anew at each call."""

    formula = "y[i] = uniform(0, 1)"
    examples = (example(shape=("m", "n")),)
    canonical = _shape
    of_scalar = "generator.random()"
    operations = lambda y, *, shape: {"uniform": sizes.product(shape)}
    stops = True
    draws = True

    def infer(*, shape: Any) -> Type:
        return Type(shape, "float")

    def transpose(place: int, g: Any, /, *, shape: Any) -> Any:
        raise AssertionError("no gradient passes")

    def numpy(*, shape: Any) -> str:
        return f"generator.random({sizes.shape_text(shape)}, dtype=_float)"


@linear
class normal:
    """Numbers drawn from the normal distribution of mean 0 and variance 1, anew at each call."""

    formula = "y[i] = normal(0, 1)"
    examples = (example(shape=("m", "n")),)
    canonical = _shape
    of_scalar = "generator.standard_normal()"
    operations = lambda y, *, shape: {"normal": sizes.product(shape)}
    stops = True
    draws = True

    def infer(*, shape: Any) -> Type:
        return Type(shape, "float")

    def transpose(place: int, g: Any, /, *, shape: Any) -> Any:
        raise AssertionError("no gradient passes")

    def numpy(*, shape: Any) -> str:
        return f"generator.standard_normal({sizes.shape_text(shape)}, dtype=_float)"


@composite(formula="y[i] = uniform(0, 1)", stops=True, origin="torch.rand_like", examples=(example(("m", "n")),))
def rand_like(x: Any, /) -> Any:
    """Numbers drawn evenly from [0, 1), of x's shape; the same seed draws the same."""
    return x._apply("uniform", (), {"shape": x.shape}, "uniform")


@composite(formula="y[i] = normal(0, 1)", stops=True, origin="torch.randn_like", examples=(example(("m", "n")),))
def randn_like(x: Any, /) -> Any:
    """Numbers of mean 0 and variance 1 from the normal distribution, of x's shape; the same seed draws the same."""
    return x._apply("normal", (), {"shape": x.shape}, "normal")


def _probability(x: Type, /, *, p: Any) -> dict[str, Any]:
    need_floats("dropout", x)
    if isinstance(p, bool) or not isinstance(p, Real) or not 0 <= float(p) <= 1:
        raise Mismatch(
            "GG005", f"p is a number from 0 to 1, got {brief(p)}", "p is the share of values that are dropped"
        )
    return {"p": float(p)}


@composite(
    canonical=_probability,
    formula="y[i] = x[i] * (uniform(0, 1) >= p) / (1 - p)",
    note="in training a share p is set to 0, the rest scaled by 1 / (1 - p)",
    examples=(example(("m", "n"), p=0.25),),
)
def dropout(x: Any, /, *, p: Any = 0.5) -> Any:
    """In training each value is set to 0 with probability p, else divided by 1 - p; in inference x itself."""
    # A product, not a where: what is dropped is no branch, which compilation would keep poles out of.
    kept = x * ops.cast(ops.rand_like(x) >= p, "float", name="mask")
    return ops.in_training(kept / round(1.0 - p, 15) if p < 1 else kept, x)  # of p = 1 nothing is left to scale
