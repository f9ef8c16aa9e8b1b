"""The training loop: what it does to rows, when it stops, what it tells."""

import functools

import numpy as np
import pytest
from training_samples import classifier, line, rows

import graphgen
from graphgen import Graph, losses, ops
from graphgen.errors import GraphError
from graphgen.train import accuracy, binary_accuracy, easy_first, fit


@pytest.fixture(scope="module")
def net():
    return graphgen.load(classifier())


@pytest.fixture(scope="module")
def straight():
    return graphgen.load(line())


def seen_by(module, data, monkeypatch, **options):
    """The x of every batch that a training sees."""
    seen = []
    step = module.train_step

    def watched(parameters, state, x, y, rate):
        seen.append(x.tolist())
        return step(parameters, state, x, y, rate)

    monkeypatch.setattr(module, "train_step", watched)
    fit(module, data, progress=False, **options)
    return seen


POINTS = {"x": np.arange(10.0) / 10, "y": np.arange(10.0) / 5 + 1}


def test_it_learns_and_tells_what_it_has_seen(net):
    told = []
    result = fit(
        net,
        rows(400),
        epochs=12,
        learning_rate=0.03,
        metrics={"accuracy": accuracy("probabilities", "label")},
        after_epoch=[lambda report: told.append(dict(report.figures))],
        progress=False,
    )
    assert (result.epoch, result.step, result.stopped, result.best_epoch) == (12, 12 * 13, "epochs", None)
    assert result.history == told and [each["epoch"] for each in told] == list(range(1, 13))
    assert told[-1]["accuracy"] > 0.95
    assert told[-1]["loss"] < 0.5 * told[0]["loss"]
    assert set(result.state) == {"running"} and np.abs(result.state["running"]).max() > 0


def test_the_epoch_loss_is_the_mean_over_rows(straight):
    steps = []
    result = fit(
        straight,
        POINTS,
        epochs=1,
        batch_size=4,
        after_step=[lambda report: steps.append(report.figures["loss"])],
        progress=False,
    )
    assert result.history[0]["loss"] == pytest.approx((4 * steps[0] + 4 * steps[1] + 2 * steps[2]) / 10, rel=1e-15)


def test_each_epoch_has_all_rows_shuffled_anew_and_the_short_batch(straight, monkeypatch):
    seen = seen_by(straight, POINTS, monkeypatch, epochs=2, batch_size=4)
    assert [len(each) for each in seen] == [4, 4, 2, 4, 4, 2]
    first, second = [*seen[0], *seen[1], *seen[2]], [*seen[3], *seen[4], *seen[5]]
    assert sorted(first) == sorted(second) == POINTS["x"].tolist()
    assert first != second != POINTS["x"].tolist() != first


def test_the_same_seed_gives_the_same_bits_and_another_does_not(net):
    results = [fit(net, rows(), epochs=2, seed=seed, progress=False).parameters for seed in (1, 1, 2)]
    assert all(np.array_equal(results[0][name], results[1][name]) for name in results[0])
    assert not np.array_equal(results[0]["fc1_w"], results[2]["fc1_w"])


def test_validation_rows_are_not_trained_on(straight, monkeypatch):
    seen = seen_by(straight, POINTS, monkeypatch, epochs=3, validation=0.3, batch_size=7)
    assert [len(each) for each in seen] == [7, 7, 7]
    assert len({frozenset(each) for each in seen}) == 1


def test_metrics_see_all_rows_of_the_validation_data_at_once(straight):
    shapes = []

    def largest(outputs, inputs):
        shapes.append((outputs["predicted"].shape, inputs["y"].shape))
        return np.abs(outputs["predicted"] - inputs["y"]).max()

    other = {"x": np.ones(7), "y": np.full(7, 3.0)}
    result = fit(
        straight, POINTS, epochs=1, batch_size=4, validation=other, metrics={"largest": largest}, progress=False
    )
    assert shapes == [((7,), (7,))]
    error = 3.0 - result.parameters["a"] - result.parameters["b"]
    assert result.history[0]["largest"] == pytest.approx(error)
    assert result.history[0]["validation_loss"] == pytest.approx(error**2)


def test_patience_keeps_the_best_weights(straight):
    # What the training goes to is far from where the validation data lie: it passes them, and moves away.
    other = {"x": np.zeros(3), "y": np.full(3, 0.5)}
    result = fit(straight, POINTS, epochs=50, validation=other, patience=2, batch_size=5, progress=False)
    losses = [each["validation_loss"] for each in result.history]
    best = int(np.argmin(losses))
    assert result.stopped == "patience" and result.best_epoch == best + 1 and result.epoch == best + 3 < 50
    assert straight.loss(result.parameters, **other) == pytest.approx(losses[best], rel=1e-15)


def test_of_equal_losses_the_first_is_the_best(straight):
    result = fit(straight, POINTS, learning_rate=0.0, validation=0.3, patience=2, progress=False)
    assert (result.best_epoch, result.epoch, result.stopped) == (1, 3, "patience")


def test_a_validation_loss_that_is_none_is_never_the_best(straight):
    nowhere = {"x": np.full(1, np.inf), "y": np.full(1, np.inf)}
    result = fit(straight, POINTS, validation=nowhere, patience=2, progress=False)
    assert (result.best_epoch, result.epoch, result.stopped) == (None, 2, "patience")


def test_each_step_has_a_seed_of_its_own(net, monkeypatch):
    seeds = []
    step = net.train_step

    @functools.wraps(step)
    def watched(*arguments, seed, **keywords):
        seeds.append(seed)
        return step(*arguments, seed=seed, **keywords)

    monkeypatch.setattr(net, "train_step", watched)
    fit(net, rows(), epochs=2, progress=False)
    fit(net, rows(), epochs=2, progress=False, seed=1)
    assert len(set(seeds)) == len(seeds) == 16


def test_inputs_may_be_called_like_arguments():
    g = Graph("odd")
    seed, state, learning_rate = (g.input(name, ("batch", 3)) for name in ("seed", "state", "learning_rate"))
    mean = g.state("mean", (3,))
    g.update(mean, 0.5 * mean + 0.5 * seed.mean(axis=0))
    out = ops.dropout(seed * g.param("w", (3,), 1.0) - mean, p=0.5) + state
    g.output(out=out)
    g.loss(losses.mse(out, learning_rate))
    g.optimizer("sgd", learning_rate=0.1)
    data = {name: np.ones((5, 3)) for name in ("seed", "state", "learning_rate")}
    result = fit(graphgen.load(g), data, epochs=2, metrics={"zero": lambda *_: 0.0}, progress=False)
    assert result.state["mean"].tolist() == [0.75] * 3


def test_steps_end_a_training_within_an_epoch(straight):
    result = fit(straight, POINTS, steps=5, batch_size=3, progress=False)
    assert (result.epoch, result.step, result.stopped, len(result.history)) == (1, 5, "steps", 1)


def test_a_callback_ends_a_training(straight):
    result = fit(straight, POINTS, after_epoch=[lambda report: report.epoch == 3], progress=False)
    assert (result.epoch, result.stopped) == (3, "callback")


def test_an_order_by_difficulty(straight, monkeypatch):
    difficulty = -POINTS["x"]
    seen = seen_by(straight, POINTS, monkeypatch, epochs=2, batch_size=10, order=difficulty)
    assert seen == [POINTS["x"][::-1].tolist()] * 2


def test_an_order_goes_with_its_rows(straight, monkeypatch):
    difficulty = np.array([3, 1, 4, 1.5, 9, 2, 6, 5, 3.5, 8])
    seen = seen_by(straight, POINTS, monkeypatch, epochs=1, batch_size=10, order=difficulty, validation=0.4)
    in_order = [difficulty[round(10 * x)] for x in seen[0]]
    assert len(in_order) == 6 and in_order == sorted(in_order)


def test_an_order_of_ones_own(straight, monkeypatch):
    def twice_the_first(epoch, count, generator):
        return np.array([0, 0, epoch])

    assert seen_by(straight, POINTS, monkeypatch, epochs=2, order=twice_the_first) == [[0.0, 0.0, 0.0], [0.0, 0.0, 0.1]]


def test_easy_rows_first_then_all(straight, monkeypatch):
    seen = seen_by(straight, POINTS, monkeypatch, epochs=4, batch_size=10, order=easy_first(POINTS["x"], 3, start=0.4))
    assert [len(each) for each in seen] == [4, 6, 8, 10]
    assert all(sorted(each) == POINTS["x"][: len(each)].tolist() for each in seen)


@pytest.mark.parametrize("order", [[1.0, 2.0], np.full(10, np.nan), np.array(["a"] * 10)])
def test_an_order_that_does_not_fit(straight, order):
    with pytest.raises(GraphError, match=r"order is a number for each of 10 rows, got"):
        fit(straight, POINTS, order=order, progress=False)


@pytest.mark.parametrize("chosen", [[10], [-1], [], [0.5], [[0]]])
def test_an_order_function_that_gives_no_rows(straight, chosen):
    with pytest.raises(GraphError, match="order gives rows from 0 to 9"):
        fit(straight, POINTS, order=lambda *_: chosen, progress=False)


def test_without_a_shared_size_the_data_is_one_batch():
    module = graphgen.load(line(shape=()))
    result = fit(module, {"x": 2.0, "y": 3.0}, epochs=40, progress=False)
    assert result.step == 40 and all(isinstance(each, float) for each in result.parameters.values())
    assert 2 * result.parameters["a"] + result.parameters["b"] == pytest.approx(3)
    with pytest.raises(GraphError, match="the inputs share no symbolic size"):
        fit(module, {"x": 2.0, "y": 3.0}, batch_size=4, progress=False)
    with pytest.raises(GraphError, match="data cannot be split: it is one batch"):
        fit(module, {"x": 2.0, "y": 3.0}, validation=0.5, progress=False)


def test_divergence_is_an_error_that_leaves_the_file(straight, tmp_path):
    path = tmp_path / "line.npz"
    with pytest.raises(
        GraphError, match=r"the loss is (inf|nan) in epoch \d+, step \d+: the training has diverged; .*line.npz holds"
    ):
        fit(straight, POINTS, output=path, learning_rate=1e3, epochs=1000, progress=False)
    assert np.isfinite(straight.load_parameters(path)["a"])


def test_divergence_of_pythons_own_floats():
    g = Graph("steep")
    x, w = g.input("x"), g.param("w", init=1.0)
    g.loss(ops.exp(w * x))
    g.optimizer("sgd", learning_rate=0.1)
    with pytest.raises(GraphError, match="math range error in epoch 1, step 1: the training has diverged"):
        fit(graphgen.load(g), {"x": 1e4}, progress=False)


def test_a_batch_that_the_model_cannot_take(net):
    with pytest.raises(GraphError, match="data: the model cannot take batch 1 of epoch 1: index 9 is out of bounds"):
        fit(net, {**rows(), "label": np.full(103, 9)}, progress=False)


def test_useless_weights_are_not_written(net, tmp_path):
    def spoil(report):
        if report.step == 3:
            report.parameters["fc1_b"][...] = np.nan

    path = tmp_path / "net.npz"
    with pytest.raises(GraphError, match="a parameter is not finite in epoch 1, step 4: the training has diverged"):
        fit(net, rows(), output=path, save_every=0, after_step=[spoil], progress=False)
    assert np.isfinite(net.load_parameters(path)["fc1_b"]).all()


def test_metrics():
    scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    labels = np.array([1, 1, 1, -1])
    assert accuracy("p", "t")({"p": scores}, {"t": labels}) == 0.5
    assert accuracy("p", "t", ignore_index=-1)({"p": scores}, {"t": labels}) == pytest.approx(2 / 3)
    assert accuracy("p", "t", axis=0)({"p": scores.T}, {"t": labels}) == 0.5
    assert accuracy("p", "t")({"p": scores}, {"t": np.array([[0, 1], [0, 1], [0, 1], [1, 0.0]])}) == 0.75
    assert binary_accuracy("p", "t")({"p": np.array([0.6, 0.4])}, {"t": np.array([1.0, 1.0])}) == 0.5
    assert binary_accuracy("p", "t", threshold=0.0)({"p": np.array([0.6, -4])}, {"t": np.array([True, False])}) == 1.0


def test_settings_that_cannot_be(straight):
    wrong = {
        "epochs": 0,
        "batch_size": 2.5,
        "seed": -1,
        "learning_rate": float("nan"),
        "validation": 1.5,
        "patience": True,
    }
    with pytest.raises(GraphError) as caught:
        fit(straight, POINTS, progress=False, **wrong)
    assert {problem.message.split()[0] for problem in caught.value.problems} == set(wrong)
    with pytest.raises(GraphError, match="patience needs data for validation"):
        fit(straight, POINTS, patience=3, progress=False)
    with pytest.raises(GraphError, match="a metric is called like a figure that is shown anyway"):
        fit(straight, POINTS, metrics={"loss": lambda outputs, inputs: 0.0}, progress=False)
    with pytest.raises(GraphError, match="the metric odd is a number, got str"):
        fit(straight, POINTS, metrics={"odd": lambda outputs, inputs: "much"}, progress=False)


def test_a_model_without_an_optimizer():
    module = graphgen.load(line(), optimizer="none")
    with pytest.raises(GraphError, match="has no train_step"):
        fit(module, POINTS)


def test_progress_is_a_line_for_each_epoch_where_stderr_is_no_terminal(straight, capsys):
    fit(straight, POINTS, epochs=2, batch_size=5)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == "" and len(lines) == 2
    assert lines[0].startswith("epoch 1/2  loss ") and lines[1].endswith(" s")
