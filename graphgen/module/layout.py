"""Lines of code with their comments, and small texts."""

from __future__ import annotations

from graphgen.emit import INDENT, LIMIT, Line

_WIDEST = 66  # comments stand further left where all code is short


def laid_out(lines: list[Line]) -> list[str]:
    """Lines of code with their comments: the header once above each group, the others aligned at the right."""
    sections = {line.section for line in lines}
    both = "tangent" in sections
    titles = {
        "forward": "forward sweep, each value with its tangent" if both else "forward sweep",
        "reverse": "reverse sweep, each gradient with its tangent" if both else "reverse sweep",
    }
    titled = "reverse" in sections and len(sections) > 1
    column = min(max((len(line.code) for line in lines if "\n" not in line.code), default=0), _WIDEST)
    result: list[str] = []
    section = header = ""
    for line in lines:
        # What only the reverse sweep reads of the forward one may stand in it.
        current = "reverse" if "reverse" in (section, line.section) else "forward"
        if titled and current != section:
            result += ([""] if result else []) + [f"# {titles[current]}"]
            header = ""
        section = current
        if line.header and line.header != header:
            result += _header(line.header)
        header = line.header
        result += _commented(line, column)
    return result


def _header(text: str) -> list[str]:
    """A comment over as many lines as it takes, broken between a statement and what is said of it, or at a space."""
    room = LIMIT - INDENT - 2
    lines = []
    while len(text) > room:
        cut = text.rfind("  ", 1, room)
        cut = cut if cut > 0 else text.rfind(" ", 1, room)
        if cut < 0:
            break
        lines.append(f"# {text[:cut].rstrip()}")
        text = text[cut:].lstrip()
    return [*lines, f"# {text}"]


def _commented(line: Line, column: int) -> list[str]:
    parts = line.code.split("\n")
    if not line.comment:
        return parts
    beside = f"{line.code.ljust(column)}  # {line.comment}"
    if len(parts) == 1 and len(beside) + INDENT <= LIMIT:
        return [beside]
    return [*_header(line.comment), *parts]


def listed(texts: list[str]) -> str:
    """Texts as people list them: a, b and c."""
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]])) if texts else ""
