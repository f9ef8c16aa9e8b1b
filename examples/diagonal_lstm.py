"""A stacked LSTM in which units see only themselves and the one below, on a text: an objective of ADBench.

Srajer, Kukelova and Fitzgibbon, "A benchmark of selected algorithmic differentiation tools on some problems in
computer vision and machine learning", Optimization Methods and Software 33 (2018). A symbol is a one-hot row of
`sequence`, to be predicted from those before it. Its probabilities are exp(score) / (2 + sum(exp(scores))), whose sum
is below 1. Rows of `state` are each layer's first hidden values and cell, rows of `main_params` each layer's weights
and biases, and those of `extra_params` the weights of the input, and the weights and biases of the scores.
"""

from graphgen import Graph, ops


def gates(weights, biases):
    """Return the weights and biases of the four gates of a layer."""
    forget_w, enter_w, leave_w, change_w = ops.split(weights, 4)
    forget_b, enter_b, leave_b, change_b = ops.split(biases, 4)
    return forget_w, forget_b, enter_w, enter_b, leave_w, leave_b, change_w, change_b


def step(below, hidden, cell, gates):
    """Return the hidden values and the cell of a layer after one more symbol."""
    forget_w, forget_b, enter_w, enter_b, leave_w, leave_b, change_w, change_b = gates
    forget = ops.sigmoid(below * forget_w + forget_b)
    enter = ops.sigmoid(hidden * enter_w + enter_b)
    leave = ops.sigmoid(below * leave_w + leave_b)
    change = ops.tanh(hidden * change_w + change_b)
    cell = forget * cell + enter * change
    hidden = leave * ops.tanh(cell)
    return hidden, cell


def predictor(length: int, symbols: int = 14, layers: int = 2) -> Graph:
    """Declare the objective for a text of so many symbols."""
    g = Graph("diagonal_lstm")
    sequence = g.input("sequence", shape=(length, symbols))
    state = g.input("state", shape=(2 * layers, symbols))
    main_params = g.param("main_params", shape=(2 * layers, 4 * symbols), init="normal")
    extra_params = g.param("extra_params", shape=(3, symbols), init="normal")

    layer_gates, states = [], []
    for layer in range(layers):
        with g.scope(f"layer{layer}"):
            hidden, cell = state[2 * layer], state[2 * layer + 1]
            layer_gates.append(gates(main_params[2 * layer], main_params[2 * layer + 1]))
            states.append((hidden, cell))

    inputs = sequence[:-1] * extra_params[0]
    top = []
    for t in range(length - 1):
        below = inputs[t]
        for layer in range(layers):
            with g.scope(f"t{t}_layer{layer}"):
                states[layer] = step(below, *states[layer], layer_gates[layer])
            below, _ = states[layer]
        top.append(below)

    score = ops.stack(top) * extra_params[1] + extra_params[2]
    log_probability = score - ops.log(2 + ops.exp(score).sum(axis=1, keepdims=True))
    g.output(log_probability)
    g.loss(-(sequence[1:] * log_probability).mean())
    return g


g = predictor(length=3)
