"""Recurrent layers: rnn, gru and lstm, written out into the graph with shared parameters, one step after the other."""

from __future__ import annotations

from typing import Any

from graphgen.errors import brief
from graphgen.graph import Handle
from graphgen.initializers import Initializer, is_finite
from graphgen.layers.cells import Weights, gru_cell, lstm_cell, rnn_cell
from graphgen.layers.declaring import layer, units_of
from graphgen.layers.unrolling import Options, unroll
from graphgen.ops.table import Mismatch

ACTIVATIONS = ("tanh", "relu")


@layer
def rnn(
    x: Handle,
    units: Any,
    name: str,
    *,
    nonlinearity: str = "tanh",
    initial_state: Any = None,
    lengths: Any = None,
    sequence: bool = False,
    final_state: bool = False,
    bidirectional: bool = False,
    num_layers: int = 1,
    dropout: float = 0.0,
    init: Any = "glorot_uniform",
    recurrent_init: Any = "orthogonal",
    bias: bool = True,
) -> Any:
    """A plain recurrent layer (Elman 1990): ``h_t = tanh(x_t @ w + h_(t-1) @ u + b)``.

    Parameters
    ----------
    x
        Shape (batch, time, features); time is an int, as each step is written out.
    units
        The size of the state.
    name
        Names the parameters: `name`_w of shape (features, units), `name`_u of shape (units, units), `name`_b of shape (units,),
        zeros at first. torch's are w = weight_ih_l0.T, u = weight_hh_l0.T, b = bias_ih_l0 + bias_hh_l0. In a stack they are
        called `name`_l0_w, `name`_l1_w, ..., and those of the backward direction `name`_reverse_w.
    nonlinearity
        "tanh" or "relu".
    initial_state
        A node of shape (batch, units), or (units,) if it is the same for all, as a parameter is; zeros if there is none. With
        several layers or directions it has an axis more in front, for them: layer 0 forward, layer 0 backward, layer 1 ...
    lengths
        A node of ints of shape (batch,): past its length the state of a sequence stays, and its backward direction begins there.
    sequence
        Whether the result is the output of every step, and not only of the last.
    final_state
        Whether the result is a tuple of the output and the final state, which has the shape of an initial one.
    bidirectional
        Whether a second cell runs over the steps from the last to the first. The outputs stand side by side; the last output of
        that direction is that at the first step.
    num_layers
        How many layers there are, each reading the outputs of the one below.
    dropout
        The probability of `ops.dropout` between the layers.
    init, recurrent_init
        The initializers of w and u.
    bias
        Whether there is a `name`_b.

    Returns
    -------
    Handle, or tuple of Handle with `final_state`
        Shape (batch, units) or, with `sequence`, (batch, time, units); twice the units if bidirectional.
    """
    if nonlinearity not in ACTIVATIONS:
        raise Mismatch("GG005", f"unknown nonlinearity {brief(nonlinearity)}", 'one of "tanh", "relu"')
    weights = _weights(units, init, recurrent_init, bias)
    options = Options(initial_state, lengths, sequence, final_state, bidirectional, num_layers, dropout)
    return unroll(x, weights.units, ("h",), lambda x: rnn_cell(x, weights, nonlinearity), options)


@layer
def gru(
    x: Handle,
    units: Any,
    name: str,
    *,
    reset_after: bool = True,
    initial_state: Any = None,
    lengths: Any = None,
    sequence: bool = False,
    final_state: bool = False,
    bidirectional: bool = False,
    num_layers: int = 1,
    dropout: float = 0.0,
    init: Any = "glorot_uniform",
    recurrent_init: Any = "orthogonal",
    bias: bool = True,
) -> Any:
    """A layer of gated recurrent units (Cho et al. 2014), in torch's convention.

    With the gates r (reset) and z (update), and the candidate n::

        h_t = n + z * (h_(t-1) - n)    # that is (1 - z) * n + z * h_(t-1)
        n = tanh(x_t @ w_n + b_n + r * (h_(t-1) @ u_n + c))    # with reset_after, as torch and cuDNN have it
        n = tanh(x_t @ w_n + b_n + (r * h_(t-1)) @ u_n)        # without, as in the paper

    Parameters
    ----------
    name
        Names the parameters, whose columns are those of r, z and n: `name`_w of shape (features, 3 * units), `name`_u of shape
        (units, 3 * units), `name`_b of shape (3 * units,) and, with `reset_after`, `name`_c of shape (units,), zeros at first.
        torch's are w = weight_ih_l0.T, u = weight_hh_l0.T; b = bias_ih_l0 + bias_hh_l0 for r and z, bias_ih_l0 for n; and
        c = bias_hh_l0 for n.
    reset_after
        Whether the reset gate works on the product with u_n, or on the state before it.

    See Also
    --------
    rnn : the other parameters, and the result.
    """
    weights = _weights(units, init, recurrent_init, bias)
    options = Options(initial_state, lengths, sequence, final_state, bidirectional, num_layers, dropout)
    return unroll(x, weights.units, ("h",), lambda x: gru_cell(x, weights, reset_after), options)


@layer
def lstm(
    x: Handle,
    units: Any,
    name: str,
    *,
    forget_bias: float = 1.0,
    peephole: bool = False,
    initial_state: Any = None,
    lengths: Any = None,
    sequence: bool = False,
    final_state: bool = False,
    bidirectional: bool = False,
    num_layers: int = 1,
    dropout: float = 0.0,
    init: Any = "glorot_uniform",
    recurrent_init: Any = "orthogonal",
    bias: bool = True,
) -> Any:
    """A layer of long short-term memory (Hochreiter and Schmidhuber 1997), with forget gates (Gers et al. 2000).

    With the gates i (input), f (forget) and o (output), and the candidate g::

        c_t = f * c_(t-1) + i * g
        h_t = o * tanh(c_t)

    Parameters
    ----------
    name
        Names the parameters, whose columns are those of i, f, g and o: `name`_w of shape (features, 4 * units), `name`_u of shape
        (units, 4 * units), `name`_b of shape (4 * units,), and with `peephole` `name`_p of shape (3, units), zeros at first.
        torch's are w = weight_ih_l0.T, u = weight_hh_l0.T, b = bias_ih_l0 + bias_hh_l0.
    forget_bias
        What the forget gates' part of `name`_b is at first: with 1 they remember from the start (Jozefowicz et al. 2015).
    peephole
        Whether the gates see the cells (Gers and Schmidhuber 2000): i and f see c_(t-1), o sees c_t, each unit its own, times the
        rows of `name`_p.
    initial_state
        A pair of nodes (h, c).
    final_state
        Whether the result is a tuple (output, h, c).

    See Also
    --------
    rnn : the other parameters, and the result.
    """
    weights = _weights(units, init, recurrent_init, bias)
    options = Options(initial_state, lengths, sequence, final_state, bidirectional, num_layers, dropout)
    if not is_finite(forget_bias):
        raise Mismatch("GG005", f"forget_bias is a number, got {brief(forget_bias)}", "leave it out for 1.0")
    at_first = Initializer("forget_bias", (("value", forget_bias),))
    return unroll(x, weights.units, ("h", "c"), lambda x: lstm_cell(x, weights, at_first, peephole), options)


def _weights(units: Any, init: Any, recurrent_init: Any, bias: bool) -> Weights:
    return Weights(units_of(units), init, recurrent_init, bias)
