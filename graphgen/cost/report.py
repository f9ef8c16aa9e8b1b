"""What a model costs: its functions, and its modes beside each other; as formulas, or for given sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from graphgen import sizes
from graphgen.cost.counts import BYTES, OTHER, PRODUCTS, READ, WRITTEN, Counts, at
from graphgen.cost.functions import Cost, symbols
from graphgen.cost.wording import python, total
from graphgen.emit import Body
from graphgen.errors import check_sizes
from graphgen.module.saving import ASSUMED

SHOWN = ("forward", "loss", "evaluate", "value_and_grad", "jvp", "hvp", "vjp", "jacobian")


class Row(NamedTuple):
    """One line of the table of functions: what is counted, and a number or a formula for each function, or None."""

    label: str
    values: tuple[sizes.Size | None, ...]


class Section(NamedTuple):
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Gradient:
    """One way to a gradient: how many sweeps of which function it takes, and operations in all."""

    way: str
    count: sizes.Size
    function: str
    operations: sizes.Size


@dataclass(frozen=True)
class Report:
    """What each function of a model costs.

    Attributes
    ----------
    model, style
        What is counted, for people.
    written
        The statements of each function, as `graphgen.compiler.build` gives them.
    given
        Numbers for symbolic sizes; formulas hold the others.
    """

    model: str
    style: str
    written: Mapping[str, Body]
    given: Mapping[str, int]

    def __post_init__(self) -> None:
        check_sizes(self.given, symbols(self.costs.values()))

    @cached_property
    def costs(self) -> dict[str, Cost]:
        """By function, in the order in which a module has them."""
        shown = [name for name in SHOWN if name in self.written]
        parts = [name for name in self.written if name.startswith("_jacobian_")]  # what jacobian calls
        return {name: Cost.of(self.written[name]) for name in [*shown, *parts]}

    @property
    def dtype(self) -> str:
        return next(iter(self.written.values())).program.dtype

    @cached_property
    def counts(self) -> dict[str, Counts]:
        return {name: cost.all.at(self.given) for name, cost in self.costs.items()}

    @cached_property
    def numbers(self) -> dict[str, int]:
        """A number for each size: the given one, or the assumed one."""
        return {name: self.given.get(name, ASSUMED) for name in symbols(self.costs.values())}

    # -- the table of functions

    def sections(self) -> list[Section]:
        """The rows of the table, by what they count."""
        found = [
            Section("products of arrays", self._by_kind(PRODUCTS)),
            Section("elementwise work and sums", self._by_kind(OTHER)),
            Section("in all", (Row("operations", tuple(counts.total() for counts in self.counts.values())),)),
            Section("bytes", self._bytes()),
        ]
        return [section for section in found if section.rows]

    def _by_kind(self, group: str) -> tuple[Row, ...]:
        kinds = total(self.counts.values()).kinds(group)
        return tuple(self._row(kind, group, kind) for kind in kinds)

    def _row(self, label: str, group: str, *kinds: str) -> Row:
        return Row(label, tuple(counts.total(*kinds, groups=(group,)) for counts in self.counts.values()))

    def _bytes(self) -> tuple[Row, ...]:
        saved = tuple(
            at(cost.saved, self.given) if name == "value_and_grad" else None for name, cost in self.costs.items()
        )
        peaks = tuple(at(cost.peak(self.numbers).formula, self.given) for cost in self.costs.values())
        rows = [self._row(kind, BYTES, kind) for kind in (READ, WRITTEN)]
        return (
            *rows,
            *([Row("saved for reverse", saved)] if any(each is not None for each in saved) else []),
            Row("held at the peak", peaks),
        )

    # -- modes beside each other

    def operations(self, name: str) -> int:
        """The operations of a function, for numbers in place of all sizes."""
        return int(at(self.costs[name].all.total(), self.numbers))

    @property
    def compares(self) -> bool:
        """Whether there are both modes to compare."""
        return {"loss", "value_and_grad", "jvp"} <= {*self.costs}

    @cached_property
    def differentiated(self) -> sizes.Size:
        """How many numbers the loss is differentiated by."""
        body = self.written["value_and_grad"]
        nodes = [body.program.nodes[name] for name in body.program.of("gradient").values()]
        return at(sum((sizes.product(node.shape) for node in nodes), start=0), self.numbers)

    @cached_property
    def outputs(self) -> int | None:
        """How many numbers the outputs hold, None if there is no output of floats."""
        program = self.written["forward"].program
        nodes = [
            program.nodes[name]
            for name in dict.fromkeys(program.of("output").values())
            if program.nodes[name].dtype == "float"
        ]
        return int(at(sum((sizes.product(node.shape) for node in nodes), start=0), self.numbers)) if nodes else None

    def gradients(self) -> list[Gradient]:
        """The ways to the gradient of the loss: by reverse mode, by forward mode, and by differences; and to second order."""
        count = int(self.differentiated)
        ways = (
            ("reverse mode", 1, "value_and_grad"),
            ("forward mode", count, "jvp"),
            ("one-sided differences", count + 1, "loss"),
            ("central differences", 2 * count, "loss"),
            ("Hessian times a vector", 1, "hvp"),
        )
        return [
            Gradient(way, times, name, times * self.operations(name)) for way, times, name in ways if name in self.costs
        ]

    @property
    def sweep_of_reverse(self) -> int:
        """What one reverse sweep adds to the forward sweep."""
        return self.operations("value_and_grad") - self.operations("loss")

    @property
    def sweep_of_forward(self) -> int:
        """What one direction of forward mode adds to the values."""
        return self.operations("jvp") - self.operations("loss")

    @property
    def crossover(self) -> int | None:
        """From how many outputs on a Jacobian is cheaper by forward mode; None if never."""
        if not self.sweep_of_reverse:
            return None
        return int(self.differentiated) * self.sweep_of_forward // self.sweep_of_reverse + 1

    # -- for machines

    def data(self, nodes: bool) -> dict[str, Any]:
        """All of it, with formulas as Python reads them."""
        found: dict[str, Any] = {"model": self.model, "style": self.style, "dtype": self.dtype}
        found |= {"sizes": dict(self.given), "functions": {}}
        for name, cost in self.costs.items():
            found["functions"][name] = _data(self.counts[name]) | {
                "peak_bytes": python(at(cost.peak(self.numbers).formula, self.given)),
                **({"saved_bytes": python(at(cost.saved, self.given))} if name == "value_and_grad" else {}),
                **(
                    {"nodes": {each: _data(counts.at(self.given)) for each, counts in cost.nodes.items()}}
                    if nodes
                    else {}
                ),
            }
        if self.compares:
            found["modes"] = {
                "sizes": self.numbers,
                "differentiated": int(self.differentiated),
                "gradient": {each.way: each.operations for each in self.gradients()},
                "reverse_sweep": self.sweep_of_reverse,
                "forward_sweep": self.sweep_of_forward,
                "forward_is_cheaper_from": self.crossover,
            }
        return found


def _data(counts: Counts) -> dict[str, Any]:
    return {
        PRODUCTS: {kind: python(counts.total(kind, groups=(PRODUCTS,))) for kind in counts.kinds(PRODUCTS)},
        OTHER: {kind: python(counts.total(kind, groups=(OTHER,))) for kind in counts.kinds(OTHER)},
        "operations": python(counts.total()),
        BYTES: {kind: python(counts.total(kind, groups=(BYTES,))) for kind in (READ, WRITTEN)},
    }
