"""Derivatives by central differences, extrapolated to a step of zero: what gradients are measured against."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

Point = Mapping[str, np.ndarray]


def slope(value: Callable[[float], float], first_step: float = 2.0**-4, rungs: int = 14) -> float:
    """The derivative of `value` at 0: the entry of Neville's table that agrees best with its neighbours (Ridders)."""
    best, doubt = np.nan, np.inf
    coarser: list[float] = []
    step = first_step
    for _ in range(rungs):
        row = [(value(step) - value(-step)) / (2.0 * step)]
        for column, neighbour in enumerate(coarser, start=1):
            row.append(row[-1] + (row[-1] - neighbour) / (4.0**column - 1.0))
            difference = max(abs(row[-1] - row[-2]), abs(row[-1] - neighbour))
            if difference < doubt:
                best, doubt = row[-1], difference
        coarser, step = row, step / 2.0
    return best


def moved(point: Point, name: str, entry: tuple[int, ...], step: float) -> dict[str, np.ndarray]:
    """The point with one entry of one array moved."""
    array = np.array(point[name], dtype=np.float64)
    array[entry] += step
    return {**point, name: array}


def gradient(
    loss: Callable[[Point], float],
    point: Point,
    names: Iterable[str] | None = None,
    first_step: float = 2.0**-4,
    rungs: int = 14,
) -> dict[str, np.ndarray]:
    """The gradient of `loss` with respect to the arrays of these names; all of them unless said."""
    result = {name: np.zeros(np.shape(point[name])) for name in (point if names is None else names)}
    for name, array in result.items():
        for entry in np.ndindex(array.shape):
            array[entry] = slope(
                lambda step, name=name, entry=entry: loss(moved(point, name, entry, step)), first_step, rungs
            )
    return result


def flat(arrays: Point) -> np.ndarray:
    """All entries, one array after another."""
    return np.concatenate([np.zeros(0), *(np.ravel(array) for array in arrays.values())])


def error(found: Point, expected: Point) -> float:
    """The norm of the difference relative to that of `expected`; 0 if both are zeros."""
    difference = float(np.linalg.norm(flat(found) - flat({name: expected[name] for name in found})))
    return difference / max(float(np.linalg.norm(flat(expected))), 1e-300) if difference else 0.0
