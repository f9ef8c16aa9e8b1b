"""Weights that stand in the module itself."""
# ruff: noqa: TC004 -- supplied.py holds types alone: what it names exists where the helpers are copied to

import base64
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from graphgen.runtime.supplied import _float


def _decoded(text: str, shape: tuple) -> np.ndarray:
    """Return the array that a text in base64 holds: little-endian floats of this module's type, row by row."""
    return np.frombuffer(base64.b64decode(text), np.dtype(_float).newbyteorder("<")).reshape(shape)
