"""The reverse sweep as program text: one node for each adjoint, sums where values fan out or were broadcast."""

import numpy as np
import pytest
from interpreter import evaluate

from graphgen.differentiation.gradient import gradient
from graphgen.program_text import parse


def swept(text: str, *wrt: str) -> list[str]:
    """The lines that the reverse sweep adds, without comments."""
    program = parse(text)
    lines = str(gradient(program, wrt)).splitlines()
    return [line.split("  #")[0] for line in lines[len(str(program).splitlines()) - 1 :]]


def test_one_node_for_each_adjoint():
    text = """
program("p")
x = input((n, 3))
w = param((3, 2))
b = param((2,))
h_matmul: unnamed = matmul(x, w)
h_add: unnamed = add(h_matmul, b)
h = tanh(h_add)
loss = sum(h)
return loss(loss=loss)
"""
    assert swept(text, "w", "b") == [
        "d_loss: reverse = constant(1.0)",
        "d_h: reverse = broadcast_to(d_loss, shape=(n, 2))",
        "d_h_add: reverse = map('a*(1 - b**2)', d_h, h)",
        "d_h_matmul: reverse = identity(d_h_add)",
        "d_b: reverse = sum(d_h_add, axis=(0,))",
        "d_w_transpose: reverse = transpose(x, axes=(1, 0))",
        "d_w: reverse = matmul(d_w_transpose, d_h_matmul)",
        "return loss(loss=loss), gradient(w=d_w, b=d_b)",
    ]


def test_fan_out_adds():
    text = """
program("p")
x = param(())
square = square(x)
exp = exp(x)
product = multiply(square, exp)
loss = add(product, x)
return loss(loss=loss)
"""
    assert any(line.startswith("d_x: reverse = accumulate(") and line.count(",") == 2 for line in swept(text, "x"))
    values = evaluate(gradient(parse(text), ["x"]), {"x": np.array(0.5)})
    assert values["d_x"] == pytest.approx(np.exp(0.5) * (0.25 + 1.0) + 1.0, rel=1e-15)


def test_gradients_of_gradients():
    """Along w, the gradient of <d_x, w> is the second derivative times w, by reverse mode over reverse mode."""
    text = """
program("p")
x = param((3,))
w = input((3,))
y = sin(x)
y_multiply: unnamed = multiply(y, x)
loss = sum(y_multiply)
return loss(loss=loss)
"""
    once = gradient(parse(text), ["x"])
    twice = gradient(once, ["x"], {once.results["gradient", "x"]: "w"})
    x, w = np.array([0.3, 0.5, -1.0]), np.array([1.0, -2.0, 0.5])
    found = evaluate(twice, {"x": x, "w": w})
    np.testing.assert_allclose(found[once.results["gradient", "x"]], np.sin(x) + x * np.cos(x), rtol=1e-14)
    np.testing.assert_allclose(found[twice.results["gradient", "x"]], w * (2.0 * np.cos(x) - x * np.sin(x)), rtol=1e-14)


def test_what_was_broadcast_is_summed():
    text = """
program("p")
x = param((n, 1, 3))
y = param((4, 1))
z = param(())
total = add(x, y)
shifted = add(total, z)
loss = sum(shifted)
return loss(loss=loss)
"""
    lines = swept(text, "x", "y", "z")
    assert "d_x: reverse = sum(d_total, axis=(1,), keepdims=True)" in lines
    assert "d_z: reverse = sum(d_shifted, axis=(0, 1, 2))" in lines
    assert [line for line in lines if line.startswith("d_y")] == [
        "d_y_sum: reverse = sum(d_total, axis=(0, 2))",
        "d_y: reverse = expand_dims(d_y_sum, axis=(1,))",
    ]


def test_slices_of_one_array_are_assembled_at_once():
    text = """
program("p")
x = param((4,))
first = getitem(x, key=(0,))
rest = getitem(x, key=((1, None, None),))
total = sum(rest)
loss = multiply(total, first)
return loss(loss=loss)
"""
    lines = swept(text, "x")
    assert sum("assemble" in line for line in lines) == 1
    values = evaluate(gradient(parse(text), ["x"]), {"x": np.array([2.0, 3.0, 4.0, 5.0])})
    assert values["d_x"].tolist() == [12.0, 2.0, 2.0, 2.0]


STOPPED = """
program("p")
x = param((2,))
doubled = add(x, x)
stopped = stop_gradient(doubled)
product = multiply(stopped, x)
loss = sum(product)
return loss(loss=loss)
"""


def test_a_reader_that_stops_the_gradient_holds_up_no_other():
    """`doubled` is on the way from x to the loss, and gets no gradient: x gets the one of its other reader."""
    lines = swept(STOPPED, "x")
    assert not any(line.startswith("d_doubled") for line in lines)
    values = evaluate(gradient(parse(STOPPED), ["x"]), {"x": np.array([3.0, -1.0])})
    assert values["d_x"].tolist() == [6.0, -2.0]


def test_what_the_loss_does_not_depend_on_gets_zeros():
    text = """
program("p")
x = param((2, 3))
y = param((2,))
cut = stop_gradient(y)
part = sum(x)
rest = sum(cut)
loss = add(part, rest)
return loss(loss=loss)
"""
    program = gradient(parse(text), ["x", "y"])
    values = evaluate(program, {"x": np.ones((2, 3)), "y": np.ones(2)})
    assert values[program.results["gradient", "x"]].tolist() == [[1.0] * 3] * 2
    assert values[program.results["gradient", "y"]].tolist() == [0.0, 0.0]
    assert program.nodes["d_y"].why.notes == ("the loss does not depend on y",)


def test_the_loss_may_be_what_is_asked_for():
    program = gradient(parse('program("p")\nx = param(())\nreturn loss(loss=x)\n'), ["x"])
    assert evaluate(program, {"x": np.array(2.0)})[program.results["gradient", "x"]] == 1.0


def test_only_what_is_asked_for_has_gradients():
    text = STOPPED.replace("stop_gradient", "tanh")
    assert not any(line.startswith("d_") for line in swept(text) if not line.startswith("d_loss"))
    data = """
program("p")
x = input((2,))
w = param((2,))
product = multiply(x, w)
loss = sum(product)
return loss(loss=loss)
"""
    assert not any(line.startswith("d_x") for line in swept(data, "w"))
    assert any(line.startswith("d_x") for line in swept(data, "w", "x"))
