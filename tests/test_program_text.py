"""Programs as text and back."""

import numpy as np
import pytest

from graphgen import initializers, layers, losses, ops, sizes
from graphgen.calculus.slopes import Policies
from graphgen.check import check
from graphgen.differentiation.gradient import gradient
from graphgen.differentiation.tangent import tangent
from graphgen.graph import Graph
from graphgen.program import Node, Program
from graphgen.program_text import ProgramError, parse, text


def comparable(node: Node) -> tuple:
    """A node without `why`, its attributes completed, its arrays as bytes."""
    row = ops.TABLE.get(node.op)
    attributes = dict(node.attributes) if row is None else {**row.attributes, **node.attributes}
    if node.op == "constant":
        attributes |= {"shape": node.shape, "dtype": node.dtype}
    plain = {key: (value.dtype, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value for key, value in attributes.items()}
    return (*node._replace(attributes={}, why=node.why.__class__()), plain)


def assert_round_trip(program: Program) -> None:
    written = text(program)
    found = parse(written)
    assert text(found) == written
    assert [comparable(node) for node in found.nodes.values()] == [comparable(node) for node in program.nodes.values()]
    assert list(found.results.items()) == list(program.results.items())
    assert (found.name, found.dtype, found.policies) == (program.name, program.dtype, program.policies)


def mlp() -> Program:
    g = Graph("mlp", dtype="float32")
    x = g.input("x", shape=("batch", 4))
    label = g.input("label", shape=("batch",), dtype="int64")
    hidden = ops.relu(layers.dense(x, 3, name="fc1", init="he_normal"))
    logits = layers.dense(hidden, 2, name="fc2")
    g.output(probabilities=ops.softmax(logits))
    g.loss(losses.cross_entropy(logits, label))
    return check(g)


def test_a_program_reads_as_python():
    g = Graph("neuron", relu_at_zero=0.5)
    x = g.input("x", shape=("batch", 3), low=-1.0)
    w = g.param("w", shape=(3,), init=initializers.uniform(-0.5, 0.5))
    g.output(y=ops.relu(x @ w + 0.1))
    assert str(check(g)) == (
        "program('neuron', relu_at_zero=0.5)\n"
        "x = input((batch, 3), low=-1.0)\n"
        "w = param((3,), init=uniform(low=-0.5, high=0.5))\n"
        "y_matmul: unnamed = matmul(x, w)  # (batch,)\n"
        "y_constant: unnamed = constant(0.1)\n"
        "y_add: unnamed = add(y_matmul, y_constant)  # (batch,)\n"
        "y: unnamed = relu(y_add)  # (batch,)\n"
        "return output(y=y)\n"
    )


def test_sweeps_and_maps_stand_in_the_text():
    program = mlp()
    lines = text(gradient(program, ["fc1_w"])).splitlines()
    assert "d_fc1: reverse = map('where(b > 0, a, 0)', d_hidden, hidden)  # (batch, 3)" in lines
    assert lines[-1] == "return output(probabilities=probabilities), loss(loss=loss), gradient(fc1_w=d_fc1_w)"


@pytest.mark.parametrize("make", [lambda program, wrt: program, gradient, tangent, lambda program, wrt: tangent(gradient(program, wrt), wrt)])
def test_sweeps_round_trip(make):
    program = mlp()
    assert_round_trip(make(program, [node.name for node in program.leaves("param")]))


@pytest.mark.parametrize(
    "value",
    [
        np.array([[0.1, -0.0], [1e-320, 1 / 3]]), np.array([np.inf, -np.inf, np.nan]), np.zeros((0, 3)), np.array(2.5),
        np.array([1, -2], dtype="int64"), np.array([True, False]), 3.0, -0.0, float("inf"),
    ],
)  # fmt: skip
def test_constants_round_trip(value):
    g = Graph("constants")
    x = g.input("x")
    c = g.constant(value, name="c")
    g.output(x, c)
    assert_round_trip(check(g))


def test_integers_round_trip():
    g = Graph("integers")
    i = g.input("i", shape=(3,), dtype="int32")
    g.output(j=i + 1)
    program = check(g)
    assert {node.dtype for node in program.nodes.values()} == {"int32"}
    assert_round_trip(program)


def test_keys_sizes_and_initial_arrays_round_trip():
    g = Graph("sizes")
    x = g.input("x", shape=("batch", "time", 4))
    w = g.param("w", shape=(2, 2), init=[[1.0, 2.0], [3.0, 4.0]])
    rows = x[1:, :-1, ::-2]
    flat = ops.reshape(x, (x.shape[0] * x.shape[1], 2, 2)) @ w
    joined = ops.concat([x[:, :, 0], x[:, :, 1]], axis=1)
    g.output(rows=rows, flat=flat, joined=joined, halves=ops.einsum("bti,bti->bt", x, x))
    g.loss((rows.sum() + flat.mean() + joined.sum()) / x.shape[0])
    program = check(g)
    assert_round_trip(program)
    assert_round_trip(gradient(program, ["x", "w"]))


def test_names_and_sweeps_round_trip():
    nodes = [
        Node("x", "input", (), {"shape": (), "dtype": "float", "low": None, "high": None}, (), "float"),
        Node("a", "negative", ("x",), {}, (), "float", ("reverse", "tangent"), named=True),
        Node("b", "negative", ("a",), {}, (), "float", ("update",)),
    ]
    assert_round_trip(Program("p", "float32", Policies(1.0, "first"), {node.name: node for node in nodes}, {("update", "x"): "b"}))
    assert "a: reverse.tangent.named = negative(x)" in text(parse("program('p')\nx = input(())\na: reverse.tangent.named = negative(x)"))


def test_sizes_are_parsed_as_sizes():
    program = parse("program('p')\nx = input((2 * batch + 1, batch // 2, n**2))")
    batch, n = sizes.symbol("batch"), sizes.symbol("n")
    assert program.nodes["x"].shape == (2 * batch + 1, batch // 2, n**2)


@pytest.mark.parametrize(
    "source, message",
    [
        ("", "line 1: a program starts with program(name)"),
        ("x = input(())", "line 1: a program starts with program(name)"),
        ("program('p', speed=3)", "line 1: unknown: speed"),
        ("program('p')\nx = input((", "line 2: '(' was never closed"),
        ("program('p')\nprint(x)", "line 2: not a node: print(x)"),
        ("program('p')\nx = open('file')", "line 2: unknown op 'open'"),
        ("program('p')\nx = softmax(y)", "line 2: unknown op 'softmax'"),
        ("program('p')\nx = input(())\ny = exp(z)", "line 3: no node 'z' stands above"),
        ("program('p')\nx = input(())\nx = exp(x)", "line 3: x is there already"),
        ("program('p')\nx = input(())\ny = exp(x + 1)", "line 3: not a name: x + 1"),
        ("program('p')\nx = input(())\ny = exp(x, axis=1)", "line 3: unexpected keyword 'axis'"),
        ("program('p')\nx = input((2,))\ny = reshape(x, shape=(3,))", "line 3: (2,) has 2 elements, (3,) has 3"),
        ("program('p')\nx = input(())\ny = map('a + open(a)', x)", "line 3: not part of a formula: open(a)"),
        ("program('p')\nx = input(())\ny = map(x)", "line 3: map takes a formula and operands"),
        ("program('p')\nx = input(())\ny = map('a + b', x)", "line 3: takes 2 operands, got 1"),
        ("program('p')\nc = constant(__import__('os'))", "line 2: not an attribute: __import__('os')"),
        ("program('p')\nx = input(())\nreturn guess(x=x)", "line 3: results are output, loss, state, gradient, update, jacobian, hessian, each as kind(name=node)"),
        ("program('p')\nx = input(())\nreturn output(x=y)", "line 3: no node 'y' stands above"),
    ],
)
def test_what_is_no_program_is_refused(source, message):
    with pytest.raises(ProgramError) as caught:
        parse(source)
    assert str(caught.value) == message


def test_long_programs_need_no_deep_stack():
    lines = ["program('p')", "x0 = input(())", *(f"x{at + 1} = sin(x{at})" for at in range(5000)), "return output(y=x5000)"]
    source = "\n".join(lines) + "\n"
    assert text(parse(source)) == source
