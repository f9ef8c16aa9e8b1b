"""What each node of a program costs, as it is written: see `graphgen.cost.CONVENTION`."""

from __future__ import annotations

import re
from functools import cache

from graphgen import ops, sizes
from graphgen.cost.counts import BYTES, OTHER, PRODUCTS, READ, WRITTEN, Counts
from graphgen.cost.formulas import SIGN, Operation, of_text, operations
from graphgen.emit import Body
from graphgen.ops.axes import FULL
from graphgen.ops.operations import PRODUCTS as MULTIPLIED
from graphgen.ops.table import Type
from graphgen.program import LEAVES, Node, Program
from graphgen.targets.numpy import is_scalar, printed, viewed
from graphgen.targets.precedence import UNARY
from graphgen.targets.printer import spell
from graphgen.targets.spelling import Slot

_HOLE = re.compile(r"\{(\d+)(?::\w+)?\}")


def count(body: Body) -> dict[str, Counts]:
    """What each node of a function costs, as it is written; nodes that cost nothing are left out."""
    return _Counter(body.program, body).run()


class _Counter:
    def __init__(self, program: Program, body: Body):
        self.program = program
        self.in_place = body.in_place
        self.own_line = {line.node: line.code for line in reversed(body.lines)}
        self.scalar = is_scalar(program)
        self.bytes_of = {"float": {"float32": 4, "float64": 8}[program.dtype], "int64": 8, "int32": 4, "bool": 1}
        self.readers = program.readers()
        self.numbers: set[str] = set()  # what depends on sizes and literals alone: Python's own numbers

    def run(self) -> dict[str, Counts]:
        found = {}
        for node in self.program.nodes.values():
            if self._is_number(node):
                self.numbers.add(node.name)
            elif counts := self._node(node):
                found[node.name] = counts
        return found

    def _is_number(self, node: Node) -> bool:
        if node.op in ("constant", "size"):
            return node.shape == ()
        return ops.is_elementwise(node.op) and node.shape == () and all(map(self.numbers.__contains__, node.args))

    def _node(self, node: Node) -> Counts:
        if node.op in LEAVES or viewed(node, self.program) is not None or node.name in self.in_place:
            return Counts()
        if node.op == "cast" and self._is_mask(node):
            return Counts()
        types = tuple([None if each in self.numbers else self._type(each) for each in node.args])
        if ops.is_elementwise(node.op) and not any(map(self.in_place.__contains__, node.args)):
            formula = printed(node, self.program)
            return self._formula(
                operations(formula, "math" if self.scalar else "numpy"), types, self._is_taken_in(node)
            )
        if node.op in ("add", "accumulate"):
            return self._sum(node, types)
        return self._call(node, types)

    # -- formulas

    def _formula(self, done: tuple[Operation, ...], types: tuple[Type | None, ...], taken_in: bool = False) -> Counts:
        return _of_formula(done, types, self.bytes_of["float"], taken_in)

    def _is_taken_in(self, node: Node) -> bool:
        """Whether a change of sign at the front is written as a subtraction: a + -b is a - b."""
        readers = self.readers[node.name]
        if node.name in self.own_line or len(readers) != 1:
            return False
        (reader,) = readers
        if ops.is_elementwise(reader.op) and reader.args[0] == node.name:
            first = spell(printed(reader, self.program), "math" if self.scalar else "numpy").pieces[0]
            if (
                isinstance(first, Slot) and first.index == 0 and first.precedence <= UNARY
            ):  # its text begins with this one
                return self._is_taken_in(reader)
        return reader.op in ("add", "subtract", "accumulate") and reader.args[0] != node.name

    def _is_mask(self, node: Node) -> bool:
        """Whether truth values are multiplied as they are, without becoming floats."""
        if self.program.nodes[node.args[0]].dtype != "bool" or node.name in self.own_line:
            return False
        return all(each.op in ("multiply", "map") for each in self.readers[node.name])

    def _type(self, name: str) -> Type:
        """The type of an operand as it is read."""
        node = self.program.nodes[name]
        return Type(node.shape, "bool") if node.op == "cast" and self._is_mask(node) else node.type

    # -- sums

    def _sum(self, node: Node, types: tuple[Type | None, ...]) -> Counts:
        """Terms added one by one; a scatter that is added in place touches only what it adds to."""
        counts = Counts()
        shape: sizes.Shape | None = None
        for name, each in zip(node.args, types, strict=True):
            if name in self.in_place:
                continue
            size = () if each is None else each.shape
            if shape is not None:
                total = sizes.broadcast(shape, size)
                assert total is not None
                counts.count(OTHER, "additions", _elements(total))
                self._move(counts, READ, Type(shape, "float"), each)
                self._move(counts, WRITTEN, Type(total, "float"))
                size = total
            shape = size
        if self.own_line.get(node.name, "").startswith(f"{node.name} = np.array("):  # what is added to must be its own
            self._move(counts, READ, node.type)
            self._move(counts, WRITTEN, node.type)
        for name in filter(self.in_place.__contains__, node.args):
            updates, index = (self.program.nodes[each] for each in self.program.nodes[name].args)
            one_number = updates.op == "broadcast_to" and updates.args[0] in self.numbers
            counts.count(OTHER, "additions", _elements(updates.shape))
            self._move(counts, READ, updates.type, None if one_number else updates.type, index.type)
            self._move(counts, WRITTEN, updates.type)
        return counts

    # -- everything else

    def _call(self, node: Node, types: tuple[Type | None, ...]) -> Counts:
        row = ops.TABLE[node.op]
        known = tuple([self.program.nodes[each].type for each in node.args])
        if self.scalar:  # of a single element most ops are that element
            if not isinstance(row.of_scalar, str) or row.draws:
                return self._stated(node, row, known) if row.draws else Counts()
            return self._formula(of_text(_HOLE.sub(r"slot\1", row.of_scalar)), types)
        counts = self._stated(node, row, known)
        if node.op == "assemble":
            self._assembled(node, counts, known)
            return counts
        chosen = getattr(row, "chooses", False) and not row.view  # it reads of operand 0 what it answers with
        self._move(counts, READ, *([Type(node.shape, known[0].dtype), *types[1:]] if chosen and types[0] else types))
        self._move(counts, WRITTEN, node.type)
        return counts

    def _stated(self, node: Node, row: ops.Row, types: tuple[Type, ...]) -> Counts:
        """The operations that a row states."""
        counts = Counts()
        if row.operations is not None:
            for kind, size in row.operations(node.type, *types, **node.attributes).items():
                if kind == MULTIPLIED:
                    counts.count(PRODUCTS, "multiplications", size)
                    counts.count(PRODUCTS, "additions", size)
                else:
                    counts.count(OTHER, kind, size)
        return counts

    def _assembled(self, node: Node, counts: Counts, types: tuple[Type, ...]) -> None:
        """Zeros, or a copy of the first part where it fills them; then each part is read, and added to what is there."""
        first = all(entry == FULL for entry in node.attributes["keys"][0])
        self._move(counts, READ, *types[:first])
        self._move(counts, WRITTEN, node.type)
        for each in types[first:]:
            self._move(counts, READ, each, each)
            self._move(counts, WRITTEN, each)

    def _move(self, counts: Counts, kind: str, *types: Type | None) -> None:
        for each in types:
            if each is not None:
                counts.count(BYTES, kind, _elements(each.shape), self.bytes_of[each.dtype])


_elements = cache(sizes.product)


@cache
def _of_formula(
    done: tuple[Operation, ...], types: tuple[Type | None, ...], float_bytes: int, taken_in: bool
) -> Counts:
    """What the operations of a formula cost, of operands of these types; None is a number, which is no array."""
    counts = Counts()
    results: list[Type | None] = []
    bytes_of = {"float": float_bytes, "int64": 8, "int32": 4, "bool": 1}
    for place, operation in enumerate(done):
        operands = [types[each] if each >= 0 else results[-1 - each] for each in operation.operands]
        arrays = [each for each in operands if each is not None]
        if not arrays:  # arithmetic of numbers
            results.append(None)
            continue
        shape = sizes.broadcast(*(each.shape for each in arrays))
        assert shape is not None
        result = Type(shape, "bool" if operation.truth else _dtype(arrays))
        results.append(result)
        if taken_in and operation.kind == SIGN and place in (0, len(done) - 1):
            continue
        if operation.kind != SIGN:
            counts.count(OTHER, operation.kind, _elements(shape))
        for each in arrays:
            counts.count(BYTES, READ, _elements(each.shape), bytes_of[each.dtype])
        counts.count(BYTES, WRITTEN, _elements(shape), bytes_of[result.dtype])
    return counts


def _dtype(operands: list[Type]) -> str:
    """The dtype of an operation that computes or chooses numbers, as truth values never do alone."""
    numbers = [each.dtype for each in operands if each.dtype != "bool"]
    return "float" if not numbers or "float" in numbers else numbers[0]
