"""What tests of passes share: the program's text before, its text after, and the same numbers from both."""

from collections.abc import Callable
from textwrap import dedent

import numpy as np
from interpreter import draw, evaluate

from graphgen.program import Program
from graphgen.program_text import parse, text

Pass = Callable[[Program], Program]
SIZES = {"batch": 5, "n": 3, "m": 2}


def program_of(source: str) -> Program:
    return parse("program('p')\n" + dedent(source))


def becomes(run: Pass, before: str, after: str) -> Program:
    """Assert what a pass makes of a program, and that no result changes."""
    program = program_of(before)
    found = run(program)
    assert text(found) == text(program_of(after))
    assert_same_results(program, found)
    return found


def stays(run: Pass, source: str) -> None:
    """Assert that a pass leaves a program as it is."""
    program = program_of(source)
    assert run(program) is program


def assert_same_results(one: Program, other: Program, seed: int = 0, **sizes: int) -> None:
    """Assert that two programs have the same results but for rounding."""
    values = draw(one, seed, **{**SIZES, **sizes})
    with np.errstate(all="ignore"):
        expected, found = evaluate(one, values, SIZES | sizes), evaluate(other, values, SIZES | sizes)
    assert one.results.keys() == other.results.keys()
    for key in one.results:
        before, after = expected[one.results[key]], found[other.results[key]]
        assert before.dtype == after.dtype, key
        np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-11 * (1 + np.abs(np.nan_to_num(before)).max(initial=0)), err_msg=str(key))
