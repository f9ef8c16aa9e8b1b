"""The program along a new leading axis, against one run for each entry: every op, in the loss and in both sweeps."""

import numpy as np
import pytest
from interpreter import evaluate
from test_op_table import FLOAT, LEAVES
from test_tangent import curved

from graphgen import ops, sizes
from graphgen.differentiation.gradient import gradient
from graphgen.differentiation.tangent import tangent
from graphgen.differentiation.vmap import vmap
from graphgen.program_text import parse

SEVERAL = 3
NAMES = [name for name in FLOAT if name not in LEAVES]


def along(values, leaves, seed):
    """Other values of these leaves for each entry of a new leading axis; indices stay within what they index."""
    generator = np.random.default_rng(seed)
    result = dict(values)
    for leaf in leaves:
        array = values[leaf]
        if array.dtype.kind == "f":
            result[leaf] = np.stack([array * factor for factor in generator.uniform(0.9, 1.1, SEVERAL)])
        else:
            result[leaf] = np.stack([generator.permutation(array.ravel()).reshape(array.shape) for _ in range(SEVERAL)])
    return result


def check_along(program, values, leaves, seed=0):
    several = along(values, leaves, seed)
    made = vmap(program, leaves, sizes.size("several"))
    found = evaluate(made, several)
    for entry in range(SEVERAL):
        expected = evaluate(program, {name: array[entry] if name in leaves else array for name, array in several.items()})
        for (kind, name), node in program.results.items():
            other = found[made.results[kind, name]]
            other = other[entry] if len(made.nodes[node].shape) > len(program.nodes[node].shape) else other
            np.testing.assert_allclose(other, expected[node], rtol=1e-11, atol=1e-11, err_msg=f"{kind} {name}")


@pytest.mark.parametrize("name", NAMES)
def test_every_op_runs_along_a_new_axis(name):
    program, values, wrt = curved(name)
    reverse = gradient(program, wrt)
    check_along(reverse, values, set(values))
    for seed in range(3):
        some = {leaf for leaf in values if np.random.default_rng([seed, *leaf.encode()]).integers(2)}
        check_along(reverse, values, some or set(values), seed)


@pytest.mark.parametrize("name", [name for name in NAMES if not ops.TABLE[name].stops])
def test_tangents_run_along_a_new_axis(name):
    program, values, wrt = curved(name)
    generator = np.random.default_rng(1)
    dots = {f"{leaf}_dot": generator.normal(size=values[leaf].shape) for leaf in wrt}
    check_along(tangent(gradient(program, wrt), wrt), {**values, **dots}, set(dots))


def test_what_depends_on_none_of_the_leaves_stays():
    text = """
program("p")
x = input((n, 3))
w = param((3, 4))
b = param((4,))
hidden = matmul(x, w)
shifted = add(hidden, b)
loss = sum(shifted)
return loss(loss=loss)
"""
    lines = [line.split("  #")[0] for line in str(vmap(parse(text), ["b"], sizes.size("several"))).splitlines()]
    assert lines == [
        "program('p')",
        "x = input((n, 3))",
        "w = param((3, 4))",
        "b = param((several, 4))",
        "hidden = matmul(x, w)",
        "shifted_expand_dims: unnamed = expand_dims(b, axis=(1,))",
        "shifted = add(hidden, shifted_expand_dims)",
        "loss = sum(shifted, axis=(1, 2))",
        "return loss(loss=loss)",
    ]


def test_a_result_that_is_wanted_along_the_axis_is_repeated():
    text = """
program("p")
x = input((3,))
w = param((3,))
y = negative(x)
z = negative(w)
return output(y=y, z=z)
"""
    program = vmap(parse(text), ["x"], 2, kinds=["output"])
    found = evaluate(program, {"x": np.ones((2, 3)), "w": np.arange(3.0)})
    assert found["y"].tolist() == [[-1.0] * 3] * 2
    assert found["z"].tolist() == [[0.0, -1.0, -2.0]] * 2


SHAPES = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (1, 3), (3, 2), (2, 3), (3, 3)]


@pytest.mark.parametrize("which", [("a",), ("b",), ("a", "b")])
@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_products_of_all_ranks(left, right, which):
    generator = np.random.default_rng([left, right])
    shapes = {"a": (2, 4, 3)[3 - left :], "b": ((2, 3, 5) if right > 1 else (3,))[-right:]}
    lines = [f"{name} = param({shape})" for name, shape in shapes.items()]
    program = parse("\n".join(['program("p")', *lines, "y = matmul(a, b)", "return output(y=y)"]))
    check_along(program, {name: generator.normal(size=shape) for name, shape in shapes.items()}, set(which))
