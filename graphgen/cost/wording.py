"""Counts and formulas as people write them: 4,928*batch, 4.9 kflop a sample, 1.5 MB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sympy as sp

from graphgen import sizes
from graphgen.cost.counts import KINDS, Counts

_UNITS = ("", "k", "M", "G", "T", "P")
_MOST = 4  # functions told by name in a sentence


def formula(size: sizes.Size) -> str:
    """A number or a formula: ``4,928*batch + 1``."""
    if isinstance(size, int) or size.is_Integer:
        return f"{int(size):,}"
    terms = sorted(sp.Add.make_args(size), key=lambda term: (-_degree(term), str(term.as_coeff_Mul()[1])))
    text = _term(terms[0])
    for term in terms[1:]:
        text += f" - {_term(-term)}" if term.could_extract_minus_sign() else f" + {_term(term)}"
    return text


def _degree(term: sp.Expr) -> int:
    return sum(
        int(power.exp) if power.is_Pow and power.exp.is_Integer else 1
        for power in sp.Mul.make_args(term)
        if not power.is_number
    )


def _term(term: sp.Expr) -> str:
    coefficient, rest = term.as_coeff_Mul()
    if rest == 1:
        return f"{int(coefficient):,}"
    if not coefficient.is_Integer:
        return f"({sizes.text(term)})"
    factors = sorted((_factor(each) for each in sp.Mul.make_args(rest)), key=lambda text: (text.startswith("("), text))
    return "*".join([*([] if coefficient == 1 else [f"{int(coefficient):,}"]), *factors])


def _factor(size: sp.Expr) -> str:
    text = sizes.text(size)
    return f"({text})" if " " in text else text


def rounded(number: float, unit: str) -> str:
    """Two digits and a unit with its prefix: 4.9 kflop, 110 kflop; whole numbers below a thousand: 320 flop."""
    if number < 1000:
        return f"{number:,.0f} {unit}"
    power = 0
    while number >= 999.5 and power < len(_UNITS) - 1:
        number, power = number / 1000, power + 1
    return f"{number:.1f} {_UNITS[power]}{unit}" if number < 9.95 else f"{number:.0f} {_UNITS[power]}{unit}"


def amount(size: sizes.Size, unit: str, sample: str | None) -> str:
    """A rounded number, or one for each sample: ``4.9 kflop a sample + 74 kflop``; else the formula's largest terms.

    `sample` is the size that counts samples, if there is one.
    """
    if isinstance(size, int):
        return rounded(size, unit)
    parts = _by_sample(size, sample)
    if parts is None:
        leading = _leading(size)
        return f"{'about ' * (leading != size)}{formula(leading)} {unit}"
    each, rest = parts
    text = f"{rounded(each, unit)} a sample"
    # What rounding hides for every number of samples is not said.
    return text if 0 <= rest < 0.005 * each else f"{text} {'-' if rest < 0 else '+'} {rounded(abs(rest), unit)}"


def _leading(size: sp.Expr) -> sp.Expr:
    """The terms that outgrow all others: 21*m*n of 21*m*n + 2*n + 16."""
    terms = [(term, term.as_coeff_Mul()[1]) for term in sp.Add.make_args(size)]
    return sp.Add(*(term for term, own in terms if not any(_outgrows(other, own) for _, other in terms)))


def _outgrows(one: sp.Expr, other: sp.Expr) -> bool:
    """Whether a product of sizes holds another, and more."""
    return one != other and sp.denom(sp.cancel(one / other)) == 1


def _by_sample(size: sp.Expr, sample: str | None) -> tuple[int, int] | None:
    """How many for each sample, and how many besides; None where it is not as simple."""
    if sample is None or {symbol.name for symbol in size.free_symbols} != {sample}:
        return None
    each = size.coeff(sizes.symbol(sample))
    rest = size - each * sizes.symbol(sample)
    return (int(each), int(rest)) if each.is_Integer and rest.is_Integer else None


def functions(counts: Counts) -> list[str]:
    """The functions by name, the most frequent first as far as that is known."""
    names = [kind for kind in counts.kinds() if kind not in KINDS]
    return sorted(names, key=lambda kind: (-_rank(counts.total(kind)), kind))


def _rank(size: sizes.Size) -> float:
    return float(size if isinstance(size, int) else size.subs(dict.fromkeys(size.free_symbols, 1000)))


def work(counts: Counts, sample: str | None) -> str:
    """A sentence on operations: ``4.9 kflop, 10 exp and 1 log a sample``."""
    flop = counts.total(*KINDS)
    names = functions(counts)
    parts = [] if flop == 0 else [(flop, "flop")]
    if len(names) > _MOST:
        parts.append((counts.total(*names), "functions"))
    else:
        parts += [(counts.total(name), name) for name in names]
    return listed([amount(size, unit, sample) for size, unit in parts]) or "nothing"


def listed(parts: Sequence[str]) -> str:
    """a, b and c; what they begin or end with is said once."""
    tail, about = " a sample", "about "
    if any(part.startswith(about) for part in parts):
        return about + listed([part.removeprefix(about) for part in parts])
    if len(parts) > 1 and all(part.endswith(tail) for part in parts):
        return listed([part.removesuffix(tail) for part in parts]) + tail
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def python(size: sizes.Size) -> int | str:
    """A number, or a formula as Python reads it."""
    return size if isinstance(size, int) else sizes.text(size)


def total(counts: Iterable[Counts]) -> Counts:
    """All of the counts in one."""
    result = Counts()
    for each in counts:
        result.add(each)
    return result
