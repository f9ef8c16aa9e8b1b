"""Contractions: einsum, brought into a normal form that is its own adjoint."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.axes import FULL
from graphgen.ops.banding import Entry
from graphgen.ops.operations import PRODUCTS
from graphgen.ops.table import Mismatch, Type, composite, example, linear
from graphgen.targets.contraction import spelling


def _einsum_call(subscripts: Any, *operands: Any) -> Any:
    return operands, {"subscripts": subscripts}


def _einsum_canonical(*xs: Type, subscripts: Any) -> dict[str, Any]:
    """Spell out "..." and the output; check letters, ranks and sizes."""
    if not isinstance(subscripts, str):
        raise Mismatch(
            "GG025", f"subscripts are a string, got {brief(subscripts)}", 'as in ops.einsum("ij,jk->ik", a, b)'
        )
    for place, x in enumerate(xs):
        if x.dtype != "float":
            raise Mismatch("GG031", f"needs floats, got {x.dtype}", 'convert with ops.cast(x, "float")', about=place)
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(xs):
        raise Mismatch(
            "GG025",
            f"{subscripts!r} has {len(terms)} term{'s' * (len(terms) != 1)} for {len(xs)} operand{'s' * (len(xs) != 1)}",
            "one term for each operand",
        )
    spare = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if letter not in subscripts]
    ranks = [x.ndim - len(term.replace("...", "")) for term, x in zip(terms, xs, strict=True) if "..." in term]
    rank = max(ranks, default=0)
    if rank > len(spare):
        raise Mismatch("GG025", f"{subscripts!r} leaves no letters for the axes of '...'", "there are 52 letters")
    dots = "".join(spare[: max(rank, 0)])
    spelled: list[str] = []
    for term, x in zip(terms, xs, strict=True):
        rank = x.ndim - len(term.replace("...", ""))
        full = term.replace("...", dots[len(dots) - rank :] if rank > 0 else "", 1)
        if not all(letter.isascii() and letter.isalpha() for letter in full) or len(full) != x.ndim:
            raise Mismatch(
                "GG025", f"the term {term!r} does not fit {x}", "one letter for each axis", about=len(spelled)
            )
        spelled.append(full)
    letters = "".join(spelled)
    if not arrow:
        output = "..." + "".join(sorted(letter for letter in set(letters) - set(dots) if letters.count(letter) == 1))
    output = output.replace("...", dots, 1)
    if len(set(output)) < len(output) or not set(output) <= set(letters):
        raise Mismatch(
            "GG025", f"the output {output!r} repeats a letter or has one that no operand has", "each letter once"
        )
    _letter_sizes(spelled, xs)
    return {"subscripts": f"{','.join(spelled)}->{output}"}


def _letter_sizes(terms: list[str], xs: Any) -> dict[str, sizes.Size]:
    """The size of each letter; size 1 gives way to any other."""
    known: dict[str, sizes.Size] = {}
    for place, (term, x) in enumerate(zip(terms, xs, strict=True)):
        for letter, size in zip(term, x.shape, strict=True):
            common = sizes.broadcast((known.get(letter, 1),), (size,))
            if common is None:
                got = f"{sizes.text(known[letter])} and {sizes.text(size)}"
                raise Mismatch(
                    "GG025",
                    f"the axes called {letter!r} differ in size: {got}",
                    "equal letters, equal sizes",
                    about=place,
                )
            known[letter] = common[0]
    return known


@composite(
    call=_einsum_call,
    canonical=_einsum_canonical,
    formula="y[output] = sum(x0[term0] * x1[term1] * ... for letters not in output)",
    examples=(example(("m", "n"), ("n", "p"), subscripts="mn,np->mp"),),
)
def einsum(*xs: Any, subscripts: Any) -> Any:
    """Sum of products over named axes; as many operands as terms."""
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    size_of = _letter_sizes(terms, xs)
    operands = [
        _normal(x, term, place, terms, output, size_of) for place, (x, term) in enumerate(zip(xs, terms, strict=True))
    ]
    result = _contracted([value for value, _ in operands], [term for _, term in operands], output)
    present = [letter for letter in output if any(letter in term for _, term in operands)]
    missing = tuple(place for place, letter in enumerate(output) if letter not in present)
    result = ops.expand_dims(result, axis=missing) if missing else result
    return (
        result
        if sizes.same(result.shape, tuple(size_of[letter] for letter in output))
        else _stretched(result, output, size_of)
    )


def _stretched(x: Any, output: str, size_of: dict[str, sizes.Size]) -> Any:
    return ops.broadcast_to(x, shape=tuple(size_of[letter] for letter in output))


def _normal(
    x: Any, term: str, place: int, terms: list[str], output: str, size_of: dict[str, sizes.Size]
) -> tuple[Any, str]:
    """An operand without repeated letters, letters that are its alone, and axes of size 1 that stand for larger ones."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            x, term = _diagonal(x, term, letter)
    elsewhere = output + "".join(each for other, each in enumerate(terms) if other != place)
    alone = tuple(axis for axis, letter in enumerate(term) if letter not in elsewhere)
    if alone:
        x, term = ops.sum(x, axis=alone), "".join(letter for letter in term if letter in elsewhere)
    ones = tuple(axis for axis, letter in enumerate(term) if isinstance(x.shape[axis], int) and x.shape[axis] == 1)
    if ones:
        x, term = ops.squeeze(x, axis=ones), "".join(letter for axis, letter in enumerate(term) if axis not in ones)
    return x, term


def _diagonal(x: Any, term: str, letter: str) -> tuple[Any, str]:
    """x over the diagonal of two axes of one letter."""
    first = term.index(letter)
    second = term.index(letter, first + 1)
    if sizes.equal(x.shape[first], x.shape[second]):
        rest = "".join(each for axis, each in enumerate(term) if axis not in (first, second))
        return ops.diagonal(x, axis1=first, axis2=second), rest + letter
    gone = first if x.shape[first] == 1 else second  # the size 1 of one of them stands for the other's
    key = tuple(0 if axis == gone else FULL for axis in range(x.ndim))
    return ops.getitem(x, key=key), term[:gone] + term[gone + 1 :]


def _contracted(values: list[Any], terms: list[str], output: str) -> Any:
    kept = "".join(letter for letter in output if any(letter in term for term in terms))
    if len(values) == 1:
        order = tuple(terms[0].index(letter) for letter in kept)
        return values[0] if order == tuple(range(len(order))) else ops.transpose(values[0], axes=order)
    alone = [
        tuple(
            axis for axis, letter in enumerate(term) if letter not in kept + "".join(terms[:place] + terms[place + 1 :])
        )
        for place, term in enumerate(terms)
    ]
    values = [ops.sum(value, axis=axes) if axes else value for value, axes in zip(values, alone, strict=True)]
    terms = [
        "".join(letter for axis, letter in enumerate(term) if axis not in axes)
        for term, axes in zip(terms, alone, strict=True)
    ]
    return ops.contraction(*values, subscripts=(tuple(terms), kept))


@linear
class contraction:
    """A sum of products over shared axes: an einsum in normal form, which is its own adjoint."""

    formula = "y[output] = sum(x0[term0] * x1[term1] * ... for letters not in output)"
    examples = (example(("m", "n"), ("n", "p"), subscripts=(("mn", "np"), "mp")),)

    def infer(*xs: Type, subscripts: Any) -> Type:
        inputs, output = subscripts
        size_of = {
            letter: size
            for letters, x in zip(inputs, xs, strict=True)
            for letter, size in zip(letters, x.shape, strict=True)
        }
        return Type(tuple(size_of[letter] for letter in output), "float")

    def transpose(place: int, g: Any, *xs: Any, subscripts: Any) -> Any:
        inputs, output = subscripts
        others = [each for each in range(len(xs)) if each != place]
        letters = (output, *(inputs[each] for each in others))
        return ops.contraction(g, *(xs[each] for each in others), subscripts=(letters, inputs[place]))

    def mapped(operands: Sequence[Any], which: Sequence[bool], /, *, subscripts: Any) -> Any:
        inputs, output = subscripts
        new = next(letter for letter in ascii_letters if letter not in "".join(inputs))
        terms = tuple(new + term if has else term for term, has in zip(inputs, which, strict=True))
        return ops.contraction(*operands, subscripts=(terms, new + output))

    def bands(place: int, *xs: Type, subscripts: Any) -> tuple[Entry, ...]:
        inputs, output = subscripts
        return tuple(output.index(letter) if letter in output else None for letter in inputs[place])

    def numpy(*xs: Type, subscripts: Any) -> tuple[str, int]:
        return spelling(*subscripts)

    def operations(y: Type, /, *xs: Type, subscripts: Any) -> dict[str, sizes.Size]:
        terms, output = subscripts
        size_of = {letter: size for term, x in zip(terms, xs, strict=True) for letter, size in zip(term, x.shape, strict=True)}
        count = sizes.product(tuple(size_of.values()))
        if len(size_of) == len(output):  # nothing is summed
            return {"multiplications": (len(xs) - 1) * count}
        return {PRODUCTS: count, "multiplications": (len(xs) - 2) * count}
