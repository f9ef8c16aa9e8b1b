"""docs/layers.md, which is made of the layers' docstrings: ``python -m graphgen.layers.document docs/layers.md [--check]``."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

from graphgen import layers
from graphgen.layers.declaring import plain
from graphgen.ops.document import anchor, escaped, write

INTRODUCTION = """\
# Layers

Functions that declare their own parameters and compose ops; there is no gradient code in any of them. This file is made of
their docstrings in [graphgen/layers](../graphgen/layers) by `make generated`.

- `name=` names a layer's parameters; its result takes the name of the variable that it is assigned to, or else the layer's.
- Names, keywords and defaults are those of torch.nn, but that matrices are of (features that go in, features that come out).
- Images are (batch, channels, space, ...), sequences (batch, time, features). Sizes may be names, such as "batch".
- `init` is an initializer: a name, a number, an array, or one of graphgen.initializers.
"""


def document() -> str:
    """The whole text."""
    kinds: dict[str, list[str]] = {}
    for name in sorted(set(layers.__all__) - set(layers.OPS)):
        kinds.setdefault(getattr(layers, name).__module__, []).append(name)
    parts = [INTRODUCTION, "## Overview\n", "| kind | layers |\n|---|---|"]
    parts += [f"| {_title(kind)} | {', '.join(map(_link, names))} |" for kind, names in sorted(kinds.items())]
    parts += [f"| Ops that need no parameters | {', '.join(map(_link_op, layers.OPS))} |\n"]
    for kind, names in sorted(kinds.items()):
        parts += [f"## {_title(kind)}\n", f"{_paragraph(sys.modules[kind].__doc__)}\n", *map(_entry, names)]
    return "\n".join(parts)


def _title(kind: str) -> str:
    return kind.rpartition(".")[2].capitalize()


def _link(name: str) -> str:
    return f"[{name}](#{anchor(name)})"


def _link_op(name: str) -> str:
    return f"[{name}](ops.md#{anchor(name)})"


def _entry(name: str) -> str:
    function = getattr(layers, name)
    sections = dict(_sections(inspect.getdoc(function) or ""))
    lines = [f"### {name}\n", f"`layers.{name}{plain(inspect.signature(function))}`\n"]
    lines += [f"{_block(each)}\n" for each in sections[""].strip().split("\n\n")]
    lines += [f"- `{given}`: {told}" for given, told in _parameters(sections.get("Parameters", ""))]
    lines += [f"- Returns: {told}" for _, told in _parameters(sections.get("Returns", ""))]
    for other, told in re.findall(r"^(\w+) : (.*)", sections.get("See Also", ""), re.MULTILINE):
        lines.append(f"- See {_link(other)} for {escaped(told)}")
    return "\n".join(lines) + "\n"


def _paragraph(text: Any) -> str:
    """A paragraph of a docstring, its lines joined."""
    return escaped(" ".join(str(text).split()).removesuffix("::"))


def _block(text: str) -> str:
    """A paragraph, or lines of code, which are indented."""
    code = text.startswith(" ")
    return f"```\n{inspect.cleandoc(text)}\n```" if code else f"{_paragraph(text)}{':' * text.endswith('::')}"


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """The parts of a docstring by their headings, which are underlined; what comes first has none."""
    parts = re.split(r"^(\w[\w ]*)\n-+\n", text, flags=re.MULTILINE)
    yield "", parts[0]
    yield from zip(parts[1::2], parts[2::2], strict=True)


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    """What is explained, and how: lines that are not indented, and those below them."""
    for given, told in re.findall(r"^(\S[^\n]*)\n((?:[ ]+[^\n]*\n?|\n)+)", text, flags=re.MULTILINE):
        yield given, _paragraph(told)


if __name__ == "__main__":
    if sys.argv[2:] not in ([], ["--check"]) or len(sys.argv) < 2:
        sys.exit("usage: python -m graphgen.layers.document FILE [--check]")
    sys.exit(write(sys.argv[1:], document()))
