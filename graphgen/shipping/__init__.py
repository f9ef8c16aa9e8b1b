"""Shipping a trained model: its weights become a part of the module, and what they alone decide is computed at once."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from graphgen.forms import Forms
from graphgen.shipping.affine import folded
from graphgen.shipping.settle import settled
from graphgen.shipping.weights import read

__all__ = ["shipped"]


def shipped(forms: Forms, source: str | os.PathLike | Mapping[str, np.ndarray]) -> tuple[Forms, dict[str, np.ndarray]]:
    """What forward needs of a trained model, and its weights by name.

    Scales and shifts, such as those of batch norm, go into the affine map before them. What depends on weights alone is
    computed in float64, and rounded once. State becomes weights like others.

    Parameters
    ----------
    forms
        The checked program.
    source
        A file of parameters, with the state where the model has any, or arrays by name.

    Raises
    ------
    GraphError
        Listing all that does not fit.
    """
    program = forms.of_outputs(pruned=True).declared
    values = read(forms.declared, program, source)
    program, wanted = folded(program)
    program, values = settled(program, values, wanted)
    return Forms(program, program, program), values
