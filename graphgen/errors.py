"""What graphgen tells a user: where a problem is, what it is, and what to do about it."""

import linecache
import os
import reprlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class Place(NamedTuple):
    """A stretch of source text, as code objects describe it.

    Attributes
    ----------
    file : str
        The file as the code object names it.
    line, end_line : int or None
        First and last line, counted from 1.
    column, end_column : int or None
        Where it starts in the first and ends in the last line, in UTF-8 bytes from 0.
    """

    file: str
    line: int | None = None
    end_line: int | None = None
    column: int | None = None
    end_column: int | None = None

    def __str__(self) -> str:
        name = os.path.basename(self.file)
        return name if self.line is None else f"{name}:{self.line}"

    @property
    def position(self) -> str:
        """File, line and column, the latter in characters from 1: ``model.py:7:10``."""
        if self.line is None or self.column is None:
            return str(self)
        source = linecache.getline(self.file, self.line)
        # Without the source, bytes are the best guess at characters: right for ASCII.
        column = len(_before(source, self.column)) if source else self.column
        return f"{self}:{column + 1}"


@dataclass(frozen=True)
class Problem:
    """One mistake in a model.

    Attributes
    ----------
    code : str
        Its number in the documentation, such as ``GG021``.
    where : Place or None
        The expression at fault.
    message : str
        What is wrong.
    help : str or None
        What to do about it.
    label : str or None
        What is said of the marked source itself.
    notes : tuple of str
        Further facts.
    """

    code: str
    where: Place | None
    message: str
    help: str | None = None
    label: str | None = None
    notes: tuple[str, ...] = ()


class GraphError(Exception):
    """The user's model is wrong; all that is known to be wrong with it.

    Parameters
    ----------
    problems : Problem or iterable of Problem
        At least one.
    """

    problems: tuple[Problem, ...]

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        assert self.problems, "an error needs a problem"
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n\n".join(render(problem) for problem in self.problems)


class UnknownName(GraphError, AttributeError):
    """A module of graphgen was asked for a name it does not have (``hasattr`` answers False)."""


class GraphWarning(UserWarning):
    """The user's model works, and is probably not what was meant."""


def render(problem: Problem, severity: str = "error") -> str:
    """Write a problem as people read it, with the source it is about.

    Parameters
    ----------
    problem : Problem
        What to write.
    severity : str
        The first word: ``error`` or ``warning``.

    Returns
    -------
    str
        One or more lines, without a final newline.
    """
    lines = [f"{severity}[{problem.code}]: {_printable(problem.message)}"]
    marked = False
    if problem.where is not None:
        lines.append(f"  --> {_printable(problem.where.position)}")
        excerpt = _excerpt(problem.where)
        marked = len(excerpt) == 2
        if marked and problem.label:
            excerpt[1] += f" {_printable(problem.label)}"
        lines += [f"   |  {text}" for text in excerpt]
    # A label that has no carets to stand behind is still worth saying.
    notes = problem.notes if marked or not problem.label else (problem.label, *problem.notes)
    lines += [f"   = {_printable(note)}" for note in notes]
    if problem.help:
        lines.append(f"   = help: {_printable(problem.help)}")
    return "\n".join(lines)


def brief(value: object) -> str:
    """Write what a user gave in one short line; a value whose own ``repr`` fails is named by its type."""
    return _BRIEF.repr(value)


_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = 60
_BRIEF.maxlist = _BRIEF.maxtuple = _BRIEF.maxdict = 8


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """Find the candidate that a mistyped word most likely meant.

    Case is ignored, and the answer depends neither on the order of the candidates nor on hashing.

    Parameters
    ----------
    word : str
        What was written.
    candidates : iterable of str
        What could have been written.

    Returns
    -------
    str or None
        None if no candidate is similar.
    """
    import difflib  # only those who mistype wait for it

    by_folded = {candidate.casefold(): candidate for candidate in sorted(candidates)}
    matches = difflib.get_close_matches(word.casefold(), by_folded, n=1)
    return by_folded[matches[0]] if matches else None


def check_sizes(given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise a GraphError unless all these are numbers for symbolic sizes that there are."""
    problems = []
    for name, number in given.items():
        if name not in known:
            near = did_you_mean(name, known) or (f"one of {', '.join(known)}" if known else "all sizes are numbers")
            problems.append(Problem("GG117", None, f"size: there is no size {name!r}", near))
        elif isinstance(number, bool) or not isinstance(number, int) or number < 1:
            problems.append(Problem("GG117", None, f"size: {name} is a whole number above 0, got {number!r}"))
    if problems:
        raise GraphError(problems)


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """Ask about the closest candidate: ``did you mean 'relu'?``, or None if there is none."""
    match = closest(word, candidates)
    return None if match is None else f"did you mean {match!r}?"


def _excerpt(place: Place) -> list[str]:
    """Give the first source line of a place and the carets below it, or as much as is known."""
    source = linecache.getline(place.file, place.line or 0).rstrip()
    code = source.lstrip()
    if not code:
        return []
    indentation = len(source) - len(code)
    lines = [_shown(code)]
    if place.column is None:
        return lines
    start = max(len(_before(source, place.column)) - indentation, 0)
    if start >= len(code):  # the file was edited since it was run
        return lines
    if place.end_line is not None and place.end_line != place.line:
        end = len(code)
    elif place.end_column is None:
        end = start + 1
    else:
        end = len(_before(source, place.end_column)) - indentation
    carets = "^" * max(_width(_shown(code[start:end])), 1)
    lines.append(" " * _width(_shown(code[:start])) + carets)
    return lines


def _before(source: str, column: int) -> str:
    """Give the characters of a line that stand before a column counted in UTF-8 bytes."""
    return source.encode(errors="replace")[:column].decode(errors="replace")


def _printable(text: str) -> str:
    r"""Escape what could fake or hide output: a newline becomes the two characters ``\n``."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _shown(code: str) -> str:
    """Give code as it is printed; a tab becomes spaces, so that carets can stand below any character."""
    return _printable(code.replace("\t", "    "))


def _width(text: str) -> int:
    """Count the terminal columns that printable text takes: none for a combining mark, two for a wide character."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(char) in ("Mn", "Me") else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
