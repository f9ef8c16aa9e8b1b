"""What a row of the op table is: types, the kinds of row, and the function that users call.

An elementwise row is one formula (``elementwise.py``). The others are classes of plain functions, turned into a row by
their decorator: operands are the positional-only parameters of ``infer``, attributes the keyword-only ones.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphgen import sizes

REQUIRED = inspect.Parameter.empty


class Type(NamedTuple):
    """The shape of a value, and its dtype: "float", "int64", "int32" or "bool"."""

    shape: sizes.Shape
    dtype: str

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __str__(self) -> str:
        return sizes.shape_text(self.shape)


class Mismatch(Exception):
    """Operands or attributes that do not fit an op; check says where.

    Attributes
    ----------
    code, message, help, label
        As in `graphgen.errors.Problem`; the message does not repeat the op's name.
    about
        The operand that is at fault, so that its declaration can be shown.
    """

    def __init__(self, code: str, message: str, help: str | None = None, label: str | None = None, about: int | None = None):
        super().__init__(message)
        self.code, self.message, self.help, self.label, self.about = code, message, help, label, about


@dataclass(frozen=True)
class Row:
    """What all rows have: a name, operands, attributes with their defaults, and what a reader wants to know.

    Attributes
    ----------
    operands
        Names of the operands; the last may start with ``*``.
    attributes
        Keywords and their defaults; `REQUIRED` where there is none.
    summary, formula
        One line for people, and the maths.
    infer
        ``infer(*types, **attributes) -> Type``; raises `Mismatch`.
    canonical
        ``canonical(*types, **attributes) -> attributes`` in the one form that the rest of graphgen reads.
    call
        How users call the op where that is not operands first, then attributes:
        ``call(*arguments, **keywords) -> (operands, attributes)``.
    """

    name: str
    operands: tuple[str, ...]
    attributes: Mapping[str, Any]
    summary: str
    formula: str
    infer: Callable[..., Type]
    canonical: Callable[..., dict[str, Any]] | None = None
    call: Callable[..., tuple[Any, Any]] | None = None
    stops: bool = False  # no gradient passes

    def complete(self, types: tuple[Type, ...], attributes: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes in canonical form, defaults filled in; raises `Mismatch` for wrong arity or keywords."""
        return complete(self, types, attributes)


@dataclass(frozen=True)
class Linear(Row):
    """A row that is linear in each operand.

    Attributes
    ----------
    transpose
        ``transpose(place, gradient, *operands, **attributes)``: the operand's gradient, in terms of ops.
    numpy
        ``numpy(*types, **attributes)``: the spelling, with ``{0}`` for operand 0 (``{0:atom}`` where it must be an
        atom), or the spelling and its precedence.
    jointly
        Linear in all operands together (concat), not in each with the others fixed (matmul).
    view
        NumPy answers with a view of operand 0.
    tangent_attributes
        What takes the place of attributes in the tangent of an affine op.
    """

    transpose: Callable[..., Any] = None  # type: ignore[assignment]
    numpy: Callable[..., Any] = None  # type: ignore[assignment]
    jointly: bool = False
    view: bool = False
    tangent_attributes: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Reduction(Row):
    """A row y = R(x) along axes, by its weights: dy = sum(weights * dx).

    Attributes
    ----------
    weights
        ``weights(x, y, policies, *, axis)``, of x's shape; y keeps the reduced axes, with size 1.
    numpy
        The spelling.
    """

    weights: Callable[..., Any] = None  # type: ignore[assignment]
    numpy: Callable[..., Any] = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Composite(Row):
    """A row that check expands into other ops: ``expand(*operands, **attributes)``.

    Parts get their names by ``name=``; `note` says what the expansion does for the reader's sake.
    """

    expand: Callable[..., Any] = None  # type: ignore[assignment]
    note: str = ""
    family: str = "composite"


@dataclass(frozen=True)
class Leaf(Row):
    """A value without operands: input, parameter, constant, size."""


def complete(row: Any, types: tuple[Type, ...], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """See `Row.complete`."""
    check_arity(row, len(types))
    for keyword in attributes:
        if keyword not in row.attributes:
            known = ", ".join(row.attributes) or "none"
            raise Mismatch("GG005", f"unexpected keyword {keyword!r}", f"its keywords: {known}")
    result = {}
    for keyword, default in row.attributes.items():
        result[keyword] = attributes.get(keyword, default)
        if result[keyword] is REQUIRED:
            raise Mismatch("GG005", f"keyword {keyword!r} is missing", f"give {keyword}=")
    return row.canonical(*types, **result) if row.canonical else result


def check_arity(row: Any, count: int) -> None:
    """Raise `Mismatch` if the row does not take so many operands."""
    variadic = bool(row.operands) and row.operands[-1].startswith("*")
    least = 1 if variadic else len(row.operands)
    if count < least or (count > least and not variadic):
        names = ", ".join(row.operands)
        expected = "at least 1 operand" if variadic else f"{least} operand{'s' * (least != 1)}"
        raise Mismatch("GG006", f"takes {expected} ({names}), got {count}", None)


def _row(cls: type, kind: type, **more: Any) -> Any:
    facts = {key: value for key, value in vars(cls).items() if not key.startswith("__")}
    infer = facts["infer"]
    parameters = inspect.signature(infer).parameters.values()
    operands = [("*" if each.kind is each.VAR_POSITIONAL else "") + each.name for each in parameters if each.kind is not each.KEYWORD_ONLY]
    attributes = {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}
    summary = inspect.cleandoc(cls.__doc__ or "")
    assert summary, f"{cls.__name__} has no docstring"
    return kind(name=cls.__name__, operands=tuple(operands), attributes=attributes, summary=summary, **{"formula": "", **facts, **more})


def linear(cls: type) -> Any:
    """Make a `Linear` row of a class of plain functions."""
    return _row(cls, Linear)


def reduction(cls: type) -> Any:
    """Make a `Reduction` row of a class of plain functions."""
    return _row(cls, Reduction)


def leaf(cls: type) -> Any:
    """Make a `Leaf` row of a class of plain functions."""
    return _row(cls, Leaf)


def composite(infer: Callable[..., Any] | None = None, **facts: Any) -> Any:
    """Make a `Composite` row of the function that expands it; its shape is that of the expansion's result.

    The function's positional-only parameters are the operands, its keyword-only ones the attributes.
    """

    def decorate(expand: Callable[..., Any]) -> Composite:
        parameters = inspect.signature(expand).parameters.values()
        operands = [("*" if each.kind is each.VAR_POSITIONAL else "") + each.name for each in parameters if each.kind is not each.KEYWORD_ONLY]
        attributes = {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}
        return Composite(
            name=expand.__name__,
            operands=tuple(operands),
            attributes=attributes,
            summary=inspect.cleandoc(expand.__doc__ or ""),
            expand=expand,
            **{"formula": "", "infer": infer, **facts},
        )

    return decorate


def function(row: Any) -> Callable[..., Any]:
    """The function that users call: ``op(*operands, *attributes, name=None)``.

    The first operand that is a node decides where the new node goes. Wrong arity and keywords are left to check, which
    knows the place.
    """
    variadic = bool(row.operands) and row.operands[-1].startswith("*")

    def op(*arguments: Any, name: str | None = None, **keywords: Any) -> Any:
        if row.call is not None:
            operands, attributes = row.call(*arguments, **keywords)
        else:
            operands, attributes = _split(row, arguments, keywords, variadic)
        for operand in operands:
            if hasattr(operand, "_apply"):
                return operand._apply(row.name, tuple(operands), attributes, name)
        if hasattr(row, "substitute"):
            return row.substitute(operands, attributes)
        raise TypeError(f"{row.name}: no operand is a node of a graph")

    op.__name__ = op.__qualname__ = row.name
    op.__doc__ = row.summary
    return op


def _split(row: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any], variadic: bool) -> tuple[list[Any], dict[str, Any]]:
    """Tell operands from attributes: operands come first and may be keywords too."""
    if variadic:
        return list(arguments), dict(keywords)
    attributes = dict(keywords)
    count = len(row.operands)
    operands = list(arguments[:count])
    for operand in row.operands[len(operands) :]:
        if operand in attributes:
            operands.append(attributes.pop(operand))
    for keyword, value in zip(row.attributes, arguments[count:], strict=False):
        attributes[keyword] = value
    operands.extend(arguments[count + len(row.attributes) :])
    return operands, attributes
