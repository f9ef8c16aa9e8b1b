"""When values live: the statements of a function, what its reverse sweep finds saved, and its memory at the peak.

What is written inside its reader has no line of its own: it is a temporary, that lives while its line is computed. What
has a line lives until the function returns, or until it is dropped. A view shares the memory of its base. Parameters,
inputs, state and constant arrays are the caller's and the module's: they count for nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import NamedTuple

import sympy as sp

from graphgen import ops, sizes
from graphgen.calculus.formula import Formula
from graphgen.emit import Body, Line
from graphgen.program import LEAVES, Node, Program
from graphgen.targets.numpy import printed, viewed

_BYTES = {"float32": 4, "float64": 8, "int64": 8, "int32": 4, "bool": 1}
_SPREAD = (
    "transpose",
    "getitem",
    "broadcast_to",
    "diagonal",
)  # views whose elements do not lie as those of an array do


class Statement(NamedTuple):
    """The lines that make one value; or several, where one is written into.

    Attributes
    ----------
    writes, reads
        The values that it makes, and those and the sizes that it needs.
    reverse
        Whether it is a part of the reverse sweep, or stands in it.
    again
        Whether it was run before: what it makes was not saved.
    """

    writes: tuple[str, ...]
    reads: frozenset[str]
    lines: tuple[Line, ...]
    reverse: bool
    again: bool = False


class Drop(NamedTuple):
    """A ``del``: these values are needed no more."""

    names: tuple[str, ...]


Step = Statement | Drop


class Peak(NamedTuple):
    """Memory at its peak: in bytes, as a formula in the symbolic sizes, and the place in the sequence of steps."""

    bytes: int
    formula: sizes.Size
    place: int


def node_bytes(node: Node, dtype: str) -> sizes.Size:
    """The bytes of an array of the node's shape, in a program whose floats are of `dtype`."""
    return sizes.product(node.shape) * _BYTES[dtype if node.dtype == "float" else node.dtype]


def statements(body: Body) -> list[Statement]:
    """The statements of a function in order, each with what it reads."""
    names = known(body.program)
    found: dict[str, Statement] = {}
    reverse = False
    for name, group in groupby(body.lines, key=lambda line: line.node):
        lines = tuple(group)
        reverse = reverse or lines[0].section == "reverse"
        reads = read("\n".join(line.code for line in lines), names) - {name}
        base = _bare(lines[0]) if len(lines) > 1 else ""
        if base in found:
            # The base is written into: both are one statement, or computing them again would write twice.
            joined = found.pop(base)
            reads = (reads | joined.reads) - set(joined.writes)
            found[name] = Statement((*joined.writes, name), reads, (*joined.lines, *lines), reverse)
        else:
            found[name] = Statement((name,), reads, lines, reverse)
    return list(found.values())


def known(program: Program) -> set[str]:
    """The names of all values and symbolic sizes."""
    symbolic = {size for node in program.nodes.values() for size in node.shape if not isinstance(size, int)}
    symbolic |= {node.attributes["size"] for node in program.leaves("size")}
    return {*program.nodes, *sizes.symbols(tuple(symbolic))}


def _bare(line: Line) -> str:
    """The name that the line assigns as it is, if it does."""
    value = line.code.partition(" = ")[2]
    return value if value.isidentifier() else ""


def read(code: str, known: Iterable[str]) -> frozenset[str]:
    """The names among `known` that the code reads."""
    names = (
        node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )
    return frozenset(names).intersection(known)


def saved(steps: Sequence[Statement], program: Program) -> tuple[str, ...]:
    """The values that the forward sweep makes and the reverse sweep reads, in order; parameters and inputs are none of them."""
    wanted = {name for step in steps if step.reverse for name in step.reads}
    return tuple(
        name
        for step in steps
        if not step.reverse
        for name in step.writes
        if name in wanted and program.nodes[name].args
    )


def lifetimes(steps: Sequence[Statement], results: Iterable[str]) -> dict[str, tuple[int, int]]:
    """For each value the places of the statement that makes it and of the last that reads it; of results, behind the end."""
    lives: dict[str, tuple[int, int]] = {}
    for place, step in enumerate(steps):
        lives |= {name: (place, place) for name in step.writes}
        lives |= {name: (lives[name][0], place) for name in step.reads if name in lives}
    return lives | {name: (lives[name][0], len(steps)) for name in results if name in lives}


class Memory:
    """How much memory the statements of a function take, for given numbers in place of the symbolic sizes."""

    def __init__(self, body: Body, numbers: Mapping[str, int]):
        self.body = body
        self.program = body.program
        self.variables = {line.node for line in body.lines}
        self._numbers = {sizes.symbol(name): number for name, number in numbers.items()}
        self._bytes: dict[tuple[sizes.Shape, str], int] = {}
        self._owners: dict[str, str | None] = {}
        self._made: dict[tuple[str, ...], list[str]] = {}

    def bytes(self, names: Iterable[str]) -> int:
        """The bytes of arrays of these nodes."""
        return sum(self._number(self.program.nodes[name]) for name in names)

    def formula(self, names: Iterable[str]) -> sizes.Size:
        """The bytes of arrays of these nodes, in the symbolic sizes."""
        total = sum((node_bytes(self.program.nodes[name], self.program.dtype) for name in names), start=0)
        return total if isinstance(total, int) else sp.expand(total)

    def _number(self, node: Node) -> int:
        key = node.shape, node.dtype
        if key not in self._bytes:
            size = node_bytes(node, self.program.dtype)
            self._bytes[key] = size if isinstance(size, int) else int(size.subs(self._numbers))
        return self._bytes[key]

    def owner(self, name: str) -> str | None:
        """The node whose array a value is or views: made by the value's own statement, or a value; None if it is not ours."""
        if name not in self._owners:
            base = self.base(self.program.nodes[name])
            if base is None:
                self._owners[name] = None if self.program.nodes[name].op in LEAVES else name
            else:
                self._owners[name] = self.owner(base)
        return self._owners[name]

    def base(self, node: Node) -> str | None:
        """The operand whose memory the node shares, None if it has memory of its own."""
        base = viewed(node, self.program)
        if base is not None and node.op == "reshape" and self._is_spread(base):
            return None  # NumPy has to copy it
        return base

    def _is_spread(self, name: str) -> bool:
        node = self.program.nodes[name]
        return viewed(node, self.program) is not None and (node.op in _SPREAD or self._is_spread(node.args[0]))

    def inside(self, statement: Statement) -> list[str]:
        """The nodes that a statement computes: those it writes, and those within their lines."""
        found: dict[str, None] = {}
        stack = list(statement.writes)
        while stack:
            name = stack.pop()
            found[name] = None
            stack += [
                each for each in self.program.nodes[name].args if each not in self.variables and each not in found
            ]
        return list(found)

    def made(self, statement: Statement) -> list[str]:
        """The nodes whose arrays there are at once at the worst moment of a statement, its own among them."""
        if statement.writes not in self._made:
            self._made[statement.writes] = max(
                (self._worst(self.program.nodes[name]) for name in statement.writes), key=self.bytes
            )
        return self._made[statement.writes]

    def _worst(self, node: Node) -> list[str]:
        if node.op == "assemble":
            return [node.name, *max(map(self._evaluated, node.args), key=lambda found: self.bytes(found[0]))[0]]
        return self._operation(node)[0]

    def _evaluated(self, name: str) -> tuple[list[str], list[str]]:
        """The nodes whose arrays there are while an operand is computed, and those that are left when it is."""
        if name in self.variables or name in self.body.in_place or self.program.nodes[name].op in (*LEAVES, "size"):
            return [], []
        return self._operation(self.program.nodes[name])

    def _operation(self, node: Node) -> tuple[list[str], list[str]]:
        worst: list[str] = []
        held: list[str] = []
        for argument in node.args:
            during, after = self._evaluated(argument)
            worst = max(worst, [*held, *during], key=self.bytes)
            held += after
        is_mask = (
            node.op == "cast" and self.program.nodes[node.args[0]].dtype == "bool" and node.name not in self.variables
        )
        if is_mask or self.base(node) is not None:
            return worst, held
        return max(worst, [*held, *self._within(node), node.name], key=self.bytes), [node.name]

    def _within(self, node: Node) -> list[str]:
        """Nodes of the sizes of what NumPy makes on the way to the node's value."""
        if ops.is_elementwise(node.op):
            formula = printed(node, self.program)
            full = tuple(
                sizes.same(self.program.nodes[name].shape, node.shape) for name in node.args[: len(formula.kinds)]
            )
            return [node.name] * (_registers(formula, full) - 1)
        if node.op == "accumulate":
            return [node.name] * (len(node.args) > 2)
        if node.op == "contraction" and len(node.args) == 2:
            return _rearranged(node)
        return []


@cache
def _registers(formula: Formula, full: tuple[bool, ...]) -> int:
    """How many arrays of the value's size there are at once while a formula is computed; its operands are not counted."""
    large = {slot for slot, is_full in zip(formula.slots, full, strict=True) if is_full}

    def needed(expression: sp.Basic) -> tuple[int, int]:
        """While the expression is computed, and after."""
        if not expression.args or not expression.free_symbols & large:
            return 0, 0
        most, held = needed(expression.args[0])
        for each in expression.args[1:]:
            during, after = needed(each)
            most = max(most, held + during, held + after + 1)
            held = 1
        return max(most, held + 1 if len(expression.args) == 1 else 1), 1

    return max(1, needed(formula.expression)[0])


def _rearranged(node: Node) -> list[str]:
    """The operands that np.tensordot copies, as their axes do not lie in the order of a product of matrices."""
    (one, other), output = node.attributes["subscripts"]
    summed = [letter for letter in one if letter in other and letter not in output]
    if len(summed) < 2 and max(len(one), len(other)) < 3:
        return []
    kept_one, kept_other = ([letter for letter in term if letter not in summed] for term in (one, other))
    copies = [node.args[0]] * ([*one] != [*kept_one, *summed]) + [node.args[1]] * ([*other] != [*summed, *kept_other])
    return copies


class Live:
    """Memory as steps are run one after the other: what there is, and who holds on to it."""

    def __init__(self, memory: Memory):
        self.memory = memory
        self.bound: dict[str, str | None] = {}  # each value's owner
        self.holders: dict[str, int] = {}  # how many values hold on to each owner
        self.total = 0

    def during(self, statement: Statement) -> int:
        """The bytes there are at the worst moment of a statement."""
        return self.total + self.memory.bytes(self.memory.made(statement))

    def run(self, step: Step) -> None:
        """Go on to after the step."""
        if isinstance(step, Drop):
            self._drop(step.names)
            return
        self._drop(step.writes)  # what a name held goes when it is given another value
        for name in step.writes:
            self.bound[name] = owner = self.memory.owner(name)
            if owner is not None:
                self.total += 0 if owner in self.holders else self.memory.bytes([owner])
                self.holders[owner] = self.holders.get(owner, 0) + 1

    def _drop(self, names: Iterable[str]) -> None:
        for name in names:
            owner = self.bound.pop(name, None)
            if owner is not None:
                self.holders[owner] -= 1
                if not self.holders[owner]:
                    del self.holders[owner]
                    self.total -= self.memory.bytes([owner])


def peak(memory: Memory, steps: Sequence[Step]) -> Peak:
    """The most memory that the steps take at once, and where.

    Parameters
    ----------
    steps
        Statements of the body, in the order in which they are run, and what is dropped between them.
    """
    live = Live(memory)
    most, place = 0, 0
    held: list[str] = []
    for at, step in enumerate(steps):
        if isinstance(step, Statement) and live.during(step) > most:
            most, place, held = live.during(step), at, [*live.holders, *memory.made(step)]
        live.run(step)
    return Peak(most, memory.formula(held), place)
