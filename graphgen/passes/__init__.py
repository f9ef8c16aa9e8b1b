"""Passes: functions from program to program that change no result.

`protect` comes before differentiation and `guard` after it, in every style; `tidy` runs the others, for the compact one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from graphgen.passes.guard import guard
from graphgen.passes.masks import masks
from graphgen.passes.merge import merge
from graphgen.passes.protect import protect
from graphgen.passes.prune import prune
from graphgen.passes.simplify import simplify
from graphgen.passes.slices import slices
from graphgen.passes.sums import sums
from graphgen.program import Program

__all__ = ["PASSES", "Pass", "guard", "protect", "tidy"]


class Pass(NamedTuple):
    """A function from program to program, and why it runs where it does."""

    run: Callable[[Program], Program]
    why: str


PASSES = (
    Pass(prune, "nothing is spent on gradients that nobody asked for"),
    Pass(slices, "zeros to add slices into are joins before broadcasts are looked at"),
    Pass(simplify, "identities go first: they hide who reads what"),
    Pass(merge, "values that became alike are one"),
    Pass(sums, "who alone reads a sum is known once values are one"),
    Pass(masks, "the conditions are as plain as they will be"),
    Pass(simplify, "sums of two and products with masks make room again"),
    Pass(merge, "masks that are alike are one"),
    Pass(prune, "what gave way is dropped"),
)


def tidy(program: Program) -> Program:
    """Run all passes in order."""
    for each in PASSES:
        program = each.run(program)
    return program
