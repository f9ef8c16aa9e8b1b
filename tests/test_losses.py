"""Losses: batch factors, extremes, and what is not counted. Values and gradients: test_op_table.py."""

import math
import warnings

import loss_samples
import numpy as np
import pytest
from sample import integers, some

from graphgen import Graph, compile, load, losses, ops

STYLES = ("teach", "compact")
SAMPLES = loss_samples.samples()


def gradients(name, operands, style="compact", dtype="float64", **keywords):
    """The value of a loss, and the gradient of each float operand of the sum of what it answers."""
    g = Graph("case", dtype=dtype)
    nodes, parameters, inputs = [], {}, {}
    for place, array in enumerate(map(np.asarray, operands)):
        if array.dtype.kind == "f":
            nodes.append(g.param(f"x{place}", array.shape))
            parameters[f"x{place}"] = array.astype(dtype)
        else:
            nodes.append(g.input(f"x{place}", array.shape, dtype=str(array.dtype)))
            inputs[f"x{place}"] = array
    value = getattr(losses, name)(*nodes, **keywords)
    g.output(value=value)
    g.loss(value.sum() if value.shape else value)
    module = load(g, style=style)
    found = module.value_and_grad(parameters, **inputs)[1]
    assert all(each.dtype == dtype for each in found.values())
    return module.forward(parameters, **inputs), list(found.values())


def test_every_loss_has_samples():
    assert set(SAMPLES) == set(losses.__all__)


# -- the batch factor

COUNTED = [name for name in losses.__all__ if name not in ("cross_entropy", "nll", "ctc")]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", COUNTED)
def test_the_gradient_of_a_mean_is_divided_by_the_number_of_values(name, style):
    """The last sample but two is the first with reduction="sum", the last with "none": a value for each that counts."""
    operands = SAMPLES[name][0].operands
    total, of_sum = gradients(name, operands, style, reduction="sum")
    values, of_each = gradients(name, operands, style, reduction="none")
    mean, of_mean = gradients(name, operands, style)
    assert total == pytest.approx(values.sum(), rel=1e-14)
    assert mean == pytest.approx(values.sum() / values.size, rel=1e-14)
    for one, other, each in zip(of_sum, of_mean, of_each, strict=True):
        np.testing.assert_allclose(one, each, rtol=1e-13)
        np.testing.assert_allclose(other * values.size, one, rtol=1e-13)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("labels", "keywords", "count"),
    [
        ([0, 2, 1, 1, 0], {}, 5.0),
        ([0, 2, 1, 1, 0], {"weight": [0.5, 2.0, 3.0]}, 0.5 + 3.0 + 2.0 + 2.0 + 0.5),
        ([0, 2, 1, 1, 0], {"ignore_index": 1}, 3.0),
        ([0, -100, 1, 1, -100], {"weight": [0.5, 2.0, 4.0], "ignore_index": -100}, 0.5 + 2.0 + 2.0),
        ([2, 2, 1, 1, 0], {"weight": [1, 2, 4], "ignore_index": 2}, 1.0 + 2.0 + 2.0),
    ],
)
def test_the_mean_of_labels_is_over_their_weights(labels, keywords, count, style):
    for name in ("cross_entropy", "nll"):
        operands = (some(5, 3), integers(labels))
        total, of_sum = gradients(name, operands, style, reduction="sum", **keywords)
        mean, of_mean = gradients(name, operands, style, **keywords)
        assert mean == pytest.approx(total / count, rel=1e-14)
        np.testing.assert_allclose(of_mean[0] * count, of_sum[0], rtol=1e-13, atol=1e-16)


def test_the_mean_of_ctc_is_over_sequences_and_labels():
    x, labels = SAMPLES["ctc"][0].operands
    total, of_sum = gradients("ctc", (x, labels), reduction="sum")
    mean, of_mean = gradients("ctc", (x, labels))
    assert mean == pytest.approx(total / 2 / labels.shape[1], rel=1e-14)
    np.testing.assert_allclose(of_mean[0] * 2 * labels.shape[1], of_sum[0], rtol=1e-13)


def test_batchmean_divides_by_the_rows():
    pair = SAMPLES["kl_div"][0].operands
    (total, of_sum), (mean, of_mean) = (gradients("kl_div", pair, reduction=each) for each in ("sum", "batchmean"))
    assert mean == pytest.approx(total / 5, rel=1e-14)
    for one, other in zip(of_sum, of_mean, strict=True):
        np.testing.assert_allclose(other * 5, one, rtol=1e-13)


# -- extremes

LARGE = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 30.0], [500.0, -500.0, -30.0]])
ONES = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.5]])
HUGE = LARGE * 1e20  # whose squares are too large for float32

EXTREMES = [
    ("cross_entropy", (LARGE, integers([1, 0, 2])), {}),
    ("cross_entropy", (LARGE, ONES / ONES.sum(axis=1, keepdims=True)), {"label_smoothing": 0.1}),
    ("nll", (LARGE, integers([1, 0, 2])), {}),
    ("bce_with_logits", (LARGE, ONES), {}),
    ("bce_with_logits", (LARGE, ONES), {"pos_weight": 7.0}),
    ("bce", (ONES, ONES.T.copy()), {}),
    ("bce", (np.array([0.0, 1.0, 3e-38, 1e-45]), np.array([0.5, 0.5, 0.0, 1.0])), {}),
    ("huber", (HUGE, ONES), {}),
    ("smooth_l1", (HUGE, ONES), {"beta": 0.5}),
    ("l1", (HUGE, ONES), {}),
    ("hinge", (HUGE, 2 * ONES - 1), {}),
    ("multi_margin", (HUGE, integers([1, 0, 2])), {}),
    ("cosine_embedding", (HUGE, -HUGE[::-1].copy(), integers([1, -1, 1])), {}),
    ("cosine_embedding", (0 * ONES, ONES, integers([1, -1, 1])), {}),
    ("cosine_embedding", (1e-30 * ONES, ONES, integers([1, -1, 1])), {}),
    ("triplet_margin", (HUGE, ONES, -HUGE), {"eps": 0.0}),
    ("triplet_margin", (ONES, ONES, ONES), {"eps": 0.0}),
    ("kl_div", (LARGE - 1e4, ONES), {}),
    ("kl_div", (LARGE - 1e4, -1e4 * ONES), {"log_target": True}),
    ("hellinger", (ONES, ONES.T.copy()), {}),
    ("gaussian_nll", (LARGE, ONES, 0 * ONES), {}),
    ("poisson_nll", (-np.abs(LARGE), 10 * ONES), {"full": True}),
    ("ctc", (np.log([[[0.2, 0.3, 0.5]] * 3] * 2) - 0.0, integers([[1, 2], [2, 1]])), {}),
]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "operands", "keywords"), EXTREMES)
def test_extremes_are_finite_and_warn_nobody(name, operands, keywords, dtype, style):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, found = gradients(name, operands, style, dtype, **keywords)
    assert np.isfinite(value)
    assert all(np.isfinite(each).all() for each in found)


@pytest.mark.parametrize("style", STYLES)
def test_logarithms_in_bce_are_bounded(style):
    """As in torch; where the bound holds there is no gradient, as there is none of a constant."""
    for dtype, tolerance in (("float64", 1e-15), ("float32", 1e-6)):
        x, target = np.array([0.0, 1.0, 0.0, 1.0, 0.25]), np.array([1.0, 0.0, 0.0, 1.0, 1.0])
        value, (of_x, of_target) = gradients("bce", (x, target), style, dtype, reduction="none")
        np.testing.assert_allclose(value, [100.0, 100.0, 0.0, 0.0, math.log(4)], rtol=tolerance)
        np.testing.assert_allclose(of_x, [0.0, 0.0, 1.0, -1.0, -4.0], rtol=tolerance)
        np.testing.assert_allclose(of_target, [100.0, -100.0, 100.0, -100.0, math.log(3)], rtol=tolerance)


@pytest.mark.parametrize("style", STYLES)
def test_slopes_at_kinks(style):
    zeros, ones = np.zeros(3), np.ones(3)
    assert gradients("l1", (ones, ones), style)[1][0].tolist() == [0.0] * 3
    assert gradients("smooth_l1", (ones, ones), style, beta=0.0)[1][0].tolist() == [0.0] * 3
    assert gradients("hinge", (ones, ones), style)[1][0].tolist() == [0.0] * 3
    assert gradients("hellinger", (ones, ones), style)[1][0].tolist() == [0.0] * 3
    assert gradients("hellinger", (zeros, ones / 3), style)[1][0].tolist() == [0.0] * 3
    assert gradients("huber", (2 * ones, zeros), style, delta=2.0, reduction="sum")[1][0].tolist() == [2.0] * 3
    assert gradients("multi_margin", (np.array([0.0, 1.0]), integers(1)), style)[1][0].tolist() == [0.0, 0.0]
    value, (of_x1, _) = gradients("cosine_embedding", (zeros, ones, integers(-1)), style, margin=-0.25)
    assert value == 0.25 and of_x1.tolist() == [0.0] * 3


# -- what does not count


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("keywords", [{}, {"weight": [1.0, 2.0, 3.0]}, {"label_smoothing": 0.2}])
def test_ignored_rows_change_nothing(keywords, style):
    x, labels = some(4, 3), integers([0, 9, 2, 9])
    for name in ("cross_entropy", "nll"):
        if name == "nll" and "label_smoothing" in keywords:
            continue
        value, (of_x,) = gradients(name, (x, labels), style, ignore_index=9, **keywords)
        fewer, (of_fewer,) = gradients(name, (x[::2].copy(), labels[::2].copy()), style, **keywords)
        assert value == pytest.approx(fewer, rel=1e-14)
        np.testing.assert_allclose(of_x[::2], of_fewer, rtol=1e-13)
        assert not of_x[1::2].any()
        assert gradients(name, (x, labels), style, ignore_index=9, reduction="none", **keywords)[0][1] == 0.0


def test_the_mean_of_no_rows_is_nan():
    with np.errstate(invalid="ignore"):
        assert np.isnan(gradients("cross_entropy", (some(2, 3), integers([7, 7])), ignore_index=7)[0])


def test_weights_may_be_whole_numbers_and_labels_short():
    x, labels = some(4, 3), np.array([0, 1, 2, 2], dtype=np.int32)
    for name in ("cross_entropy", "nll", "multi_margin"):
        value = gradients(name, (x, labels), weight=[1, 2, 3])[0]
        assert value == pytest.approx(
            gradients(name, (x, labels.astype(np.int64)), weight=[1.0, 2.0, 3.0])[0], rel=1e-14
        )


def test_the_classes_may_be_on_any_axis():
    x, labels = some(2, 3, 4), integers([[0, 1, 2, 2], [1, 1, 0, 2]])
    for name in ("cross_entropy", "nll"):
        value, (of_x,) = gradients(name, (x, labels), axis=1)
        moved, (of_moved,) = gradients(name, (np.moveaxis(x, 1, -1).copy(), labels))
        assert value == pytest.approx(moved, rel=1e-14)
        np.testing.assert_allclose(of_x, np.moveaxis(of_moved, -1, 1), rtol=1e-13)


# -- ctc


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_labels_that_do_not_fit_cost_infinitely_much(dtype, style):
    """Three equal labels need two blanks between them: five steps."""
    x, labels = np.log(np.full((2, 4, 3), 1 / 3)), integers([[1, 1, 1], [1, 2, 1]])
    value, (of_x,) = gradients("ctc", (x, labels), style, dtype, reduction="none")
    assert value[0] == np.inf and value[1] == pytest.approx(4 * math.log(3) - math.log(7), rel=1e-6)
    assert not of_x[0].any() and of_x[1].any()
    assert gradients("ctc", (x, labels), style, dtype)[0] == np.inf
    bounded, (of_bounded,) = gradients("ctc", (x, labels), style, dtype, reduction="none", zero_infinity=True)
    assert bounded[0] == 0.0 and bounded[1] == value[1]
    assert of_bounded.tolist() == of_x.tolist()


def test_ctc_takes_classes_that_never_come():
    """Probabilities of 0: their logarithms, and the paths over them, count as impossible."""
    x, labels = np.log(np.full((2, 4, 3), 1 / 2)), integers([[1, 1], [1, 2]])
    x[:, :, 2] = -np.inf
    value, (of_x,) = gradients("ctc", (x, labels), reduction="none")
    assert value[0] == pytest.approx(4 * math.log(2) - math.log(5), rel=1e-14) and value[1] == np.inf
    assert np.isfinite(of_x).all()


def test_ctc_of_unlikely_paths():
    """Each step's own label has a share of exp(-700): the product of 8 of them is far below the least float."""
    x = np.zeros((8, 3))
    x[:, 1:] = -700.0
    value = gradients("ctc", (x - np.log(1 + 2 * np.exp(-700.0)), integers([1, 2, 1, 2, 1, 2, 1, 2])))[0]
    assert value * 8 == pytest.approx(8 * 700.0, rel=1e-14)


def test_positions_are_those_of_torch():
    """weight comes third, None or not; without weight, pos_weight stands alone."""
    x, target = some(4, 3), loss_samples.shares(4, 3)
    g = Graph("calls")
    node, t = g.input("x", (4, 3)), g.input("t", (4, 3))
    pos_weight = [1.0, 2.0, 3.0]
    g.output(
        a=losses.bce_with_logits(node, t, None, pos_weight, reduction="sum"),
        b=losses.bce_with_logits(node, t, pos_weight=pos_weight, reduction="sum"),
        c=losses.bce_with_logits(logits=node, target=t, weight=1.0, pos_weight=pos_weight, reduction="sum"),
        d=losses.bce(ops.sigmoid(node), t, None, reduction="sum"),
        e=losses.bce_with_logits(node, t, reduction="sum"),
    )
    a, b, c, d, e = load(g, inference=True).forward({}, x, target)
    assert a == b == c
    assert d == pytest.approx(e, rel=1e-13)
    assert a != e


@pytest.mark.parametrize("options", [{"ignore_index": -100}, {"ignore_index": 2}, {"ignore_index": -1, "label_smoothing": 0.1}])
def test_modules_that_ignore_labels_check_themselves(options):
    g = Graph("ignoring")
    x, y = g.input("x", ("batch", 3)), g.input("y", ("batch",), "int64")
    g.loss(losses.cross_entropy(x @ g.param("w", (3, 4)), y, **options))
    assert max(load(g).check_gradients().values()) < 1e-6


def test_the_reverse_sweep_is_not_left_again():
    g = Graph("two")
    x, y = g.input("x", ("batch", 3)), g.input("y", ("batch",), "int64")
    logits = x @ g.param("w", (3, 4))
    g.loss(losses.multi_margin(logits, y) + losses.cross_entropy(logits, y))
    swept = compile(g).partition("def value_and_grad")[2].partition("\ndef ")[0]
    assert swept.count("# forward sweep") == swept.count("# reverse sweep") == 1
