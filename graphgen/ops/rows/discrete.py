"""Leaves, and rows whose results no gradient passes through."""

from __future__ import annotations

from typing import Any

from graphgen.ops.table import Type, bools, example, leaf, linear


@leaf
class input:
    """A value given at each call."""

    def infer(*, shape: Any, dtype: Any = "float", low: Any = None, high: Any = None) -> Type:
        return Type(shape, dtype)


@leaf
class param:
    """A value that training changes."""

    def infer(*, shape: Any, dtype: Any = "float", init: Any = "glorot_uniform", trainable: Any = True) -> Type:
        return Type(shape, dtype)


@leaf
class constant:
    """A number or an array, written into the module."""

    def infer(*, value: Any, shape: Any = (), dtype: Any = "float") -> Type:
        return Type(shape, dtype)


@leaf
class size:
    """A size known at run time, as a number."""

    def infer(*, size: Any) -> Type:
        return Type((), "float")


@linear
class first_true:
    """The mask with only its first True along the axes."""

    formula = "y[i] = x[i] and not any(x[j] for j < i)"
    examples = (example(bools("m", "n"), axis=(1,)),)
    of_scalar = True
    stops = True

    def infer(x: Type, /, *, axis: Any) -> Type:
        return x

    def transpose(place: int, g: Any, x: Any, /, *, axis: Any) -> Any:
        raise AssertionError("no gradient passes")

    def numpy(x: Type, /, *, axis: Any) -> str:
        return f"first_true({{0}}, axis={axis[0] if len(axis) == 1 else axis})"
