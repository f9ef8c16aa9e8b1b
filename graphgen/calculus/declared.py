"""Functions whose slopes are declared: what they answer with is their first argument, what is differentiated is said."""

import sympy as sp

from graphgen.calculus.own import Own


class Declared(Own):
    """Its first argument, with slopes that are not those of the first argument."""

    def definition(self) -> sp.Expr:
        return self.args[0]


class StopGradient(Declared):
    """a, a constant to every derivative."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.Zero


class StraightThrough(Declared):
    """value, with the slopes of x."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.One if argindex == 2 else sp.S.Zero


class CustomGradient(Declared):
    """value, with `slope` for its slope by x."""

    nargs = 3

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self.args[2] if argindex == 2 else sp.S.Zero


class ScaleGradient(Declared):
    """x, with `factor` for its slope."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self.args[1] if argindex == 1 else sp.S.Zero


class Clipped(Own):
    """A gradient kept between low and high: what stands for the clip of gradients, which checks can lift."""

    nargs = 3

    def definition(self) -> sp.Expr:
        gradient, low, high = self.args
        return sp.Min(sp.Max(gradient, low), high)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        gradient, low, high = self.args
        inside = sp.And(gradient > low, gradient < high)
        chosen = {1: inside, 2: sp.And(gradient <= low, low < high), 3: sp.Or(gradient >= high, low >= high)}
        return sp.Piecewise((1, chosen[argindex]), (0, True))
