"""Which entries of a value depend on which entries of a leaf, as far as the structure of the program tells: by axes.

For each axis of the leaf either a band (index i along an axis of the value depends on indices i + low to i + high of the
leaf alone), or None: it may depend on all. Elementwise work on a batch is a band of width 1, a convolution a wider one.
Bands hold for every size, known or not. A row says them by its fact `bands`; one that does not, mixes everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphgen import ops, sizes
from graphgen.ops.banding import Band, Split, reduced
from graphgen.program import Node, Program

Bands = tuple[Band | None, ...]


def bands(program: Program, leaf: str) -> dict[str, Bands]:
    """For each node that depends on a float leaf, the band of each of the leaf's axes."""
    active = program.active([leaf])
    found: dict[str, Bands] = {leaf: tuple(Band(axis, 0, 0) for axis in range(len(program.nodes[leaf].shape)))}
    for node in program.nodes.values():
        if node.name in active and node.name != leaf:
            parts = [
                _carried(found[name], _of_operand(program, node, place))
                for place, name in enumerate(node.args)
                if name in found
            ]
            found[node.name] = tuple(_joined(each) for each in zip(*parts, strict=True))
    return {name: tuple(None if each is None or each.part else each for each in own) for name, own in found.items()}


def _carried(before: Bands, through: Sequence[Band | Split | None]) -> Bands:
    """The bands of the result, from those of an operand and those that the op has of that operand."""
    return tuple(None if band is None else _step(band, through[band.axis]) for band in before)


def _step(band: Band, step: Band | Split | None) -> Band | None:
    """One band through one axis of an op."""
    if step is None:
        return None
    if isinstance(step, Split):
        now = next((axis for part, axis in step.axes if band.part is not None and _same(part, band.part)), None)
        return None if now is None else Band(now, band.low, band.high)
    if band.part is not None:
        return None if step.part is not None or (step.low, step.high) != (0, 0) else band._replace(axis=step.axis)
    return Band(step.axis, band.low + step.low, band.high + step.high, step.part)


def _same(one: tuple[sizes.Size, sizes.Size], other: tuple[sizes.Size, sizes.Size]) -> bool:
    return sizes.equal(one[0], other[0]) and sizes.equal(one[1], other[1])


def _joined(several: tuple[Band | None, ...]) -> Band | None:
    """One band that holds for all of the operands."""
    found = [band for band in several if band is not None]
    if len(found) < len(several) or len({(band.axis, band.part) for band in found}) > 1:
        return None
    return found[0]._replace(low=min(band.low for band in found), high=max(band.high for band in found))


def _of_operand(program: Program, node: Node, place: int) -> tuple[Band | Split | None, ...]:
    """For each axis of an operand, the band of the result along it."""
    operand = program.nodes[node.args[place]]
    row: Any = ops.TABLE[node.op]
    if ops.is_elementwise(node.op) or node.op in ("broadcast_to", "accumulate"):
        return _broadcast(operand.shape, node.shape)
    said = row.bands or (reduced if isinstance(row, ops.Reduction) else None)
    if said is None:
        return (None,) * len(operand.shape)
    types = [program.nodes[name].type for name in node.args]
    found = said(place, *types, **node.attributes)
    return tuple(Band(each, 0, 0) if isinstance(each, int) else each for each in found)


def _broadcast(shape: sizes.Shape, result: sizes.Shape) -> Bands:
    """Axes line up at their ends; one of size 1 that is repeated is read by all."""
    leading = len(result) - len(shape)
    return tuple(
        Band(leading + axis, 0, 0) if sizes.equal(size, result[leading + axis]) else None for axis, size in enumerate(shape)
    )
