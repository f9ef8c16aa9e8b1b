"""A slope that is made wrong is found at the node that it belongs to, and in the mode that it is wrong in."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

import graphgen.differentiation.gradient
import graphgen.differentiation.tangent
import graphgen.module.setting
from graphgen import Graph, checking, layers, losses, ops
from graphgen.calculus import slopes
from graphgen.calculus.formula import formula


def classifier() -> Graph:
    g = Graph("classifier")
    x = g.input("x", ("batch", 4))
    label = g.input("label", ("batch",), dtype="int64")
    hidden = ops.tanh(layers.dense(x, 5, name="fc1"))
    gate = ops.sigmoid(layers.dense(x, 5, name="gate"))
    mixed = hidden * gate
    logits = layers.dense(mixed, 3, name="fc2")
    g.loss(losses.cross_entropy(logits, label))
    return g


def rows() -> Graph:
    g = Graph("rows")
    x = g.input("x", ("batch", 6))
    scaled = x * g.param("w", (6,), init=np.array([0.4, -0.7, 1.1, 0.9, -0.3, 0.8]))
    ordered = ops.sort(scaled, axis=1)
    best = ops.max(scaled, axis=1)
    kept = ops.where(scaled > 0, scaled, 0.1 * scaled)
    lengths = ops.norm(kept, axis=1)
    spread = ops.var(ordered, axis=1)
    running = ops.cumprod(0.5 + ops.square(kept), axis=1)
    padded = ops.pad(running, ((0, 0), (1, 1)), constant_values=2.0)
    turned = ops.roll(padded, 2, axis=1)
    table = turned.reshape((-1, 2, 4)).T
    g.loss((best + lengths + spread).mean() + ops.logsumexp(table))
    return g


def scalars() -> Graph:
    g = Graph("scalars")
    x = g.input("x")
    w, b = g.param("w", init=0.7), g.param("b", init=-0.2)
    inner = ops.exp(w * x) + b
    gamma = ops.lgamma(2.0 + ops.square(inner))
    g.loss(ops.log(1.0 + ops.square(gamma)))
    return g


def images() -> Graph:
    g = Graph("images")
    x = g.input("x", ("batch", 1, 6, 6))
    kernel = g.param("kernel", (2, 1, 3, 3))
    features = ops.gelu(ops.conv2d(x, kernel))
    pooled = ops.max_pool2d(features, 2)
    joined = ops.concat([pooled, 2.0 * pooled], axis=1)
    g.loss(ops.mean(joined * joined))
    return g


Patch = Callable[[pytest.MonkeyPatch], None]


class Mutation(NamedTuple):
    """What is made wrong, in which model, and what is to be found."""

    patch: Patch
    model: Callable[[], Graph]
    op: str
    modes: tuple[str, ...]


REVERSE, FORWARD, BOTH = ("reverse",), ("forward",), ("reverse", "forward")


def row(name: str, **facts: Any) -> Patch:
    """A row of the op table with other facts."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(ops.TABLE, name, replace(ops.TABLE[name], **facts))

    return patch


def rule(name: str, where: Any, what: str) -> Patch:
    """The slope of an elementwise op times 1.01, in one mode."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        right = getattr(where, what)

        def wrong(signature: Any, *arguments: Any) -> Any:
            found = right(signature, *arguments)
            if signature.op != name or found is None:
                return found
            return found._replace(formula=formula(1.01 * found.formula.expression, found.formula.slots))

        monkeypatch.setattr(where, what, wrong)

    return patch


def derivative(name: str, factor: float) -> Patch:
    """The derived slope of an elementwise op times a factor, for both modes."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        right = slopes._slope
        monkeypatch.setattr(
            slopes, "_slope", lambda signature, at: right(signature, at) * (factor if signature.op == name else 1)
        )
        # What was derived before is remembered: these ask anew, and remember nothing.
        monkeypatch.setattr(slopes, "_vjp", slopes._vjp.__wrapped__)
        monkeypatch.setattr(slopes, "_jvp", slopes._jvp.__wrapped__)

    return patch


def transposed(name: str, change: Callable[[Any], Any]) -> Patch:
    """The transpose of a row with something done to what it answers."""
    right = ops.TABLE[name].transpose
    return row(name, transpose=lambda *arguments, **attributes: change(right(*arguments, **attributes)))


def weighted(name: str, change: Callable[[Any], Any]) -> Patch:
    right = ops.TABLE[name].weights
    return row(name, weights=lambda *arguments, **attributes: change(right(*arguments, **attributes)))


MUTATIONS = {
    "tanh, reverse": Mutation(rule("tanh", graphgen.differentiation.gradient, "vjp"), classifier, "tanh", REVERSE),
    "tanh, forward": Mutation(rule("tanh", graphgen.differentiation.tangent, "jvp"), classifier, "tanh", FORWARD),
    "tanh, derived": Mutation(derivative("tanh", -1.0), classifier, "tanh", BOTH),
    "sigmoid, derived": Mutation(derivative("sigmoid", 1.001), classifier, "sigmoid", BOTH),
    "multiply, reverse": Mutation(rule("multiply", graphgen.differentiation.gradient, "vjp"), classifier, "multiply", REVERSE),
    "add, forward": Mutation(rule("add", graphgen.differentiation.tangent, "jvp"), classifier, "add", FORWARD),
    "log of cross_entropy": Mutation(derivative("log", 2.0), classifier, "log", BOTH),
    "exp of cross_entropy": Mutation(rule("exp", graphgen.differentiation.gradient, "vjp"), classifier, "exp", REVERSE),
    "matmul": Mutation(transposed("matmul", lambda g: g * 1.5), classifier, "matmul", REVERSE),
    "take_along_axis": Mutation(transposed("take_along_axis", lambda g: -g), classifier, "take_along_axis", REVERSE),
    "mean": Mutation(transposed("mean", lambda g: g * 3.0), classifier, "mean", REVERSE),
    "max": Mutation(weighted("max", lambda weights: weights * 0.9), rows, "max", BOTH),
    "norm": Mutation(weighted("norm", ops.square), rows, "norm", BOTH),
    "var": Mutation(weighted("var", lambda weights: 2.0 * weights), rows, "var", BOTH),
    "where": Mutation(rule("where", graphgen.differentiation.gradient, "vjp"), rows, "where", REVERSE),
    "cumprod, reverse": Mutation(transposed("cumprod", lambda g: g + 0.01), rows, "cumprod", REVERSE),
    "cumprod, forward": Mutation(
        row("cumprod", tangent=lambda place, dot, y, x, /, axis: dot * y), rows, "cumprod", FORWARD
    ),
    "pad, forward": Mutation(row("pad", tangent_attributes=None), rows, "pad", FORWARD),
    "roll": Mutation(row("roll", transpose=lambda place, g, x, /, **how: ops.roll(g, **how)), rows, "roll", REVERSE),
    "transpose": Mutation(
        row("transpose", transpose=lambda place, g, x, /, axes: ops.reshape(g, x.shape)), rows, "transpose", REVERSE
    ),
    "sum of logsumexp": Mutation(transposed("sum", lambda g: g * g), rows, "sum", REVERSE),
    "lgamma": Mutation(derivative("lgamma", 1.001), scalars, "lgamma", BOTH),
    "square": Mutation(derivative("square", 0.5), scalars, "square", BOTH),
    "log, forward": Mutation(rule("log", graphgen.differentiation.tangent, "jvp"), scalars, "log", FORWARD),
    "gelu": Mutation(derivative("gelu", 1.01), images, "gelu", BOTH),
    "windows of max_pool2d": Mutation(transposed("windows", lambda g: g * 1.01), images, "windows", REVERSE),
    "concat": Mutation(transposed("concat", lambda g: 2.0 * g), images, "concat", REVERSE),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_slope_is_found_at_its_node(name, monkeypatch):
    patch, model, op, modes = MUTATIONS[name]
    patch(monkeypatch)
    report = checking.check(checking.Subject.of(model()))
    assert not report.passed
    assert {each.op for each in report.faulty} == {op}
    assert all(each.fault is not None and each.fault.modes == modes for each in report.faulty)
    wrong_there = {each.node.name for each in report.nodes if each.op == op and each.fault is not None}
    assert wrong_there == {each.node.name for each in report.faulty}
    assert report.wrong  # and some gradient shows it


@pytest.mark.parametrize("model", [classifier, rows, scalars, images])
def test_models_without_a_mutation_pass(model):
    report = checking.check(checking.Subject.of(model()))
    assert report.passed and report.worst < 1e-10 or model is scalars and report.worst < 1e-7


def test_a_sweep_that_loses_a_reader_is_told_from_a_node(monkeypatch):
    right = graphgen.differentiation.gradient._Sweep._contributions
    lost = []

    def forgetful(sweep, reader, name, g):
        lost.append(reader.op == "multiply" and len(sweep.readers[name]) > 1)
        return [] if lost[-1] else right(sweep, reader, name, g)

    g = Graph("read_twice")
    w = g.param("w", (3,), init="ones")
    twice = ops.exp(w)
    g.loss(ops.sum(twice * ops.sin(w)) + ops.sum(twice))
    monkeypatch.setattr(graphgen.differentiation.gradient._Sweep, "_contributions", forgetful)
    report = checking.check(checking.Subject.of(g))
    assert any(lost) and not report.passed and not report.faulty
    (said,) = report.problems
    assert said.startswith("each node is right by itself, the reverse sweep is wrong: first at the gradient of twice (")


def test_a_wrong_simplification_is_told_from_a_node(monkeypatch):
    right = graphgen.module.setting.tidy

    def wrong(program):
        found = right(program)
        return replace(
            found, results={key: "w" if key[0] == "gradient" else name for key, name in found.results.items()}
        )

    g = Graph("simplified")
    g.loss(ops.sum(ops.cos(g.param("w", (3,), init="ones"))))
    monkeypatch.setattr(graphgen.module.setting, "tidy", wrong)
    report = checking.check(checking.Subject.of(g))
    assert not report.passed and not report.faulty
    assert report.problems == [
        "each node is right by itself, the teach style has other gradients of w: a simplification is wrong"
    ]


def test_a_loss_that_is_another_is_said(monkeypatch):
    g = Graph("other")
    g.loss(ops.sum(ops.square(g.param("w", (3,), init="ones"))))
    subject = checking.Subject.of(g)
    monkeypatch.setattr(subject.module, "loss", lambda *arguments: 5.0)
    report = checking.check(subject)
    assert not report.passed and report.problems[0].startswith(
        "loss answers with the loss 5, its nodes one by one with "
    )


def test_enough_ops_are_made_wrong():
    assert len(MUTATIONS) >= 20 and len({each.op for each in MUTATIONS.values()}) >= 20
