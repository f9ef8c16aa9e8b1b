"""softmax and its relatives, and losses: accuracy with large offsets, rows of infinities, targets and reductions."""

import mpmath
import numpy as np
import pytest
from sample import integers, some

from graphgen import Graph, load, losses, ops

OFFSETS = (0.0, 1e4, -1e4)
EPSILONS = {"float64": 2.0**-52, "float32": 2.0**-23}


def exact(name, row):
    """The value in 60 digits, of the row as it is stored."""
    with mpmath.workdps(60):
        numbers = [mpmath.mpf(float(each)) for each in row]
        total = mpmath.fsum(mpmath.exp(each) for each in numbers)
        if name == "softmax":
            return [mpmath.exp(each) / total for each in numbers]
        if name == "log_softmax":
            return [each - mpmath.log(total) for each in numbers]
        return [mpmath.log(total)]


@pytest.mark.parametrize("style", ["teach", "compact"])
@pytest.mark.parametrize("dtype", EPSILONS)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_values_are_within_4_eps(name, dtype, style):
    g = Graph("rows", dtype=dtype)
    x = g.input("x", ("n", 7))
    g.output(y=getattr(ops, name)(x, axis=1))
    forward = load(g, style=style, inference=True).forward
    for offset in OFFSETS:
        x = (some(20, 7) + offset).astype(dtype)
        found = forward({}, x).reshape(20, -1)
        assert found.dtype == dtype
        for row, values in zip(x, found, strict=True):
            for value, true in zip(values, exact(name, row), strict=True):
                # A shift by the largest logit rounds nothing away that a logit holds.
                scale = abs(true) if name != "log_softmax" else max(abs(true), 1)
                assert abs(mpmath.mpf(float(value)) - true) <= 4 * EPSILONS[dtype] * scale


@pytest.mark.parametrize("dtype", EPSILONS)
def test_gradients_of_cross_entropy_are_within_4_eps(dtype):
    g = Graph("loss", dtype=dtype)
    logits = g.param("logits", (5, 7))
    label = g.input("label", (5,), dtype="int64")
    g.loss(losses.cross_entropy(logits, label, reduction="sum"))
    module = load(g)
    labels = integers([0, 3, 6, 1, 1])
    for offset in OFFSETS:
        x = (2.0 * some(5, 7) + offset).astype(dtype)
        value, gradients = module.value_and_grad({"logits": x}, labels)
        with mpmath.workdps(60):
            true = mpmath.fsum(-exact("log_softmax", row)[at] for row, at in zip(x, labels, strict=True))
            assert abs(value - true) <= 8 * EPSILONS[dtype] * true
            for row, at, found in zip(x, labels, gradients["logits"], strict=True):
                for place, share in enumerate(exact("softmax", row)):
                    assert abs(mpmath.mpf(float(found[place])) - (share - (place == at))) <= 4 * EPSILONS[dtype]


@pytest.mark.parametrize("style", ["teach", "compact"])
def test_rows_with_infinities(style):
    x = np.array([[-np.inf, -np.inf, 0.0], [-np.inf, 1.0, 1.0], [0.0, 1.0, 2.0]])
    g = Graph("rows")
    node = g.param("x", (3, 3))
    weights = g.constant(np.array([[1.0, 2.0, 3.0]] * 3))
    g.output(shares=ops.softmax(node), total=ops.logsumexp(node, axis=1))
    g.loss(ops.sum(ops.softmax(node) * weights) + ops.sum(ops.logsumexp(node, axis=1)))
    module = load(g, style=style)
    shares, total = module.forward({"x": x})
    np.testing.assert_allclose(shares[:2], [[0.0, 0.0, 1.0], [0.0, 0.5, 0.5]], rtol=1e-15)
    np.testing.assert_allclose(total, [0.0, 1.0 + np.log(2.0), np.log(np.sum(np.exp([0.0, 1.0, 2.0])))], rtol=1e-15)
    gradients = module.value_and_grad({"x": x})[1]["x"]
    mean = shares @ [1.0, 2.0, 3.0]
    np.testing.assert_allclose(gradients, shares * ([1.0, 2.0, 3.0] - mean[:, None]) + shares, rtol=1e-13)


def test_logsumexp_of_nothing_but_infinities():
    g = Graph("rows")
    x = g.input("x", (2, 2))
    g.output(y=ops.logsumexp(x, axis=1))
    forward = load(g, inference=True).forward
    with np.errstate(divide="ignore"):
        assert forward({}, np.array([[-np.inf, -np.inf], [np.inf, 0.0]])).tolist() == [-np.inf, np.inf]


def test_one_hot_targets_are_labels():
    logits, labels = some(4, 3), integers([2, 0, 1, 1])
    for reduction in ("mean", "sum"):
        found = []
        for target in (labels, np.eye(3)[labels]):
            g = Graph("loss")
            node = g.param("logits", (4, 3))
            g.loss(
                losses.cross_entropy(
                    node, g.input("target", target.shape, dtype=str(target.dtype)), reduction=reduction
                )
            )
            found.append(load(g).value_and_grad({"logits": logits}, target))
        assert found[0][0] == pytest.approx(found[1][0], rel=1e-15)
        np.testing.assert_allclose(found[0][1]["logits"], found[1][1]["logits"], rtol=1e-14, atol=1e-16)


def test_a_target_may_be_learned_too():
    """Soft targets get their gradient: minus the logarithm of the share."""
    g = Graph("loss")
    logits, target = g.input("logits", (2, 3)), g.param("target", (2, 3))
    g.loss(losses.cross_entropy(logits, target, reduction="sum"))
    x = some(2, 3)
    shares = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    gradient = load(g).value_and_grad({"target": np.full((2, 3), 1 / 3)}, x)[1]["target"]
    np.testing.assert_allclose(gradient, -np.log(shares), rtol=1e-13)
