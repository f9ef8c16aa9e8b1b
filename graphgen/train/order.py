"""The order in which rows are trained on: shuffled by seed, or a curriculum."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from graphgen.errors import GraphError, Problem
from graphgen.train.data import SHUFFLE

# Of the epoch, counted from 0, the number of rows, and a generator of that epoch's own: the rows of the epoch, in order.
Curriculum = Callable[[int, int, np.random.Generator], Any]


def easy_first(difficulty: Any, epochs: int, start: float = 0.2) -> Curriculum:
    """A curriculum: the easiest part of the rows at first, more with each epoch, shuffled among themselves.

    Bengio, Louradour, Collobert, Weston, Curriculum Learning (2009), with a share that grows evenly.

    Parameters
    ----------
    difficulty
        A number for each row.
    epochs
        From this one on, all rows take part.
    start
        The share of the first epoch.
    """
    ranks = np.argsort(np.asarray(difficulty), kind="stable")

    def rows(epoch: int, count: int, generator: np.random.Generator) -> np.ndarray:
        share = min(start + (1.0 - start) * epoch / max(epochs, 1), 1.0)
        return generator.permutation(ranks[: max(1, round(share * count))])

    return rows


def checked(order: Any, rows: int) -> Any:
    """An order for so many rows: None, a callable, or an array of a number for each row.

    Raises
    ------
    GraphError
        If it is none of these.
    """
    if order is None or callable(order):
        return order
    array = np.asarray(order)
    if array.shape != (rows,) or array.dtype.kind not in "fiub" or np.isnan(array).any():
        message = f"order is a number for each of {rows} rows, got {array.dtype} of shape {array.shape}"
        raise GraphError(Problem("GG087", None, message, "or a function of epoch, number of rows and generator"))
    return array


def told(order: Any) -> str:
    """What a file says of the order, so that a resumed run has the same."""
    if order is None:
        return "shuffled"
    return "function" if callable(order) else hashlib.sha256(np.ascontiguousarray(order, float).data).hexdigest()[:16]


def rows_of(order: Any, epoch: int, rows: int, seed: int) -> np.ndarray:
    """The rows of an epoch in order.

    An array puts the rows with smaller numbers first, equal ones shuffled; without any all are shuffled.
    """
    generator = np.random.default_rng([seed, SHUFFLE, epoch])
    if callable(order):
        chosen = np.asarray(order(epoch, rows, generator))
        if (
            chosen.ndim != 1
            or chosen.dtype.kind not in "iu"
            or not chosen.size
            or chosen.min() < 0
            or chosen.max() >= rows
        ):
            message = f"order gives rows from 0 to {rows - 1}, at least one; in epoch {epoch + 1} it gave {chosen.dtype} of shape {chosen.shape}"
            raise GraphError(Problem("GG087", None, message, "return an array of row numbers"))
        return chosen
    shuffled = generator.permutation(rows)
    return shuffled if order is None else shuffled[np.argsort(order[shuffled], kind="stable")]
