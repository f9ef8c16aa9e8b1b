"""Values that only one branch of a `where` reads are computed of something harmless where the other branch is taken.

np.where computes both branches: log(x) warns at 0 though the other branch is taken there, and its slope times the
gradient 0 is nan. A row of the op table names a safe value for each operand whose domain is restricted; it is put in the
operand's place wherever the condition does not hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from graphgen import ops, sizes
from graphgen.passes.regions import EVERYWHERE, Region, regions
from graphgen.passes.rewriting import constant, literal
from graphgen.program import Builder, Node, Program, Why


def protect(program: Program) -> Program:
    """The program with operands of restricted domain replaced where the branch that reads them is not taken.

    It comes before differentiation. What lies behind ops that are not elementwise stays as it is.
    """
    held = regions(program)
    exposed = [node for node in program.nodes.values() if held[node.name] is not EVERYWHERE and unsafe(program, node)]
    if not exposed:
        return program
    protector = _Protector(program)
    for node in exposed:
        protector.protect(node, held[node.name])
    if len(protector.builder.nodes) == len(program.nodes):
        return program  # no condition fits
    return replace(program, nodes=_in_order(protector.builder.nodes, program.nodes))


def unsafe(program: Program, node: Node) -> dict[int, float]:
    """The operands of a node that may be outside its domain, and what to put there instead."""
    if node.op == "map":
        places = enumerate(node.attributes.get("safe", ()))
        safe: Mapping[int, float] = {place: value for place, value in places if value is not None}
    else:
        safe = ops.ELEMENTWISE[node.op].safe if node.op in ops.ELEMENTWISE else {}
    return {place: value for place, value in safe.items() if not _is_harmless(program, node, place)}


def _is_harmless(program: Program, node: Node, place: int) -> bool:
    """Whether an operand is a literal inside the domain, or a size, or the base of a whole power."""
    operand = program.nodes[node.args[place]]
    if operand.op == "size":
        return True
    if node.op == "power":
        exponent = literal(program.nodes[node.args[1]])
        if exponent is not None and exponent >= 0 and exponent == int(exponent):
            return True
    number, row = literal(operand), ops.ELEMENTWISE.get(node.op)
    return number is not None and row is not None and row.takes(place, number)


class _Protector:
    """A program to which safe operands are added, for now at its end."""

    def __init__(self, program: Program):
        self.builder: Builder = program.builder()
        self.conditions: dict[tuple[Region, sizes.Shape], tuple[str, int] | None] = {}

    def protect(self, node: Node, region: Region) -> None:
        condition = self._condition(region, node.shape)
        if condition is None:
            return
        arguments = list(node.args)
        notes = list(node.why.notes)
        for place, value in unsafe(self.builder.program, node).items():
            arguments[place] = self._safe(node, arguments[place], value, condition)
            notes.append(f"{ops.spoken(node.op, node.attributes)} of {value:g} where the other branch is taken")
        self.builder.nodes[node.name] = node._replace(args=tuple(arguments), why=node.why._replace(notes=tuple(notes)))

    def _safe(self, node: Node, operand: str, value: float, condition: tuple[str, int]) -> str:
        """The operand where the branch is taken, the safe value elsewhere."""
        name, branch = condition
        safe = self._name(f"{node.name}_safe")
        number = constant(self._name(f"{safe}_constant"), value)
        self.builder.append(number._replace(sweep=node.sweep, why=_part_of(node)))
        operands = (name, operand, number.name) if branch == 1 else (name, number.name, operand)
        return self._add(safe, "where", operands, node)

    def _add(self, name: str, op: str, operands: tuple[str, ...], reader: Node) -> str:
        shape, dtype = ops.TABLE[op].infer(*(self.builder.nodes[each].type for each in operands))
        self.builder.append(Node(name, op, operands, {}, shape, dtype, reader.sweep, _part_of(reader)))
        return name

    def _name(self, name: str) -> str:
        found = self.builder.free(name)
        self.builder.reserve([found])
        return found

    def _condition(self, region: Region, shape: sizes.Shape) -> tuple[str, int] | None:
        """What holds in a region, of the conditions that broadcast into `shape`, and 2 if it is what must not hold."""
        outwards = []
        at: Region | None = region
        while at is not None and at is not EVERYWHERE and (at, shape) not in self.conditions:
            outwards.append(at)
            at = at.parent
        found = None if at is None or at is EVERYWHERE else self.conditions[at, shape]
        for each in reversed(outwards):
            found = self._both(found, each, shape)
            self.conditions[each, shape] = found
        return found

    def _both(self, outer: tuple[str, int] | None, region: Region, shape: sizes.Shape) -> tuple[str, int] | None:
        where = region.where
        assert where is not None
        own = self.builder.nodes[where.args[0]]
        common = sizes.broadcast(own.shape, shape)
        if common is None or not sizes.same(common, shape):
            return outer
        if outer is None:
            return own.name, region.branch
        sides = [name if branch == 1 else self._part(where, "logical_not", (name,)) for name, branch in (outer, (own.name, region.branch))]
        return self._part(where, "logical_and", tuple(sides)), 1

    def _part(self, where: Node, op: str, operands: tuple[str, ...]) -> str:
        return self._add(self._name(f"{where.name}_{op}"), op, operands, where)


def _part_of(node: Node) -> Why:
    return node.why._replace(notes=())


def _in_order(nodes: dict[str, Node], names: Iterable[str]) -> dict[str, Node]:
    """The nodes in the order of `names`, but each after its operands: these are moved up where need be."""
    result: dict[str, Node] = {}
    for name in names:
        waiting = [name]
        while waiting:
            node = nodes[waiting[-1]]
            missing = [each for each in node.args if each not in result] if node.name not in result else []
            if missing:
                waiting.extend(reversed(missing))
            else:
                waiting.pop()
                result.setdefault(node.name, node)
    return result
