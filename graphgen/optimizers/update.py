"""An optimizer's step as programs, which are written into ``train_step``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from graphgen import sizes
from graphgen.optimizers.table import OPTIMIZERS
from graphgen.program import Builder, Node, Program, Value


def update(name: str, options: Mapping[str, Any], dtype: str, rate: str, tables: Iterable[str]) -> Program:
    """The step for one parameter, whatever its shape.

    Its inputs are `parameter`, `gradient`, the memory, and numbers: the step, the learning rate, called `rate`, what
    `before` computes, and the options that come from tables of the parameters. Its results, of the kind "update", are
    the new memory and, under "parameter", what is to be subtracted.
    """
    optimizer = OPTIMIZERS[name]
    builder = Program(name, dtype).builder()
    shape = (sizes.symbol("size"),)
    arrays = {
        each: builder.append(Node(each, "input", (), {}, shape, "float"))
        for each in ("parameter", "gradient", *optimizer.memory(options))
    }
    shared = before(name, options, dtype).of("update")
    numbers = _numbers(builder, ("step", rate, *shared, *tables))
    decrease, new = optimizer.step(
        arrays["parameter"],
        arrays["gradient"],
        {**arrays, **numbers},
        numbers["step"],
        numbers[rate],
        **_own(name, options) | {each: numbers[each] for each in tables},
    )
    return _built(builder, {**new, "parameter": decrease})


def before(name: str, options: Mapping[str, Any], dtype: str) -> Program:
    """The numbers that a step computes once for all parameters: its results of the kind "update"."""
    optimizer = OPTIMIZERS[name]
    builder = Program(name, dtype).builder()
    if optimizer.before is None:
        return builder.build()
    numbers = _numbers(builder, ("step", *optimizer.numbers))
    return _built(builder, optimizer.before(numbers, numbers["step"], **_own(name, options)))


def _own(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are the optimizer's own, but for the learning rate."""
    return {each: options[each] for each in OPTIMIZERS[name].options if each != "learning_rate"}


def _numbers(builder: Builder, names: Iterable[str]) -> dict[str, Value]:
    return {each: builder.append(Node(each, "input", (), {"weak": True}, (), "float")) for each in names}


def _built(builder: Builder, results: Mapping[str, Value]) -> Program:
    """The program, in which values that are called otherwise than their op have lines of their own."""
    builder.results = {("update", each): value.name for each, value in results.items()}
    program = builder.build()
    nodes = {
        name: node._replace(named=re.fullmatch(rf"{node.op}(_\d+)?", name) is None and node.op != "input")
        for name, node in program.nodes.items()
    }
    return replace(program, nodes=nodes)
