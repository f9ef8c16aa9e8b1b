"""Leaves, and rows whose results no gradient passes through."""

from __future__ import annotations

from typing import Any

from graphgen import ops, sizes
from graphgen.ops.axes import size_of
from graphgen.ops.operations import taking
from graphgen.ops.table import Mismatch, Type, bools, composite, example, integers, leaf, linear


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
class state:
    """A value that a training step updates, without a gradient."""

    def infer(*, shape: Any, dtype: Any = "float", init: Any = 0.0) -> Type:
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
    operations = taking(comparisons=1)

    def infer(x: Type, /, *, axis: Any) -> Type:
        return x

    def transpose(place: int, g: Any, x: Any, /, *, axis: Any) -> Any:
        raise AssertionError("no gradient passes")

    def numpy(x: Type, /, *, axis: Any) -> str:
        return f"first_true({{0}}, axis={axis[0] if len(axis) == 1 else axis})"


@linear
class arange:
    """The whole numbers from 0 up to `size`, which stands outside."""

    formula = "y[i] = i"
    examples = (example(size="n"),)
    stops = True

    def canonical(*, size: Any) -> dict[str, Any]:
        return {"size": size_of(size)}

    def infer(*, size: Any) -> Type:
        return Type((size,), "int64")

    def transpose(place: int, g: Any, /, *, size: Any) -> Any:
        raise AssertionError("no gradient passes")

    def numpy(*, size: Any) -> str:
        return f"np.arange({sizes.text(size)})"


@linear
class eye:
    """The identity matrix of `size` rows, which stands outside."""

    formula = "y[i, j] = 1 if i == j else 0"
    examples = (example(size="n"),)
    stops = True

    def canonical(*, size: Any) -> dict[str, Any]:
        return {"size": size_of(size)}

    def infer(*, size: Any) -> Type:
        return Type((size, size), "float")

    def transpose(place: int, g: Any, /, *, size: Any) -> Any:
        raise AssertionError("no gradient passes")

    def numpy(*, size: Any) -> str:
        return f"np.eye({sizes.text(size)}, dtype=_float)"


def _labels(labels: Type, /, *, num_classes: Any) -> dict[str, Any]:
    if not labels.dtype.startswith("int"):
        remedy = 'declare {0} with dtype="int64"'
        raise Mismatch("GG030", f"labels are integers, got {labels.dtype}", remedy, about=0)
    return {"num_classes": size_of(num_classes)}


@composite(
    canonical=_labels,
    places=True,
    formula="y[..., k] = 1 if labels[...] == k else 0",
    examples=(example(integers("n"), num_classes=3), example(integers("m"), num_classes="p")),
)
def one_hot(labels: Any, /, *, num_classes: Any) -> Any:
    """Floats that are 1 at each label, along a new last axis, and 0 elsewhere; a label that is no class gives zeros."""
    classes = labels._apply("arange", (), {"size": num_classes}, "classes")
    return ops.cast(ops.expand_dims(labels, axis=-1) == classes, "float")
