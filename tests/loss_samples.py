"""Samples of losses: operands and keywords, and what the definitions in `loss_references` answer."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import loss_references
import numpy as np
from references import softmax
from sample import Sample, integers, some

from graphgen import losses

Call = tuple[tuple[np.ndarray, ...], dict[str, Any]]


def shares(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers between 0 and 1."""
    return np.random.default_rng([*shape, seed, 7]).uniform(0.05, 0.95, size=shape)


def signs(*shape: int) -> np.ndarray:
    return np.sign(some(*shape) + 0.1)


def _numbers() -> dict[str, list[Call]]:
    pair, other = (some(5, 3), some(5, 3) * 2), (some(2, 3), 3 * some(2, 3) + 0.2)
    return {
        "mse": [(pair, {}), ((some(4), some(4) + 1), {}), ((some(), some() + 1), {})],
        "l1": [(pair, {}), ((some(), some() + 1), {})],
        "huber": [(pair, {}), (other, {"delta": 0.3}), (other, {"delta": 7})],
        "smooth_l1": [(pair, {}), (other, {"beta": 0.3}), (other, {"beta": 0}), (other, {"beta": 4.0})],
        "poisson_nll": [
            ((some(5), np.arange(5.0) / 2 + 0.2), {}),
            ((some(2, 3), shares(2, 3) * 4), {"full": True}),
            ((shares(2, 3), shares(2, 3, seed=1) * 4), {"log_input": False, "eps": 1e-3, "full": True}),
        ],
        "gaussian_nll": [
            ((*pair, shares(5, 3)), {}),
            ((*pair, shares(5)), {"full": True}),
            ((*pair, shares(5, 1)), {"eps": 0.5}),
            ((*pair, shares()), {}),
            ((some(), some() + 1, shares()), {}),
        ],
    }


def _probabilities() -> dict[str, list[Call]]:
    pair, logs = (shares(5, 3), shares(5, 3, seed=1)), np.log(softmax(some(5, 3)))
    target = shares(5, 3) / 2 + 0.2
    sharp = np.round(shares(5, 3, seed=2))
    return {
        "bce": [(pair, {}), ((*pair, shares(3)), {}), ((shares(5, 3), sharp, shares(5, 3, seed=3)), {})],
        "bce_with_logits": [
            ((some(5), shares(5)), {}),
            ((some(5, 3), sharp), {}),
            ((some(5, 3), sharp, shares(5, 1)), {}),
            ((some(5, 3), shares(5, 3), shares(5, 1), 3 * shares(3)), {}),
        ],
        "kl_div": [
            ((logs, target), {}),
            ((logs, target), {"reduction": "batchmean"}),
            ((logs, np.log(target)), {"log_target": True, "reduction": "batchmean"}),
        ],
        "hellinger": [(pair, {}), (pair, {"axis": 0}), ((shares(3), shares(3, seed=1)), {})],
    }


def _classes() -> dict[str, list[Call]]:
    labels, weight = integers([0, 2, 1, 1, 0]), np.array([0.5, 2.0, 3.0])
    image, map_of_labels = some(2, 3, 2, 5), integers(np.arange(20).reshape(2, 2, 5) % 3)
    soft = softmax(2 * some(5, 3))
    return {
        "cross_entropy": [
            ((some(5, 3), labels), {}),
            ((some(3), integers(2)), {}),
            ((some(2, 2, 3), integers([[0, 1], [2, 2]])), {}),
            ((some(5, 3), soft), {}),
            ((some(2, 3), np.eye(3)[[2, 0]]), {}),
            ((some(5, 3), labels, weight), {}),
            ((some(5, 3), soft, weight), {"label_smoothing": 0.2}),
            ((some(5, 3), integers([0, -100, 1, 2, -100])), {"ignore_index": -100}),
            ((some(5, 3), labels), {"label_smoothing": 0.3, "ignore_index": 1}),
            ((image, map_of_labels, weight), {"axis": 1, "label_smoothing": 0.1, "ignore_index": 0}),
            ((image, np.moveaxis(softmax(np.moveaxis(image, 1, -1)), -1, 1), weight), {"axis": 1}),
        ],
        "nll": [
            ((some(5, 3), labels), {}),
            ((some(5, 3), labels, weight), {"ignore_index": 2}),
            ((image, map_of_labels, weight), {"axis": 1}),
            ((some(3), integers(1)), {}),
        ],
        "multi_margin": [
            ((some(5, 3), labels), {}),
            ((some(5, 3), labels, weight), {"p": 2, "margin": 0.5}),
            ((some(3), integers(1)), {"p": 2.0}),
        ],
    }


def _margins() -> dict[str, list[Call]]:
    three = (some(5, 4), some(5, 4) + some(4), np.roll(some(5, 4), 1, axis=0))
    return {
        "hinge": [((some(5), signs(5)), {}), ((some(2, 3), signs(2, 3)), {})],
        "squared_hinge": [((some(5), signs(5)), {}), ((some(2, 3), signs(2, 3)), {})],
        "cosine_embedding": [
            ((*three[:2], integers([1, -1, -1, 1, -1])), {}),
            ((*three[:2], signs(5)), {"margin": 0.3}),
            ((some(3), some(3)[::-1].copy(), integers(1)), {}),
        ],
        "triplet_margin": [
            (three, {"margin": 2.0}),
            (three, {"p": 1.5, "swap": True, "margin": 3.0}),
            (three, {"p": 3.0, "eps": 0.0, "margin": 1.7}),
        ],
    }


def _sequences() -> dict[str, list[Call]]:
    logs = np.log(softmax(some(2, 4, 3)))
    return {
        "ctc": [
            ((logs, integers([[1, 2], [1, 1]])), {}),
            ((logs, integers([[0, 1], [1, 1]])), {"blank": 2}),
            ((logs[0], integers([1, 2, 1])), {}),
            ((logs[:, :1], integers([[1], [2]])), {}),
            ((logs[:, :3], integers([[1, 2, 1], [2, 2, 1]])), {"zero_infinity": True}),
        ],
    }


def _samples(name: str, calls: list[Call]) -> Iterator[Sample]:
    """Each call, and the first of them with the other reductions."""
    own, expected = getattr(losses, name), loss_references.LOSSES[name]
    first, given = calls[0]
    for operands, keywords in [*calls, *((first, {**given, "reduction": each}) for each in ("sum", "none"))]:
        yield Sample(operands, partial(own, **keywords), partial(expected, **keywords))


def samples() -> dict[str, list[Sample]]:
    calls = _numbers() | _probabilities() | _classes() | _margins() | _sequences()
    return {name: list(_samples(name, each)) for name, each in calls.items()}


# What is done to the operands of examples, where whole numbers are outside of what a loss is for.
INSIDE = {
    "bce": lambda x: 0.5 + 0.4 * np.sin(x),
    "hellinger": lambda x: 0.5 + 0.4 * np.sin(x),
    "cosine_embedding": np.sin,
}
