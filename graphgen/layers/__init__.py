"""Layers: composites over ops that declare their own parameters; there is no gradient code in any of them.

Each kind has its file here; ``declaring.py`` has what they share.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from graphgen import ops
from graphgen.errors import did_you_mean
from graphgen.layers.attention import multi_head_attention, transformer_encoder_layer
from graphgen.layers.blocks import residual_block
from graphgen.layers.convolution import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from graphgen.layers.dense import dense
from graphgen.layers.normalisation import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from graphgen.layers.pooling import POOLING
from graphgen.layers.positions import learned_positions
from graphgen.layers.recurrent import gru, lstm, rnn
from graphgen.layers.shaping import embedding, flatten, maxout, prelu
from graphgen.ops.calling import unknown

# Layers without parameters that are ops as they stand.
OPS = (*POOLING, "local_response_norm", "scaled_dot_product_attention", "sinusoidal_positions")
globals().update({name: getattr(ops, name) for name in OPS})

__all__ = [
    "batch_norm",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "dense",
    "embedding",
    "flatten",
    "group_norm",
    "gru",
    "instance_norm",
    "layer_norm",
    "learned_positions",
    "lstm",
    "maxout",
    "multi_head_attention",
    "prelu",
    "residual_block",
    "rms_norm",
    "rnn",
    "transformer_encoder_layer",
]
__all__.extend(OPS)


def __getattr__(name: str) -> Any:
    # `from graphgen.layers import convolution` asks for the attribute before it looks for the file.
    if name.startswith("_") or find_spec(f"{__name__}.{name}") is not None:
        raise AttributeError(f"module 'graphgen.layers' has no attribute {name!r}")
    layers = ", ".join(__all__)
    return unknown("GG003", f"unknown layer {name!r}", did_you_mean(name, __all__) or f"one of {layers}")
