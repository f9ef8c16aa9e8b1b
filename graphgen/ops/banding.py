"""Which indices of an operand an op reads for an index of its result, axis by axis: the fact `bands` of rows.

``bands(place, *types, **attributes)`` has an entry for each axis of the operand at `place`. An int is the axis of the
result that goes along with it index by index; a `Band` reads neighbours too; None may read all.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from graphgen import sizes
from graphgen.ops.table import Type


class Band(NamedTuple):
    """What has index i along `axis` depends on indices i + low to i + high alone.

    Of an axis that holds several laid flat, `part` is (step, size): i is not the index k itself, but k // step % size.
    """

    axis: int
    low: int
    high: int
    part: tuple[sizes.Size, sizes.Size] | None = None

    @property
    def width(self) -> int:
        return self.high - self.low + 1


class Split(NamedTuple):
    """An axis that becomes several: for each of its parts, the axis that this is now."""

    axes: tuple[tuple[tuple[sizes.Size, sizes.Size], int], ...]


Entry = int | Band | Split | None


def off_axis(place: int, *types: Type, axis: Any, **attributes: Any) -> tuple[Entry, ...]:
    """What works along `axis` leaves the other axes alone."""
    worked = axis if isinstance(axis, tuple) else (axis,)
    return tuple(None if each in worked else each for each in range(types[place].ndim))


def reduced(place: int, x: Type, /, *, axis: tuple[int, ...], keepdims: bool, **attributes: Any) -> tuple[Entry, ...]:
    """A reduction mixes what lies along its axes, and leaves these out."""
    kept = [each for each in range(x.ndim) if keepdims or each not in axis]
    return tuple(None if each in axis else kept.index(each) for each in range(x.ndim))


def entry_by_entry(place: int, *types: Type, **attributes: Any) -> tuple[Entry, ...]:
    """The result has the operand's axes."""
    return tuple(range(types[place].ndim))


def moved(axis: int, start: sizes.Size | None) -> Entry:
    """Along an axis whose first element becomes, or comes from, the one at `start`."""
    return Band(axis, start or 0, start or 0) if isinstance(start, int) or start is None else None
