"""Computed numbers in the digits that people write."""


def short(number: float, tolerance: float = 4e-16) -> float:
    """A computed number as people write it, if that is within a relative tolerance: 0.1 for 0.09999999999999998."""
    written = float(f"{number:.12g}")
    return written if abs(written - number) <= tolerance * abs(number) else number
