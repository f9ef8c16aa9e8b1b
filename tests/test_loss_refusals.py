"""What losses refuse: one case for each message, with its code and remedy."""

import pytest

from graphgen import Graph, losses, ops
from graphgen.check import problems_of
from graphgen.errors import GraphError


def refusals():
    """What is wrong: a call of losses, given nodes; then the code, the message and the remedy."""
    one_of = 'one of "mean", "sum", "none"'
    default = "leave it out for its default"
    floats = 'declare it with dtype="float64", or ops.cast it'
    expected = "expected (5,)"
    return [
        (lambda x, t, w, n: losses.l1(x, x, reduction="avg"), "GG005", "l1: unknown reduction 'avg'", one_of),
        (
            lambda x, t, w, n: losses.mse(x, x, reduction="batchmean"),
            "GG005",
            "mse: unknown reduction 'batchmean'",
            one_of,
        ),
        (
            lambda x, t, w, n: losses.kl_div(x, x, reduction="avg"),
            *("GG005", "kl_div: unknown reduction 'avg'", 'one of "mean", "sum", "none", "batchmean"'),
        ),
        (
            lambda x, t, w, n: losses.kl_div(n, n, reduction="batchmean"),
            *("GG027", "kl_div: batchmean divides by the size of axis 0, and a scalar has none", 'use "sum"'),
        ),
        (
            lambda x, t, w, n: losses.huber(x, x, delta=0),
            "GG005",
            "huber: delta is a finite number above 0, got 0",
            default,
        ),
        (
            lambda x, t, w, n: losses.smooth_l1(x, x, beta="1"),
            *("GG005", "smooth_l1: beta is a finite number from 0, got '1'", default),
        ),
        (
            lambda x, t, w, n: losses.poisson_nll(x, x, full=1),
            *("GG005", "poisson_nll: full is True or False, got 1", default),
        ),
        (
            lambda x, t, w, n: losses.gaussian_nll(x, x, w),
            "GG020",
            "gaussian_nll: var (3,) does not fit the prediction (5, 3)",
            "one for each element, or one for each row, with or without a last axis of size 1",
        ),
        (lambda x, t, w, n: losses.squared_hinge(x, t), "GG031", "squared_hinge: needs floats, got int64", floats),
        (
            lambda x, t, w, n: losses.bce(x, x, x.T),
            "GG020",
            "bce: weight (3, 5) does not broadcast to (5, 3)",
            "give one for each element, or axes of size 1 to share them",
        ),
        (
            lambda x, t, w, n: losses.bce_with_logits(x, x, pos_weight=ops.expand_dims(x, axis=0)),
            "GG020",
            "bce_with_logits: pos_weight (1, 5, 3) does not broadcast to (5, 3)",
            "give one for each element, or axes of size 1 to share them",
        ),
        (
            lambda x, t, w, n: losses.nll(x, x),
            "GG030",
            "nll: labels are integers, got float",
            'declare x with dtype="int64"',
        ),
        (
            lambda x, t, w, n: losses.nll(x, t[1:]),
            "GG020",
            "nll: labels (4,) do not fit log_probabilities (5, 3)",
            expected,
        ),
        (
            lambda x, t, w, n: losses.cross_entropy(x, t, axis=0),
            *("GG020", "cross_entropy: labels (5,) do not fit logits (5, 3)", "expected (3,)"),
        ),
        (
            lambda x, t, w, n: losses.cross_entropy(x, x, ignore_index=0),
            "GG005",
            "cross_entropy: ignore_index is a label, and the target holds probabilities",
            "leave it out, or give integer labels",
        ),
        (
            lambda x, t, w, n: losses.cross_entropy(x, t, ignore_index=0.5),
            "GG005",
            "cross_entropy: ignore_index is an int or None, got 0.5",
            "the label of rows that do not count, such as -100, or None if all do",
        ),
        (
            lambda x, t, w, n: losses.cross_entropy(x, t, label_smoothing=1.5),
            *("GG005", "cross_entropy: label_smoothing is a finite number from 0 to 1, got 1.5", default),
        ),
        (
            lambda x, t, w, n: losses.cross_entropy(x, t, [1.0, 2.0]),
            *("GG020", "cross_entropy: weight (2,) does not fit logits (5, 3)", "one for each class, of shape (3,)"),
        ),
        (
            lambda x, t, w, n: losses.multi_margin(x, t, p=3),
            *("GG005", "multi_margin: p is 1 or 2, got 3", "2 squares what is within the margin"),
        ),
        (
            lambda x, t, w, n: losses.multi_margin(n, t),
            "GG027",
            "multi_margin: scores need an axis of classes, got a scalar",
            "the last axis holds them, unless axis= says another",
        ),
        (
            lambda x, t, w, n: losses.cosine_embedding(x, x, t[1:]),
            *("GG020", "cosine_embedding: target (4,) does not fit vectors (5, 3)", expected),
        ),
        (
            lambda x, t, w, n: losses.cosine_embedding(x, x, t > 0),
            "GG030",
            "cosine_embedding: the target is bool",
            "it holds 1 for pairs that are alike, -1 for others",
        ),
        (
            lambda x, t, w, n: losses.cosine_embedding(x, x, t, margin=2),
            *("GG005", "cosine_embedding: margin is a finite number from -1 to 1, got 2", default),
        ),
        (
            lambda x, t, w, n: losses.triplet_margin(x, x, x[1:]),
            "GG020",
            "triplet_margin: anchor and negative differ in shape: (5, 3) and (4, 3)",
            "each anchor has one vector that it should be near, and one that it should be far from",
        ),
        (
            lambda x, t, w, n: losses.triplet_margin(x, x, x, p=0),
            *("GG005", "triplet_margin: p is a number above 0, got 0", "2 is the length, 1 the sum of magnitudes"),
        ),
        (
            lambda x, t, w, n: losses.ctc(x[0], t),
            *(
                "GG027",
                "ctc: log_probabilities are (3,), expected (batch, time, classes)",
                "the batch axis alone may be missing",
            ),
        ),
        (
            lambda x, t, w, n: losses.ctc(x, ops.expand_dims(t, axis=0)),
            "GG020",
            "ctc: labels (1, 5) do not fit log_probabilities (5, 3)",
            "expected (length,): a row of labels for each sequence",
        ),
        (
            lambda x, t, w, n: losses.ctc(x, t, blank=3),
            *(
                "GG005",
                "ctc: blank is one of the 3 classes, got 3",
                "an int from 0 up: the class that stands for no label",
            ),
        ),
    ]


@pytest.mark.parametrize(("call", "code", "message", "help"), refusals())
def test_what_is_refused(call, code, message, help):
    g = Graph("refused")
    x, target = g.input("x", (5, 3)), g.input("t", (5,), dtype="int64")
    weight, number = g.input("w", (3,)), g.input("n")
    call(x, target, weight, number)
    problem = problems_of(g)[0]
    assert (problem.code, problem.message, problem.help) == (code, message, help)


def test_a_target_is_needed():
    x = Graph("refused").input("x", (5, 3))
    with pytest.raises(GraphError) as caught:
        losses.bce_with_logits(x)
    problem = caught.value.problems[0]
    assert problem.message == "bce_with_logits: wrong arguments"
    assert problem.help == (
        "call it as in losses.bce_with_logits(logits, target, weight=None, pos_weight=None, reduction='mean')"
    )


def test_ctc_needs_known_lengths():
    g = Graph("refused")
    x, labels = g.input("x", (2, "time", 3)), g.input("labels", (2, 2), dtype="int64")
    losses.ctc(x, labels)
    problem = problems_of(g)[0]
    assert problem.message == "ctc: the number of time steps is time, and must be known"
    assert problem.help == "the sum over alignments is written out: give an int from 1 up"
