"""What the head of a generated module says of the cost of its own functions, in a line or two."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping

from graphgen.cost.counts import Counts
from graphgen.cost.functions import Cost, sample
from graphgen.cost.wording import amount, formula, work
from graphgen.emit import Body
from graphgen.targets.numpy import is_scalar

_LABEL = 12
_ROOM = 116
# Functions that are halves, variants or uses of others.
_OTHERS = ("vjp", "jacobian", "hessian", "hvp", "gauss_newton_product", "per_example_gradients")


def lines(written: Mapping[str, Body]) -> list[str]:
    """The lines ``cost`` and ``bytes``, of the functions that a module holds."""
    names = [name for name in ("value_and_grad", "jvp", *_OTHERS) if name in written]
    costs = {name: Cost.of(written[name]) for name in names or [next(iter(written))]}
    first = next(iter(costs.values()))
    said = _Wording(first, sample(costs.values()))
    operations = _told(costs, said.operations)
    if said.scalar:
        operations[0] += f" operation{'s' * (first.forward.total() != 1)}"
    return [*_laid_out("cost", operations), *_laid_out("bytes", [*_told(costs, said.bytes), *said.saved(costs)])]


class _Wording:
    """How much is told of a model's operations and bytes: all of them where every value is a number, else rounded."""

    def __init__(self, first: Cost, sample: str | None):
        self.scalar = is_scalar(first.body.program)
        self.sample = sample

    def operations(self, counts: Counts) -> str:
        return formula(counts.total()) if self.scalar else work(counts, self.sample)

    def bytes(self, counts: Counts) -> str:
        return formula(counts.bytes) if self.scalar else amount(counts.bytes, "B", self.sample)

    def saved(self, costs: Mapping[str, Cost]) -> list[str]:
        """The bytes that the reverse sweep finds saved, unless a choice of that is told elsewhere."""
        if "value_and_grad" not in costs or costs["value_and_grad"].again:
            return []
        found = costs["value_and_grad"].saved
        return [f"saved for reverse {formula(found) if self.scalar else amount(found, 'B', self.sample)}"]


def _told(costs: Mapping[str, Cost], say: Callable[[Counts], str]) -> list[str]:
    """What each function takes, beginning with the forward sweep."""
    told = [f"forward {say(next(iter(costs.values())).forward)}"]
    for name, cost in costs.items():
        if name == "value_and_grad":
            told.append(f"reverse {say(cost.derived)} more")
        elif name == "jvp":
            told.append(f"forward mode {say(cost.all)} in all for one direction")
        elif name in _OTHERS:
            told.append(f"{name} {say(cost.all)}")
    return told


def _laid_out(label: str, told: list[str]) -> list[str]:
    """A labelled line, or several, broken between functions as far as possible."""
    found = [told[0]]
    for each in told[1:]:
        if len(found[-1]) + len(each) + 2 <= _ROOM - _LABEL:
            found[-1] += f"; {each}"
        else:
            found[-1] += ";"
            found.append(each)
    parts = [part for text in found for part in textwrap.wrap(text, _ROOM - _LABEL, break_long_words=False)]
    return [f"{label if not place else '':<{_LABEL}}{part}" for place, part in enumerate(parts)]
