"""The types of nodes: shapes are inferred while a graph is declared, and once more when it is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from graphgen import ops
from graphgen.errors import brief
from graphgen.ops.axes import shape_of, size_of
from graphgen.ops.table import Mismatch, Type, dtype_of


def infer(op: str, types: Sequence[Type | None], attributes: Mapping[str, Any]) -> Type | None:
    """The type of a node, or None where a problem leaves it unknown: check finds out which."""
    if op not in ops.TABLE or None in types:
        return None
    try:
        return infer_type(op, tuple(types), attributes)[0]  # type: ignore[arg-type]
    except Mismatch:
        return None


def infer_type(op: str, types: tuple[Type, ...], attributes: Mapping[str, Any]) -> tuple[Type, dict[str, Any]]:
    """The type of a node and its attributes in canonical form.

    Raises
    ------
    Mismatch
        If operands or attributes do not fit.
    """
    return _infer(op, types, attributes) if attributes else _infer_plain(op, types)


@lru_cache(maxsize=10_000)
def _infer_plain(op: str, types: tuple[Type, ...]) -> tuple[Type, dict[str, Any]]:
    """Most nodes have no attributes, and are of few types."""
    return _infer(op, types, {})


def _infer(op: str, types: tuple[Type, ...], attributes: Mapping[str, Any]) -> tuple[Type, dict[str, Any]]:
    row = ops.TABLE[op]
    completed = row.complete(types, attributes)
    if isinstance(row, ops.Leaf):
        return _leaf(op, completed)
    if row.infer is not None:
        return row.infer(*types, **completed), completed
    from graphgen.program import Builder, Node, Program

    builder = Builder(Program("types"))
    values = [
        builder.append(Node(f"x{place}", "input", (), {}, each.shape, each.dtype)) for place, each in enumerate(types)
    ]
    return row.expand(*values, **completed).node.type, completed


def _leaf(op: str, attributes: dict[str, Any]) -> tuple[Type, dict[str, Any]]:
    if op == "size":
        return Type((), "float"), {"size": size_of(attributes["size"])}
    dtype = dtype_of(attributes["dtype"])
    if op in ("param", "state") and dtype != "float":
        what, help = ("parameter", "only floats have gradients") if op == "param" else ("state", "leave the dtype out")
        raise Mismatch("GG030", f"a {what} holds floats, not {dtype}", help)
    if op == "constant":
        try:
            attributes = literal(attributes["value"], dtype if dtype.startswith("int") else None)
        except (TypeError, ValueError) as error:
            raise Mismatch("GG061", str(error), "give a number or an array of numbers") from None
        return Type(attributes["shape"], attributes["dtype"]), attributes
    shape = shape_of(attributes["shape"])
    return Type(shape, dtype), {**attributes, "shape": shape, "dtype": dtype}


def literal(value: Any, integers: str | None, whole_stay: bool = True) -> dict[str, Any]:
    """The attributes of a constant: a Python number or a read-only array.

    Parameters
    ----------
    integers
        The dtype that whole numbers take; without it numbers are floats.
    whole_stay
        Whether whole arrays stay so where `integers` does not say.

    Raises
    ------
    TypeError, ValueError
        For anything but numbers, and for integers beyond 64 bits.
    """
    if isinstance(value, sp.Number):
        value = int(value) if value.is_Integer else float(value)
    if isinstance(value, (bool, np.bool_)):
        return {"value": bool(value), "shape": (), "dtype": "bool"}
    if isinstance(value, (int, np.integer)):
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"a whole number has 64 bits, not {brief(value)}")
        number = int(value) if integers else float(value)
        return {"value": number, "shape": (), "dtype": integers or "float"}
    if isinstance(value, (float, np.floating)):
        return {"value": float(value), "shape": (), "dtype": "float"}
    array = np.array(value)
    if array.ndim == 0 and array.dtype.kind in "biuf":
        return literal(array.item(), integers)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"a constant is a number or an array of numbers, not {brief(value)}")
    if array.dtype.kind == "u" and array.size and array.max() >= 2**63:
        raise ValueError("a whole number has 64 bits, and a sign")
    whole = integers or ("int64" if whole_stay else "float")
    dtype = {"b": "bool", "f": "float"}.get(array.dtype.kind, whole)
    array = array.astype("float64" if dtype == "float" else dtype)
    array.flags.writeable = False
    return {"value": array, "shape": array.shape, "dtype": dtype}
