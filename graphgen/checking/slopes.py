"""Slopes of functions that are only evaluated: by the complex step, and by differences with step control."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

# Far below rounding: its square is nothing beside 1, and nothing is subtracted. Its inverse is finite in float64.
STEP = 1e-30

# Differences start with this step, for operands around 1, and go on with a quarter of it.
FIRST_STEP = 2.0**-6
RUNGS = 12

# The slopes on the two sides of a smooth place agree to about ten digits; where they are further apart is a kink.
KINK = 1e-5

# A function of a number, which is imaginary for the complex step: the values at that step along a direction.
Along = Callable[[complex], np.ndarray]


class Measured(NamedTuple):
    """Slopes along one direction, of the shape of the values.

    Attributes
    ----------
    slopes
        nan where there is none.
    smooth
        Where the slopes on both sides are the same. The complex step sees one side alone, and takes all for smooth.
    """

    slopes: np.ndarray
    smooth: np.ndarray


def by_complex_step(value: Along) -> Measured:
    """The slopes at 0 of a function that is analytic as it is written."""
    slopes = np.imag(value(STEP * 1j)) / STEP
    return Measured(slopes, np.ones(slopes.shape, bool))


def by_differences(value: Along, size: float = 1.0) -> Measured:
    """The slopes at 0, as the mean of those on the two sides; `size` is that of the operands."""
    first = FIRST_STEP * max(1.0, size)
    right, left = one_sided(value, first), one_sided(value, -first)
    with np.errstate(invalid="ignore"):
        scale = np.maximum(np.abs(right), np.abs(left))
        scale = np.maximum(scale, 1e-3 * np.max(scale, initial=0.0, where=np.isfinite(scale)))
        return Measured((left + right) / 2.0, ~(np.abs(left - right) > KINK * scale) & np.isfinite(left + right))


def one_sided(value: Along, step: float) -> np.ndarray:
    """The slopes at 0 on the side of `step`: divided differences, extrapolated to a step of 0.

    The steps shrink fourfold. Each column of Neville's table cancels one more power of the step; the entry that agrees
    best with its neighbours is the answer, for each value by itself (Ridders, Advances in Engineering Software 4, 1982;
    Numerical Recipes, 5.7). nan where no two are finite.
    """
    start = value(0.0)
    slopes = np.full(start.shape, np.nan)
    doubts = np.full(start.shape, np.inf)
    coarser: list[np.ndarray] = []
    for _ in range(RUNGS):
        row = [(value(step) - start) / step]
        rounding = 2.0**-52 * np.abs(start / step)  # makes neighbours at small steps agree by chance
        for column, neighbour in enumerate(coarser, start=1):
            row.append(row[-1] + (row[-1] - neighbour) / (4.0**column - 1.0))
            difference = rounding + np.maximum(np.abs(row[-1] - row[-2]), np.abs(row[-1] - neighbour))
            better = difference < doubts
            slopes, doubts = np.where(better, row[-1], slopes), np.where(better, difference, doubts)
        if np.all(doubts <= 1e-11 * np.abs(slopes)):
            break
        coarser, step = row, step / 4.0
    return slopes
