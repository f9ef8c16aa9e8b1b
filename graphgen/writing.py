"""Put a generated module on the disk, whole or not at all, and never over somebody else's file."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

from graphgen.errors import GraphError, Problem

# The line by which a generated module is known; it stands in the module's docstring.
HEADER = re.compile(r"made by graphgen \S+ \(target \w+\); its authors claim no ownership of this file")


def is_generated(text: str) -> bool:
    """Whether a file's text opens with a docstring that has graphgen's header line."""
    before, *docstring = text.split('"""', 2)
    if before.strip() not in ("", "r") or not docstring:
        return False
    return any(HEADER.fullmatch(line) for line in docstring[0].splitlines())


def write(file: Path, text: str, *, force: bool = False) -> None:
    """Write a module under its name only once it is complete.

    Parameters
    ----------
    file : Path
        Where to; missing folders are made, an existing file keeps its mode, a link stays a link.
    text : str
        What to write.
    force : bool
        Whether to write over a file that graphgen has not made.

    Raises
    ------
    GraphError
        If the file is somebody else's, or cannot be written.
    """
    old = read(file)
    if old is not None and not force and not is_generated(old.decode(errors="replace")):
        help = "write to another file with -o, or over this one with --force"
        raise GraphError(Problem("GG084", None, f"{file} was not made by graphgen, and is left as it is", help))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace(file, text.encode())
    except OSError as error:
        raise _cannot("write", file, error) from error


def read(file: Path) -> bytes | None:
    """Read a file's bytes, None if it does not exist or is a device; raises GraphError if it cannot be read."""
    try:
        if file.exists() and not file.is_file() and not file.is_dir():
            return None
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _cannot("read", file, error) from error


def same(file: Path, other: str | os.PathLike) -> bool:
    """Whether two names are of one file that exists; False where that cannot be known."""
    try:
        return os.path.samefile(file, other)
    except OSError:
        return False


def difference(file: Path, old: bytes | None, new: str) -> str:
    """Compare what a file holds with what it would hold, as a unified diff; empty if they are equal."""
    before = [] if old is None else old.decode(errors="replace").split("\n")
    source = "/dev/null" if old is None else str(file)
    lines = difflib.unified_diff(before, new.split("\n"), source, str(file), lineterm="")
    return "".join(line + "\n" for line in lines)


def replace(file: Path, content: bytes) -> None:
    """Write a file under its name only once it is complete; raises OSError if it cannot be written."""
    target = file.resolve()  # a link stays, what it points to is replaced
    if file.exists() and not file.is_file():
        file.write_bytes(content)  # /dev/null and its like must stay what they are
        return
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        if target.exists():
            temporary.chmod(target.stat().st_mode)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _cannot(verb: str, file: Path, error: OSError) -> GraphError:
    return GraphError(Problem("GG085", None, f"cannot {verb} {file}: {error.strerror}"))
