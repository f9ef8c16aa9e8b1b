"""What functions of our own have in common; the functions are in ``functions.py`` and ``elementary.py``."""

import sympy as sp
from mpmath.libmp import prec_to_dps


class Own(sp.Function):
    """A function that sympy has not, or rewrites, or differentiates into something that rounding ruins.

    A subclass says how many arguments it takes (`nargs`) and what its slopes are (`fdiff`).
    """

    is_real = True

    def definition(self) -> sp.Expr:
        """The same in sympy's plain functions: what its numbers and the proof of its slopes come from."""
        raise NotImplementedError(type(self).__name__)

    def _eval_evalf(self, precision: int) -> sp.Expr:
        return self.definition().evalf(prec_to_dps(precision))
