"""The forward-mode sweep as program text, and of the reverse sweep: second derivatives of every op."""

import differences
import numpy as np
import op_samples
import pytest
from interpreter import evaluate
from test_op_table import FLOAT, LEAVES, declared

from graphgen import Graph, GraphError, ops
from graphgen.check import check
from graphgen.differentiation.gradient import gradient
from graphgen.differentiation.tangent import tangent
from graphgen.program_text import parse

TEXT = """
program("p")
x = param((n, 3))
w = param((3,))
c = input((n, 3))
cosines = cos(c)
product = multiply(x, w)
mixed = add(product, cosines)
peak = max(mixed, axis=1)
loss = sum(peak)
return output(cosines=cosines), loss(loss=loss)
"""


def test_each_value_is_followed_by_its_tangent():
    lines = [line.split("  #")[0] for line in str(tangent(parse(TEXT), ["x", "w"])).splitlines()]
    assert lines == [
        "program('p')",
        "x = param((n, 3))",
        "x_dot: tangent = input((n, 3))",
        "w = param((3,))",
        "w_dot: tangent = input((3,))",
        "c = input((n, 3))",
        "cosines = cos(c)",
        "product = multiply(x, w)",
        "product_dot: tangent = map('a*d + b*c', x_dot, w_dot, x, w)",
        "mixed = add(product, cosines)",
        "mixed_dot: tangent = identity(product_dot)",
        "peak = max(mixed, axis=(1,))",
        "peak_dot_expand_dims: tangent = expand_dims(peak, axis=(1,))",
        "peak_dot_mask: tangent = equal(mixed, peak_dot_expand_dims)",
        "peak_dot_cast: tangent = cast(peak_dot_mask, dtype='float')",
        "peak_dot_sum: tangent = sum(peak_dot_cast, axis=(1,), keepdims=True)",
        "peak_dot_divide: tangent = divide(peak_dot_cast, peak_dot_sum)",
        "peak_dot_multiply: tangent = multiply(peak_dot_divide, mixed_dot)",
        "peak_dot: tangent = sum(peak_dot_multiply, axis=(1,))",
        "loss = sum(peak, axis=(0,))",
        "loss_dot: tangent = sum(peak_dot, axis=(0,))",
        "cosines_dot_constant: tangent = constant(0.0)",
        "cosines_dot: tangent = broadcast_to(cosines_dot_constant, shape=(n, 3))",
        "return output(cosines=cosines), loss(loss=loss), output_dot(cosines=cosines_dot), loss_dot(loss=loss_dot)",
    ]


def test_tangents_are_of_the_shape_of_their_values():
    text = """
program("p")
x = param((1, 3))
y = input((2, 3))
total = add(x, y)
loss = sum(total)
return output(total=total), loss(loss=loss)
"""
    program = tangent(parse(text), ["x"])
    values = evaluate(program, {"x": np.ones((1, 3)), "x_dot": np.array([[1.0, 2.0, 3.0]]), "y": np.ones((2, 3))})
    assert values["total_dot"].tolist() == [[1.0, 2.0, 3.0]] * 2
    assert values["loss_dot"] == 12.0


def test_a_stopped_operand_has_no_tangent():
    text = """
program("p")
x = param(())
cut = stop_gradient(x)
loss = multiply(cut, x)
return loss(loss=loss)
"""
    program = tangent(parse(text), ["x"])
    assert "cut_dot" not in program.nodes
    assert evaluate(program, {"x": np.array(3.0), "x_dot": np.array(2.0)})["loss_dot"] == 6.0


def test_the_value_of_a_pad_is_no_part_of_its_tangent():
    text = """
program("p")
x = param((2,))
padded = pad(x, pad_width=((1, 1),), constant_values=7.0)
loss = sum(padded)
return loss(loss=loss)
"""
    program = tangent(parse(text), ["x"])
    assert evaluate(program, {"x": np.ones(2), "x_dot": np.array([1.0, 2.0])})["padded_dot"].tolist() == [
        0.0,
        1.0,
        2.0,
        0.0,
    ]


# Declared slopes are differentiated as they are declared, which no difference tells: see test_control.py.
DECLARED = [name for name, row in ops.ELEMENTWISE.items() if row.controls]
DERIVED = [name for name in FLOAT if name not in (*LEAVES, *DECLARED) and not ops.TABLE[name].stops]


def curved(name):
    """A program whose loss curves in every result of the op's samples, with values for its leaves."""
    g = Graph(name)
    values, wrt, total = {}, [], None
    for at, sample in enumerate(op_samples.samples(name)[:6]):
        nodes = []
        for place, array in enumerate(sample.operands):
            leaf = f"x{at}_{place}"
            values[leaf] = array / 4.1 if array.dtype.kind == "f" and np.abs(array).max() > 3.0 else array
            nodes.append(g.input(leaf, declared(array, symbolic=True), dtype=str(array.dtype)))
            wrt += [leaf] * (array.dtype.kind == "f")
        result = sample.call(*nodes)
        result = ops.cast(result, "float") if result.dtype != "float" else result
        part = ops.sum(ops.sin(result + 0.1 * at))
        total = part if total is None else total + part
    g.loss(total)
    return check(g), values, wrt


@pytest.mark.parametrize("name", DERIVED)
def test_second_derivatives(name):
    """<u, H v> by the tangent of the reverse sweep, against differences of the gradient along v."""
    program, values, wrt = curved(name)
    reverse = gradient(program, wrt)
    results = reverse.of("gradient")
    generator = np.random.default_rng(11)
    u, v = ({leaf: generator.normal(size=values[leaf].shape) for leaf in wrt} for _ in range(2))

    def along(step):
        found = evaluate(reverse, {**values, **{leaf: values[leaf] + step * v[leaf] for leaf in wrt}})
        return sum(float(np.sum(u[leaf] * found[results[leaf]])) for leaf in wrt)

    expected = differences.slope(along, first_step=2.0**-8, rungs=8)
    second = tangent(reverse, wrt)
    found = evaluate(second, {**values, **{f"{leaf}_dot": v[leaf] for leaf in wrt}})
    product = sum(float(np.sum(u[leaf] * found.get(f"{results[leaf]}_dot", 0.0))) for leaf in wrt)
    assert expected != 0.0
    assert product == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("name", DERIVED)
def test_third_derivatives(name):
    """<u, D(H v) w> by the tangent of a tangent of the reverse sweep, against differences of <u, H v> along w."""
    program, values, wrt = curved(name)
    second = tangent(gradient(program, wrt), wrt)
    generator = np.random.default_rng(12)
    u, v, w = ({leaf: generator.normal(size=values[leaf].shape) for leaf in wrt} for _ in range(3))
    given = {f"{leaf}_dot": v[leaf] for leaf in wrt}
    results = second.of("gradient_dot")

    def along(step):
        found = evaluate(second, {**values, **given, **{leaf: values[leaf] + step * w[leaf] for leaf in wrt}})
        return sum(float(np.sum(u[leaf] * found[results[leaf]])) for leaf in wrt)

    expected = differences.slope(along, first_step=2.0**-8, rungs=8)
    third = tangent(second, wrt)
    results = third.of("gradient_dot_dot")
    found = evaluate(third, {**values, **given, **{f"{leaf}_dot_2": w[leaf] for leaf in wrt}})
    product = sum(float(np.sum(u[leaf] * found[results[leaf]])) for leaf in wrt)
    assert expected != 0.0
    assert product == pytest.approx(expected, rel=1e-6)


def test_derivatives_of_gamma_go_to_a_polygamma_of_order_3():
    program = parse('''program("p")
x = param(())
loss = lgamma(x)
return loss(loss=loss)
''')
    program = gradient(program, ["x"])
    for _ in range(3):
        program = tangent(program, ["x"])
    with pytest.raises(GraphError, match="it would take a polygamma of order 4, they go to 3"):
        tangent(program, ["x"])
