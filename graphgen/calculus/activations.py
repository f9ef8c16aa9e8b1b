"""What activations are made of where plain arithmetic would overflow or lose digits."""

import sympy as sp

from graphgen.calculus.own import Own


class Sech(Own):
    """1 / cosh(a), whose square is 1 - tanh(a)**2 with its digits kept where that is small."""

    nargs = 1

    def definition(self) -> sp.Expr:
        return sp.sech(self.args[0])

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return -self * sp.tanh(self.args[0])


class Tanhshrink(Own):
    """a - tanh(a), whose digits cancel near 0."""

    nargs = 1

    def definition(self) -> sp.Expr:
        return self.args[0] - sp.tanh(self.args[0])

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.tanh(self.args[0]) ** 2


class Hardsigmoid(Own):
    """A line from 0 at -3 to 1 at 3, and level beyond."""

    nargs = 1

    def definition(self) -> sp.Expr:
        return sp.Min(sp.Max(self.args[0] + 3, 0), 6) / 6

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.Piecewise((sp.Rational(1, 6), sp.Abs(self.args[0]) < 3), (0, True))


class NormalCdf(Own):
    """The probability that a normal variable is below a."""

    nargs = 1

    def definition(self) -> sp.Expr:
        return sp.erfc(-self.args[0] / sp.sqrt(2)) / 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return NormalPdf(self.args[0])


class NormalPdf(Own):
    """The density of a normal variable at a."""

    nargs = 1

    def definition(self) -> sp.Expr:
        return sp.exp(-(self.args[0] ** 2) / 2) / sp.sqrt(2 * sp.pi)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return -self.args[0] * self


class NormalCdfTanh(Own):
    """An approximation of `NormalCdf`: (1 + tanh(sqrt(2/pi) * (a + 0.044715 * a**3))) / 2."""

    nargs = 1

    def definition(self) -> sp.Expr:
        return (1 + sp.tanh(_bent(self.args[0]))) / 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return NormalPdfTanh(self.args[0])


class NormalPdfTanh(Own):
    """The derivative of `NormalCdfTanh`."""

    nargs = 1

    def definition(self) -> sp.Expr:
        return _bent(self.args[0], 1) * sp.sech(_bent(self.args[0])) ** 2 / 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        (a,) = self.args
        return self * (_bent(a, 2) / _bent(a, 1) + 2 * _bent(a, 1) * (1 - 2 * NormalCdfTanh(a)))


def _bent(a: sp.Expr, order: int = 0) -> sp.Expr:
    """What tanh is taken of, or a derivative of it."""
    inside = sp.sqrt(2 / sp.pi) * (_A + sp.Rational(44715, 10**6) * _A**3)
    return inside.diff(_A, order).subs(_A, a)


_A = sp.Symbol("a", real=True)
