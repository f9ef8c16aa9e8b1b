"""Initializers from the declaration to the generated init_parameters."""

import numpy as np
import pytest

from graphgen import Graph, compile, initializers, layers, load, ops
from graphgen.initializers import INITIALIZERS
from graphgen.program_text import parse, text


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", INITIALIZERS)
def test_every_initializer_by_name_and_by_function(name, dtype):
    def drawn(init):
        g = Graph("drawn", dtype=dtype)
        shape = (8,) if name == "forget_bias" else (4, 4)
        g.loss(ops.square(g.param("w", shape, init)).sum())
        return load(g).init_parameters(seed=3)["w"]

    function = getattr(initializers, name)
    one, other = drawn(name), drawn(function(0.0) if name == "constant" else function())
    assert one.dtype == dtype and np.array_equal(one, other)


def test_options_are_written_as_keywords():
    g = Graph("written")
    w = g.param("w", (4, 3), initializers.variance_scaling(2, mode="fan_avg", distribution="uniform"))
    v = g.param("v", ("rows", 3), initializers.truncated_normal(std=np.float32(0.5)))
    g.loss(ops.square(w).sum() + ops.square(v).sum())
    source = compile(g)
    assert 'variance_scaling(generator, (4, 3), scale=2.0, mode="fan_avg", distribution="uniform")' in source
    assert "truncated_normal(generator, (rows, 3), mean=0.0, std=0.5, cut=2.0)" in source
    parameters = load(g).init_parameters(rows=7)
    assert np.abs(parameters["v"]).max() <= 1.0 and parameters["v"].shape == (7, 3)


def test_the_identity_of_a_size_that_is_known_later():
    g = Graph("later")
    x = g.input("x", ("batch", "features"))
    w = g.param("w", (x.shape[1], x.shape[1]), "identity")
    g.loss(ops.square(x @ w).sum())
    assert np.array_equal(load(g).init_parameters(features=3)["w"], np.eye(3))


def test_a_program_with_them_is_written_and_read_back():
    from graphgen.check import check

    g = Graph("text")
    x = g.input("x", ("batch", 4))
    init = initializers.variance_scaling(2.0, mode="fan_out")
    g.loss(ops.square(layers.dense(x, 4, name="fc", init=init)).sum())
    program = check(g)
    assert text(parse(text(program))) == text(program) and "mode='fan_out'" in text(program)


def test_scalars_are_drawn_too():
    g = Graph("numbers")
    names = [name for name in INITIALIZERS if name not in ("orthogonal", "identity", "forget_bias")]
    total = sum((g.param(f"of_{name}", (), name) for name in names[1:]), g.param("of_zeros", (), "zeros"))
    g.loss(total * total)
    assert all(type(value) is float for value in load(g).init_parameters().values())
