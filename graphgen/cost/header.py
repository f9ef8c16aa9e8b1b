"""What the head of a generated module says of the cost of its own functions, in a line or two."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping

from graphgen.cost.counts import Counts
from graphgen.cost.functions import Cost, sample
from graphgen.cost.wording import amount, formula, total, work
from graphgen.emit import Body
from graphgen.targets.numpy import is_scalar

_LABEL = 12
ROOM = 116
# Functions that are halves, variants or uses of others.
_OTHERS = ("vjp", "jacobian", "hessian", "hvp", "gauss_newton_product", "per_example_gradients")


def lines(written: Mapping[str, Body]) -> list[str]:
    """The lines ``cost`` and ``bytes``, of the functions that a module holds."""
    costs = {name: Cost.of(written[name]) for name in ("value_and_grad", "jvp", *_OTHERS) if name in written}
    parts = [Cost.of(body) for name, body in written.items() if name.startswith("_jacobian_")]
    # Derivatives of the outputs alone need not take all values: what those cost is told by forward.
    first = next((costs[name] for name in ("value_and_grad", "jvp") if name in costs), None)
    first = first or Cost.of(next(iter(written.values())))
    said = _Wording(first, sample([first, *costs.values(), *parts]))
    counts = {name: costs[name].derived if name == "value_and_grad" else costs[name].all for name in costs}
    if parts:
        counts["jacobian"] = total(part.all for part in parts)
    operations = _told(first.forward, counts, said.operations)
    if said.scalar:
        operations[0] += f" operation{'s' * (first.forward.total() != 1)}"
    return [
        *_laid_out("cost", operations),
        *_laid_out("bytes", [*_told(first.forward, counts, said.bytes), *said.saved(costs)]),
    ]


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


def _told(forward: Counts, counts: Mapping[str, Counts], say: Callable[[Counts], str]) -> list[str]:
    """What each function takes, beginning with the forward sweep."""
    told = [f"forward {say(forward)}"]
    for name in ("value_and_grad", "jvp", *_OTHERS):
        if name not in counts:
            continue
        if name == "value_and_grad":
            told.append(f"reverse {say(counts[name])} more")
        elif name == "jvp":
            told.append(f"forward mode {say(counts[name])} in all for one direction")
        else:
            told.append(f"{name} {say(counts[name])}")
    return told


def _laid_out(label: str, told: list[str]) -> list[str]:
    """A labelled line, or several, broken between functions as far as possible."""
    found = [told[0]]
    for each in told[1:]:
        if len(found[-1]) + len(each) + 2 <= ROOM - _LABEL:
            found[-1] += f"; {each}"
        else:
            found[-1] += ";"
            found.append(each)
    parts = [part for text in found for part in textwrap.wrap(text, ROOM - _LABEL, break_long_words=False)]
    return [f"{label if not place else '':<{_LABEL}}{part}" for place, part in enumerate(parts)]
