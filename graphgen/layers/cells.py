"""The cells of recurrent layers: what one step of rnn, gru and lstm does.

Each is a function of a sequence: it declares the parameters, and gives the function of one step. What the inputs bring to
all steps is one product, ahead of the first; in a step the state brings its own, for all gates at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from graphgen import ops, sizes
from graphgen.graph import Handle
from graphgen.layers.declaring import parameter
from graphgen.ops.axes import FULL

State = dict[str, Any]  # the output "h", and what else a cell remembers, by name

# The state after step t, of t and the state before it; None is the state that is all zeros.
Step = Callable[[int, State | None], State]


class Weights(NamedTuple):
    """How many units a cell has, and what its weights are at first."""

    units: sizes.Size
    init: Any
    recurrent_init: Any
    bias: bool

    def products(self, x: Handle, gates: int, bias: Any = "zeros") -> tuple[Handle, Handle]:
        """What the inputs bring to the gates of all steps, of shape (batch, time, gates * units), and the recurrent weights."""
        width = gates * self.units
        w = parameter(x, "w", (x.shape[-1], width), self.init)
        u = parameter(x, "u", (self.units, width), self.recurrent_init)
        inputs = x @ w + parameter(x, "b", (width,), bias) if self.bias else x @ w
        return called(inputs, "x", line=True), u


def rnn_cell(x: Handle, weights: Weights, nonlinearity: str) -> Step:
    """The cell of `rnn`."""
    inputs, u = weights.products(x, 1)
    activation = getattr(ops, nonlinearity)

    def step(t: int, before: State | None) -> State:
        a = at_step(inputs, t)
        a = a if before is None else a + before["h"] @ u
        return {"h": activation(called(a, f"a_{t}"))}

    return step


def gru_cell(x: Handle, weights: Weights, reset_after: bool) -> Step:
    """The cell of `gru`."""
    inputs, u = weights.products(x, 3)
    units = weights.units
    c = parameter(x, "c", (units,), "zeros") if weights.bias and reset_after else None
    u_gates = u if reset_after else called(columns(u, 0, units, 2), "u_rz")
    u_n = None if reset_after else called(columns(u, 2, units), "u_n")

    def step(t: int, before: State | None) -> State:
        own = called(at_step(inputs, t), f"x_{t}", line=True)
        past = None if before is None else called(before["h"] @ u_gates, f"past_{t}", line=True)

        def gate(letter: str, place: int) -> Handle:
            a = columns(own, place, units)
            a = a if past is None else a + columns(past, place, units)
            return called(ops.sigmoid(called(a, f"{letter}_in_{t}")), f"{letter}_{t}", line=True)

        n_in = columns(own, 2, units)
        if u_n is not None and before is not None:
            n_in = n_in + called(gate("r", 0) * before["h"], f"reset_{t}") @ u_n
        elif past is not None:
            past_n = columns(past, 2, units)
            n_in = n_in + gate("r", 0) * called(past_n if c is None else past_n + c, f"past_n_{t}")
        elif c is not None:
            n_in = n_in + gate("r", 0) * c
        n = called(ops.tanh(called(n_in, f"n_in_{t}")), f"n_{t}", line=True)
        z = gate("z", 1)
        return {"h": n - z * n if before is None else n + z * called(before["h"] - n, f"back_{t}")}

    return step


def lstm_cell(x: Handle, weights: Weights, forget_bias: Any, peephole: bool) -> Step:
    """The cell of `lstm`."""
    inputs, u = weights.products(x, 4, forget_bias)
    units = weights.units
    p = parameter(x, "p", (3, units), "zeros") if peephole else None
    rows = {} if p is None else {letter: called(part(p, row), f"p_{letter}") for row, letter in enumerate("ifo")}

    def step(t: int, before: State | None) -> State:
        a = at_step(inputs, t)
        gates = called(a if before is None else a + before["h"] @ u, f"gates_{t}", line=True)

        def gate(letter: str, place: int, activation: Any, seen: Any = None) -> Handle:
            a = columns(gates, place, units)
            if letter in rows and seen is not None:
                a = a + rows[letter] * seen
            return called(activation(called(a, f"{letter}_in_{t}")), f"{letter}_{t}", line=True)

        past = None if before is None else before["c"]
        i = gate("i", 0, ops.sigmoid, past)
        f = None if before is None else gate("f", 1, ops.sigmoid, past)
        g = gate("g", 2, ops.tanh)
        c = i * g if f is None else f * past + i * g
        o = gate("o", 3, ops.sigmoid, c)
        return {"h": o * ops.tanh(c), "c": c}

    return step


def called(value: Handle, name: str, line: bool = False) -> Handle:
    """Name a part of a layer, which is written inside its only reader unless it is to have a line of its own."""
    value.graph._name_result(value, name)
    if line:
        del value.graph.dag.nodes[value.name]["_layer"]
    return value


def at_step(x: Handle, t: int) -> Handle:
    """What a sequence holds at a step: x[:, t]."""
    return ops.getitem(x, key=(FULL, t, FULL))


def part(x: Handle, place: int) -> Handle:
    """One entry of the first axis: x[place]."""
    return ops.getitem(x, key=(place, *(FULL,) * (len(x.shape) - 1)))


def columns(x: Handle, place: int, units: sizes.Size, count: int = 1) -> Handle:
    """One of the parts of `units` columns that stand side by side, or several."""
    stop = (place + count) * units
    bounds = (place * units or None, None if sizes.equal(stop, x.shape[-1]) else stop, None)
    return ops.getitem(x, key=(*(FULL,) * (len(x.shape) - 1), bounds))
