"""Where to cut a forward sweep, so that the reverse sweep finds little saved and computes little again.

The forward sweep is cut into segments. What is made before a cut and read behind it is saved; of a segment that is
*stored*, all that the reverse sweep reads is saved too; of any other it is computed again, from what the cuts saved,
just before the reverse sweep comes to the segment. Everything is computed again at most once, so this is one level of
the checkpoints of Griewank and Walther (2000, "Algorithm 799: revolve", ACM TOMS 26(1)) and Chen et al. (2016,
"Training deep nets with sublinear memory cost", arXiv:1604.06174). Segments need not be equally long: those near the
loss have to share memory with all checkpoints, the first one has it to itself, so that n equal layers take about
sqrt(2 n) of them at the peak, where segments of one length take 2 sqrt(n).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LEVELS = 200  # steps in which the work of computing again is counted
MOST_PLACES = 600  # places where a cut is tried; of a longer sweep those where least is alive


class Kept(NamedTuple):
    """An array that may be saved.

    Attributes
    ----------
    made, read
        The places in the forward sweep of the statement that makes it and of the last that reads it, counted from 1.
    wanted
        Whether the reverse sweep reads it.
    """

    name: str
    bytes: int
    made: int
    read: int
    wanted: bool


class Chain(NamedTuple):
    """A forward sweep as a sequence of places, and what goes on beside it.

    Attributes
    ----------
    arrays
        What may be saved.
    work
        The operations of the statement at each place; that at 0 is nothing.
    beside
        The most bytes of other values while the reverse sweep is at a place; -inf where it never is.
    running
        The bytes of other values and temporaries while the statement at each place is run.
    waiting
        The bytes there are, but for what is made before, when the reverse sweep first asks for something made before a place.
    """

    arrays: list[Kept]
    work: np.ndarray
    beside: np.ndarray
    running: np.ndarray
    waiting: np.ndarray


def cut(chain: Chain, limit: float, levels: int = LEVELS) -> set[str] | None:
    """Choose what to save so that memory stays within `limit` bytes and the least is computed again.

    Dynamic programming over the places: the fewest bytes saved of all up to a cut, for each amount of work. While the
    reverse sweep is at place p of the segment behind a cut at k, there is what the cuts up to k saved, what is made
    from k to p and read by the reverse sweep, and what goes on beside it; while p is run, what is made from k to
    before p, and what running takes.

    Parameters
    ----------
    levels
        In how many steps work is told apart; with 0 all work is alike.

    Returns
    -------
    set of str
        The arrays to save; None if no choice is within the limit.
    """
    return _Cutting(chain, limit, levels).run()


class _Cutting:
    def __init__(self, chain: Chain, limit: float, levels: int):
        self.chain, self.limit, self.levels = chain, limit, levels
        self.last = len(chain.work) - 1
        self.places = _places(chain)
        share = chain.work * (levels / max(chain.work.sum(), 1.0))
        self.work = np.rint(np.cumsum(share)) - np.rint(np.cumsum(share) - share)  # whole levels, all of them in all
        wanted = np.zeros(self.last + 1)
        for each in chain.arrays:
            wanted[each.made] += each.bytes * each.wanted
        self.wanted = np.cumsum(wanted)
        self.ending: dict[int, list[Kept]] = {}
        for each in chain.arrays:
            self.ending.setdefault(each.read, []).append(each)
        # By place of a cut and level: the fewest bytes saved, the cut before, and whether the segment between is stored.
        shape = len(self.places), levels + 1
        self.saved = np.full(shape, np.inf)
        self.before = np.zeros(shape, dtype=int)
        self.stored = np.zeros(shape, dtype=bool)
        self.saved[0] = 0.0

    def run(self) -> set[str] | None:
        """Go from cut to cut, then back from the end along the best choice."""
        # By the place where they are made: what crosses a cut, and what is saved of a stored segment.
        crossing, stored = np.zeros(self.last + 1), np.zeros(self.last + 1)
        for each in self.chain.arrays:
            crossing[each.made] += each.bytes
            stored[each.made] += each.bytes
        # What is needed behind each cut, as far as it goes: by the reverse sweep, to run the segment with all that is
        # wanted of it kept, and to run it with nothing kept that is not read any more.
        reverse, keeping, passing = np.full((3, len(self.places)), -np.inf)
        for at in range(1, len(self.places)):
            cuts, place = self.places[:at], int(self.places[at])
            for p in range(int(self.places[at - 1]) + 1, place + 1):
                # A segment is run again once the reverse sweep asks for more of it than the cut saved.
                again = np.maximum(reverse[:at], keeping[:at] + self.chain.waiting[place])
                reverse[:at] = np.maximum(reverse[:at], self.wanted[p] + self.chain.beside[p])
                for needed, made in ((keeping, stored), (passing, crossing)):
                    there = np.cumsum(made[:p])
                    own = self.chain.running[p] + there[-1] - there[cuts] + self.wanted[cuts]
                    needed[:at] = np.maximum(needed[:at], own)
                for each in self.ending.get(p, ()):
                    crossing[each.made] -= each.bytes
                    stored[each.made] -= each.bytes * (not each.wanted)
            self._step(at, crossing, stored, np.maximum(reverse, keeping)[:at], np.maximum(again, passing[:at]))
        levels = np.flatnonzero(np.isfinite(self.saved[-1]))
        return self._chosen(int(levels[0])) if len(levels) else None

    def _step(self, at: int, crossing: np.ndarray, stored: np.ndarray, needed: np.ndarray, again: np.ndarray) -> None:
        """The best ways to a cut at `places[at]`, from each cut before; what a segment needs if it is stored, and if not."""
        place = self.places[at]
        self._better(at, self._fitting(at, needed) + self._behind(stored, at)[:, None], True)
        if place == self.last:
            return  # its values are there when the reverse sweep begins
        fitting = self._fitting(at, again)
        if self.levels:
            work = self._behind(np.where(crossing > 0, 0.0, self.work), at).astype(int)
            levels = np.arange(self.levels + 1) - work[:, None]
            fitting = np.where(levels >= 0, np.take_along_axis(fitting, np.maximum(levels, 0), axis=1), np.inf)
        saved = fitting + self._behind(crossing, at)[:, None]
        self._better(at, np.where(saved <= self.limit - self.chain.beside[place], saved, np.inf), False)

    def _fitting(self, at: int, needed: np.ndarray) -> np.ndarray:
        """The bytes saved up to each cut before, where what is needed behind it is within the limit too."""
        room = self.limit - needed + self.wanted[self.places[:at]]
        return np.where(self.saved[:at] <= room[:, None], self.saved[:at], np.inf)

    def _behind(self, amounts: np.ndarray, at: int) -> np.ndarray:
        """The sum of what is behind each cut, up to `places[at]`."""
        total = np.cumsum(amounts)
        return total[self.places[at]] - total[self.places[:at]]

    def _better(self, at: int, saved: np.ndarray, stored: bool) -> None:
        """Take over what saves fewer bytes than is known."""
        best = saved.argmin(axis=0)
        levels = np.arange(self.levels + 1)
        least = saved[best, levels]
        better = least < self.saved[at]
        self.saved[at] = np.where(better, least, self.saved[at])
        self.before[at] = np.where(better, best, self.before[at])
        self.stored[at] = np.where(better, stored, self.stored[at])

    def _chosen(self, level: int) -> set[str]:
        """The arrays that the best choice saves."""
        saved: set[str] = set()
        at = len(self.places) - 1
        while at:
            before, stored = int(self.before[at, level]), bool(self.stored[at, level])
            start, end = self.places[before], self.places[at]
            inside = [each for each in self.chain.arrays if start < each.made <= end]
            crossing = [each for each in inside if each.read > end]
            saved |= {each.name for each in crossing}
            if stored:
                saved |= {each.name for each in inside if each.wanted}
            elif self.levels:
                crossed = {each.made for each in crossing}
                level -= int(sum(self.work[place] for place in range(start + 1, end + 1) if place not in crossed))
            at = before
        return saved


def _places(chain: Chain) -> np.ndarray:
    """Where cuts are tried, from the beginning to the end of the sweep."""
    last = len(chain.work) - 1
    change = np.zeros(last + 2)
    for each in chain.arrays:
        change[each.made] += each.bytes
        change[each.read] -= each.bytes
    alive = np.cumsum(change)[: last + 1]
    groups = np.array_split(np.arange(1, last), min(max(last - 1, 1), MOST_PLACES))
    found = [group[alive[group].argmin()] for group in groups if len(group)]
    return np.array([0, *found, last])
