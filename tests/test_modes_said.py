"""What modules with functions of several modes look like: lines and their names, docstrings, heads."""

import re

import pytest

import graphgen
from graphgen import Graph, layers, losses, ops

EVERY = {"vjp": True, "jacobian": True, "hessian": True, "hvp": True, "per_example": True, "split": True}


def network() -> Graph:
    g = Graph("network")
    x = g.input("x", ("batch", 4))
    label = g.input("label", ("batch",), dtype="int64")
    hidden = ops.relu(layers.dense(x, 3, name="fc1"))
    logits = layers.dense(hidden, 2, name="fc2")
    g.output(probabilities=ops.softmax(logits))
    g.loss(losses.cross_entropy(logits, label))
    return g


def energy() -> Graph:
    g = Graph("pendulum")
    mass, length, angle = g.param("mass", init=2.0), g.param("length", init=1.5), g.input("angle")
    height = length * (1.0 - ops.cos(angle))
    potential = mass * height
    kinetic = mass**2
    g.output(energy=potential + kinetic)
    return g


def stencil() -> Graph:
    g = Graph("stencil")
    u = g.input("u", ("n",))
    g.output(change=u[2:] - 2.0 * u[1:-1] + u[:-2])
    return g


def with_long_names() -> Graph:
    g = Graph("long_names")
    x = g.input("x", ("batch", 4))
    for place in range(8):
        x = ops.tanh(layers.dense(x, 4, name=f"the_layer_{place}"))
        g.output(**{f"activations_of_{place}": x})
    g.loss(losses.mse(x, g.input("target", ("batch", 4))))
    return g


def function(text: str, name: str) -> str:
    return re.search(rf"^def {name}\(.*?(?=^def |^#)", text, re.DOTALL | re.MULTILINE)[0]


@pytest.mark.parametrize("name", ["jvp", "_jvp_along_several", "hvp", "hessian"])
def test_the_tangent_of_a_named_value_stands_below_it(name):
    code = function(graphgen.compile(network(), mode="both", **EVERY), name)
    made = re.findall(r"^    (\w+) = ", code, re.MULTILINE)
    for value in ("hidden", "logits"):
        assert made.index(f"{value}_dot") > made.index(value)
        assert f"\n    {value}_dot = " in code
    assert not [each for each in made if re.search("matmul|_add", each)]


@pytest.mark.parametrize("name", ["value_and_grad", "backward", "jacobian", "hvp"])
def test_a_lesson_keeps_the_seed_and_every_statement(name):
    """Though jacobian, hvp and vjp need not compute the loss itself."""
    code = function(graphgen.compile(energy(), style="teach", **EVERY | {"per_example": False}), name)
    assert re.search(r"^    d_energy = 1\.0 +# the seed$", code, re.MULTILINE)
    assert re.search(r"^    d_potential = d_energy +# energy = potential \+ kinetic$", code, re.MULTILINE)
    assert "1.0 * " not in code and " * 1.0" not in code


def test_vjp_says_what_each_line_answers():
    code = function(graphgen.compile(energy(), style="teach", vjp=True), "vjp")
    assert re.search(r"^    d_potential = d_energy +# energy = potential \+ kinetic$", code, re.MULTILINE)


@pytest.mark.parametrize("style", ["compact", "teach"])
def test_no_line_is_longer_than_the_limit_nor_ends_in_space(style):
    text = graphgen.compile(with_long_names(), style=style, mode="both", wrt="x", **EVERY)
    assert not [line for line in text.splitlines() if len(line) > 120 or line != line.rstrip()]
    assert "Return the gradient of the outputs, times the given cotangents." in text
    assert "Return all derivatives of the outputs." in text
    assert "Return the loss, and its gradient." in text


@pytest.mark.parametrize("style", ["compact", "teach"])
def test_no_direction_is_made_that_nothing_reads(style):
    g = Graph("partly_linear")
    x, a, b = g.input("x", ("batch", 3)), g.param("a", (3,), init=1.0), g.param("b", (3,), init=2.0)
    g.output(first=x @ a, second=(x * ops.exp(b)).sum(axis=1))
    g.loss(ops.sum(x @ a) + ops.sum(b**3))
    text = graphgen.compile(g, style=style, **EVERY)
    for name in ("_jacobian_first", "_jacobian_second", "hessian"):
        code = function(text, name)
        for made in re.findall(r"^    (\w+) = ", code, re.MULTILINE):
            assert len(re.findall(rf"\b{made}\b", code)) > 1, (name, made)


def test_values_for_gauss_newton_are_named_if_there_are_any():
    g = Graph("unnamed")
    g.loss(ops.sum(ops.exp(g.param("a", (3,), init=2.0))))
    with pytest.raises(graphgen.GraphError, match="between the parameters and the loss, as in logits = "):
        graphgen.compile(g, gauss_newton="nope")


def test_one_sweep_is_not_several_at_once():
    text = graphgen.compile(energy(), jacobian=True)
    assert "Reverse mode, one sweep." in text


def test_the_head_counts_the_values_where_only_outputs_are_differentiated():
    """By hand: 2 u[1:-1] takes n - 2 products, the sum and the difference n - 2 additions each."""
    head = graphgen.compile(stencil(), vjp=True, jacobian=True).split('"""')[1]
    assert "cost        forward 3 flop a sample - 6 flop; vjp " in head


def test_the_head_counts_a_jacobian_of_several_parts():
    g = stencil()
    g.output(squares=ops.square(g.input("v", ("n",))))
    head = graphgen.compile(g, jacobian=True).split('"""')[1]
    assert len(re.findall("jacobian (about )?[0-9]", head)) == 2  # operations, and bytes
