"""Random programs: each pass alone changes no result beyond rounding, and neither do all of them together."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from interpreter import draw, evaluate
from rewritten import assert_same_results

from graphgen import ops
from graphgen.differentiation.gradient import gradient
from graphgen.differentiation.tangent import tangent
from graphgen.passes import PASSES, guard, protect, tidy
from graphgen.passes.algebra import algebra
from graphgen.passes.broadcasts import broadcasts
from graphgen.passes.fold import fold
from graphgen.passes.masks import masks
from graphgen.passes.merge import merge
from graphgen.passes.prune import prune
from graphgen.passes.simplify import simplify
from graphgen.passes.slices import slices
from graphgen.passes.sums import sums
from graphgen.passes.views import views
from graphgen.program import Builder, Node, Program, Value
from graphgen.program_text import parse, text
from graphgen.sizes import symbol

BATCH = symbol("batch")
SHAPES = [(), (3,), (1,), (BATCH, 3), (BATCH, 1), (2, 1, 3)]
UNARY = ["negative", "exp", "tanh", "relu", "square", "sin", "identity", "sigmoid", "abs", "stop_gradient"]
BINARY = ["add", "subtract", "multiply", "maximum"]
NUMBERS = [0.0, 1.0, -1.0, 2.0, 0.5, 3.0]


def unary(builder: Builder, draw, pool):
    return builder.add(draw(st.sampled_from(UNARY)), (draw(pool),), {})


def binary(builder: Builder, draw, pool):
    one, other = draw(pool), draw(pool | st.sampled_from(NUMBERS))
    return builder.add(draw(st.sampled_from(BINARY)), (one, other), {})


def quotient(builder: Builder, draw, pool):
    one, other = draw(pool), draw(pool)
    return one / (1.0 + ops.square(other)) if draw(st.booleans()) else one / draw(st.sampled_from([1.0, -1.0, 4.0]))


def chosen(builder: Builder, draw, pool):
    condition, one, other = draw(pool), draw(pool), draw(pool)
    return ops.where(condition > draw(st.sampled_from([0.0, 0.5])), draw(st.sampled_from([ops.log, ops.sqrt, ops.square]))(one), other)


def reduced(builder: Builder, draw, pool):
    x = draw(pool)
    axes = tuple(axis for axis in range(x.ndim) if draw(st.booleans()))
    return builder.add(draw(st.sampled_from(["sum", "mean", "max"])), (x,), {"axis": axes, "keepdims": draw(st.booleans())})


def arranged(builder: Builder, draw, pool):
    x = draw(pool)
    which = draw(st.sampled_from(["transpose", "expand_dims", "squeeze", "flat", "reshape"]))
    if which == "expand_dims":
        return ops.expand_dims(x, axis=draw(st.integers(0, x.ndim))) if x.ndim < 3 else x
    if which in ("transpose", "squeeze"):
        return builder.add(which, (x,), {})
    return ops.reshape(x, shape=(-1,)) if which == "flat" else ops.reshape(ops.reshape(x, shape=(-1,)), shape=x.shape)


def sliced(builder: Builder, draw, pool):
    x = draw(pool)
    if not x.ndim:
        return x
    if x.shape[-1] != 3:
        return x[:1]
    return draw(st.sampled_from([lambda: x[..., 0] + x[..., 1] * x[..., 2], lambda: ops.concat([x[..., 1:], x[..., :1]], axis=-1), lambda: x[..., ::2]]))()


def product(builder: Builder, draw, pool):
    x = draw(pool)
    return x @ builder["w"] if x.ndim and x.shape[-1] == 3 else x


@st.composite
def programs(draw) -> Program:
    """A program of a dozen values, some of which have names, and a scalar loss."""
    builder = Builder(Program("p"))
    for at, shape in enumerate([*SHAPES, (3, 3)]):
        name = "w" if shape == (3, 3) else f"x{at}"
        builder.append(Node(name, "input", (), {"shape": shape, "dtype": "float", "low": None, "high": None}, shape, "float", named=True))
    values: list[Value] = [builder[f"x{at}"] for at in range(len(SHAPES))]
    for at in range(draw(st.integers(1, 12))):
        make = draw(st.sampled_from([unary, unary, binary, binary, quotient, chosen, reduced, arranged, sliced, product]))
        pool = st.sampled_from(values)
        with builder.making(f"v{at}") as finish:
            try:
                value = finish(make(builder, draw, pool))
            except ops.Mismatch:  # shapes that do not broadcast
                value = finish(builder.add("negative", (draw(pool),), {}))
        builder.nodes[value.name] = value.node._replace(named=draw(st.booleans()))
        values.append(value)
    with builder.making("loss") as finish:
        total = values[-1]
        for value in values[-4:-1]:
            total = ops.mean(value) + ops.sum(total)
        finish(ops.sum(total))
    builder.results = {("output", "y"): values[-1].name, ("loss", "loss"): "loss"}
    return builder.build()


def differentiated(program: Program) -> list[Program]:
    wrt = [node.name for node in program.leaves("input")]
    return [gradient(program, wrt), tangent(program, wrt), tangent(gradient(program, wrt), wrt)]


@pytest.mark.parametrize("run", [prune, fold, algebra, views, broadcasts, simplify, slices, merge, sums, masks, tidy, lambda program: parse(text(program))])
@settings(max_examples=40, deadline=None)
@given(program=programs(), seed=st.integers(0, 3))
def test_no_result_changes(run, program, seed):
    for each in differentiated(program):
        assert_same_results(each, run(each), seed, batch=4)


@settings(max_examples=60, deadline=None)
@given(program=programs(), seed=st.integers(0, 3))
def test_protected_and_guarded_programs_have_the_same_results(program, seed):
    wrt = [node.name for node in program.leaves("input")]
    assert_same_results(program, protect(program), seed)
    plain = gradient(program, wrt)
    careful = guard(gradient(protect(program), wrt))
    values = draw(program, seed, batch=4)
    with np.errstate(all="ignore"):
        expected, found = evaluate(plain, values), [evaluate(each, values) for each in (careful, tidy(careful))]
    # A gradient times a mask stands for `where` only while the declared values themselves are finite.
    assume(all(np.isfinite(expected[name]).all() for name in program.results.values()))
    for result, name in plain.results.items():
        finite = np.isfinite(expected[name])  # elsewhere a branch not taken has made it nan
        for other, each in zip((careful, tidy(careful)), found, strict=True):
            np.testing.assert_allclose(each[other.results[result]][finite], expected[name][finite], rtol=1e-9, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(program=programs())
def test_what_is_tidy_stays_so_and_is_the_same_each_time(program):
    for each in differentiated(program):
        once = tidy(each)
        assert text(tidy(each)) == text(once)
        assert len(tidy(once).nodes) <= len(once.nodes)


@settings(max_examples=40, deadline=None)
@given(program=programs())
def test_random_programs_round_trip_as_text(program):
    for each in differentiated(program):
        assert text(parse(text(each))) == text(each)


def chain(length: int) -> Program:
    """A long chain, differentiated."""
    builder = Builder(Program("p"))
    x = builder.append(Node("x", "input", (), {"shape": (), "dtype": "float", "low": None, "high": None}, (), "float", named=True))
    for at in range(length):
        with builder.making(f"v{at}") as finish:
            x = finish(ops.where(x > 0.5, ops.log(x), ops.sin(x)) if at % 5 == 0 else -x + 1.0)
    builder.results["loss", "loss"] = x.name
    return builder.build()


def test_no_pass_needs_a_deep_stack():
    program = guard(gradient(protect(chain(3000)), ["x"]))
    assert len(tidy(program).nodes) < len(program.nodes)
    nested = Builder(Program("p"))
    x = nested.append(Node("x", "input", (), {"shape": (), "dtype": "float", "low": None, "high": None}, (), "float", named=True))
    value = ops.log(x)
    for _ in range(2000):
        value = ops.where(x > 0.5, value, x)
    nested.results["loss", "loss"] = value.name
    assert len(guard(gradient(protect(nested.build()), ["x"])).nodes) > 2000


def test_every_pass_says_why():
    assert all(each.why and callable(each.run) for each in PASSES)
