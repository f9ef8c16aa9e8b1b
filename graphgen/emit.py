"""Program -> lines of text with their comments: what is written inside its reader, and what gets a line of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

import numpy as np

from graphgen import ops, sizes
from graphgen.comments import Comments
from graphgen.ops.axes import FULL, key_text
from graphgen.program import GIVEN, LEAVES, Node, Program
from graphgen.runtime import names_of_modules
from graphgen.targets.numpy import Target, Text, is_read_only, storage, viewed
from graphgen.targets.precedence import ANY, ATOM, MULTIPLY
from graphgen.wrap import WIDTH, wrapped

Style = Literal["compact", "teach"]
INDENT = 4
LIMIT = 120
# Results that are arrays, each with memory of its own.
RETURNED = ("output", "gradient", "state", "output_dot", "gradient_dot", "jacobian", "hessian")
SHORT = 12  # arithmetic of numbers that is repeated rather than named
LONG = 24  # a part of a sum that is worth a line of its own


@dataclass
class Line:
    """A statement, the comment at its right, the comment that stands above the group it belongs to, and the node it makes."""

    code: str
    comment: str = ""
    header: str = ""
    section: str = ""
    node: str = ""


@dataclass
class Body:
    """The statements of one function.

    Attributes
    ----------
    program
        What is written: each line makes one of its nodes, others stand inside their readers.
    results
        For each result of the program, an expression for it.
    arrays
        Constant arrays, by the module's name for them.
    helpers
        The helper functions called.
    in_place
        Scatters that are added where they belong: no array is made of them.
    quiet
        Whether NumPy is to say nothing of infinities that it meets on the way.
    """

    program: Program
    lines: list[Line] = field(default_factory=list)
    results: dict[tuple[str, str], str] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    helpers: dict[str, None] = field(default_factory=dict)
    in_place: set[str] = field(default_factory=set)
    quiet: bool = False


def emit(
    program: Program,
    style: Style,
    scalar: bool,
    original: Program | None = None,
    names: Mapping[str, str] = MappingProxyType({}),
    places: Mapping[str, str] = MappingProxyType({}),
    apart: bool = False,
) -> Body:
    """Write the program's nodes as statements.

    Parameters
    ----------
    original
        The program before passes, where comments look up what a gradient answers.
    names
        Other names for helpers and arguments, where the user's values have theirs.
    places
        For results of the kind "update", what stands before the value: ``first_moment[...] = ``.
    apart
        Every value has a line of its own, so that it is there when the function ends.
    """
    return _Emitter(program, style, scalar, original or program, names, places, apart).run()


class _Emitter:
    def __init__(
        self,
        program: Program,
        style: Style,
        scalar: bool,
        original: Program,
        names: Mapping[str, str],
        places: Mapping[str, str],
        apart: bool,
    ):
        self.program = program
        self.names = names
        self.places = {program.results["update", name]: (name, place) for name, place in places.items()}
        self.style = style
        self.scalar = scalar
        self.apart = apart
        self.target = Target(program, scalar, names)
        self.body = Body(program, helpers=self.target.helpers)
        self.texts: dict[str, Text] = {}
        self.results = {name for (kind, _), name in program.results.items() if kind != "update"} | set(self.places)
        self.uses = self._count_uses()
        order = [name for name, node in program.nodes.items() if node.op not in ("constant", "size")]
        self.next = dict(pairwise(order))
        self.drawing: set[str] = set()  # the values within whose text random numbers are drawn
        self.readers = {argument: node for node in program.nodes.values() for argument in node.args}
        self.storages = Counter(storage(name, program) for (kind, _), name in program.results.items() if kind in RETURNED)
        self.comments = Comments(original, style, scalar)
        for scatter in filter(self._added_at, program.nodes.values()):
            self.uses[scatter.args[1]] -= 1  # the statement in place reads the labels themselves
            self.uses[program.nodes[scatter.args[1]].args[0]] += 1

    def _count_uses(self) -> dict[str, int]:
        uses = dict.fromkeys(self.program.nodes, 0)
        for node in self.program.nodes.values():
            for argument in node.args:
                uses[argument] += 1
        return uses

    def run(self) -> Body:
        for node in self.program.nodes.values():
            self._add(node)
        for result, name in self.program.results.items():
            several = result[0] == "loss_dot" and self.program.nodes[name].shape  # one slope for each direction
            self.body.results[result] = self._fresh(name) if several or result[0] in RETURNED else self.texts[name].text
        return self.body

    # -- which nodes get a line

    def _add(self, node: Node) -> None:
        if node.op in GIVEN:
            weak = node.attributes.get("weak", False)  # an argument of train_step
            self.texts[node.name] = Text(self.names.get(node.name, node.name) if weak else node.name, weak=weak, number=weak)
        elif node.op == "size" or (node.op == "constant" and not isinstance(node.attributes["value"], np.ndarray)):
            self.texts[node.name] = self.target.literal(node)
            if self._is_value(node):
                self._write(node, self.texts[node.name])
        elif node.op == "constant":
            self._add_array(node)
        elif node.op == "assemble":
            self._assemble(node)
        elif self._added_at(node) is not None:
            pass  # written with its reader
        elif node.op in ("add", "accumulate") and len(node.args) == 2 and any(map(self._is_added_at, node.args)):
            self._add_at(node)
        elif node.op == "accumulate" and len(node.args) > 1 and not self._is_short(node):
            self._accumulate(node)
        else:
            text = self._expression(node)
            self.texts[node.name] = text
            if self._has_line(node):
                self._write(node, text)

    def _is_value(self, node: Node) -> bool:
        """Whether a constant is worth a line: a name that the user gave, a seed, a result."""
        return node.named or node.name in self.results or (self.style == "teach" and node.name in self.comments.values)

    def _has_line(self, node: Node) -> bool:
        if node.name in self.results or node.named or self.apart or self.program.follows_named(node):
            return True
        if node.op in ops.DRAWING or any(map(self.drawing.__contains__, node.args)):
            # Numbers are drawn in order: only what comes next may draw them within its own line.
            within = self.uses[node.name] == 1 and self.next.get(node.name) == self.readers[node.name].name
            self.drawing.update([node.name] if within else [])
            return not within
        if self.uses[node.name] > 1:
            text = self.texts[node.name]
            return not (text.weak and len(text.text) <= SHORT) and not self._is_plain_view(node)
        if self.style == "compact":
            return False
        if node.sweep:
            return node.name in self.comments.values
        return not node.why.composite

    def _is_plain_view(self, node: Node) -> bool:
        """Whether it is w.T or w[:, None], which say what they are better than a name of their own, and cost nothing."""
        if node.op not in ("transpose", "expand_dims") or not self._is_atom(node.args[0]):
            return False
        operand, text = self.texts[node.args[0]].text, self.texts[node.name].text
        return text == f"{operand}.T" or (text.startswith(f"{operand}[") and self.style == "compact")

    def _add_array(self, node: Node) -> None:
        name = f"_{node.name}" if f"_{node.name}" not in names_of_modules() else f"_{node.name}_array"
        self.body.arrays[name] = node.attributes["value"]
        self.texts[node.name] = Text(name)
        if node.name in self.results:
            self._write(node, Text(f"{name}.copy()"))

    # -- expressions that stay within the line

    def _expression(self, node: Node) -> Text:
        for argument, uses in zip(node.args, self.target.uses(node), strict=True):
            if uses > 1 and not self._is_atom(argument):
                self._materialise(argument)
        while True:
            text = self.target.expression(node, [self.texts[argument] for argument in node.args])
            if len(node.name) + len(text.text) + 3 + INDENT <= WIDTH:
                return text
            if not self._shorten(node, len(node.name) + len(text.text) + 3 + INDENT - WIDTH):
                return text

    def _shorten(self, node: Node, excess: int, least: int = 0) -> bool:
        """Give the longest operands lines of their own until `excess` characters are saved; False if there are none to give."""
        inlined = [each for each in dict.fromkeys(node.args) if not self._is_atom(each) and len(self.texts[each].text) > least]
        for argument in sorted(inlined, key=lambda each: -len(self.texts[each].text)):
            excess -= len(self.texts[argument].text) - len(argument)
            self._materialise(argument)
            if excess <= 0:
                break
        return bool(inlined)

    def _is_atom(self, name: str) -> bool:
        text = self.texts[name].text
        return text.isidentifier() or self.program.nodes[name].op in ("constant", "size")

    def _materialise(self, name: str) -> None:
        """Give a value that would have been written inside its reader a line after all."""
        self._write(self.program.nodes[name], self.texts[name])

    def _write(self, node: Node, text: Text) -> None:
        if node.dtype == "float":
            text = self.target.strong(text)
        name, place = self.places.get(node.name, (node.name, f"{node.name} = "))
        self.body.lines.append(self._line(node, f"{place}{text.text}"))
        self.texts[node.name] = Text(name)

    def _line(self, node: Node, code: str, first: bool = True) -> Line:
        header, comment = self.comments.of(node, self._notes_inside(node) if first else [])
        if f"{header}  ".startswith(f"{code}  "):  # the line is the statement: its place is said beside it
            header, comment = "", "  ".join(filter(None, [header[len(code) + 2 :], comment]))
        comment = comment if first else ""
        section = "reverse" if "reverse" in node.sweep else "tangent" if node.sweep else "forward"
        return Line(wrapped(code, INDENT), comment, header, section, node.name)

    def _notes_inside(self, node: Node) -> list[str]:
        """The notes of what is written inside a node's line; those of composites stand above their group."""
        inside = [self.program.nodes[each] for each in dict.fromkeys(node.args) if each in self.texts and not self._is_atom(each)]
        own = [[] if each.why.composite else [*each.why.notes] for each in inside]
        return [note for each, notes in zip(inside, own, strict=True) for note in [*notes, *self._notes_inside(each)]]

    # -- statements of several lines

    def _is_short(self, node: Node) -> bool:
        """Whether a sum fits on a line, once the longest parts have lines of their own."""
        lengths = {argument: len(self.texts[argument].text) for argument in node.args}
        excess = sum(lengths[argument] + 3 for argument in node.args) + len(node.name) + 3 + INDENT - WIDTH
        named = {argument: len(argument) for argument in lengths if lengths[argument] > LONG and not self._is_atom(argument)}
        if excess > 0 and excess <= sum(lengths[argument] - named[argument] for argument in node.args if argument in named):
            self._shorten(node, excess, LONG)
            excess = sum(len(self.texts[argument].text) + 3 for argument in node.args) + len(node.name) + 3 + INDENT - WIDTH
        return excess <= 0

    def _accumulate(self, node: Node) -> None:
        """A sum too long for one line, begun with an operand of the full shape and added to."""
        full = [each for each in node.args if sizes.same(self.program.nodes[each].shape, node.shape)]
        order = [full[0], *(each for place, each in enumerate(node.args) if place != node.args.index(full[0]))]
        chunks: list[list[Text]] = [[]]
        for argument in order:
            text = self.texts[argument]
            if chunks[-1] and sum(len(each.text) + 3 for each in [*chunks[-1], text]) + len(node.name) + 8 > WIDTH:
                chunks.append([])
            chunks[-1].append(text)
        first, *others = [self.target.total(chunk) for chunk in chunks]
        own = len(chunks[0]) > 1 or self.scalar  # what is added to must be nobody else's
        begin = f"{node.name} = {first.text if own else f'np.array({self.target.strong(first).text})'}"
        self.body.lines.append(self._line(node, begin))
        self.body.lines += [self._line(node, f"{node.name} += {each.text}", False) for each in others]
        self.texts[node.name] = Text(node.name)

    def _assemble(self, node: Node) -> None:
        """Zeros into which each part is added at its place; the first part itself where it fills them."""
        begin = f"np.zeros({sizes.shape_text(node.shape)}, dtype=_float)"
        parts = [*zip(node.args, node.attributes["keys"], strict=True)]
        if all(entry == FULL for entry in parts[0][1]):
            begin = f"np.array({self.target.strong(self.texts[parts[0][0]]).text})"
            del parts[0]
        self.body.lines.append(self._line(node, f"{node.name} = {begin}"))
        for argument, key in parts:
            target = f"{node.name}[{key_text(key) or '...'}]"
            self.body.lines.append(self._line(node, f"{target} += {self.target.strong(self.texts[argument]).text}", False))
        self.texts[node.name] = Text(node.name)

    def _added_at(self, node: Node) -> Node | None:
        """The one reader of a scatter, if it adds one number to each row of something of its own: an assignment in place."""
        if self.apart or node.op != "scatter_add_along_axis" or node.name in self.results:
            return None
        if len(node.shape) != 2 or self.uses[node.name] != 1:
            return None
        index, reader = self.program.nodes[node.args[1]], self.readers[node.name]
        picks_one = node.attributes["axis"] == 1 and index.op == "expand_dims" and index.attributes["axis"] == (1,)
        if not picks_one or reader.op not in ("add", "accumulate") or len(reader.args) != 2:
            return None
        base = self.program.nodes[next(each for each in reader.args if each != node.name)]
        own = self.uses[base.name] == 1 and not base.named and base.name not in self.results and base.args and viewed(base, self.program) is None
        return reader if own and base.op != node.op and sizes.same(base.shape, node.shape) else None

    def _is_added_at(self, name: str) -> bool:
        return self._added_at(self.program.nodes[name]) is not None

    def _add_at(self, node: Node) -> None:
        """One number added to each row, at the column that an index says."""
        scatter = self.program.nodes[next(filter(self._is_added_at, node.args))]
        self.body.in_place.add(scatter.name)
        base = next(each for each in node.args if each != scatter.name)
        index = self.texts[self.program.nodes[scatter.args[1]].args[0]].text
        updates = self.program.nodes[scatter.args[0]]
        one_number = updates.op == "broadcast_to" and self.program.nodes[updates.args[0]].shape == ()
        added = self.texts[updates.args[0]] if one_number else self.target.strong(self.texts[updates.name])
        sign = "+"
        if added.text.startswith("-") and added.precedence >= MULTIPLY:
            sign, bare = "-", added.text[1:]
            whole = bare.startswith("(") and bare.endswith(")") and bare.count("(") == 1
            added = Text(bare[1:-1], ANY) if whole else Text(bare, added.precedence if added.precedence == MULTIPLY else ATOM)
        text = added.text if one_number else f"{added.at(ATOM)}[:, 0]"
        self.body.lines.append(self._line(node, f"{node.name} = {self.texts[base].text}"))
        rows = f"np.arange({sizes.text(node.shape[0])})"
        self.body.lines.append(self._line(node, f"{node.name}[{rows}, {index}] {sign}= {text}", False))
        self.texts[node.name] = Text(node.name)

    # -- results

    def _fresh(self, name: str) -> str:
        """An expression for a result that shares memory with nothing else."""
        node = self.program.nodes[name]
        text = self.texts[name].text
        if self.scalar:
            return text
        if node.shape == ():
            return f"np.array({text})"
        base = storage(name, self.program)
        shared = self.program.nodes[base].op in LEAVES or self.storages[base] > 1
        return f"{text}.copy()" if shared or is_read_only(name, self.program) else text
