"""The health of a model at a sample: activations, dead units and saturation, and gradients layer by layer."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from graphgen.differentiation.gradient import constants, gradient, signature
from graphgen.forms import Forms
from graphgen.health.sample import Sample
from graphgen.health.tails import SHARE, Tails, operand, slope, tails
from graphgen.health.units import units
from graphgen.loading import load
from graphgen.module import Options, assemble
from graphgen.program import LEAVES, Node, Program
from graphgen.render import render

MOST_ROWS = 1024  # at once
_FEWEST = 8  # rows, for a unit to be called dead
_SOFTMAX = Tails(0.25, 0.5, True, True)  # its diagonal slope is y * (1 - y)
_WITH_SOFTMAX = ("softmax", "scaled_dot_product_attention")


class Layer(NamedTuple):
    """One value, or one of each step of a layer that is written out step by step.

    Attributes
    ----------
    low, high
        The shares of entries in its flat tails; None where it has no such tail.
    dead
        How many units are flat for every row; None where it has no tail, or there are too few rows to say.
    units
        How many there are.
    gradient
        The root mean square of the loss's gradient by it, or None without one; of several steps the first and the last.
    finite
        Whether every entry is.
    """

    name: str
    op: str
    place: str
    shape: tuple[int, ...]
    steps: int
    mean: float
    deviation: float
    smallest: float
    largest: float
    low: float | None
    high: float | None
    dead: int | None
    units: int
    gradient: tuple[float, ...] | None
    finite: bool


class Weight(NamedTuple):
    """A parameter: its norm, that of its gradient, and how far a first step of the optimizer moves it."""

    name: str
    shape: tuple[int, ...]
    norm: float
    gradient: float
    step: float | None


@dataclass
class Health:
    """All that was measured, at rows that `label` tells."""

    label: str
    rows: int
    loss: float | None
    layers: list[Layer] = field(default_factory=list)
    weights: list[Weight] = field(default_factory=list)


class _Value(NamedTuple):
    node: Node
    tails: Tails | None
    place: int | None  # of the operand that it is a function of


def measure(program: Program, module: ModuleType, sample: Sample) -> Health:
    """Measure everything in one run of a program whose results are all values of interest and their gradients.

    Parameters
    ----------
    program
        In training form.
    module
        The graph compiled in any way, for the optimizer's first step.
    """
    inputs = sample.first(MOST_ROWS)
    rows = min(sample.data.rows, MOST_ROWS) if sample.data.divisible else 1
    values = _values(program)
    instrumented = _instrumented(program, values)
    found = _run(instrumented, sample, inputs)
    loss = float(found["loss"]) if program.loss is not None else None
    part = f", the first {rows:,} rows" if sample.data.divisible and rows < sample.data.rows else ""
    result = Health(f"{sample.label}{part}", rows, loss)
    for group in _groups(program, values):
        result.layers.append(_layer(program, group, found, rows))
    result.weights = _weights(program, module, sample, inputs, found)
    return result


def _values(program: Program) -> list[_Value]:
    """The values that are worth a line: those that the user named, and activations inside of layers."""
    kinds = ("param", "input") if program.leaves("param") else ("input",)
    moving = program.active(node.name for kind in kinds for node in program.leaves(kind) if node.dtype == "float")
    trained = program.active(node.name for node in program.leaves("param"))
    wanted = program.needed([program.loss]) if program.loss is not None else set(program.nodes)
    layers = _layer_names(program)
    found = []
    for node in program.nodes.values():
        if node.op in LEAVES or node.name not in moving & trained & wanted or node.dtype != "float":
            continue
        if node.shape == () and any(each.shape for each in program.leaves("input")):
            continue  # the loss and its parts
        flat = None if node.why.composite else tails(program, node, moving)
        place = None if flat is None else operand(program, node, moving)
        if node.why.composite in _WITH_SOFTMAX and node.op == "divide":
            flat = _SOFTMAX
        if flat is not None or (node.named and not _is_inside(node.name, layers)):
            found.append(_Value(node, flat, place))
    return found


def _layer_names(program: Program) -> set[str]:
    """The names of layers, and of the layers that they are made of: all that parameters are called after."""
    words = [node.name.split("_") for node in program.leaves("param")]
    return {"_".join(each[:count]) for each in words for count in range(1, len(each))}


def _is_inside(name: str, layers: set[str]) -> bool:
    """Whether a value is a part of a layer, by its name."""
    words = name.split("_")
    return any("_".join(words[:count]) in layers for count in range(1, len(words)))


def _instrumented(program: Program, values: Iterable[_Value]) -> Program:
    """The program whose outputs are values, their slopes and gradients."""
    values = [*values]
    wrt = [node.name for node in program.leaves("param")] + [value.node.name for value in values]
    if program.loss is not None:
        program = gradient(program.restrict("loss"), wrt)
    builder = program.builder()
    builder.results = {("output", "loss"): program.loss} if program.loss is not None else {}
    constant = constants(program)
    for node, flat, place in values:
        builder.results["output", node.name] = node.name
        if flat is not None and place is not None:
            described = signature(program, node, constant)
            with builder.making(builder.free(f"{node.name}_slope")) as finish:
                made = finish(slope(builder, described, builder[node.name], place))
            builder.results["output", f"{node.name}_slope_"] = made.name
            builder.results["output", f"{node.name}_operand_"] = node.args[place]
    if program.loss is not None:
        for name in wrt:
            builder.results["output", f"d_{name}"] = program.results["gradient", name]
    return builder.build()


def _run(program: Program, sample: Sample, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All outputs of a program, by name."""
    names = [*program.of("output")]
    if not names:
        return {}
    module = load(render(assemble(Forms(program, program, program), Options(inference=True))))
    with np.errstate(all="ignore"):
        outputs = sample.call(module.forward, inputs)
    pairs = zip(names, outputs if len(names) > 1 else [outputs], strict=True)
    return {name: np.asarray(value) for name, value in pairs}


def _groups(program: Program, values: list[_Value]) -> list[list[_Value]]:
    """Values together that a layer makes step by step: lstm_i_1, lstm_i_2, ..."""
    layers = _layer_names(program)
    groups: dict[Any, list[_Value]] = {}
    for value in values:
        node = value.node
        steps = (re.sub(r"_\d+$", "", node.name), node.op, node.why.place)
        groups.setdefault(steps if _is_inside(node.name, layers) else node.name, []).append(value)
    return [*groups.values()]


def _layer(program: Program, group: list[_Value], found: Mapping[str, np.ndarray], rows: int) -> Layer:
    """What is told of a value, or of one at several steps."""
    node, flat, _ = group[0]
    names = [value.node.name for value in group]
    arrays = [found[name].astype(np.float64) for name in names]
    finite = all(np.isfinite(array).all() for array in arrays)
    whole = np.concatenate([array[np.isfinite(array)].ravel() for array in arrays]) if arrays else np.zeros(0)
    gradients = [_root_mean_square(found[f"d_{name}"]) for name in names if f"d_{name}" in found]
    low, high, dead, count = None, None, None, 0
    if flat is not None:
        masks = [_in_tails(value, found) for value in group]
        low, high = (float(np.mean([mask[side].mean() for mask in masks])) for side in (0, 1))
        axes = units(program, node)
        kept = tuple(axis for axis in range(arrays[0].ndim) if axis not in axes)
        stuck = np.logical_and.reduce([(mask[0] | mask[1]).all(axis=kept) for mask in masks])
        told = rows >= _FEWEST and flat is not _SOFTMAX  # one that is sure of itself is not dead
        dead, count = (int(np.sum(stuck)) if told else None), int(np.size(stuck))
    return Layer(
        name=names[0] if len(names) == 1 else f"{names[0]} ... {names[-1]}",
        op="softmax" if flat is _SOFTMAX else node.op,
        place=node.why.place,
        shape=arrays[0].shape,
        steps=len(group),
        mean=float(whole.mean()) if whole.size else math.nan,
        deviation=float(whole.std()) if whole.size else math.nan,
        smallest=float(whole.min()) if whole.size else math.nan,
        largest=float(whole.max()) if whole.size else math.nan,
        low=low if flat is not None and flat.low else None,
        high=high if flat is not None and flat.high else None,
        dead=dead,
        units=count,
        gradient=_ends(gradients),
        finite=finite,
    )


def _ends(gradients: list[float]) -> tuple[float, ...] | None:
    """The first and the last, of a few zeros the next: what multiplies an initial state of zeros has no gradient."""
    if not gradients:
        return None
    reached = [each for each in gradients if each != 0.0]
    if 2 * len(reached) > len(gradients):
        gradients = reached
    return (gradients[0], gradients[-1]) if len(gradients) > 1 else (gradients[0],)


def _in_tails(value: _Value, found: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Which entries are in the flat tails on the left and on the right."""
    name, flat = value.node.name, value.tails
    assert flat is not None
    if value.place is None:
        y = found[name]
        steepness, side = np.abs(y * (1.0 - y)), y - flat.centre
    else:
        steepness, side = np.abs(found[f"{name}_slope_"]), found[f"{name}_operand_"] - flat.centre
    still = steepness < SHARE * flat.largest
    return still & (side < 0) & flat.low, still & (side >= 0) & flat.high


def _root_mean_square(array: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(array.astype(np.float64))))) if array.size else 0.0


def _weights(
    program: Program,
    module: ModuleType,
    sample: Sample,
    inputs: Mapping[str, np.ndarray],
    found: Mapping[str, np.ndarray],
) -> list[Weight]:
    """Each parameter that has a gradient, beside what a first step makes of it."""
    if program.loss is None:
        return []
    moved = _stepped(module, sample, inputs)
    result = []
    for node in program.leaves("param"):
        value = np.asarray(sample.parameters[node.name], np.float64)
        step = None if moved is None else float(np.linalg.norm(np.ravel(moved[node.name] - value)))
        slope = float(np.linalg.norm(np.ravel(found[f"d_{node.name}"].astype(np.float64))))
        result.append(Weight(node.name, value.shape, float(np.linalg.norm(np.ravel(value))), slope, step))
    return result


def _stepped(module: ModuleType, sample: Sample, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray] | None:
    """The parameters after one step of the optimizer, from its beginning; None without one."""
    if not hasattr(module, "train_step"):
        return None
    own = replace(sample, parameters=copy.deepcopy(sample.parameters), state=copy.deepcopy(sample.state))
    with np.errstate(all="ignore"):
        own.call(module.train_step, inputs, module.init_optimizer_state(own.parameters))
    return {name: np.asarray(value, np.float64) for name, value in own.parameters.items()}
