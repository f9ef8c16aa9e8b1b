"""Elementary functions in forms that neither overflow nor lose digits, and the slopes of sympy's in such forms."""

from collections.abc import Callable

import sympy as sp

from graphgen.calculus.own import Own


class Nonzero(Own):
    """The argument, but 1 where it is 0: log(nonzero(a)) is finite where something else makes the product 0."""

    nargs = 1

    @classmethod
    def eval(cls, argument: sp.Expr) -> sp.Expr | None:
        if argument.is_number:
            return sp.S.One if argument == 0 else argument
        return None

    def definition(self) -> sp.Expr:
        (a,) = self.args
        return sp.Piecewise((1, sp.Eq(a, 0)), (a, True))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.One


class Quotient(Own):
    """a / b, but 0 where b is 0, and there all its slopes are 0: a norm's slope is x / y, and 0 at 0."""

    nargs = 2

    def definition(self) -> sp.Expr:
        a, b = self.args
        return sp.Piecewise((0, sp.Eq(b, 0)), (a / b, True))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return Quotient(1, self.args[1]) if argindex == 1 else -Quotient(self, self.args[1])


class Cbrt(Own):
    """The real cube root. sympy's of a negative number is complex."""

    nargs = 1

    def definition(self) -> sp.Expr:
        (a,) = self.args
        return sp.sign(a) * sp.Abs(a) ** sp.Rational(1, 3)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 1 / (3 * self**2)


class Hypot(Own):
    """sqrt(a**2 + b**2), of squares that may overflow. Its slopes at (0, 0) are 0."""

    nargs = 2

    def definition(self) -> sp.Expr:
        a, b = self.args
        return sp.sqrt(a**2 + b**2)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self.args[argindex - 1] / Nonzero(self)


class OverSquares(Own):
    """a / (a**2 + b**2), of squares that may overflow; 0 at (0, 0). The slopes of atan and atan2 are made of it."""

    nargs = 2

    def definition(self) -> sp.Expr:
        a, b = self.args
        return a / (a**2 + b**2)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b = self.args
        return OverSquares(b, a) ** 2 - self**2 if argindex == 1 else -2 * self * OverSquares(b, a)


class Atan2(Own):
    """The angle of the point (b, a). sympy's would write atan(a/b) for it, and choose between such, where b is a number."""

    nargs = 2

    def definition(self) -> sp.Expr:
        return sp.atan2(*self.args)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b = self.args
        return OverSquares(b, a) if argindex == 1 else -OverSquares(a, b)


class Logit(Own):
    """log(a / (1 - a)), which keeps its digits where a is near 1/2."""

    nargs = 1

    def definition(self) -> sp.Expr:
        (a,) = self.args
        return sp.log(a / (1 - a))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        (a,) = self.args
        return 1 / (a * (1 - a))


class XLogY(Own):
    """a * log(b), but 0 where a is 0. There its slope by b is 0, and by a 0 where log(b) is not finite."""

    nargs = 2

    def definition(self) -> sp.Expr:
        a, b = self.args
        return sp.Piecewise((0, sp.Eq(a, 0)), (a * sp.log(b), True))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b = self.args
        if argindex == 2:
            return sp.Piecewise((0, sp.Eq(a, 0)), (a / b, True))
        if a == b:
            return sp.Piecewise((0, sp.Eq(a, 0)), (sp.log(a), True))
        return sp.log(sp.Piecewise((1, sp.And(sp.Eq(a, 0), b <= 0)), (b, True)))


class Sinc(Own):
    """sin(pi*a) / (pi*a), but 1 where a is 0. sympy's own is without pi."""

    nargs = 1

    def definition(self) -> sp.Expr:
        (a,) = self.args
        return sp.Piecewise((1, sp.Eq(a, 0)), (sp.sin(sp.pi * a) / (sp.pi * a), True))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return SincSlope(self.args[0])


class SincSlope(Own):
    """The derivative of sinc, which keeps its digits where a is near 0."""

    nargs = 1

    def definition(self) -> sp.Expr:
        (a,) = self.args
        elsewhere = (sp.cos(sp.pi * a) - sp.sin(sp.pi * a) / (sp.pi * a)) / a
        return sp.Piecewise((0, sp.Eq(a, 0)), (elsewhere, True))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        (a,) = self.args  # Bessel's equation for j0(pi*a), DLMF 10.47.1
        return sp.Piecewise((-(sp.pi**2) / 3, sp.Eq(a, 0)), (-(sp.pi**2) * Sinc(a) - 2 * self / a, True))


class Fmod(Own):
    """a - b * trunc(a / b). Its slope by b is -trunc(a / b), which comes without rounding from the result."""

    nargs = 2

    def definition(self) -> sp.Expr:
        a, b = self.args
        return a - b * _towards_zero(a / b)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b = self.args
        return sp.S.One if argindex == 1 else (self - a) / b


class Remainder(Own):
    """a - b * floor(a / b), kept from sympy's rewriting of Mod. Its slope by b is -floor(a / b), from the result."""

    nargs = 2

    def definition(self) -> sp.Expr:
        a, b = self.args
        return a - b * sp.floor(a / b)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b = self.args
        return sp.S.One if argindex == 1 else (self - a) / b


class Round(Own):
    """The nearest whole number, of two the even one."""

    nargs = 1

    def definition(self) -> sp.Expr:
        (a,) = self.args
        half_above_even = sp.Eq(sp.Mod(a, 2), sp.S.Half)
        return sp.floor(a + sp.S.Half) - sp.Piecewise((1, half_above_even), (0, True))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.Zero


class Trunc(Own):
    """The whole number next to the argument, towards 0."""

    nargs = 1

    def definition(self) -> sp.Expr:
        return _towards_zero(self.args[0])

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.Zero


def _towards_zero(a: sp.Expr) -> sp.Expr:
    return sp.sign(a) * sp.floor(sp.Abs(a))


# sympy's own slopes overflow or lose digits at large arguments and near 1: 1/(a**2 + 1), 1/sqrt(1 - a**2).
SLOPES: dict[type, tuple[Callable[..., sp.Expr], ...]] = {
    sp.asin: (lambda a: 1 / sp.sqrt((1 - a) * (1 + a)),),
    sp.acos: (lambda a: -1 / sp.sqrt((1 - a) * (1 + a)),),
    sp.atan: (lambda a: OverSquares(1, a),),
    sp.asinh: (lambda a: 1 / Hypot(1, a),),
    sp.acosh: (lambda a: 1 / (sp.sqrt(a - 1) * sp.sqrt(a + 1)),),
    sp.atanh: (lambda a: 1 / ((1 - a) * (1 + a)),),
    sp.ceiling: (lambda a: sp.S.Zero,),
    sp.floor: (lambda a: sp.S.Zero,),
    sp.sign: (lambda a: sp.S.Zero,),
}
