"""What is said beside a line of generated code, and above a group of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import sympy as sp

from graphgen import ops, sizes
from graphgen.calculus.formula import formula
from graphgen.calculus.slopes import vjp
from graphgen.differentiation.gradient import constants, signature
from graphgen.display import LONGEST, Shown, shown
from graphgen.program import Node, Program
from graphgen.targets.printer import written

MANY = 4  # readers whose statements a comment can list


class Comments:
    """The comments of one program's nodes.

    Parameters
    ----------
    original
        The program before passes, where what a gradient answers is looked up.
    style
        In the teach style primitives are named, and slopes given.
    scalar
        Shapes need not be said.

    Attributes
    ----------
    values
        The gradients and tangents of declared values: what is a line's own in the teach style.
    """

    def __init__(self, original: Program, style: str, scalar: bool):
        self.original = original
        self.style = style
        self.scalar = scalar
        self.constants = constants(original)
        self.parts = Counter(each.why.statement for each in original.nodes.values() if each.why.composite and not each.sweep)
        ends = set(original.results.values())
        declared = [name for name, node in original.nodes.items() if not node.why.composite or node.named or name in ends]
        self.values = {f"d_{name}" for name in declared} | {f"{name}_dot" for name in declared}

    def of(self, node: Node, inside: Sequence[str] = ()) -> tuple[str, str]:
        """The header above the node's group, and the comment at the right of its line, given the notes of what is inside it."""
        shape = "" if self.scalar or node.shape == () else sizes.shape_text(node.shape)
        notes = "; ".join(dict.fromkeys([*node.why.notes, *inside]))
        if "reverse" in node.sweep:
            return self._reverse_comments(node, shape, notes)
        if node.why.composite and not (node.sweep and self.style == "compact" and self._is_whole(node)):
            return self._composite_header(node), shape
        if node.sweep:  # a tangent beside its value, which the compact style leaves to the names
            said = self._said(node) if self.style == "teach" else ""
            return "", "  ".join(filter(None, [shape, said, notes]))
        return "", "  ".join(filter(None, [node.why.place, shape, notes]))

    def _is_whole(self, node: Node) -> bool:
        """Whether a tangent is that of a composite which is one operation: it stands below its value."""
        primal = self.original.nodes.get(node.why.answers[0])
        return primal is not None and self.parts[primal.why.statement] == 1

    def _composite_header(self, node: Node) -> str:
        primal = self.original.nodes.get(node.why.answers[0], node) if node.sweep else node
        return "  ".join([primal.why.statement, primal.why.place, *primal.why.notes])

    def _reverse_comments(self, node: Node, shape: str, notes: str) -> tuple[str, str]:
        said = self._said(node)
        if self.style == "teach" and self.scalar:
            return "", "  ".join(filter(None, [said, self._slope(node), notes]))
        slope = self._slope(node) if self.style == "teach" else ""
        return "  ".join(filter(None, [said, slope])), "  ".join(filter(None, [shape, notes]))

    def _said(self, node: Node) -> str:
        """The statements whose slope a line brings: the user's own, or in the teach style the primitives."""
        if self.style == "compact" or len(node.why.answers) > MANY:
            return node.why.statement
        found = [self.original.nodes[name] for name in node.why.answers if name in self.original.nodes]
        if any(each.why.composite for each in found):
            return node.why.statement
        text = "; ".join(map(self._statement, found))
        return text if len(text) <= LONGEST else node.why.statement

    def _statement(self, node: Node) -> str:
        texts = [self._operand(argument) for argument in node.args]
        return f"{node.name} = {shown(node.op, texts, node.attributes).text}"

    def _operand(self, name: str) -> Shown:
        node = self.original.nodes[name]
        if node.op in ("constant", "size"):
            return shown(node.op, [], node.attributes)
        return Shown(name)

    def _slope(self, node: Node) -> str:
        """The local slope of the one elementwise op that a gradient passes through, as a class would see it."""
        if len(node.why.answers) != 1 or node.sweep[-1:] != ("reverse",) or node.name not in self.values:
            return ""
        reader, operand = self.original.nodes.get(node.why.answers[0]), node.name[2:]
        if reader is None or operand not in reader.args or not ops.is_elementwise(reader.op) or reader.why.composite:
            return ""  # a part of a gradient, or of several values
        if reader.op in ("add", "subtract", "identity", "negative"):
            return ""
        rule = vjp(signature(self.original, reader, self.constants), reader.args.index(operand))
        if rule is None:
            return ""
        slope = rule.formula.expression.xreplace({rule.formula.slots[rule.operands.index("g")]: sp.S.One})
        names = [{"g": "1", "y": reader.name}.get(each) or self._operand(reader.args[each]).text for each in rule.operands]
        used = [(slot, name) for slot, name in zip(rule.formula.slots, names, strict=True) if slot in slope.free_symbols]
        if not used:
            return ""
        text = written(formula(slope, [slot for slot, _ in used]), "text", [name for _, name in used])
        return f"d{reader.name}/d{operand} = {text}"
