"""docs/ops.md, which is made of the op table: ``python -m graphgen.ops.document docs/ops.md [--check]``."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graphgen import ops
from graphgen.latex import aligned
from graphgen.ops.describe import describe
from graphgen.ops.describe_arrays import NO_SLOPE
from graphgen.ops.equations import of_row
from graphgen.ops.families import FAMILIES

INTRODUCTION = """\
# The op table

All ops, by family. This file is made of the rows in [graphgen/ops/rows](../graphgen/ops/rows) by `make generated`;
`graphgen ops NAME` shows one op in the terminal.

How to read it:

- $y$ is the result, $d_y$ the gradient of the loss with respect to it, and $d_x$ what the operand $x$ gets of it: these
  are the slopes, of both modes. Elementwise ones are derived from the formula by sympy, and go through the result $y$
  where that is cheaper and as accurate. Where a keyword changes a slope, the one of the default is shown.
- A formula of arrays gives one element, with $\\dots$ for axes that it leaves alone, and $n$ for the size of an axis. Its
  slopes are told as statements, in terms of other ops, at the example that stands under *shape*: those of an op that is
  linear are its transposes, those of a reduction its weights, those of a composite follow from its parts.
- In a shape m, n, k and p are sizes: numbers, or names such as "batch".
- *dtype* tells what goes in; the result is of the same unless said. Floats are float32 or float64, as the graph declares.
- *policy* tells what calculus leaves open, kinks, ties and branches not taken, and what is decided here for every use of
  the op. The options `relu_at_zero` and `ties` are the graph's, or those of `graphgen compile`.
- *NumPy* is what generated code says. A function without `np.` is a helper that the module brings along.
"""

INNER = """\
## Inner ops

Users have no need of these: slopes and composites above are made of them.
"""

_STATEMENTS = ("made of", "slope")  # of array ops
_CODE = ("keywords", "domain", "NumPy")
_SHAPES = ("operands broadcast", "that of the operand")


def document() -> str:
    """The whole text."""
    families = {FAMILIES[family].title: (family, rows) for family, rows in ops.families().items()}
    contents = [f"- [{title}](#{anchor(title)}): {_linked(rows)}" for title, (_, rows) in families.items()]
    parts = [INTRODUCTION, "## Families\n", "\n".join(contents) + "\n"]
    for title, (family, rows) in families.items():
        parts += [f"## {title}\n", f"Rows: [{family}.py](../graphgen/ops/rows/{family}.py)\n", *map(_entry, rows)]
    found = set(re.findall(r"\b\w+(?=\()", "\n".join(parts)))
    inner = [row for name, row in ops.TABLE.items() if name in ops.INTERNAL and name in found and row.summary]
    return "\n".join([*parts, INNER, *(f"- `{row.name}`: {escaped(_one_line(row.summary))}" for row in inner), ""])


def _linked(rows: Sequence[Any]) -> str:
    return ", ".join(f"[{row.name}](#{anchor(row.name)})" for row in rows)


def anchor(heading: str) -> str:
    """What GitHub calls a heading in links."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _entry(row: Any) -> str:
    facts = describe(row.name)
    told = dict(facts)
    lines = [f"### {row.name}\n", f"`{told['op']}`\n", f"{escaped(told['what'])}\n"]
    lines += ["```math", aligned(of_row(row)), "```\n"]
    statements = [] if isinstance(row, ops.Elementwise) else [fact for fact in facts if fact[0] in _STATEMENTS]
    statements = [fact for fact in statements if fact != NO_SLOPE]
    hidden = ("op", "what", "formula", "where", *(("slope",) if isinstance(row, ops.Elementwise) else ()))
    lines += [_fact(*fact) for fact in facts if fact == NO_SLOPE or (fact[0] not in hidden and fact not in statements)]
    return "\n".join([*lines, *_block(statements)]) + "\n"


def _block(statements: Sequence[tuple[str, str]]) -> list[str]:
    """Statements as code, those of each kind below what they are."""
    lines = []
    for label, group in itertools.groupby(statements, key=lambda fact: fact[0]):
        lines += [f"# {label}", *(text for _, text in group)]
    return ["", "```python", *lines, "```"] if lines else []


def _fact(label: str, text: str) -> str:
    code = label in _CODE or (label == "shape" and text not in _SHAPES)
    return f"- *{label}* {code_span(text) if code else escaped(text)}"


def code_span(text: str) -> str:
    """A text as code, whatever backticks there are in it."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}" if "`" in text else f"{fence}{text}{fence}"


def escaped(text: str) -> str:
    """A sentence in which names in backticks are code, and all other signs are what they are."""
    parts = re.split(r"``([^`]+)``|`([^`]+)`", text)
    plain = [re.sub(r"([*_<>\[\]`|$\\&#~])", r"\\\1", each) for each in parts[::3]]
    code = [f"`{first or second}`" for first, second in zip(parts[1::3], parts[2::3], strict=True)]
    return "".join(itertools.chain.from_iterable(itertools.zip_longest(plain, code, fillvalue="")))


def _one_line(text: str) -> str:
    """The first paragraph."""
    return " ".join(text.split("\n\n")[0].split())


def main(arguments: Sequence[str]) -> int:
    """Write the op table's document."""
    return write(arguments, document())


def write(arguments: Sequence[str], text: str) -> int:
    """Write the text into the file, or with --check see whether it is up to date: 1 if it is not."""
    file, *flags = arguments
    path = Path(file)
    if flags == ["--check"]:
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        print(f"{file} {'is up to date' if old == text else 'differs from what would be written'}", file=sys.stderr)
        return int(old != text)
    path.write_text(text, encoding="utf-8")
    print(f"wrote {file}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    if sys.argv[2:] not in ([], ["--check"]) or len(sys.argv) < 2:
        sys.exit("usage: python -m graphgen.ops.document FILE [--check]")
    sys.exit(main(sys.argv[1:]))
