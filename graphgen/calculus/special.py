"""Special functions, written as helpers: the error function and the gamma function's logarithm, and their derivatives."""

import sympy as sp

from graphgen.calculus.own import Own
from graphgen.errors import GraphError, Problem

HIGHEST = 3  # the largest order of a polygamma that the helper is tested for


class Erf(Own):
    """The error function. sympy's own takes a sign out of its argument."""

    nargs = 1

    def definition(self) -> sp.Expr:
        return sp.erf(self.args[0])

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 2 * Gaussian(self.args[0]) / sp.sqrt(sp.pi)


class Erfc(Own):
    """1 - erf(a). sympy's own makes 2 - erfc(a) of erfc(-a), which has lost its digits where that is small."""

    nargs = 1

    def definition(self) -> sp.Expr:
        return sp.erfc(self.args[0])

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return -2 * Gaussian(self.args[0]) / sp.sqrt(sp.pi)


class Gaussian(Own):
    """exp(-a**2), kept in one piece so that it prints as the helper whose square never overflows."""

    nargs = 1

    def definition(self) -> sp.Expr:
        return sp.exp(-(self.args[0] ** 2))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return -2 * self.args[0] * self


class Lgamma(Own):
    """log(abs(gamma(a))). sympy's own loggamma is complex where a is negative."""

    nargs = 1

    def definition(self) -> sp.Expr:
        return sp.log(sp.Abs(sp.gamma(self.args[0])))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return Digamma(self.args[0])


class Digamma(Own):
    """The derivative of lgamma. sympy's own is a polygamma, which it expands."""

    nargs = 1

    def definition(self) -> sp.Expr:
        return sp.digamma(self.args[0])

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return Polygamma(1, self.args[0])


class Polygamma(Own):
    """The derivative of digamma of some order, which is a number and 1 or more; that of order 0 is digamma itself."""

    nargs = 2

    @classmethod
    def eval(cls, order: sp.Expr, argument: sp.Expr) -> sp.Expr | None:
        return Digamma(argument) if order == 0 else None

    def definition(self) -> sp.Expr:
        return sp.polygamma(*self.args)

    def fdiff(self, argindex: int = 2) -> sp.Expr:
        order, argument = self.args
        assert argindex == 2, "the order of a polygamma is no variable"
        if order >= HIGHEST:
            message = f"no derivative of this order: it would take a polygamma of order {order + 1}, they go to {HIGHEST}"
            raise GraphError(Problem("GG134", None, message, "ask for derivatives of a lower order"))
        return Polygamma(order + 1, argument)
