"""forward_sweep and backward: the two halves of value_and_grad, and what goes between them."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import random_graphs
from halves import agree, alike, drawn_inputs

import graphgen
from graphgen import Graph, GraphError, layers, losses, ops
from graphgen.model import load_model

EXAMPLES = Path(__file__).parent.parent / "examples"
MODELS = [
    "binarised",
    "convolution",
    "diagonal_lstm",
    "gallery/batch_norm",
    "gallery/dropout",
    "gallery/lenet",
    "gaussian_mixture",
    "letters",
    "log_product",
    "product_networkx",
    "sigmoid_neuron",
    "svm",
    "two_layer",
]


def perceptron() -> Graph:
    g = Graph("mlp", dtype="float32")
    x = g.input("x", shape=("batch", 64))
    label = g.input("label", shape=("batch",), dtype="int64")
    hidden = ops.relu(layers.dense(x, 32, name="fc1"))
    g.loss(losses.cross_entropy(layers.dense(hidden, 10, name="fc2"), label))
    return g


@pytest.mark.parametrize("style", ["compact", "teach"])
@pytest.mark.parametrize("name", MODELS)
def test_examples_give_the_same_bits_in_two_halves(name, style):
    graph = load_model(str(EXAMPLES / f"{name}.py"))
    agree(graphgen.load(graph, style=style, split=True))


@pytest.mark.parametrize("style", ["compact", "teach"])
def test_random_graphs_give_the_same_bits_in_two_halves(style):
    for seed in range(12):
        model = random_graphs.draw(seed)
        agree(graphgen.load(model.graph, style=style, split=True), model.parameters, list(model.inputs.values()))


def test_what_is_saved_is_what_backward_reads():
    module = graphgen.load(perceptron(), split=True)
    parameters, (x, label) = module.init_parameters(), drawn_inputs(module)
    loss, saved = module.forward_sweep(parameters, x, label)
    assert isinstance(loss, float)
    assert list(saved) == ["fc2_w", "x", "label", "hidden", "loss_exp", "loss_total"]
    assert saved["fc2_w"] is parameters["fc2_w"]
    source = inspect.getsource(module.backward)
    assert all(source.count(name) > 1 for name in saved)
    for name in saved:
        with pytest.raises(ValueError, match=f"saved: {name} missing; forward_sweep returns it"):
            module.backward({each: value for each, value in saved.items() if each != name})
    with pytest.raises(ValueError, match="saved: expected the dict that forward_sweep returns, got tuple"):
        module.backward((loss, saved))


def test_the_docstring_lists_it_with_its_bytes():
    module = graphgen.load(perceptron(), split=True)
    assert inspect.getdoc(module.forward_sweep).splitlines() == [
        "Return the loss, and what `backward` reads.",
        "",
        "Saved: 172*batch bytes, and by reference what the caller gave.",
        "    fc2_w       (32, 10)     as given",
        "    x           (batch, 64)  as given",
        "    label       (batch,)     as given",
        "    hidden      (batch, 32)  128*batch bytes",
        "    loss_exp    (batch, 10)  40*batch bytes",
        "    loss_total  (batch, 1)   4*batch bytes",
    ]
    _, saved = module.forward_sweep(module.init_parameters(), *drawn_inputs(module))
    batch = len(saved["hidden"])
    assert sum(saved[name].nbytes for name in ("hidden", "loss_exp", "loss_total")) == 172 * batch


def test_views_and_sizes_are_made_again():
    g = Graph("views")
    x = g.input("x", shape=("batch", 4, 6))
    w = g.param("w", shape=(24, 3))
    y = ops.exp(x)
    flat = ops.reshape(y, (x.shape[0], 24))
    g.loss(ops.mean(ops.tanh(flat @ w)))
    module = graphgen.load(g, split=True)
    _, saved = module.forward_sweep(module.init_parameters(), *drawn_inputs(module))
    assert "flat" not in saved and "batch" not in saved and "y" in saved
    source = inspect.getsource(module.backward)
    assert "flat = y.reshape(batch, 24)" in source and "batch = y.shape[0]" in source
    agree(module)


def test_a_size_that_nothing_saved_tells_is_saved():
    g = Graph("size")
    x = g.input("x", shape=("n",))
    w = g.param("w", shape=())
    g.loss(ops.sum(ops.broadcast_to(w, (x.shape[0],))) + ops.sum(x))
    module = graphgen.load(g, split=True)
    loss, saved = module.forward_sweep({"w": np.array(2.0)}, np.zeros(5))
    assert (loss, saved) == (10.0, {"n": 5})
    assert "n  " in module.forward_sweep.__doc__
    assert module.backward(saved) == {"w": 5.0}


def test_a_gradient_that_is_a_saved_value_is_a_copy():
    g = Graph("product")
    x = g.input("x", shape=("n",))
    w = g.param("w", shape=("n",))
    h = ops.exp(ops.tanh(x))
    g.loss(ops.sum(w * h) + ops.sum(h))
    module = graphgen.load(g, split=True, wrt="x")
    _, saved = module.forward_sweep({"w": np.ones(3)}, np.arange(3.0))
    gradients = module.backward(saved)
    assert np.array_equal(gradients["w"], saved["h"])
    assert not np.shares_memory(gradients["w"], saved["h"])


@pytest.mark.parametrize("options", [{"mode": "forward"}, {"inference": True}])
@pytest.mark.parametrize("wanted", [{"split": True}, {"save": "minimal"}])
def test_there_must_be_a_reverse_sweep(options, wanted):
    with pytest.raises(GraphError, match=f"{next(iter(wanted))}: there is no reverse sweep"):
        graphgen.compile(with_output(), **options, **wanted)


def with_output() -> Graph:
    g = Graph("output")
    x = g.input("x", shape=("n", 2))
    y = layers.dense(x, 1, name="fc")
    g.output(y=y)
    g.loss(ops.mean(y))
    return g


def test_both_halves_agree_for_a_model_with_state_and_random_numbers():
    g = Graph("both")
    x = g.input("x", shape=("batch", 4))
    hidden = ops.dropout(ops.tanh(layers.batch_norm(layers.dense(x, 8, name="fc1"), name="bn")), p=0.5)
    g.loss(ops.mean(layers.dense(hidden, 2, name="fc2") ** 2))
    for save in ("all", "minimal"):
        module = graphgen.load(g, split=True, save=save)
        _, _, state = module.forward_sweep(module.init_parameters(), np.ones((6, 4)), state=module.init_state(), seed=5)
        assert alike(
            state,
            module.value_and_grad(module.init_parameters(), np.ones((6, 4)), state=module.init_state(), seed=5)[2],
        )
        agree(module)
