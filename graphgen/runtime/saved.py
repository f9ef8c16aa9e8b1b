"""What the forward sweep leaves to the reverse sweep, where the two are functions of their own."""
# ruff: noqa: TC004 -- supplied.py holds types alone: what it names exists where the helpers are copied to

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphgen.runtime.supplied import _saved


def _read_saved(saved: dict) -> list:
    """Return what `forward_sweep` saved, in the order of `_saved`; ValueError if something is missing."""
    if not hasattr(saved, "get"):
        raise ValueError(f"saved: expected the dict that forward_sweep returns, got {type(saved).__name__}")
    missing = [name for name in _saved if name not in saved]
    if missing:
        raise ValueError(f"saved: {', '.join(missing)} missing; forward_sweep returns it")
    return [saved[name] for name in _saved]
