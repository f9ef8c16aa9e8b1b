"""What a row of the op table is: types, and the kinds of row.

An elementwise row is one formula (``elementwise.py``). The others are classes of plain functions, turned into a row by
their decorator: operands are the positional-only parameters of ``infer``, attributes the keyword-only ones.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphgen import sizes
from graphgen.errors import brief, did_you_mean

REQUIRED = inspect.Parameter.empty

# What users may call the dtypes. Both float types are the graph's own.
DTYPES = {
    "float": "float",
    "float32": "float",
    "float64": "float",
    "int": "int64",
    "int64": "int64",
    "int32": "int32",
    "bool": "bool",
}


class Type(NamedTuple):
    """The shape of a value, and its dtype: "float", "int64", "int32" or "bool"."""

    shape: sizes.Shape
    dtype: str

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __str__(self) -> str:
        return sizes.shape_text(self.shape)


class Example(NamedTuple):
    """A call of an op, which documentation shows and tests run.

    Attributes
    ----------
    operands
        Their types. Names of sizes stand for small numbers, and integers are places along any of the axes.
    attributes
        The keywords that are given.
    """

    operands: tuple[Type, ...]
    attributes: dict[str, Any]


def example(*operands: Any, **attributes: Any) -> Example:
    """An example of operands given as shapes, of floats, or as types: ``example(("m", "n"), integers("k"), axis=1)``."""
    types = tuple(each if isinstance(each, Type) else floats(*each) for each in operands)
    return Example(types, attributes)


def floats(*shape: Any) -> Type:
    """The type of an array of floats."""
    return Type(tuple(map(sizes.size, shape)), "float")


def integers(*shape: Any) -> Type:
    """The type of an array of integers."""
    return Type(tuple(map(sizes.size, shape)), "int64")


def bools(*shape: Any) -> Type:
    """The type of an array of bools."""
    return Type(tuple(map(sizes.size, shape)), "bool")


class Mismatch(Exception):
    """Operands or attributes that do not fit an op; check says where.

    Attributes
    ----------
    code, message, help, label
        As in `graphgen.errors.Problem`; the message does not repeat the op's name. In the help, ``{0}`` stands for the
        name of operand 0.
    about
        The operand that is at fault, so that its declaration can be shown.
    """

    def __init__(
        self, code: str, message: str, help: str | None = None, label: str | None = None, about: int | None = None
    ):
        super().__init__(message)
        self.code, self.message, self.help, self.label, self.about = code, message, help, label, about


def dtype_of(dtype: Any) -> str:
    """A dtype as users give it, in canonical form; raises `Mismatch`."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", None) or getattr(dtype, "name", None)
    if not isinstance(name, str) or name not in DTYPES:
        raise Mismatch(
            "GG030", f"unknown dtype {brief(dtype)}", 'one of "float32", "float64", "int64", "int32", "bool"'
        )
    return DTYPES[name]


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
    examples
        Calls that documentation shows (the first of them) and tests run (all).
    canonical
        ``canonical(*types, **attributes) -> attributes`` in the one form that the rest of graphgen reads.
    call
        How users call the op where that is not operands first, then attributes:
        ``call(*arguments, **keywords) -> (operands, attributes)``.
    stops
        No gradient passes.
    places
        Whole numbers among the operands are places, and stay whole; to other ops they are floats.
    of_scalar
        Of a single element it is that element; or how it is written of that, where every value is a Python float.
    optional
        How many of the last operands may be left out, or None.
    indexes
        ``indexes(*types, **attributes)``: for each operand of places, by its own place, the size of the axis that it
        indexes.
    draws
        It draws random numbers: no two nodes of it are alike.
    controls
        ``controls(y, *operands, **attributes)``, of names: what is declared of the gradient, for comments; None where
        it is the derivative of the value.
    operations
        ``operations(y, *types, **attributes)``: how many operations of each kind a result of type y takes, by the
        convention of `graphgen.cost`; None where elements are only moved.
    mapped
        ``mapped(operands, which, **attributes)``: the op along a new leading axis, which some of the operands have;
        where the keywords do not tell it, see ``differentiation/vmap.py``.
    bands
        Which indices of an operand it reads for an index of the result, see ``banding.py``; all, unless said.
    analytic
        Whether the spelling takes complex numbers as it takes real ones; or the function of ``checking/analytic.py``
        that computes the op of them. False where there is none: slopes are then checked by differences alone.
    origin
        Where the definition or the name comes from, where that is not what the family says.
    """

    name: str
    operands: tuple[str, ...]
    attributes: Mapping[str, Any]
    summary: str
    formula: str
    infer: Callable[..., Type]
    examples: tuple[Example, ...] = ()
    canonical: Callable[..., dict[str, Any]] | None = None
    call: Callable[..., tuple[Any, Any]] | None = None
    stops: bool = False
    places: bool = False
    of_scalar: bool | str = False
    optional: int = 0
    indexes: Callable[..., dict[int, sizes.Size]] | None = None
    draws: bool = False
    controls: Callable[..., str] | None = None
    operations: Callable[..., Mapping[str, sizes.Size]] | None = None
    mapped: Callable[..., Any] | None = None
    bands: Callable[..., Any] | None = None
    analytic: bool | str = True
    origin: str = ""

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
        The operands come as one sequence where the row is linear in all of them jointly.
    numpy
        ``numpy(*types, **attributes)``: the spelling, with ``{0}`` for operand 0 (``{0:atom}`` where it must be an
        atom), or the spelling and its precedence.
    jointly
        Linear in all operands together (concat), not in each with the others fixed (matmul).
    view
        NumPy answers with a view of operand 0.
    chooses
        Each element of the result is one of operand 0's.
    adds_zeros
        Some elements of the result are 0, whatever the operands hold.
    tangent_attributes
        What takes the place of attributes in the tangent of an affine op.
    """

    transpose: Callable[..., Any] = None  # type: ignore[assignment]
    numpy: Callable[..., Any] = None  # type: ignore[assignment]
    jointly: bool = False
    view: bool = False
    chooses: bool = False
    adds_zeros: bool = False
    tangent_attributes: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Reduction(Row):
    """A row y = R(x) along axes, by its weights: dy = sum(weights * dx).

    Attributes
    ----------
    weights
        ``weights(x, y, policies, *, axis, ...)``, of x's shape; y keeps the reduced axes, with size 1. The attributes
        are the row's own but for keepdims.
    numpy
        The spelling.
    policy
        ``policy(name, policies, *, axis, ...)``: what calculus leaves open, and how the weights decide it; for comments
        on the gradient of a reduction of this name.
    """

    weights: Callable[..., Any] = None  # type: ignore[assignment]
    numpy: Callable[..., Any] = None  # type: ignore[assignment]
    policy: Callable[..., str] | None = None


@dataclass(frozen=True)
class Paired(Row):
    """A row that is neither linear nor a reduction, with a rule of its own for each mode; the two are adjoint.

    Attributes
    ----------
    tangent
        ``tangent(place, dot, y, *operands, **attributes)``: what the tangent of one operand adds to that of the
        result y, in terms of ops.
    transpose
        ``transpose(place, gradient, y, *operands, **attributes)``: the operand's gradient.
    numpy
        The spelling.
    """

    tangent: Callable[..., Any] = None  # type: ignore[assignment]
    transpose: Callable[..., Any] = None  # type: ignore[assignment]
    numpy: Callable[..., Any] = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Composite(Row):
    """A row that check expands into other ops: ``expand(*operands, **attributes)``.

    Parts get their names by ``name=``; `note` says what the expansion does for the reader's sake.
    """

    expand: Callable[..., Any] = None  # type: ignore[assignment]
    note: str = ""


@dataclass(frozen=True)
class Several(Row):
    """A function that answers with several nodes, which other ops make: ``make(*operands, **attributes)`` yields them.

    Users call it; a DAG holds the ops that it calls.
    """

    make: Callable[..., Iterator[Any]] = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Leaf(Row):
    """A value without operands: input, parameter, constant, size."""


def complete(row: Any, types: tuple[Type, ...], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """See `Row.complete`."""
    check_arity(row, len(types))
    check_keywords(row, attributes)
    result = {**row.attributes, **attributes}
    return row.canonical(*types, **result) if row.canonical else result


def check_arity(row: Any, count: int) -> None:
    """Raise `Mismatch` if the row does not take so many operands."""
    operands = row.operands
    variadic = bool(operands) and operands[-1].startswith("*")
    least = 1 if variadic else len(operands) - row.optional
    if least <= count <= len(operands) or (count > least and variadic):
        return
    names = f" ({', '.join(operands)})" if operands else ""
    several = f"{least} to {len(operands)}" if row.optional else f"{least or 'no'}"
    expected = "at least 1 operand" if variadic else f"{several} operand{'s' * (several != '1')}"
    raise Mismatch("GG006", f"takes {expected}{names}, got {count}", _arity_help(row, count, least))


def _arity_help(row: Any, count: int, least: int) -> str | None:
    if not row.operands:
        return "its value is given by keywords"
    if count > least:
        return f"its keywords: {', '.join(row.attributes)}" if row.attributes else "leave out the rest"
    return f"give {', '.join(row.operands[count:least])} too"


def check_keywords(row: Any, attributes: Mapping[str, Any]) -> None:
    """Raise `Mismatch` if the row does not take these keywords, or needs others."""
    for keyword in attributes:
        if keyword not in row.attributes:
            near = did_you_mean(keyword, row.attributes) if isinstance(keyword, str) else None
            known = ", ".join(row.attributes)
            raise Mismatch("GG005", f"unexpected keyword {brief(keyword)}", near or f"its keywords: {known or 'none'}")
    for keyword, default in row.attributes.items():
        if default is REQUIRED and keyword not in attributes:
            raise Mismatch("GG005", f"keyword {keyword!r} is missing", f"give {keyword}=")


def _signature(function: Callable[..., Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Operands and attributes of a plain function: its positional parameters, and its keyword-only ones."""
    parameters = inspect.signature(function).parameters.values()
    operands = tuple(
        ("*" if each.kind is each.VAR_POSITIONAL else "") + each.name
        for each in parameters
        if each.kind is not each.KEYWORD_ONLY
    )
    return operands, {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}


def _row(cls: type, kind: type) -> Any:
    facts = {key: value for key, value in vars(cls).items() if not key.startswith("__")}
    operands, attributes = _signature(facts["infer"])
    summary = inspect.cleandoc(cls.__doc__ or "")
    assert summary, f"{cls.__name__} has no docstring"
    return kind(
        name=cls.__name__, operands=operands, attributes=attributes, summary=summary, **{"formula": "", **facts}
    )


def linear(cls: type) -> Any:
    """Make a `Linear` row of a class of plain functions."""
    return _row(cls, Linear)


def reduction(cls: type) -> Any:
    """Make a `Reduction` row of a class of plain functions."""
    return _row(cls, Reduction)


def paired(cls: type) -> Any:
    """Make a `Paired` row of a class of plain functions."""
    return _row(cls, Paired)


def leaf(cls: type) -> Any:
    """Make a `Leaf` row of a class of plain functions."""
    return _row(cls, Leaf)


def composite(infer: Callable[..., Any] | None = None, **facts: Any) -> Any:
    """Make a `Composite` row of the function that expands it; its shape is that of the expansion's result.

    The function's positional-only parameters are the operands, its keyword-only ones the attributes.
    """
    return lambda expand: _of_function(Composite, expand, expand=expand, infer=infer, **facts)


def several(**facts: Any) -> Any:
    """Make a `Several` row of a generator function, whose parameters are read like those of a composite."""
    return lambda make: _of_function(Several, make, make=make, infer=None, **facts)


def _of_function(kind: type, made: Callable[..., Any], **facts: Any) -> Any:
    operands, attributes = _signature(made)
    summary = inspect.cleandoc(made.__doc__ or "")
    return kind(
        name=made.__name__, operands=operands, attributes=attributes, summary=summary, **{"formula": "", **facts}
    )


def need_floats(op: str, *types: Type) -> None:
    """Raise `Mismatch` for the first operand that does not hold floats."""
    for place, each in enumerate(types):
        if each.dtype != "float":
            help = f'convert with ops.cast({{{place}}}, "float")'
            raise Mismatch("GG031", f"needs floats, got {each.dtype}", help, about=place)
