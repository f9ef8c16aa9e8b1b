"""Reverse mode: append to a program the sweep that computes the gradients of its loss.

The naive sweep, with one node for each adjoint and identities included: the teach style prints it as it is, passes do
the tidying.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from graphgen import ops, sizes
from graphgen.calculus.slopes import Signature, undecided, vjp
from graphgen.display import LONGEST, declared
from graphgen.ops.broadcasting import expand_to, own_attributes, unbroadcast, weights_of
from graphgen.program import Builder, Node, Program, Value, Why

SWEEP = "reverse"


def gradient(program: Program, wrt: Iterable[str], cotangents: Mapping[str, str] | None = None) -> Program:
    """Append the reverse sweep: gradients with respect to the float nodes `wrt`, of the loss unless cotangents are given.

    Parameters
    ----------
    cotangents
        The node that holds the cotangent of each of these nodes: the sweep begins there.

    Returns
    -------
    Program
        With the results ("gradient", name), each of the shape of its node. The gradient of `x` is called `d_x`, or `d_x_2` if a
        node is called so already, as in the gradient of a gradient.
    """
    return _Sweep(program, tuple(wrt), cotangents).run()


class _Sweep:
    """One reverse sweep: which nodes are on it, and the gradients known so far."""

    def __init__(self, program: Program, wrt: tuple[str, ...], cotangents: Mapping[str, str] | None):
        if cotangents is None:
            assert program.loss is not None
            cotangents = {program.loss: ""}
        self.program = program
        self.wrt = wrt
        self.cotangents = cotangents
        self.builder = program.builder()
        # A node is on the sweep if it lies between where the sweep begins and one of wrt.
        self.on_path = program.active(wrt) & program.needed(cotangents)
        self.readers = {name: [each for each in found if each.name in self.on_path] for name, found in program.readers().items()}
        self.constants = constants(program)
        self.names = {name: self.builder.free(f"d_{name}") for name in program.nodes}
        self.builder.reserve(self.names.values())
        self.gradients: dict[str, Value] = {}
        self.operands: dict[str, tuple[list[Value], dict[str, list[int]]]] = {}
        self.sweep = (*program.nodes[next(iter(cotangents))].sweep, SWEEP)

    def run(self) -> Program:
        waiting = {name: len(self.readers[name]) for name in self.on_path}
        for name in reversed(self.program.nodes):
            if name in self.cotangents and not waiting.get(name, 1):
                self._add(name)
        for node in reversed(self.program.nodes.values()):
            if node.name not in self.on_path:
                continue
            # What no gradient reaches, as behind stop_gradient, counts as done: its operands may have other readers.
            for argument in dict.fromkeys(node.args):
                if argument not in self.on_path:
                    continue
                waiting[argument] -= 1
                if not waiting[argument]:
                    self._add(argument)
        for name in self.wrt:
            if name not in self.gradients:
                self._zeros(name)
            self.builder.results[("gradient", name)] = self.gradients[name].name
        return self.builder.build()

    def _begin(self, name: str) -> None:
        """The gradient of the loss by itself, where the sweep begins."""
        with self.builder.making(self.names[name], self.sweep, Why(notes=("the seed",))) as finish:
            self.gradients[name] = finish(self.builder.constant(1.0))

    def _zeros(self, name: str) -> None:
        node = self.program.nodes[name]
        why = Why(place=node.why.place, notes=(f"the loss does not depend on {name}",))
        with self.builder.making(self.names[name], self.sweep, why) as finish:
            self.gradients[name] = finish(self.builder.add("broadcast_to", (self.builder.constant(0.0),), {"shape": node.shape}))

    def _add(self, name: str) -> None:
        """Add the gradient of a node whose readers' gradients are all known: the sum of what they hand on."""
        readers = [each for each in self.readers[name] if each.name in self.gradients]
        if self.cotangents.get(name) == "":
            return self._begin(name)
        if not readers:
            if name in self.cotangents:
                self.gradients[name] = self.builder[self.cotangents[name]]
            return
        why = self._why(name, readers)
        with self.builder.making(self.names[name], self.sweep, why._replace(notes=())) as finish:
            parts = self._slices([each for each in readers if each.op == "getitem"], name)
            for reader in readers:
                if reader.op != "getitem":
                    parts += self._contributions(reader, name, self.gradients[reader.name])
            if name in self.cotangents:
                parts.insert(0, self.builder[self.cotangents[name]])
            if parts:
                made = finish(self.builder.add("accumulate", parts, {}) if len(parts) > 1 else parts[0])
                self.builder.nodes[made.name] = made.node._replace(why=why)
                self.gradients[name] = made

    def _why(self, name: str, readers: list[Node]) -> Why:
        """What the gradient of a node answers, and what a reader may wonder at."""
        node = self.program.nodes[name]
        said = list(dict.fromkeys(reader.why.statement for reader in readers if reader.why.statement))
        text = "; ".join(said)
        if len(said) > 1 and len(text) > LONGEST + 20:
            text = f"{name} is read {len(readers)} times: its gradients add"
        notes = dict.fromkeys(note for reader in readers for note in self._notes(node, reader))
        return Why(statement=text, answers=tuple(reader.name for reader in readers), notes=tuple(notes))

    def _notes(self, node: Node, reader: Node) -> list[str]:
        notes = []
        if (ops.is_elementwise(reader.op) or reader.op == "broadcast_to") and not sizes.same(node.shape, reader.shape):
            leading = len(reader.shape) - len(node.shape)
            axes = [size for axis, size in enumerate(reader.shape) if axis < leading or node.shape[axis - leading] == 1 != size]
            over = [sizes.text(size) for size in axes if size != 1]  # there is nothing to see in an axis of one
            notes += [f"{node.name} was broadcast over {', '.join(over)}"] if over else []
        policies = self.program.policies
        if ops.is_elementwise(reader.op):
            found = undecided(signature(self.program, reader, self.constants), reader.args.index(node.name))
            notes += [*policies.of_kinks(found), *[policies.of_ties] * found.ties]
        row = ops.TABLE[reader.op]
        if (control := declared(reader, self.program.nodes)) and self._passes(reader, node.name):
            notes.append(control)
        if isinstance(row, ops.Reduction) and row.policy:
            said = row.policy(reader.name, policies, **own_attributes(reader.attributes))
            notes += [said] if said else []
        return notes

    def _passes(self, reader: Node, name: str) -> bool:
        """Whether a reader hands a gradient on to this operand."""
        at = reader.args.index(name)
        return not ops.is_elementwise(reader.op) or vjp(signature(self.program, reader, self.constants), at) is not None

    def _contributions(self, reader: Node, name: str, g: Value) -> list[Value]:
        """What `reader`, whose gradient is `g`, hands on to the operand `name`: one value for each place, of its shape."""
        row = ops.TABLE[reader.op]
        if ops.is_elementwise(reader.op):
            return _elementwise(self.builder, reader, name, g, self.constants)
        operands, places = self._operands(reader)
        if isinstance(row, ops.Reduction):
            return [_reduction(self.builder, reader, operands[0], g, row)]
        if isinstance(row, ops.Paired):
            y = self.builder[reader.name]
            return [row.transpose(place, g, y, *operands, **reader.attributes) for place in places[name]]
        if row.jointly:
            return [row.transpose(place, g, operands, **reader.attributes) for place in places[name]]
        return [row.transpose(place, g, *operands, **reader.attributes) for place in places[name]]

    def _operands(self, reader: Node) -> tuple[list[Value], dict[str, list[int]]]:
        """The operands of a reader, and the places of each: kept, as a reader of many hands on to each in turn."""
        if reader.name not in self.operands:
            places: dict[str, list[int]] = {}
            for place, argument in enumerate(reader.args):
                places.setdefault(argument, []).append(place)
            self.operands[reader.name] = [self.builder[argument] for argument in reader.args], places
        return self.operands[reader.name]

    def _slices(self, readers: list[Node], name: str) -> list[Value]:
        """What slices of one array hand on is assembled at once: one array for each would be quadratic."""
        if not readers:
            return []
        attributes = {"keys": tuple(each.attributes["key"] for each in readers), "shape": self.program.nodes[name].shape}
        return [self.builder.add("assemble", [self.gradients[each.name] for each in readers], attributes)]


def constants(program: Program) -> set[str]:
    """The names of all nodes that depend on constants and sizes only."""
    found: set[str] = set()
    for node in program.nodes.values():
        if node.op in ("constant", "size") or (node.args and all(map(found.__contains__, node.args))):
            found.add(node.name)
    return found


def signature(program: Program | Builder, node: Node, constant: set[str]) -> Signature:
    """What the slope of an elementwise node depends on, besides the values of its operands."""
    policies = program.policies if isinstance(program, Program) else program.program.policies
    numbers = []
    for argument in node.args:
        leaf = program.nodes[argument]
        number = leaf.op == "constant" and leaf.shape == () and leaf.dtype != "bool"
        value = float(leaf.attributes["value"]) if number else None
        numbers.append(value if value is not None and math.isfinite(value) else None)
    return Signature(
        op=node.attributes["formula"] if node.op == "map" else node.op,
        attributes=() if node.op == "map" else tuple(sorted(node.attributes.items())),
        same=tuple(map(node.args.index, node.args)),
        constant=tuple(argument in constant for argument in node.args),
        numbers=tuple(numbers),
        policies=policies,
    )


def _elementwise(builder: Builder, reader: Node, name: str, g: Value, constant: set[str]) -> list[Value]:
    rule = vjp(signature(builder, reader, constant), reader.args.index(name))
    if rule is None:
        return []
    values = {"g": g, "y": builder[reader.name]}
    result = builder.map(rule.formula, [values[each] if isinstance(each, str) else builder[reader.args[each]] for each in rule.operands])
    return [unbroadcast(result, builder.nodes[name].shape)]


def _reduction(builder: Builder, reader: Node, x: Value, g: Value, row: ops.Reduction) -> Value:
    axis, keepdims = reader.attributes["axis"], reader.attributes["keepdims"]
    y = expand_to(builder[reader.name], x, axis, keepdims)
    weights = weights_of(row, x, y, builder.program.policies, reader.attributes)
    return expand_to(g, x, axis, keepdims) * weights
