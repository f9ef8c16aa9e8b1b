"""Attention with projections that are learned, and the transformer's encoder block made of it. Keywords as in torch.nn.

Sequences are (batch, time, features).
"""

from __future__ import annotations

from typing import Any

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.graph import Handle
from graphgen.layers.declaring import layer
from graphgen.layers.dense import dense
from graphgen.layers.normalisation import layer_norm
from graphgen.ops.axes import whole
from graphgen.ops.table import Mismatch

ACTIVATIONS = ("relu", "gelu")


@layer
def multi_head_attention(
    query: Handle,
    num_heads: int,
    name: str,
    *,
    key: Handle | None = None,
    value: Handle | None = None,
    attn_mask: Handle | None = None,
    key_padding_mask: Handle | None = None,
    is_causal: bool = False,
    dropout: float = 0.0,
    bias: bool = True,
    init: Any = "glorot_uniform",
) -> Any:
    """Attention in several heads, each in a part of the features, as in torch.nn.MultiheadAttention.

    Parameters
    ----------
    query
        Shape (batch, time, features).
    num_heads
        Divides the number of features.
    name
        Names the parameters of four dense layers: `name`_query_w, `name`_query_b, and so on with key, value and out. All make
        as many features as the query has.
    key, value
        Shape (batch, other time, any features). The query is the key unless said (self-attention), and the key the value.
    attn_mask
        Shape (time, other time), or one for each head, (batch * num_heads, time, other time): bools, True where a key must
        NOT be seen (the contrary of scaled_dot_product_attention's, as in torch), or floats that are added to the scores.
    key_padding_mask
        Bools of shape (batch, other time), True where a key must not be seen by any query.
    is_causal
        Whether a query sees no key beyond its own place.
    dropout
        The share of the weights that is dropped in training.
    bias
        Whether there are biases.
    init
        The initializer of the weights.

    Returns
    -------
    Handle
        The query's shape.
    """
    key = query if key is None else key
    value = key if value is None else value
    count = _heads_of(query, num_heads)
    _check_sequences(query, key, value)
    mask = _mask(query, key, count, attn_mask, key_padding_mask)
    parts = []
    for what, plural, source in (("query", "queries", query), ("key", "keys", key), ("value", "values", value)):
        projected = dense(source, query.shape[-1], what, init=init, bias=bias)
        parts.append(_divided(projected, count, plural))
    found = ops.scaled_dot_product_attention(*parts, mask, dropout, is_causal, name="heads")
    merged = ops.reshape(_swapped(found), query.shape, name="merged")
    return dense(merged, query.shape[-1], "out", init=init, bias=bias)


def _heads_of(query: Handle, num_heads: Any) -> int:
    """The number of heads; raises `Mismatch`."""
    if len(query.shape) < 2:
        raise Mismatch("GG027", f"query is {query.type}, expected (batch, time, features)", "add the axis of time")
    count = whole(num_heads)
    if count is None or count < 1:
        raise Mismatch("GG005", f"num_heads is {brief(num_heads)}", "give an int from 1 up")
    if sizes.quotient(query.shape[-1], count) is None:
        message = f"{sizes.text(query.shape[-1])} features cannot be divided among {count} heads"
        raise Mismatch("GG027", message, "num_heads divides the number of features, whatever the symbolic sizes are")
    return count


def _check_sequences(query: Handle, key: Handle, value: Handle) -> None:
    """Raise `Mismatch` unless keys and values belong to each other and to the queries."""
    batch = query.shape[:-2]
    for what, each in (("key", key), ("value", value)):
        if len(each.shape) != len(query.shape) or not sizes.same(each.shape[:-2], batch):
            message = f"{what} is {each.type}, query {query.type}"
            raise Mismatch("GG027", message, "all axes but those of time and features are the same")
    if not sizes.equal(key.shape[-2], value.shape[-2]):
        raise Mismatch(
            "GG027", f"key {key.type} and value {value.type} differ in time", "there is one value for each key"
        )


def _divided(x: Any, heads: int, name: str) -> Any:
    """The features divided among heads, whose axis is put before that of time."""
    shape = (*x.shape[:-1], heads, sizes.quotient(x.shape[-1], heads))
    return _swapped(ops.reshape(x, shape), name)


def _swapped(x: Any, name: str | None = None) -> Any:
    """The axes of heads and time swapped."""
    *before, first, second, features = range(len(x.shape))
    return ops.transpose(x, (*before, second, first, features), name=name)


def _mask(query: Handle, key: Handle, heads: int, attn_mask: Any, key_padding_mask: Any) -> Any:
    """What scaled_dot_product_attention takes as its mask: of bools True where a key is seen, or floats."""
    padding = None if key_padding_mask is None else _padding(key, key_padding_mask)
    if attn_mask is None:
        return None if padding is None else ops.logical_not(padding, name="seen")
    mask = _of_heads(query, key, heads, attn_mask)
    if mask.dtype == "bool":
        return ops.logical_not(mask if padding is None else mask | padding, name="seen")
    return mask if padding is None else ops.where(padding, float("-inf"), mask, name="mask")


def _padding(key: Handle, mask: Handle) -> Any:
    """A mask of the keys, with axes for heads and queries; raises `Mismatch`."""
    if mask.dtype != "bool" or not sizes.same(mask.shape, key.shape[:-1]):
        message = (
            f"key_padding_mask is {mask.type} of {mask.dtype}, expected {sizes.shape_text(key.shape[:-1])} of bool"
        )
        raise Mismatch("GG020", message, "True where a key must not be seen")
    return ops.expand_dims(mask, axis=(-3, -2))


def _of_heads(query: Handle, key: Handle, heads: int, mask: Handle) -> Any:
    """A mask of the scores, with an axis for heads where there is one for each; raises `Mismatch`."""
    scores = (query.shape[-2], key.shape[-2])
    together = (sizes.product((*query.shape[:-2], heads)), *scores)
    if mask.dtype not in ("bool", "float") or not (sizes.same(mask.shape, scores) or sizes.same(mask.shape, together)):
        found, expected = f"{mask.type} of {mask.dtype}", f"{sizes.shape_text(scores)} or {sizes.shape_text(together)}"
        raise Mismatch(
            "GG020", f"attn_mask is {found}, expected {expected}", "of bools, True where a key must not be seen"
        )
    return mask if len(mask.shape) == 2 else ops.reshape(mask, (*query.shape[:-2], heads, *scores))


@layer
def transformer_encoder_layer(
    x: Handle,
    nhead: int,
    name: str,
    *,
    dim_feedforward: Any = 2048,
    dropout: float = 0.1,
    activation: str = "relu",
    layer_norm_eps: float = 1e-5,
    norm_first: bool = False,
    bias: bool = True,
    src_mask: Handle | None = None,
    src_key_padding_mask: Handle | None = None,
    is_causal: bool = False,
    init: Any = "glorot_uniform",
) -> Any:
    """Self-attention and two dense layers, each added to what goes in and normalised, as in torch.nn.TransformerEncoderLayer.

    Parameters
    ----------
    x
        Shape (batch, time, features).
    nhead
        How many heads the attention has; divides the number of features.
    name
        Names the parameters: those of `name`_attention, `name`_linear1, `name`_linear2, `name`_norm1 and `name`_norm2.
    dim_feedforward
        The size between the two dense layers.
    dropout
        The share that is dropped in training, of the attention's weights and after each step; 0 for none.
    activation
        "relu" or "gelu": between the two dense layers.
    layer_norm_eps
        Added to the variance by the normalisation.
    norm_first
        Normalise what goes into each part, and not the sums.
    bias
        Whether dense layers and normalisations have biases.
    src_mask, src_key_padding_mask, is_causal
        As attn_mask, key_padding_mask and is_causal of `multi_head_attention`.
    init
        The initializer of the weights.

    Returns
    -------
    Handle
        The shape of x.
    """
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise Mismatch("GG005", f"unknown activation {brief(activation)}", 'one of "relu", "gelu"')
    masks: dict[str, Any] = {
        "attn_mask": src_mask,
        "key_padding_mask": src_key_padding_mask,
        "is_causal": is_causal,
    }

    def attended(part: Any) -> Any:
        found = multi_head_attention(part, nhead, "attention", dropout=dropout, bias=bias, init=init, **masks)
        return _dropped(found, dropout)

    def fed_forward(part: Any) -> Any:
        inner = getattr(ops, activation)(dense(part, dim_feedforward, "linear1", init=init, bias=bias), name="inner")
        return _dropped(dense(_dropped(inner, dropout), x.shape[-1], "linear2", init=init, bias=bias), dropout)

    def normalised(part: Any, which: str) -> Any:
        return layer_norm(part, which, eps=layer_norm_eps, bias=bias)

    if norm_first:
        x = ops.add(x, attended(normalised(x, "norm1")), name="sum1")
        return x + fed_forward(normalised(x, "norm2"))
    x = normalised(ops.add(x, attended(x), name="sum1"), "norm1")
    return normalised(ops.add(x, fed_forward(x), name="sum2"), "norm2")


def _dropped(x: Any, share: float) -> Any:
    return ops.dropout(x, share) if share else x
