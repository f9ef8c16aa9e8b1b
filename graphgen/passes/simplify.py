"""The rules for numbers, arithmetic, views and broadcasts together, since each of them makes way for the others."""

from __future__ import annotations

from graphgen.passes.algebra import RULES as ARITHMETIC
from graphgen.passes.broadcasts import RULES as BROADCASTS
from graphgen.passes.fold import RULES as NUMBERS
from graphgen.passes.rewriting import joined, rewrite
from graphgen.passes.views import RULES as VIEWS
from graphgen.program import Program

RULES = joined(NUMBERS, BROADCASTS, ARITHMETIC, VIEWS)


def simplify(program: Program) -> Program:
    """The program without operations that make no difference."""
    return rewrite(program, RULES)
