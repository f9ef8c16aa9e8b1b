"""Recurrent layers written out step by step: what they have in common, whatever a step of their cell does.

A cell is a function of a sequence that declares parameters, and gives the function of one step. It is run over the steps here,
in one direction or both, in one layer or several, from an initial state to the final one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, NamedTuple

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.graph import Handle
from graphgen.layers.cells import State, Step, called, part
from graphgen.ops.axes import whole
from graphgen.ops.table import Mismatch, Type

Valid = Callable[[int], Handle]  # of a step


class Options(NamedTuple):
    """The keywords that all recurrent layers have."""

    initial_state: Any
    lengths: Any
    sequence: bool
    final_state: bool
    bidirectional: bool
    num_layers: int
    dropout: float

    @property
    def runs(self) -> int:
        """How many cells there are: one for each layer and direction."""
        return self.num_layers * (1 + self.bidirectional)


def unroll(x: Handle, units: sizes.Size, parts: Sequence[str], cell: Callable[[Handle], Step], options: Options) -> Any:
    """Run the cells of a layer, whose states have these parts, over the steps of x."""
    _check(x, options)
    initial = _initial_states(x, units, parts, options)
    valid = _valid_at(options.lengths)
    final: list[State] = []
    for layer in range(options.num_layers):
        last = layer == options.num_layers - 1
        whole_sequence = options.sequence or not last
        found = []
        with _scope(x, f"l{layer}", options.num_layers > 1):
            for backwards in (False, True)[: 1 + options.bidirectional]:
                with _scope(x, "reverse", backwards):
                    states = _run(cell(x), x.shape[1], backwards, initial[len(final)], valid)
                    final.append(states[0 if backwards else -1])
                    found.append(_over_time(states) if whole_sequence else final[-1]["h"])
            x = found[0] if len(found) == 1 else ops.concat(found, axis=-1)
            if options.dropout and not last:
                x = called(ops.dropout(x, p=options.dropout), "dropped")
    if not options.final_state:
        return x
    return x, *(_stacked([state[name] for state in final]) for name in parts)


def _run(step: Step, steps: int, backwards: bool, state: State | None, valid: Valid | None) -> list[State]:
    """The states after each step, in the order of time."""
    states = []
    for t in reversed(range(steps)) if backwards else range(steps):
        after = step(t, state)
        if valid is not None:
            # Where the sequence has ended the state stays.
            before = dict.fromkeys(after, 0.0) if state is None else state
            new = {name: called(value, f"new_{name}_{t}") for name, value in after.items()}
            after = {name: ops.where(valid(t), value, before[name]) for name, value in new.items()}
        state = {name: called(value, f"{name}_{t}", line=True) for name, value in after.items()}
        states.append(state)
    return states[::-1] if backwards else states


def _over_time(states: Sequence[State]) -> Handle:
    """The outputs of all steps, of shape (batch, time, units)."""
    return called(ops.stack([state["h"] for state in states], axis=1), "h")


def _stacked(states: Sequence[Handle]) -> Handle:
    """The final states of all cells, of shape (cells, batch, units); of one cell its own."""
    return states[0] if len(states) == 1 else ops.stack(states, axis=0)


def _scope(x: Handle, name: str, wanted: bool) -> AbstractContextManager[None]:
    return x.graph.scope(name) if wanted else nullcontext()


def _valid_at(lengths: Any) -> Valid | None:
    """Whether a sequence has a step, of shape (batch, 1); None if all have them all."""
    if lengths is None:
        return None
    column = called(ops.expand_dims(lengths, axis=1), "lengths", line=True)
    return cache(lambda t: called(column > t, f"valid_{t}", line=True))


def _initial_states(x: Handle, units: sizes.Size, parts: Sequence[str], options: Options) -> list[State | None]:
    """The initial state of each cell."""
    given, runs = options.initial_state, options.runs
    if given is None:
        return [None] * runs
    nodes = given if isinstance(given, (tuple, list)) else (given,)
    if len(nodes) != len(parts) or not all(isinstance(each, Handle) for each in nodes):
        wanted = "a node" if len(parts) == 1 else f"a pair of nodes ({', '.join(parts)})"
        raise Mismatch("GG005", f"initial_state is {wanted}, not {brief(given)}", "leave it out for zeros")
    shape = (x.shape[0], units) if runs == 1 else (runs, x.shape[0], units)
    for each in nodes:
        _check_state(each.type, shape)
    if runs == 1:
        return [dict(zip(parts, nodes, strict=True))]
    return [{name: part(node, run) for name, node in zip(parts, nodes, strict=True)} for run in range(runs)]


def _check_state(state: Type, shape: sizes.Shape) -> None:
    """Whether the state has the shape; one for all samples has no axis for them."""
    if state.dtype != "float":
        raise Mismatch("GG031", f"an initial state is made of floats, got {state.dtype}", "convert it with ops.cast")
    if not any(sizes.same(state.shape, each) for each in (shape, (*shape[:-2], shape[-1]))):
        message = f"the initial state has shape {state}, and should have {sizes.shape_text(shape)}"
        raise Mismatch("GG020", message, "one that is the same for every sample has no axis for them")


def _check(x: Handle, options: Options) -> None:
    """Whether a layer can be made of these, besides its initial state."""
    if len(x.shape) != 3:
        message = f"sequences are (batch, time, features), got {x.type}"
        raise Mismatch("GG027", message, "add an axis with ops.expand_dims, or join some with ops.reshape")
    if x.dtype != "float":
        raise Mismatch(
            "GG031", f"sequences are made of floats, got {x.dtype}", "convert with ops.cast, or use an embedding"
        )
    steps = x.shape[1]
    if not isinstance(steps, int):
        message = f"the number of steps has to be known to write them out, and is {sizes.text(steps)}"
        help = "declare the longest as an int, and tell how long each sequence is with lengths="
        raise Mismatch("GG022", message, help)
    if not steps:
        raise Mismatch("GG022", f"{x.type} has no steps", "a sequence has one step at least")
    if (whole(options.num_layers) or 0) < 1:
        raise Mismatch(
            "GG005", f"num_layers is an int from 1, got {brief(options.num_layers)}", "leave it out for one layer"
        )
    dropout = options.dropout
    if not isinstance(dropout, (int, float)) or isinstance(dropout, bool) or not 0 <= dropout < 1:
        raise Mismatch("GG005", f"dropout is a probability below 1, got {brief(dropout)}", "leave it out for none")
    if dropout and options.num_layers == 1:
        message = "dropout is between layers, and num_layers=1 has nothing between"
        raise Mismatch("GG005", message, "use ops.dropout on the input or the result")
    if options.lengths is not None:
        _check_lengths(x, options.lengths)


def _check_lengths(x: Handle, lengths: Any) -> None:
    wanted = sizes.shape_text(x.shape[:1])
    if not isinstance(lengths, Handle):
        help = 'declare them with g.input(..., dtype="int64")'
        raise Mismatch("GG005", f"lengths is a node of ints of shape {wanted}, not {brief(lengths)}", help)
    if not lengths.dtype.startswith("int"):
        raise Mismatch("GG030", f"lengths are ints, got {lengths.dtype}", 'declare them with dtype="int64"')
    if not sizes.same(lengths.shape, x.shape[:1]):
        message = f"lengths has shape {lengths.type}, and x {x.type}"
        raise Mismatch("GG020", message, f"give one for each sequence: {wanted}")
