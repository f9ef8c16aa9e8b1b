"""Which axes of an activation tell its units apart: features of a dense layer, channels of a convolution."""

from __future__ import annotations

from graphgen import ops
from graphgen.program import Node, Program


def units(program: Program, node: Node) -> tuple[int, ...]:
    """The axes along which a bias or a scale differs that went into a value; without one, all whose size is a number.

    A channel of a convolution is one unit, wherever in the image: its bias is the same for all of them.
    """
    weights = _of_parameters(program)
    waiting, seen = [node], {node.name}
    while waiting:
        each = waiting.pop(0)
        for name in each.args:
            operand = program.nodes[name]
            if name in weights and ops.is_elementwise(each.op) and operand.shape:
                first = len(node.shape) - len(operand.shape)
                axes = tuple(first + at for at, size in enumerate(operand.shape) if size != 1)
                if axes and min(axes) >= 0:
                    return axes
            elif name not in seen and len(operand.shape) == len(node.shape) and ops.is_elementwise(each.op):
                seen.add(name)
                waiting.append(operand)
    return tuple(axis for axis, size in enumerate(node.shape) if isinstance(size, int))


def _of_parameters(program: Program) -> set[str]:
    """The values that are made of parameters alone."""
    found: set[str] = set()
    for node in program.nodes.values():
        if node.op == "param" or (node.args and all(name in found for name in node.args)):
            found.add(node.name)
    return found
