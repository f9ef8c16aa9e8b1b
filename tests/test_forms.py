"""The forms of training and of inference."""

import numpy as np
import pytest

from graphgen import Graph, check, load, losses, ops
from graphgen.errors import GraphError, GraphWarning
from graphgen.forms import forms
from graphgen.program_text import parse

STYLES = ["teach", "compact"]


def resolved(text):
    """Both forms of a program, as text."""
    found = forms(parse(f"program('p')\n{text}"))
    return str(found.training).strip(), str(found.inference).strip()


def lines(text):
    return "program('p')\n" + "\n".join(line.strip() for line in text.strip().split("\n"))


@pytest.mark.parametrize(
    ("before", "training", "inference"),
    [
        pytest.param(
            "x = input((3,))\na: unnamed = tanh(x)\ny = in_training(a, x)\nreturn output(y=y)",
            "x = input((3,))\ny = tanh(x)  # (3,)\nreturn output(y=y)",
            "x = input((3,))\ny = identity(x)  # (3,)\nreturn output(y=y)",
            id="a named value takes over what was made for it, or is the same once more",
        ),
        pytest.param(
            "x = input((3,))\na = tanh(x)\ny: unnamed = in_training(a, x)\nz = exp(y)\nreturn output(z=z)",
            "x = input((3,))\na = tanh(x)  # (3,)\nz = exp(a)  # (3,)\nreturn output(z=z)",
            "x = input((3,))\nz = exp(x)  # (3,)\nreturn output(z=z)",
            id="an unnamed one is read through",
        ),
        pytest.param(
            "x = input((3,))\na: unnamed = tanh(x)\ny: unnamed = in_training(a, x)\nreturn output(y=y, a=a)",
            "x = input((3,))\na: unnamed = tanh(x)  # (3,)\nreturn output(y=a, a=a)",
            "x = input((3,))\na: unnamed = tanh(x)  # (3,)\nreturn output(y=x, a=a)",
            id="a result keeps its own name",
        ),
        pytest.param(
            "x = input((3,))\na: unnamed = tanh(x)\nb: unnamed = in_training(a, x)\nc = in_training(x, b)\nreturn output(c=c)",
            "x = input((3,))\nc = identity(x)  # (3,)\nreturn output(c=c)",
            "x = input((3,))\nc = identity(x)  # (3,)\nreturn output(c=c)",
            id="one within another",
        ),
        pytest.param(
            "x = input((3,))\na: unnamed = tanh(x)\nb: unnamed = in_training(a, x)\nc = in_training(b, x)\nreturn output(c=c)",
            "x = input((3,))\nc = tanh(x)  # (3,)\nreturn output(c=c)",
            "x = input((3,))\nc = identity(x)  # (3,)\nreturn output(c=c)",
            id="a name is handed on",
        ),
        pytest.param(
            "x = input((3,))\ns = state((3,))\na: unnamed = tanh(x)\nb: unnamed = in_training(a, s)\ny = exp(b)\n"
            "return output(y=y), state(s=a)",
            "x = input((3,))\ns = state((3,))\na: unnamed = tanh(x)  # (3,)\ny = exp(a)  # (3,)\nreturn output(y=y), state(s=a)",
            "x = input((3,))\ns = state((3,))\ny = exp(s)  # (3,)\nreturn output(y=y)",
            id="state changes in training alone",
        ),
    ],
)
def test_forms_of_a_program(before, training, inference):
    assert resolved(before) == (lines(training), lines(inference))


def test_programs_with_forms_and_state_are_read_back():
    g = Graph("text")
    x = g.input("x", ("n", 3))
    s = g.state("s", (3,), init=[1.0, 2.0, 3.0])
    y = ops.dropout(x - ops.in_training(x.mean(axis=0), s)) + ops.randn_like(x)
    g.update(s, 0.5 * s)
    g.loss(y.sum())
    program = check.check(g)
    for each in (program, *forms(program)):
        assert str(parse(str(each))) == str(each)
    assert "return output(loss=loss), loss(loss=loss), state(s=s_new)" in str(program)


def test_a_program_without_forms_has_one():
    g = Graph("one")
    x = g.input("x", (3,))
    g.loss((x * x).sum())
    found = forms(check.check(g))
    assert found.training is found.inference and not found.differ("loss")
    assert not hasattr(load(g), "evaluate")


@pytest.mark.parametrize("style", STYLES)
def test_each_function_is_of_its_form(style):
    g = Graph("scaled")
    x = g.input("x", ("n",))
    w = g.param("w", ())
    chosen = ops.in_training(x * w, x + w)
    g.output(chosen=chosen)
    g.loss(chosen.sum())
    module = load(g, style=style, mode="both")
    x, parameters = np.array([1.0, 2.0, 4.0]), {"w": np.array(3.0)}
    assert module.forward(parameters, x).tolist() == [4.0, 5.0, 7.0]
    assert module.evaluate(parameters, x) == 16.0
    assert module.loss(parameters, x) == 21.0
    value, gradients = module.value_and_grad(parameters, x)
    assert (value, gradients["w"]) == (21.0, 7.0)
    assert module.jvp(parameters, {"w": 1.0}, x) == (21.0, 7.0)
    assert "forms       inference: forward, evaluate; training: all others that compute" in module.__doc__
    assert module.forward.__doc__ == "Return chosen of shape (n,), for x of shape (n,), in inference form."
    assert module.loss.__doc__ == "Return the loss, in training form."
    assert max(module.check_gradients().values()) < 1e-9


def test_integers_and_bools_have_forms_too():
    g = Graph("labels")
    x = g.input("x", ("n", 3))
    label = g.input("label", ("n",), dtype="int64", low=0, high=2)
    picked = ops.in_training(label, label + ops.cast(x[:, 0] > 0.0, "int64"))
    known = ops.in_training(x > 0.0, x < 0.0)
    g.output(picked=picked, known=known)
    g.loss(losses.cross_entropy(x, picked) + ops.where(known, x, 0.0).sum())
    module = load(g)
    x, label = np.array([[1.0, -2.0, 0.5], [-1.0, 4.0, 0.0]]), np.array([1, 0])
    found = module.forward({}, x, label)
    assert found.picked.tolist() == [2, 0] and found.known.tolist() == (x < 0).tolist()
    assert module.loss({}, x, label) - module.evaluate({}, x, label) > 5.5


def test_a_parameter_of_inference_alone_has_no_gradient():
    g = Graph("idle")
    x = g.input("x", (3,))
    w = g.param("w", (3,))
    y = ops.in_training(x * 2.0, x * w)
    g.output(y)
    g.loss(y.sum())
    with pytest.warns(GraphWarning, match="GG052.*the loss does not depend on w"):
        module = load(g)
    assert module.value_and_grad({"w": np.ones(3)}, np.ones(3))[1]["w"].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("make", "code", "message"),
    [
        (lambda x, n: ops.in_training(x, x.sum()), "GG020", "the shapes differ: (3,) in training, () in inference"),
        (lambda x, n: ops.in_training(x, n), "GG030", "one operand holds float, the other int64"),
        (lambda x, n: ops.in_training(x), "GG006", "takes 2 operands"),
        (lambda x, n: ops.dropout(x, p=1.5), "GG005", "p is a number from 0 to 1, got 1.5"),
        (lambda x, n: ops.dropout(x, p=True), "GG005", "p is a number from 0 to 1, got True"),
        (lambda x, n: ops.dropout(n), "GG031", "needs floats, got int64"),
    ],
)
def test_mistakes(make, code, message):
    g = Graph("wrong")
    g.output(make(g.input("x", (3,)), g.input("n", (3,), dtype="int64")))
    with pytest.raises(GraphError) as caught:
        check.check(g)
    (problem,) = caught.value.problems
    assert problem.code == code and message in problem.message and problem.help
