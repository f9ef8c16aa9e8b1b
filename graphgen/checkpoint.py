"""Checkpointing: which values the reverse sweep finds saved, and where the others are computed again.

It works on the statements of a function, after all passes: a value that was not saved is made again by the very
statement that made it before, under its name, so that numbers are the same bit for bit. Each is made again at most
once, when the reverse sweep first asks for it, and dropped for good when nothing asks for it any more. What is drawn at
random is saved, so that nothing is drawn twice, and results are: state is updated once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from graphgen import ops
from graphgen.cuts import Chain, Kept, cut
from graphgen.schedule import Drop, Live, Memory, Peak, Statement, Step, peak

SMALL = 256  # what is so many times smaller than the largest array is always saved


class Plan(NamedTuple):
    """The steps of a function with what it computes again and drops.

    Attributes
    ----------
    saved, again
        The values that the forward sweep leaves to the reverse sweep, and those that this makes again.
    before, after
        Memory at the peak if everything is saved, and by this plan.
    share
        The operations that are done again, of all those of the forward sweep.
    numbers
        What stands for the symbolic sizes in the peaks.
    """

    steps: list[Step]
    saved: list[str]
    again: list[str]
    before: Peak
    after: Peak
    share: float
    numbers: Mapping[str, int] = MappingProxyType({})


class Sweeps:
    """The forward and the reverse sweep of a function.

    Parameters
    ----------
    results
        The values that the function returns something of.
    operations
        What each statement costs.
    """

    def __init__(
        self, memory: Memory, steps: Sequence[Statement], results: Iterable[str], operations: Callable[[Statement], int]
    ):
        self.memory = memory
        self.forward = [step for step in steps if not step.reverse]
        self.backward = [step for step in steps if step.reverse]
        self.results = set(results)
        self.place = {name: place for place, step in enumerate(self.forward, start=1) for name in step.writes}
        self.work = {step.writes: operations(step) for step in self.forward}
        self.owned = {name: owner for name in self.place if (owner := memory.owner(name)) is not None}
        wanted = self._asked_for()
        self.wanted = {owner for name, owner in self.owned.items() if name in wanted}
        self.arrays = self._arrays()

    def _asked_for(self) -> set[str]:
        """The values of the forward sweep that the reverse sweep reads, or makes again although all is saved."""
        return {name for step in self.backward for name in step.reads if name in self.place}

    def _arrays(self) -> list[Kept]:
        """What may be saved or not; what is drawn, returned or small is saved."""
        large = max((self.memory.bytes([owner]) for owner in self.owned.values()), default=0) / SMALL
        always = {
            self.owned[name] for step in self.forward if self._draws(step) for name in step.writes if name in self.owned
        }
        always |= {self.owned[name] for name in self.results if name in self.owned}
        made: dict[str, int] = {}
        read: dict[str, int] = {}
        for name, owner in self.owned.items():
            made[owner] = min(made.get(owner, self.place[name]), self.place[name])
        for place, step in enumerate(self.forward, start=1):
            read |= {self.owned[name]: place for name in (*step.reads, *step.writes) if name in self.owned}
        bytes_of = {owner: self.memory.bytes([owner]) for owner in made if owner not in always}
        return [
            Kept(owner, size, made[owner], read[owner], owner in self.wanted)
            for owner, size in bytes_of.items()
            if size > large
        ]

    def _draws(self, step: Statement) -> bool:
        return any(self.memory.program.nodes[name].op in ops.DRAWING for name in self.memory.inside(step))

    def chain(self) -> Chain:
        """The sweeps as what cuts are chosen for."""
        work = np.array([0, *(self.work[step.writes] for step in self.forward)], dtype=float)
        beside, running, waiting = np.full((3, len(work)), -np.inf)
        mine = {each.name: each for each in self.arrays}
        read = [
            [mine[self.owned[name]].made for name in step.reads if self.owned.get(name) in mine]
            for step in self.backward
        ]
        # How far back each step still has to go, and how far back it reads.
        behind = np.maximum.accumulate([0, *(max(made, default=0) for made in read[::-1])])[:0:-1].tolist()
        steps = iter(zip(behind, (min(made, default=len(work)) for made in read), strict=True))
        live = Live(self.memory)
        reached, place = len(work), 0
        for step in self._dropped_at_once([*self.forward, *self.backward]):
            held = [mine[owner] for owner in live.holders if owner in mine]
            if isinstance(step, Statement) and step.reverse:
                place, first = next(steps)
                for before in range(first + 1, reached):
                    waiting[before] = live.total - sum(each.bytes for each in held if each.made < before)
                reached = min(reached, first + 1)
                beside[place] = max(beside[place], live.during(step) - sum(each.bytes for each in held))
            elif isinstance(step, Statement):
                place += 1
                running[place] = live.during(step) - sum(each.bytes for each in held)
            live.run(step)
        return Chain(self.arrays, work, beside, running, waiting)

    def scheduled(self, saved: set[str]) -> list[Statement]:
        """The statements, where of all that may be dropped only these arrays are saved."""
        dropped = {each.name for each in self.arrays} - saved
        there = {name for name in self.place if self.owned.get(name) not in dropped}
        steps = list(self.forward)
        for step in self.backward:
            missing = self.missing(step.reads, there)
            steps += [each._replace(reverse=True, again=True) for each in missing]
            there.update(name for each in missing for name in each.writes)
            steps.append(step)
        return steps

    def missing(self, reads: Iterable[str], there: set[str]) -> list[Statement]:
        """The statements of the forward sweep that make what is read and not there, in order."""
        found: dict[int, Statement] = {}
        stack = list(reads)
        while stack:
            name = stack.pop()
            if name in self.place and name not in there and self.place[name] not in found:
                found[self.place[name]] = step = self.forward[self.place[name] - 1]
                stack.extend(step.reads)
        return [found[place] for place in sorted(found)]

    def dying(self, steps: Sequence[Statement]) -> list[tuple[str, ...]]:
        """For each step the values with memory worth a word that nothing reads behind it, unless they are made again before."""
        sizes = {name: self.memory.owner(name) for step in steps for name in step.writes}
        large = max((self.memory.bytes([owner]) for owner in sizes.values() if owner is not None), default=0) / SMALL
        worth = {name for name, owner in sizes.items() if owner is not None and self.memory.bytes([owner]) > large}
        result: list[tuple[str, ...]] = []
        wanted = set(self.results)
        for step in reversed(steps):
            ends = [name for name in (*sorted(step.reads), *step.writes) if name in worth and name not in wanted]
            result.append(tuple(dict.fromkeys(ends)))
            wanted -= set(step.writes)
            wanted |= step.reads
        return result[::-1]

    def _dropped_at_once(self, steps: Sequence[Statement]) -> list[Step]:
        """The steps with everything dropped as soon as can be."""
        found: list[Step] = []
        for step, names in zip(steps, self.dying(steps), strict=True):
            found += [step, Drop(names)] if names else [step]
        return found

    def least_peak(self, steps: Sequence[Statement]) -> Peak:
        """The peak if everything is dropped as soon as can be."""
        return peak(self.memory, self._dropped_at_once(steps))

    def dropped(self, steps: Sequence[Statement], limit: float) -> list[Step]:
        """The steps with values dropped, many at a time: where the limit asks for it, and ahead of the reverse sweep."""
        live = Live(self.memory)
        found: list[Step] = []
        waiting: dict[str, None] = {}
        computes_again = any(step.again for step in steps)
        was = steps[0]
        for step, names in zip(steps, self.dying(steps), strict=True):
            turns = computes_again and (step.reverse > was.reverse or step.again > was.again)
            if waiting and (turns or live.during(step) > limit or not waiting.keys().isdisjoint(step.writes)):
                drop = Drop(tuple(waiting))
                live.run(drop)
                found.append(drop)
                waiting = {}
            found.append(step)
            live.run(step)
            waiting |= dict.fromkeys(names)
            was = step
        return found

    def plan(self, saved: set[str], limit: float = 0.0) -> Plan:
        """The plan that saves these arrays, with as few drops as memory within the limit takes."""
        steps = self.scheduled(saved)
        before = peak(self.memory, [*self.forward, *self.backward])
        written = self.dropped(steps, max(limit, self.least_peak(steps).bytes))
        again = [name for step in steps if step.again for name in step.writes]
        fixed = {name for step in steps if step.reverse for name in step.writes}
        read = {name for step in steps if step.reverse for name in step.reads}
        left = [name for name in self.place if name in read and name not in fixed]
        work = sum(self.work[step.writes] for step in steps if step.again)
        share = work / max(sum(self.work.values()), 1)
        return Plan(written, left, again, before, peak(self.memory, written), share)


def everything(sweeps: Sweeps) -> set[str]:
    """All arrays that may be saved."""
    return {each.name for each in sweeps.arrays}


def least(sweeps: Sweeps) -> tuple[set[str], int]:
    """The choice with the least memory at the peak, and what that is."""
    chain = sweeps.chain()
    best = everything(sweeps)
    lowest = sweeps.least_peak(sweeps.scheduled(best)).bytes
    low, high = 0.0, float(lowest)
    while high - low > 1e-3 * high and cut(chain, high, levels=0) is not None:
        middle = (low + high) / 2
        low, high = (low, middle) if cut(chain, middle, levels=0) is not None else (middle, high)
    # On what is no chain the cuts are a guess: a little more room may serve better.
    for factor in (1.0, 1.03, 1.1, 1.2, 1.4, 1.7):
        found = cut(chain, high * factor)
        reached = lowest if found is None else sweeps.least_peak(sweeps.scheduled(found)).bytes
        if found is not None and reached < lowest:
            best, lowest = found, reached
    return best, lowest


def within(sweeps: Sweeps, limit: float) -> set[str] | None:
    """The choice with the least work whose peak is within the limit, or None."""
    every = everything(sweeps)
    if sweeps.least_peak(sweeps.scheduled(every)).bytes <= limit:
        return every
    chain = sweeps.chain()
    for factor in (1.0, 0.98, 0.95, 0.92, 0.88, 0.84, 0.8, 0.7, 0.6, 0.5):
        found = cut(chain, limit * factor)
        if found is not None and sweeps.least_peak(sweeps.scheduled(found)).bytes <= limit:
            return found
    best, lowest = least(sweeps)
    return best if lowest <= limit else None
