"""What passes share: a program rebuilt node by node, while some nodes give way to others of equal value.

A rule sees a node, whose operands are already as they will be, and answers None (leave it), another node of the same
name, shape and dtype (put it in its place), or the name of an earlier node of equal value (read that instead).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from graphgen import ops, sizes
from graphgen.program import GIVEN, LEAVES, Node, Program, Why

Rule = Callable[["Draft", Node], Node | str | None]
Rules = Mapping[str, Sequence[Rule]]  # by op; those under "" are asked about elementwise ops and maps of any name


def rewrite(program: Program, rules: Rules) -> Program:
    """Apply `rules` to every node in order, until none of them applies to it."""
    draft = Draft(program, rules)
    for node in program.nodes.values():
        draft.visit(node)
    return draft.build()


def joined(*families: Rules) -> Rules:
    """The rules of all families, in order."""
    names = dict.fromkeys(name for family in families for name in family)
    return {name: tuple(rule for family in families for rule in family.get(name, ())) for name in names}


def is_elementwise(node: Node) -> bool:
    """Whether the value at each place depends on the operands' values there alone, by a formula."""
    return ops.is_elementwise(node.op)


def literal(node: Node | None) -> float | int | bool | None:
    """The number that a scalar constant holds."""
    if node is None or node.op != "constant" or node.shape != ():
        return None
    value = node.attributes["value"]
    return value if isinstance(value, (bool, int, float)) else value.item()


class Draft:
    """A program in the making, from another one."""

    def __init__(self, program: Program, rules: Rules | None = None):
        self.program = program
        self.rules = rules or {}
        self.general = tuple(self.rules.get("", ()))
        self.nodes: dict[str, Node] = {}
        self.replaced: dict[str, str] = {}  # the name of each value that is gone, and of the one read instead
        self._claims: dict[str, str] = {}  # unnamed nodes, and the user's name that they take over
        self._taken = set(program.nodes)
        self._counters: Counter[str] = Counter()
        self._changed = False

    # -- reading

    def seen(self, name: str, reader: Node) -> Node | None:
        """The node called `name`, if `reader` may read past it: what the user named in the same sweep keeps its line."""
        node = self.nodes[name]
        return None if node.named and node.sweep == reader.sweep else node

    def number(self, name: str) -> float | int | None:
        """The number that a node holds, if it is a scalar constant but no truth value."""
        found = literal(self.nodes[name])
        return None if isinstance(found, bool) else found

    @cached_property
    def _uses(self) -> Counter[str]:
        return Counter(argument for node in self.program.nodes.values() for argument in node.args)

    def alone(self, name: str, reader: Node) -> bool:
        """Whether `reader` is the only one that ever read a value of the old program, which is no result either."""
        before = self.program.nodes.get(reader.name)
        only = before is not None and 0 < before.args.count(name) == self._uses[name]
        return only and name not in self.program.results.values()

    # -- writing

    def free(self, name: str) -> str:
        """`name`, or `name_2`, `name_3`, ..., whichever no node has."""
        candidate = name
        while candidate in self._taken:
            self._counters[name] += 1
            candidate = f"{name}_{self._counters[name] + 1}"
        self._taken.add(candidate)
        return candidate

    def current(self, node: Node) -> Node:
        """A node of the old program with its operands as they now are."""
        if not self.replaced:
            return node
        arguments = tuple([self.replaced.get(each, each) for each in node.args])
        return node if arguments == node.args else node._replace(args=arguments)

    def put(self, node: Node) -> None:
        """Add a node as it is."""
        self.nodes[node.name] = node
        self._changed = self._changed or node is not self.program.nodes.get(node.name)

    def visit(self, node: Node) -> None:
        """Add a node of the old program, as the rules have it."""
        node = self.current(node)
        found = self._applied(node)
        while isinstance(found, Node):
            node = found
            found = self._applied(node)
        if found is None:
            self.put(node)
        else:
            self.give_way(node, found)

    def _applied(self, node: Node) -> Node | str | None:
        general = self.general if self.general and is_elementwise(node) else ()
        for rule in (*self.rules.get(node.op, ()), *general):
            found = rule(self, node)
            if found is not None:
                return found
        return None

    def give_way(self, node: Node, other: str) -> None:
        """Have `other` read instead of this node. A value that the user named keeps its name, and its node if need be."""
        survivor = self.nodes[other]
        assert survivor.dtype == node.dtype and sizes.same(survivor.shape, node.shape), f"{node.name} is not {other}"
        if node.named:
            taken = survivor.named or other in self._claims or survivor.sweep != node.sweep
            if taken or survivor.op in LEAVES:
                self.put(node if node.op == "identity" else node._replace(op="identity", args=(other,), attributes={}))
                return
            self._claims[other] = node.name
        self._changed = True
        self.replaced[node.name] = other

    def add(self, reader: Node, op: str, operands: Iterable[str], attributes: Mapping[str, Any] | None = None, part: str = "") -> str:
        """Add a part of `reader`; the name of the node that holds its value."""
        values = tuple(self.nodes[each] for each in operands)
        types = tuple(value.type for value in values)
        row = ops.TABLE[op]
        attributes = row.complete(types, attributes or {})
        shape, dtype = row.infer(*types, **attributes)
        return self.part(reader, Node("", op, tuple(value.name for value in values), attributes, shape, dtype), part)

    def constant(self, reader: Node, value: float | bool, dtype: str = "float") -> str:
        """Add a number, for `reader` to read."""
        return self.part(reader, constant("", value, dtype))

    def size(self, reader: Node, size: sizes.Size) -> str:
        """Add a size as a number, for `reader` to read."""
        return self.part(reader, Node("", "size", (), {"size": size}, (), "float"))

    def part(self, reader: Node, node: Node, part: str = "") -> str:
        """Add a node, called after the reader it serves; the name of the node that holds its value."""
        name = self.free(f"{reader.name}_{part or node.op}")
        self._changed = True
        self.visit(node._replace(name=name, sweep=reader.sweep, why=reader.why._replace(notes=())))
        return self.replaced.get(name, name)

    def changed(self, node: Node, op: str, operands: Iterable[str], attributes: Mapping[str, Any] | None = None) -> Node:
        """The same value by another op; none of its facts but the op, operands and attributes change."""
        types = tuple(self.nodes[each].type for each in operands)
        return node._replace(op=op, args=tuple(operands), attributes=ops.TABLE[op].complete(types, attributes or {}))

    # -- the result

    def build(self) -> Program:
        """The program; values that several names stood for get the one that says most."""
        if not self._changed:
            return self.program
        names = _Names(self.program, self.nodes, self.replaced, self._claims)
        nodes = {}
        for node in self.nodes.values():
            node = names.applied(node)
            nodes[node.name] = node
        results = {key: names.of(name) for key, name in self.program.results.items()}
        return replace(self.program, nodes=nodes, results=results)


class _Names:
    """Which of the names that stood for one value it keeps: a result's own, the gradient's or tangent's of a value that
    the user named, the earlier one."""

    def __init__(self, program: Program, nodes: Mapping[str, Node], replaced: Mapping[str, str], claims: Mapping[str, str]):
        self.program = program
        self.replaced = replaced
        self.claims = claims
        self.results = set(program.results.values())
        self.members: dict[str, list[Node]] = {}
        for name, other in replaced.items():
            if name in program.nodes:
                self.members.setdefault(other, []).append(program.nodes[name])
        self.renamed: dict[str, str] = {}
        self.answers: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}  # by id, which the first of the pair holds
        for survivor in self.members:
            best = self._best(nodes[survivor])
            if best != survivor:
                self.renamed[survivor] = best

    def of(self, name: str) -> str:
        """The name that a value has in the end."""
        name = self.replaced.get(name, name)
        return self.renamed.get(name, name)

    def applied(self, node: Node) -> Node:
        """A node with its own and its operands' final names, and with what is to be said of the values it stands for."""
        members = self.members.get(node.name)
        if members is not None:
            node = node._replace(name=self.of(node.name), named=node.named or node.name in self.claims, why=_joined(node.why, members))
        if not self.replaced:
            return node
        arguments = tuple([self.of(each) for each in node.args])
        if arguments != node.args:
            node = node._replace(args=arguments)
        answers = self._answers(node.why.answers)
        return node if answers is node.why.answers else node._replace(why=node.why._replace(answers=answers))

    def _answers(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """What a node answers, by final names. The parts of one gradient share their answers, which can be many."""
        known = self.answers.get(id(names))
        if known is None:
            final = tuple(dict.fromkeys([self.of(each) for each in names]))
            known = self.answers[id(names)] = names, names if final == names else final
        return known[1]

    def _best(self, survivor: Node) -> str:
        if survivor.name in self.claims:
            return self.claims[survivor.name]
        if survivor.named or survivor.op in GIVEN:
            return survivor.name
        candidates = [survivor, *(each for each in self.members[survivor.name] if each.sweep == survivor.sweep)]
        return min(candidates, key=self._rank).name  # the first of equal rank

    def _rank(self, node: Node) -> int:
        if node.name in self.results:
            return 0
        if not node.sweep:
            return 2
        primal = self.program.nodes.get(node.name.removeprefix("d_").removesuffix("_dot"))
        return 1 if primal is not None and primal.named else 2


def _joined(why: Why, members: Sequence[Node]) -> Why:
    """What is to be said of a value under each of its names."""
    said = [why, *(each.why for each in members)]
    answers = {id(each.answers): each.answers for each in said}  # the parts of one gradient share theirs
    return why._replace(
        place=why.place or next((each.place for each in said if each.place), ""),
        statement=why.statement or next((each.statement for each in said if each.statement), ""),
        answers=tuple(dict.fromkeys(answer for each in answers.values() for answer in each)),
        notes=tuple(dict.fromkeys(note for each in said for note in each.notes)),
    )


def constant(name: str, value: float | bool, dtype: str = "float") -> Node:
    """A scalar constant."""
    return Node(name, "constant", (), {"value": value, "shape": (), "dtype": dtype}, (), dtype)
