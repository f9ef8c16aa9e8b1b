"""Control of gradients: what is said of it, what the check makes of it, and models that live by it."""

import re

import differences
import numpy as np
import pytest
import random_graphs
from controls import STYLES, graph_of

from graphgen import Graph, compile, layers, load, losses, ops

# -- what is said


def network(dtype="float64"):
    """A layer whose units are -1 or 1, and a critic that works against it."""
    g = Graph("network", dtype=dtype)
    x = g.input("x", shape=("batch", 4))
    target = g.input("target", shape=("batch", 2))
    before = layers.dense(x, 3, name="fc1")
    hard = ops.straight_through(ops.sign(before), before)
    turned = ops.scale_gradient(hard, -0.5)
    w = g.param("w", shape=(3, 2))
    y = ops.clip_gradient(turned @ w, -0.01, 0.01)
    fired = ops.custom_gradient(y > 0, y, 1 / (1 + y**2))
    g.output(fired)
    g.loss(((fired - target) ** 2).mean() + (ops.stop_gradient(y) * fired).mean())
    return g


LABELS = (
    ("hard = straight_through(np.sign(before), before)", "straight-through: hard as before"),
    ("turned = scale_gradient(hard, -0.5)", "gradient times -0.5"),
    ("y = turned @ w", "gradient clipped to [-0.01, 0.01]"),
    ("fired = custom_gradient((y > 0.0).astype(_float), y, fired_divide)", "declared slope by y"),
    ("loss_stop_gradient = stop_gradient(y)", "no gradient passes"),
    ("d_y_matmul = clipped(", "gradient clipped to [-0.01, 0.01]"),
    ("d_hard = -0.5 * ", "gradient times -0.5; straight-through: hard as before"),
)


def test_every_control_is_a_labelled_line():
    source = compile(network())
    sweep = source[source.index("def value_and_grad") :].split("\n\n\n")[0].split("\n")
    for code, label in LABELS:
        (place,) = [at for at, line in enumerate(sweep) if line.strip().startswith(code)]
        assert label in f"{sweep[place - 1].strip()} {sweep[place]}", code


def test_the_teach_style_labels_each_gradient_by_itself():
    source = compile(network(), style="teach")
    lines = [re.sub(" +", " ", line.strip()) for line in source.split("\n")]
    assert "d_turned = d_y_matmul @ w.T # (batch, 3)" in lines
    assert "d_hard = -0.5 * d_turned # (batch, 3) gradient times -0.5" in lines
    assert "d_before = d_hard # (batch, 3) straight-through: hard as before" in lines
    assert "d_y_matmul = clipped(d_y, -0.01, 0.01) # (batch, 2) gradient clipped to [-0.01, 0.01]" in lines


@pytest.mark.parametrize("style", STYLES)
def test_functions_of_values_alone_hold_no_control(style):
    source = compile(network(), style=style)
    forward = source[source.index("def forward") : source.index("def loss")]
    for name in ("straight_through", "scale_gradient", "custom_gradient", "declared", "clipped"):
        assert name not in forward
    shipped = compile(network(), style=style, inference=True)
    assert "straight_through" not in shipped and "_held" not in shipped
    point = load(network(), style=style).init_parameters(0)
    x = np.random.default_rng(0).normal(size=(6, 4))
    np.testing.assert_array_equal(load(shipped).forward(point, x), load(network(), style=style).forward(point, x))


@pytest.mark.parametrize("style", STYLES)
def test_the_table_says_what_was_declared(style, capsys):
    module = load(network(), style=style)
    module._main()
    printed = capsys.readouterr().out.splitlines()
    shared = "fired; y held; clipping at y lifted"
    assert printed[0].split() == ["name", "shape", "largest", "worst", "error", "notes"]
    assert [line.split("  ")[-1] for line in printed[1:]] == [
        "as declared at hard, turned and " + shared,
        "as declared at hard, turned and " + shared,
        "as declared at " + shared,
    ]
    forward = load(network(), style=style, mode="forward")
    forward._main()
    assert "clipping" not in capsys.readouterr().out


def test_long_lists_of_nodes_are_cut():
    module = load(graph_of(lambda w: sum(ops.scale_gradient(w, 0.5, name=f"half_{k}") for k in range(5))))
    assert module._declared == {"w": "as declared at half_0, half_1 and 3 more"}


@pytest.mark.parametrize("style", STYLES)
def test_values_may_be_called_as_helpers_are(style):
    g = Graph("names")
    straight_through = g.param("straight_through", (3,), init="ones")
    clipped = ops.clip_gradient(ops.straight_through(ops.sign(straight_through), straight_through), -1.0, 1.0)
    clipped_to_norm = ops.clip_gradient(clipped, max_norm=0.5) * 2.0
    g.output(clipped, clipped_to_norm=clipped_to_norm)
    g.loss(clipped_to_norm.sum())
    module = load(g, style=style)
    gradient = module.value_and_grad(module.init_parameters())[1]["straight_through"]
    np.testing.assert_allclose(gradient, np.full(3, 0.5 / 3**0.5), rtol=1e-14)
    assert module.check_gradients()["straight_through"] < 1e-9


# -- the check still finds what is wrong

WRONG = {
    "upstream of all": ("d_fc1_w = x.T @ ", "d_fc1_w = 1.001 * x.T @ "),
    "the scale": ("d_hard = -0.5 * ", "d_hard = 0.5 * "),
    "the slope of the loss": ("d_y = ", "d_y = 1.01 * "),
    "between": ("d_w = turned.T @ ", "d_w = (turned + 0.01).T @ "),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_gradient_is_found_behind_a_control(name):
    source = compile(network())
    right, wrong = WRONG[name]
    assert source.count(right) == 1
    assert max(load(source).check_gradients().values()) < 1e-8
    with pytest.raises(AssertionError, match="wrong gradients"):
        load(source.replace(right, wrong)).check_gradients()


def test_a_wrong_declaration_is_found():
    """The helper that the check knows and the reverse sweep have to agree."""
    source = compile(network())
    assert source.count("scale_gradient(hard, -0.5)") >= 2
    with pytest.raises(AssertionError, match="wrong gradients"):
        load(source.replace("scale_gradient(hard, -0.5)", "scale_gradient(hard, -0.6)")).check_gradients()


def test_the_check_with_state_and_random_numbers():
    g = Graph("drawing")
    x = g.input("x", shape=("batch", 4))
    kept = ops.dropout(layers.batch_norm(layers.dense(x, 3, name="fc1"), name="bn"), p=0.5)
    hard = ops.straight_through(ops.sign(kept), kept)
    g.loss((ops.clip_gradient(hard, max_norm=0.01) ** 2 + hard).mean())
    module = load(g)
    assert max(module.check_gradients().values()) < 1e-7


# -- models


@pytest.mark.parametrize("style", STYLES)
def test_vector_quantisation(style):
    """The nearest code takes a value's place, whose gradient goes on to what was coded (van den Oord et al. 2017)."""
    g = Graph("quantised")
    x = g.input("x", shape=("batch", 3))
    codes = g.param("codes", shape=(4, 2), init="normal")
    coded = layers.dense(x, 2, name="encoder")
    distance = ((coded[:, None, :] - codes) ** 2).sum(axis=2)
    nearest = ops.take(codes, ops.argmin(distance, axis=1), axis=0)
    quantised = ops.straight_through(nearest, coded)
    decoded = layers.dense(quantised, 3, name="decoder")
    moved = ((ops.stop_gradient(coded) - nearest) ** 2).mean()
    committed = ((coded - ops.stop_gradient(nearest)) ** 2).mean()
    g.loss(losses.mse(decoded, x) + moved + 0.25 * committed)
    module = load(g, style=style, mode="both")
    assert max(module.check_gradients().values()) < 1e-7
    x, point = np.random.default_rng(0).normal(size=(8, 3)), module.init_parameters(1)
    gradients = module.value_and_grad(point, x)[1]
    found = x @ point["encoder_w"] + point["encoder_b"]
    chosen = ((found[:, None] - point["codes"]) ** 2).sum(axis=2).argmin(axis=1)
    nearest = point["codes"][chosen]
    d_codes = np.zeros((4, 2))
    np.add.at(d_codes, chosen, 2 * (nearest - found) / nearest.size)
    np.testing.assert_allclose(gradients["codes"], d_codes, rtol=1e-12)
    d_decoded = 2 * (nearest @ point["decoder_w"] + point["decoder_b"] - x) / x.size
    d_coded = d_decoded @ point["decoder_w"].T + 0.25 * 2 * (found - nearest) / found.size
    np.testing.assert_allclose(gradients["encoder_w"], x.T @ d_coded, rtol=1e-12)


@pytest.mark.parametrize("style", STYLES)
def test_gradient_reversal(style):
    """Features learn against the critic, whose strength is given (Ganin and Lempitsky 2015)."""

    def graph(reversed_):
        g = Graph("domains")
        x, strength = g.input("x", shape=("batch", 4)), g.input("strength", shape=())
        label, domain = g.input("label", shape=("batch",)), g.input("domain", shape=("batch",))
        features = ops.tanh(layers.dense(x, 3, name="features"))
        seen = ops.scale_gradient(features, -strength) if reversed_ else features
        task = losses.bce_with_logits(layers.dense(features, 1, name="task")[:, 0], label)
        critic = losses.bce_with_logits(layers.dense(seen, 1, name="critic")[:, 0], domain)
        g.loss(task + critic if reversed_ else task * (1 - strength) + critic * strength)
        return load(g, style=style)

    generator = np.random.default_rng(2)
    x, label, domain = (
        generator.normal(size=(6, 4)),
        generator.integers(0, 2, 6) + 0.0,
        generator.integers(0, 2, 6) + 0.0,
    )
    reversed_, plain = graph(True), graph(False)
    point = reversed_.init_parameters(0)
    found = reversed_.value_and_grad(point, x, 0.3, label, domain)[1]
    task, critic = (plain.value_and_grad(point, x, share, label, domain)[1] for share in (0.0, 1.0))
    for name in point:
        sign = -0.3 if name.startswith("features") else 1.0
        np.testing.assert_allclose(found[name], task[name] + sign * critic[name], rtol=1e-12)
    assert max(reversed_.check_gradients(strength=0.3).values()) < 1e-8


# -- random graphs


def controlled(dag, generator):
    """The graph with controls that change nothing behind a third of its values."""
    dag = dag.copy()
    floats = [name for name, facts in dag.nodes(data=True) if facts["op"] in PASSED_ON]
    for count, name in enumerate(floats):
        readers = [*dag.out_edges(name, keys=True, data=True)]
        if generator.random() > 1 / 3 or not readers:
            continue
        added, control = f"control_{count}", generator.integers(3)
        if control == 0:
            dag.add_node(added, op="straight_through")
            dag.add_edge(name, added, 1)
        elif control == 1:
            dag.add_node(added, op="clip_gradient", low=-1e9, high=1e9)
        else:
            dag.add_node(added, op="clip_gradient", max_norm=1e9)
        dag.add_edge(name, added, 0)
        for _, reader, key, facts in readers:
            dag.remove_edge(name, reader, key)
            dag.add_edge(added, reader, key, **facts)
    return dag


PASSED_ON = ("param", "multiply", "matmul", "sigmoid", "sum", "reshape", "where", "exp", "tanh", "softmax", "concat")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", range(6))
def test_controls_that_change_nothing_change_nothing(seed, style):
    model = random_graphs.draw(seed)
    dag = controlled(model.graph.dag, np.random.default_rng(seed))
    assert len(dag) > len(model.graph.dag)
    plain, found = (load(each, style=style) for each in (model.graph, Graph.from_networkx(dag)))
    loss, gradients = plain.value_and_grad(model.parameters, **model.inputs)
    again, others = found.value_and_grad(model.parameters, **model.inputs)
    assert again == pytest.approx(loss, rel=1e-13)
    assert differences.error(others, gradients) < 1e-12
    assert max(found.check_gradients(model.parameters, **model.inputs).values()) < 1e-6
