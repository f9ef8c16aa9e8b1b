"""Bands: no derivative lies outside of one, and where derivatives are known to be few, few sweeps find them."""

import numpy as np
import op_samples
import pytest
from interpreter import evaluate
from test_op_table import FLOAT, LEAVES, declared

from graphgen import Graph, load, ops
from graphgen.check import check
from graphgen.differentiation.bands import bands
from graphgen.differentiation.jacobian import derivatives, plan, plan_of
from graphgen.forms import forms
from graphgen.ops.banding import Band

NAMES = [name for name in FLOAT if name not in LEAVES and not ops.TABLE[name].stops]


def samples(name):
    """A program for each of the op's samples, with values for its leaves and the float ones among these."""
    for sample in op_samples.samples(name)[:4]:
        g = Graph(name)
        values, wrt, nodes = {}, [], []
        for place, array in enumerate(sample.operands):
            values[f"x{place}"] = array
            nodes.append(g.input(f"x{place}", declared(array, symbolic=True), dtype=str(array.dtype)))
            wrt += [f"x{place}"] * (array.dtype.kind == "f")
        result = sample.call(*nodes)
        if result.dtype == "float":
            g.output(y=result)
            yield forms(check(g)).inference, values, wrt


@pytest.mark.parametrize("name", NAMES)
def test_no_derivative_lies_outside_of_a_band(name):
    """Both modes along shared directions find what a direction for each entry finds."""
    for program, values, wrt in samples(name):
        output = program.results["output", "y"]
        for leaf in wrt:
            if values[leaf].size > 40 or not program.nodes[output].shape:
                continue
            found = {}
            for mode in ("forward", "reverse"):
                sweep = plan_of(program, output, leaf, mode)
                whole = sweep._replace(colours=(None,) * len(sweep.colours), count=sweep.full)
                for each in (sweep, whole):
                    made = derivatives(program, each)
                    found[mode, each is whole] = evaluate(made, values)[made.results["jacobian", leaf]]
            dense = found["forward", True]
            for each in found.values():
                np.testing.assert_allclose(each, dense, rtol=1e-9, atol=1e-11 * max(1.0, np.abs(dense).max(initial=0.0)))


def banded(declare, *shape):
    g = Graph("banded")
    g.output(y=declare(g.input("x", shape)))
    program = forms(check(g)).inference
    return bands(program, "x").get(program.results["output", "y"])


@pytest.mark.parametrize(
    ("declare", "shape", "expected"),
    [
        (lambda x: ops.sin(x) * 2.0, ("n",), (Band(0, 0, 0),)),
        (lambda x: x[1:] - x[:-1], ("n",), (Band(0, 0, 1),)),
        (lambda x: x[2:] - 2.0 * x[1:-1] + x[:-2], ("n",), (Band(0, 0, 2),)),
        (lambda x: ops.concat([x, x[:3]], axis=0), (3,), (Band(0, -3, 0),)),
        (lambda x: ops.pad(x, [(2, 1)]), ("n",), (Band(0, -2, -2),)),
        (lambda x: x.T, ("n", "m"), (Band(1, 0, 0), Band(0, 0, 0))),
        (lambda x: ops.softmax(x, axis=1), ("n", 5), (Band(0, 0, 0), None)),
        (lambda x: (x @ np.ones((3, 4))).sum(axis=1), ("n", 3), (Band(0, 0, 0), None)),
        (lambda x: ops.flatten(x, start_axis=1), ("n", 2, 3), (Band(0, 0, 0), None, None)),
        (lambda x: ops.conv1d(x, np.ones((1, 1, 3)), padding=1), (1, 1, "n"), (None, None, Band(2, -1, 1))),
        (lambda x: ops.cumsum(x, axis=1), ("n", 4), (Band(0, 0, 0), None)),
        (lambda x: ops.flip(x, axis=0), ("n",), (None,)),
        (lambda x: x * x.sum(), ("n",), (None,)),
        (lambda x: x + x.T, (3, 3), (None, None)),
    ],
)  # fmt: skip
def test_bands(declare, shape, expected):
    assert banded(declare, *shape) == expected


@pytest.mark.parametrize(
    ("declare", "shape", "mode", "count"),
    [
        (lambda x: ops.sin(x), (50,), "forward", 1),
        (lambda x: x[2:] * x[1:-1] * x[:-2], (50,), "forward", 3),
        (lambda x: ops.softmax(x, axis=1), (20, 5), "forward", 5),
        (lambda x: ops.conv2d(x, np.ones((1, 1, 3, 3)), padding=1), (1, 1, 12, 10), "forward", 9),
        (lambda x: (ops.sin(x) * x).sum(axis=1), (20, 7), "reverse", 1),
        (lambda x: (x * x).sum(), (30,), "reverse", 1),
    ],
)  # fmt: skip
def test_few_sweeps_find_many_derivatives(declare, shape, mode, count):
    g = Graph("few")
    g.output(y=declare(g.input("x", shape)))
    program = forms(check(g)).inference
    (sweep,) = plan(program, program.results["output", "y"], ("x",))
    assert (sweep.mode, sweep.count) == (mode, count)
    module = load(g, jacobian=True, vjp=True)
    x = np.random.default_rng(0).normal(size=shape)
    found = module.jacobian({}, x)["x"]
    for entry in list(np.ndindex(np.shape(module.forward({}, x))))[::7]:
        unit = np.zeros(np.shape(module.forward({}, x)))
        unit[entry] = 1.0
        np.testing.assert_allclose(found[entry], module.vjp({}, {"y": unit}, x)["x"], rtol=1e-12, atol=1e-14)


def test_each_mode_takes_what_it_is_better_at():
    """By x the rows stand alone, which is one sweep in reverse; w is short, and y long."""
    g = Graph("both")
    x, w = g.input("x", (40, 20)), g.param("w", (20,))
    g.output(y=ops.tanh(x * w).sum(axis=1))
    program = forms(check(g)).inference
    sweeps = plan(program, program.results["output", "y"], ("w", "x"))
    assert [(sweep.mode, sweep.leaves, sweep.count) for sweep in sweeps] == [("forward", ("w",), 20), ("reverse", ("x",), 1)]
    module = load(g, jacobian=True, wrt=["x"])
    x, w = np.random.default_rng(0).normal(size=(40, 20)), np.linspace(-1.0, 1.0, 20)
    slope = 1.0 - np.tanh(x * w) ** 2
    found = module.jacobian({"w": w}, x)
    np.testing.assert_allclose(found["w"], slope * x, rtol=1e-13)
    np.testing.assert_allclose(found["x"], np.eye(40)[:, :, None] * slope * w, rtol=1e-13)


def test_leaves_that_share_directions_have_bands_of_their_own():
    g = Graph("shared")
    a, b = g.input("a", (8, 5)), g.input("b", (5, 8))
    g.output(y=(a * b.T).sum(axis=1))
    program = forms(check(g)).inference
    (sweep,) = plan(program, program.results["output", "y"], ("a", "b"))
    assert (sweep.mode, sweep.leaves, sweep.count) == ("reverse", ("a", "b"), 1)
    a, b = np.random.default_rng(0).normal(size=(8, 5)), np.random.default_rng(1).normal(size=(5, 8))
    found = load(g, jacobian=True).jacobian({}, a, b)
    np.testing.assert_allclose(found["a"], np.eye(8)[:, :, None] * b.T, rtol=1e-14)
    np.testing.assert_allclose(found["b"], np.eye(8)[:, None] * a.T[:, None].swapaxes(0, 1), rtol=1e-14)
