"""What the functions of a module cost: each of its sweeps, and each of their nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from graphgen import sizes
from graphgen.cost.counts import BYTES, READ, Counts
from graphgen.cost.nodes import count
from graphgen.cost.wording import total
from graphgen.differentiation.gradient import SWEEP as REVERSE
from graphgen.emit import Body
from graphgen.program import Node
from graphgen.schedule import Memory, Peak, node_bytes, peak, statements


@dataclass(frozen=True)
class Cost:
    """What one function costs.

    Attributes
    ----------
    body
        Its statements, and the program that they write.
    nodes
        What each node costs, of those that cost anything.
    again
        What is computed again in the reverse sweep, as it was not saved.
    """

    body: Body
    nodes: Mapping[str, Counts]
    again: Counts

    @classmethod
    def of(cls, body: Body) -> Cost:
        nodes = count(body)
        return cls(body, nodes, total(nodes[name] for name in _again(body) if name in nodes))

    @cached_property
    def all(self) -> Counts:
        """What all statements cost together."""
        return total([*self.nodes.values(), self.again])

    def where(self, chosen: Callable[[Node], bool]) -> Counts:
        """What the chosen nodes cost together."""
        return total(counts for name, counts in self.nodes.items() if chosen(self.body.program.nodes[name]))

    @property
    def forward(self) -> Counts:
        """What the declared values cost."""
        return self.where(lambda node: not node.sweep)

    @property
    def derived(self) -> Counts:
        """What gradients and tangents cost, with what is computed again for them."""
        return total([self.where(lambda node: bool(node.sweep)), self.again])

    @property
    def saved(self) -> sizes.Size:
        """The bytes that the reverse sweep reads of what the forward sweep has computed."""
        memory = Memory(self.body, {})
        owners = dict.fromkeys(map(memory.owner, self.kept()))  # of a view it is what it views that is kept
        nodes = [self.body.program.nodes[name] for name in owners if name is not None]
        counts = Counts()
        for node in nodes:
            counts.count(BYTES, READ, node_bytes(node, self.body.program.dtype))
        return counts.bytes

    def kept(self) -> list[str]:
        """The values that the forward sweep makes and the reverse sweep reads: `graphgen.schedule.saved`, without parsing.

        What stands inside of its readers is read for them.
        """
        nodes = self.body.program.nodes
        lines = dict.fromkeys(line.node for line in self.body.lines if line.node in nodes)
        made: dict[str, None] = {}
        for name in lines:
            if REVERSE in nodes[name].sweep:
                break
            made[name] = None
        stack = [argument for name in lines if name not in made for argument in nodes[name].args]
        seen: set[str] = set()
        while stack:
            name = stack.pop()
            if name not in seen:
                seen.add(name)
                stack += [] if name in lines else nodes[name].args
        return [name for name in made if name in seen and nodes[name].args]

    def peak(self, numbers: Mapping[str, int]) -> Peak:
        """The memory of all that lives at once, where that is largest for these numbers."""
        return peak(Memory(self.body, numbers), statements(self.body))


def _again(body: Body) -> list[str]:
    """The nodes that are computed a second time, those among them that stand inside their readers."""
    groups = Counter(name for name, _ in groupby(line.node for line in body.lines))
    stack = [name for name, count in groups.items() if count > 1 and name in body.program.nodes]
    found: dict[str, None] = {}
    while stack:
        name = stack.pop()
        if name not in found:
            found[name] = None
            stack += [argument for argument in body.program.nodes[name].args if argument not in groups]
    return list(found)


def symbols(costs: Iterable[Cost]) -> list[str]:
    """The names of the symbolic sizes, in order of appearance."""
    return list(
        dict.fromkeys(
            name for cost in costs for node in cost.body.program.nodes.values() for name in sizes.symbols(node.shape)
        )
    )


def sample(costs: Iterable[Cost]) -> str | None:
    """The size that counts samples: the one symbolic size there is, if it is the first axis of some input."""
    costs = list(costs)
    names = symbols(costs)
    first = {str(node.shape[0]) for cost in costs for node in cost.body.program.leaves("input") if node.shape}
    return names[0] if len(names) == 1 and names[0] in first else None
