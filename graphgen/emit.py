"""Program -> lines of text with their comments: what is written inside its reader, and what gets a line of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np

from graphgen import sizes
from graphgen.display import Shown, shown
from graphgen.ops.axes import key_text
from graphgen.program import Node, Program
from graphgen.targets.numpy import Target, Text, storage
from graphgen.wrap import WIDTH, wrapped

Style = Literal["compact", "teach"]
INDENT = 4
LIMIT = 120
LONG = 24  # a part of a sum that is worth a line of its own


@dataclass
class Line:
    """A statement, the comment at its right, and the comment that stands above the group it belongs to."""

    code: str
    comment: str = ""
    header: str = ""
    section: str = ""


@dataclass
class Body:
    """The statements of one function.

    Attributes
    ----------
    results
        For each result of the program, an expression for it.
    arrays
        Constant arrays, by the module's name for them.
    """

    lines: list[Line] = field(default_factory=list)
    results: dict[tuple[str, str], str] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    helpers: dict[str, None] = field(default_factory=dict)


def emit(
    program: Program,
    style: Style,
    scalar: bool,
    original: Program | None = None,
    names: Mapping[str, str] = MappingProxyType({}),
    places: Mapping[str, str] = MappingProxyType({}),
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
    """
    return _Emitter(program, style, scalar, original or program, names, places).run()


class _Emitter:
    def __init__(
        self, program: Program, style: Style, scalar: bool, original: Program, names: Mapping[str, str], places: Mapping[str, str]
    ):
        self.program = program
        self.names = names
        self.places = {program.results["update", name]: (name, place) for name, place in places.items()}
        self.original = original
        self.style = style
        self.scalar = scalar
        self.target = Target(program, scalar, names)
        self.body = Body(helpers=self.target.helpers)
        self.texts: dict[str, Text] = {}
        self.results = {name for (kind, _), name in program.results.items() if kind != "update"} | set(self.places)
        self.uses = self._count_uses()
        self.storages = Counter(storage(name, program) for name in self.results)
        self.values = {f"d_{name}" for name in original.nodes} | {f"{name}_dot" for name in original.nodes}

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
            self.body.results[result] = self._fresh(name)
        return self.body

    # -- which nodes get a line

    def _add(self, node: Node) -> None:
        if node.op in ("input", "param"):
            self.texts[node.name] = Text(self.names.get(node.name, node.name), weak=node.attributes.get("weak", False))
        elif node.op == "size" or (node.op == "constant" and not isinstance(node.attributes["value"], np.ndarray)):
            self.texts[node.name] = self.target.literal(node)
            if self._is_value(node):
                self._write(node, self.texts[node.name])
        elif node.op == "constant":
            self._add_array(node)
        elif node.op == "assemble":
            self._assemble(node)
        elif node.op == "accumulate" and len(node.args) > 1 and not self._is_short(node):
            self._accumulate(node)
        else:
            text = self._expression(node)
            self.texts[node.name] = text
            if self._has_line(node):
                self._write(node, text)

    def _is_value(self, node: Node) -> bool:
        """Whether a constant is worth a line: a name that the user gave, a seed, a result."""
        return node.named or node.name in self.results or (self.style == "teach" and node.name in self.values)

    def _has_line(self, node: Node) -> bool:
        if node.name in self.results or node.named or self.uses[node.name] > 1:
            return True
        if self.style == "compact":
            return False
        if node.sweep:
            return node.name in self.values
        return not node.why.composite

    def _add_array(self, node: Node) -> None:
        name = f"_{node.name}"
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
            inlined = [argument for argument in node.args if not self._is_atom(argument)]
            if not inlined:
                return text
            self._materialise(max(inlined, key=lambda argument: len(self.texts[argument].text)))

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
        header, comment = self._comments(node) if first else ("", "")
        section = "reverse" if "reverse" in node.sweep else "tangent" if node.sweep else "forward"
        return Line(wrapped(code, INDENT), comment, header, section)

    # -- statements of several lines

    def _is_short(self, node: Node) -> bool:
        """Whether a sum fits on a line, once the longest parts have lines of their own."""
        while True:
            length = sum(len(self.texts[argument].text) + 3 for argument in node.args) + len(node.name) + 3 + INDENT
            if length <= WIDTH:
                return True
            long = [argument for argument in node.args if len(self.texts[argument].text) > LONG and not self._is_atom(argument)]
            if not long:
                return False
            self._materialise(max(long, key=lambda argument: len(self.texts[argument].text)))

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
        """Zeros into which each part is added at its place."""
        self.body.lines.append(self._line(node, f"{node.name} = np.zeros({sizes.shape_text(node.shape)}, dtype=_float)"))
        for argument, key in zip(node.args, node.attributes["keys"], strict=True):
            target = f"{node.name}[{key_text(key) or '...'}]"
            self.body.lines.append(self._line(node, f"{target} += {self.target.strong(self.texts[argument]).text}", False))
        self.texts[node.name] = Text(node.name)

    # -- results

    def _fresh(self, name: str) -> str:
        """An expression for a result that shares memory with nothing else."""
        node = self.program.nodes[name]
        text = self.texts[name].text
        if self.scalar or name not in self.results or name in self.places:
            return text
        if node.shape == ():
            return f"np.array({text})"
        base = storage(name, self.program)
        shared = self.program.nodes[base].op in ("input", "param", "constant") or self._is_shared(base)
        return f"{text}.copy()" if shared else text

    def _is_shared(self, base: str) -> bool:
        return self.storages[base] > 1

    # -- comments

    def _comments(self, node: Node) -> tuple[str, str]:
        """The header above the node's group, and the comment at the right of its line."""
        shape = "" if self.scalar or node.shape == () else sizes.shape_text(node.shape)
        notes = "; ".join(node.why.notes)
        if node.sweep:
            header = self._answered(node)
            return header, "  ".join(filter(None, [shape, notes]))
        if node.why.composite:
            header = "  ".join(filter(None, [node.why.statement, node.why.place, notes]))
            return header, shape
        return "", "  ".join(filter(None, [node.why.place, shape, notes]))

    def _answered(self, node: Node) -> str:
        """The statement whose slope a line brings."""
        if self.style == "compact":
            return node.why.statement
        found = [self.original.nodes[name] for name in node.why.answers if name in self.original.nodes]
        said = list(dict.fromkeys(each.why.statement if each.why.composite else self._statement(each) for each in found))
        text = "; ".join(said)
        return text if len(text) <= WIDTH else node.why.statement

    def _statement(self, node: Node) -> str:
        texts = [self._operand(argument) for argument in node.args]
        return f"{node.name} = {shown(node.op, texts, node.attributes).text}"

    def _operand(self, name: str) -> Shown:
        node = self.original.nodes[name]
        if node.op in ("constant", "size"):
            return shown(node.op, [], node.attributes)
        return Shown(name)
