"""Counts of operations and bytes, and their formulas in the sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

import sympy as sp

from graphgen import sizes
from graphgen.cost.formulas import COMPARISONS

PRODUCTS, OTHER, BYTES = "products", "other", "bytes"
READ, WRITTEN = "read", "written"
ARITHMETIC = ("additions", "multiplications", "divisions")
KINDS = (*ARITHMETIC, COMPARISONS)  # and the names of functions


class Entry(NamedTuple):
    """What is counted: operations of products of arrays, other operations, or bytes; of which kind; how many at a time."""

    group: str
    kind: str
    size: sizes.Size


class Counts(Counter[Entry]):
    """How often each entry is counted. Sizes are multiplied out when a total is asked for, not before."""

    def count(self, group: str, kind: str, size: sizes.Size, times: int = 1) -> None:
        """Count so many times this many operations or bytes."""
        if isinstance(size, int):
            size, times = 1, times * size
        if times:
            self[Entry(group, kind, size)] += times

    def add(self, other: Counts) -> None:
        """Count all of the others too."""
        for entry, times in other.items():
            self[entry] += times

    def kinds(self, *groups: str) -> list[str]:
        """The kinds of operations that there are: arithmetic first, then functions by name."""
        found = {entry.kind for entry in self if entry.group in (groups or (PRODUCTS, OTHER))}
        return [*(kind for kind in KINDS if kind in found), *sorted(found.difference(KINDS))]

    def total(self, *kinds: str, groups: Iterable[str] = (PRODUCTS, OTHER)) -> sizes.Size:
        """The sum over kinds, all of them unless said, as a number or a formula."""
        wanted = tuple(groups)
        found = [
            (entry.size, times)
            for entry, times in self.items()
            if entry.group in wanted and (not kinds or entry.kind in kinds)
        ]
        whole = sum(times for size, times in found if isinstance(size, int))
        terms = [times * _expanded(size) for size, times in found if not isinstance(size, int)]
        return sp.Add(whole, *terms) if terms else whole

    @property
    def bytes(self) -> sizes.Size:
        """The bytes read and written."""
        return self.total(groups=(BYTES,))

    def at(self, values: Mapping[str, int]) -> Counts:
        """The counts where sizes have these values."""
        result = Counts()
        for entry, times in self.items():
            result.count(entry.group, entry.kind, at(entry.size, values), times)
        return result


@cache
def _expanded(size: sizes.Size) -> sizes.Size:
    return sp.expand(size)


def at(size: sizes.Size, values: Mapping[str, int]) -> sizes.Size:
    """A size or a formula where symbols have these values: an int where all have."""
    if isinstance(size, int):
        return size
    result = size.subs({sizes.symbol(name): value for name, value in values.items()})
    return int(result) if result.is_Integer else result
