"""Scales and shifts that follow an affine map are put into its weights: batch norm in the inference form, above all.

((x @ w + b) - mean) / deviation * gamma + beta is x @ (w * scale) + ((b - mean) * scale + beta), with scale = gamma /
deviation (Jacob et al., Quantization and training of neural networks, 2018, section 3.2). It holds where the scale varies
along an axis of the weights alone. Elsewhere a longer chain becomes one scale and one shift.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from graphgen import ops, sizes
from graphgen.program import Builder, Node, Program, Value

_STEPS = ("add", "subtract", "multiply", "divide", "negative")
_SCALES = ("multiply", "divide", "negative")
_NOTE = "its scale and shift are in the weights"


def fixed(program: Program) -> set[str]:
    """The nodes that depend on weights and numbers alone."""
    found: set[str] = set()
    for node in program.nodes.values():
        leaf = node.op in ("param", "state", "constant")
        if leaf or (node.args and all(each in found for each in node.args)):
            found.add(node.name)
    return found


@dataclass(frozen=True)
class _Chain:
    """Scales and shifts in a row.

    Attributes
    ----------
    steps
        From the first to the last: the op, the place of the value that is changed, and the other operand, if there is one.
    inside
        All nodes of the chain but the last.
    base
        What the chain begins with.
    """

    steps: list[tuple[str, int, str | None]]
    inside: list[str]
    base: str

    def operands(self, *ops: str) -> list[str]:
        """The other operands of the steps with these ops."""
        return [other for op, _, other in self.steps if op in ops and other is not None]


@dataclass(frozen=True)
class _Target:
    """An affine map whose weights can take a scale.

    Attributes
    ----------
    product
        A matmul or a contraction.
    place
        Of its weights.
    shape
        That of the scale, as it is multiplied with the weights.
    reshape
        What stands between the map and the chain, if anything.
    """

    product: Node
    place: int
    shape: tuple[Any, ...]
    reshape: Node | None


def folded(program: Program) -> tuple[Program, dict[str, str]]:
    """The program with scales and shifts in the weights, and what weights that came of it should be called."""
    return _Folding(program).run()


class _Folding:
    """The rewriting of one program."""

    def __init__(self, program: Program):
        self.program = program
        self.fixed = fixed(program)
        self.results = set(program.results.values())
        self.counts = {name: len(readers) for name, readers in program.readers().items()}
        self.wanted: dict[str, str] = {}
        self.builder: Builder = replace(program, nodes={}, results={}).builder()
        self.builder.reserve(program.nodes)

    def run(self) -> tuple[Program, dict[str, str]]:
        chains: dict[str, _Chain] = {}
        taken: set[str] = set()
        for node in reversed(self.program.nodes.values()):
            if node.name not in taken and self.is_step(node):
                chain = self.chain(node)
                if any(op in _SCALES for op, _, _ in chain.steps):
                    chains[node.name] = chain
                    taken.update(chain.inside)
        targets = {name: self.target(chain) for name, chain in chains.items()}
        chains = {name: chain for name, chain in chains.items() if targets[name] or self.shortens(chain)}
        left_out = {each for chain in chains.values() for each in chain.inside}
        for name in chains:
            target = targets[name]
            if target is not None:
                left_out |= {target.product.name, *([target.reshape.name] if target.reshape else [])}
        for node in self.program.nodes.values():
            if node.name in chains:
                self.rewrite(node, chains[node.name], targets[node.name])
            elif node.name not in left_out:
                self.builder.append(node)
        self.builder.results = dict(self.program.results)
        return self.builder.build(), self.wanted

    def is_step(self, node: Node) -> bool:
        """Whether a node scales or shifts one value by weights, and leaves its shape."""
        moving = [each for each in node.args if each not in self.fixed]
        if node.op not in _STEPS or len(moving) != 1 or node.dtype != "float":
            return False
        if node.op == "divide" and node.args[1] == moving[0]:
            return False
        return sizes.same(self.program.nodes[moving[0]].shape, node.shape)

    def alone(self, name: str) -> bool:
        """Whether one node reads a value, and nothing else does."""
        return self.counts[name] == 1 and name not in self.results

    def chain(self, last: Node) -> _Chain:
        steps: list[tuple[str, int, str | None]] = []
        inside: list[str] = []
        node = last
        while True:
            place = next(place for place, each in enumerate(node.args) if each not in self.fixed)
            steps.append((node.op, place, next((each for each in node.args if each in self.fixed), None)))
            below = self.program.nodes[node.args[place]]
            if not (self.alone(below.name) and self.is_step(below)):
                return _Chain(steps[::-1], inside, below.name)
            inside.append(below.name)
            node = below

    def shortens(self, chain: _Chain) -> bool:
        """Whether one scale and one shift are fewer steps, and no larger than what they come of."""
        shapes = [self.program.nodes[other].shape for other in chain.operands(*_STEPS)]
        common = sizes.broadcast((), *shapes)
        return len(chain.steps) > 2 and any(common is not None and sizes.same(common, each) for each in shapes)

    def target(self, chain: _Chain) -> _Target | None:
        """The affine map that the scale of a chain can go into."""
        node = self.program.nodes[chain.base]
        scales = [self.program.nodes[other].shape for other in chain.operands(*_SCALES)]
        scale = sizes.broadcast((), *scales)
        assert scale is not None, "operands of one value broadcast"
        axes = [len(node.shape) - len(scale) + axis for axis, size in enumerate(scale) if size != 1]
        if len(axes) > 1 or not self.alone(node.name):
            return None
        reshape = None
        if node.op == "reshape":
            reshape, node = node, self.program.nodes[node.args[0]]
            before = _before_reshape(node.shape, reshape.shape, axes[0]) if axes else []
            if before is None or not self.alone(node.name):
                return None
            axes = before
        found = self._weights(node, axes)
        return None if found is None else _Target(node, *found, reshape)

    def _weights(self, node: Node, axes: list[int]) -> tuple[int, tuple[Any, ...]] | None:
        """The place of the weights of a product, and the shape of a scale along axes of the result."""
        places = [place for place, each in enumerate(node.args) if each in self.fixed]
        if node.op not in ("matmul", "contraction") or len(node.args) != 2 or len(places) != 1:
            return None
        (place,) = places
        shape = self.program.nodes[node.args[place]].shape
        if node.op == "contraction":
            terms, output = node.attributes["subscripts"]
            own = [terms[place].find(output[axis]) for axis in axes]
        elif min(len(self.program.nodes[each].shape) for each in node.args) < 2:
            return None if axes else (place, ())  # a vector has no axis of its own in the result
        else:
            own = [axis - len(node.shape) + len(shape) for axis in axes]
            if len(shape) - 1 - (place == 1) in own:  # the axis that is summed over stands in the other's place
                return None
        fits = own == sorted(own) and all(
            each >= 0 and sizes.equal(shape[each], node.shape[axis]) for each, axis in zip(own, axes, strict=True)
        )
        return (place, tuple(size if each in own else 1 for each, size in enumerate(shape))) if fits else None

    def rewrite(self, last: Node, chain: _Chain, target: _Target | None) -> None:
        """Write the affine map with its new weights, or one scale and one shift, in place of the chain."""
        builder = self.builder
        with builder.making(last.name, (), last.why):
            scale, shift = self._composed(chain)
            if target is None:
                self._want(scale, *chain.operands(*_SCALES))
                value = builder[chain.base] * scale
            else:
                value = self._scaled(target, scale)
            if shift is not None:
                self._want(shift, *chain.operands("add", "subtract"))
        why = last.why._replace(notes=(*last.why.notes, _NOTE)) if target is not None else last.why
        op, args = ("identity", (value.name,)) if shift is None else ("add", (value.name, shift.name))
        builder.append(last._replace(op=op, args=args, attributes={}, why=why))

    def _scaled(self, target: _Target, scale: Any) -> Value:
        """The affine map with the scale in its weights."""
        names = list(target.product.args)
        weights = self.builder[names[target.place]] * ops.reshape(scale, shape=target.shape)
        self._want(weights, names[target.place])
        names[target.place] = weights.name
        value = self.builder.append(target.product._replace(args=tuple(names)))
        return value if target.reshape is None else self.builder.append(target.reshape)

    def _composed(self, chain: _Chain) -> tuple[Any, Any]:
        """The scale and the shift of a whole chain; the shift is None where there is none."""
        scale: Any = None
        shift: Any = None
        for op, place, name in chain.steps:
            other: Any = None if name is None else self.builder[name]
            if op == "negative" or (op == "subtract" and place == 1):
                scale = _negated(scale, self.builder)
                shift = None if shift is None else -shift
            if op == "add" or (op == "subtract" and place == 1):
                shift = other if shift is None else shift + other
            elif op == "subtract":
                shift = -other if shift is None else shift - other
            elif op in ("multiply", "divide"):
                scale = _times(scale, other, op, self.builder)
                shift = None if shift is None else shift * other if op == "multiply" else shift / other
        return scale, shift

    def _want(self, value: Value, *sources: str) -> None:
        """Ask for the name of the first parameter that these nodes come of, for a weight that is made of them."""
        leaves = [self._leaf(each) for each in sources]
        name = next((leaf.name for leaf in leaves if leaf.op == "param"), None)
        if name is not None:
            self.wanted[value.name] = name

    def _leaf(self, name: str) -> Node:
        node = self.program.nodes[name]
        while node.op != "param" and node.args:
            node = self.program.nodes[node.args[0]]
        return node


def _negated(scale: Any, builder: Builder) -> Any:
    return builder.constant(-1.0) if scale is None else -scale


def _times(scale: Any, other: Any, op: str, builder: Builder) -> Any:
    if op == "multiply":
        return other if scale is None else scale * other
    return (builder.constant(1.0) if scale is None else scale) / other


def _before_reshape(before: sizes.Shape, after: sizes.Shape, axis: int) -> list[int] | None:
    """The axes before a reshape that become one after it: the same one, or for groups of channels two."""
    ahead = sizes.product(after[:axis])
    for start in range(len(before)):
        if sizes.equal(sizes.product(before[:start]), ahead):
            for stop in range(start + 1, len(before) + 1):
                if sizes.equal(sizes.product(before[start:stop]), after[axis]):
                    return list(range(start, stop))
    return None
