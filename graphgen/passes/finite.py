"""What can be said of values before they are known: which are positive, and which gradients are surely finite."""

from __future__ import annotations

from functools import cache

import sympy as sp

from graphgen import ops
from graphgen.calculus.formula import Formula
from graphgen.passes.rewriting import is_elementwise, literal
from graphgen.program import Node, Program
from graphgen.targets.dialects import NAMES

# The same elements, arranged otherwise.
_ARRANGED = ("broadcast_to", "expand_dims", "squeeze", "transpose", "reshape")
# Values of these lie between, or are among, those of their first operand.
_CHOSEN = (
    *(name for name, row in ops.TABLE.items() if isinstance(row, ops.Linear) and row.chooses),
    *("cast", "identity", "mean", "max", "min"),
    *(name for name, row in ops.ELEMENTWISE.items() if row.controls),
)
# An op that is in none of these lists may be of either sign, which is always safe to assume.
_NEVER_NEGATIVE = ("exp", "exp2", "cosh", "sigmoid", "softplus", "square", "abs", "relu", "sqrt", "hypot", "acos", "acosh",
                   "relu6", "hardsigmoid", "elliot", "norm", "var", "std")  # fmt: skip
OVERFLOWING = tuple(name for name, row in ops.ELEMENTWISE.items() if row.overflows)
_GROWING = ("add", "accumulate", "sum", "maximum")
_JOINED = ("multiply", "divide", "minimum", "concat", "stack")


class Signs:
    """Which values are positive, and which are at least 0, as far as the ops tell.

    Exponentials are at least 0, since they underflow; sums of them are taken to be positive: a softmax's total holds
    the exponential of 0.
    """

    def __init__(self, program: Program):
        self.program = program
        self.positive: set[str] = set()
        self.at_least_zero: set[str] = set()
        for node in program.nodes.values():
            self._add(node)

    def _add(self, node: Node) -> None:
        if self._is_positive(node):
            self.positive.add(node.name)
            self.at_least_zero.add(node.name)
        elif self._is_at_least_zero(node):
            self.at_least_zero.add(node.name)

    def _is_positive(self, node: Node) -> bool:
        positive, args = self.positive, node.args
        if node.op == "size":
            return True
        if node.op == "constant":
            number = literal(node)
            return number is not None and number > 0
        if node.op in _CHOSEN or node.op in ("sqrt", "reciprocal"):
            return args[0] in positive
        if node.op in _GROWING:
            some = any(map(positive.__contains__, args)) and all(map(self.at_least_zero.__contains__, args))
            return some or (node.op == "maximum" and any(map(positive.__contains__, args))) or (node.op == "sum" and self._is_total(args[0]))
        if node.op == "where":
            return all(map(positive.__contains__, args[1:]))
        return node.op in _JOINED and all(map(positive.__contains__, args))

    def _is_total(self, name: str) -> bool:
        """Whether a sum of this is one of exponentials, or counts places of which there is at least one."""
        node = self.program.nodes[name]
        while node.op in _ARRANGED:
            node = self.program.nodes[node.args[0]]
        if node.op == "exp":
            return True
        if node.op != "cast":
            return False
        mask = self.program.nodes[node.args[0]]
        if mask.op != "equal":
            return False
        whole, extreme = (self.program.nodes[each] for each in mask.args)
        while extreme.op in _ARRANGED:
            extreme = self.program.nodes[extreme.args[0]]
        return extreme.op in ("max", "min") and extreme.args[0] == whole.name

    def _is_at_least_zero(self, node: Node) -> bool:
        known, args = self.at_least_zero, node.args
        if node.op == "constant":
            return literal(node) == 0
        if node.op in _NEVER_NEGATIVE or node.dtype == "bool":
            return True
        if node.op == "multiply" and args[0] == args[1]:
            return True
        if node.op in _CHOSEN or node.op == "reciprocal":
            return args[0] in known
        if node.op == "maximum":
            return any(map(known.__contains__, args))
        if node.op in (*_GROWING, *_JOINED):
            return all(map(known.__contains__, args))
        return node.op == "where" and all(map(known.__contains__, args[1:]))


def doubtful(program: Program) -> set[str]:
    """The gradients, and parts of them, that may be infinite or nan though all declared values are finite.

    They come from slopes with a pole, such as that of sqrt at 0, and from what is computed of those.
    """
    signs = Signs(program)
    found: set[str] = set()
    for node in program.nodes.values():
        if node.sweep and (any(map(found.__contains__, node.args)) or (is_elementwise(node) and may_be_infinite(node, signs))):
            found.add(node.name)
    return found


def may_be_infinite(node: Node, signs: Signs) -> bool:
    """Whether an elementwise node of finite operands may be infinite or nan: at a pole, or outside its domain."""
    if node.op == "map":
        bases = _poles(node.attributes["formula"])
        return any(place is None or node.args[place] not in signs.positive for place in bases)
    row = ops.ELEMENTWISE[node.op]
    place = row.restricted
    if place is None or (row.takes_positive() and node.args[place] in signs.positive):
        return False
    if node.op == "power":
        exponent = literal(signs.program.nodes[node.args[1]])
        return exponent is None or exponent < 0 or not float(exponent).is_integer()
    number = literal(signs.program.nodes[node.args[place]])
    return number is None or not row.takes(place, number)


@cache
def _poles(formula: Formula) -> tuple[int | None, ...]:
    """The slots that a formula divides by or takes a root or logarithm of; None for what positive slots may be a pole of."""
    found: dict[int | None, None] = {}
    for part in sp.preorder_traversal(formula.expression):
        if isinstance(part, sp.Pow) and not (part.exp.is_Integer and part.exp.is_positive):
            base, positive = part.base, True
        elif isinstance(part, sp.Function) and (row := ops.ELEMENTWISE.get(NAMES.get(type(part).__name__, ""))) and row.domain != sp.true:
            base, positive = part.args[row.restricted], row.takes_positive()
        else:
            continue
        if not base.is_number:
            found[formula.slots.index(base) if positive and base in formula.slots else None] = None
    return tuple(found)
