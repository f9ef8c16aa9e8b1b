"""Attention: means of values, weighted by how well each query meets each key. Keywords as in torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphgen import ops, sizes
from graphgen.errors import brief
from graphgen.ops.rows.normalisation import number
from graphgen.ops.rows.softmax import SHIFT, shifted
from graphgen.ops.table import Mismatch, Type, bools, composite, example, need_floats


def _call(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: Any = 0.0,
    is_causal: Any = False,
    scale: Any = None,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    masks = () if attn_mask is None else (attn_mask,)
    return (query, key, value, *masks), {"dropout_p": dropout_p, "is_causal": is_causal, "scale": scale}


def _attended(
    query: Type, key: Type, value: Type, *mask: Type, dropout_p: Any, is_causal: Any, scale: Any
) -> dict[str, Any]:
    need_floats("attention", query, key, value)
    _check_shapes(query, key, value)
    if not isinstance(is_causal, (bool, np.bool_)):
        raise Mismatch("GG005", f"is_causal is True or False, got {brief(is_causal)}", "leave it out for False")
    for each in mask:
        _check_mask(query, key, each)
    share = number("dropout_p", dropout_p)
    if share > 1:
        raise Mismatch(
            "GG005", f"dropout_p is {brief(dropout_p)}", "give a number from 0 to 1: the share that is dropped"
        )
    return {
        "dropout_p": share,
        "is_causal": bool(is_causal),
        "scale": None if scale is None else number("scale", scale),
    }


def _check_shapes(query: Type, key: Type, value: Type) -> None:
    for place, each in enumerate((query, key, value)):
        if each.ndim < 2:
            name = ("query", "key", "value")[place]
            raise Mismatch("GG027", f"{name} is {each}, expected (..., time, features)", "add an axis", about=place)
    if not sizes.equal(query.shape[-1], key.shape[-1]):
        message = f"query {query} and key {key} differ in features"
        raise Mismatch("GG027", message, "their last axes are multiplied and summed", about=1)
    if not sizes.equal(key.shape[-2], value.shape[-2]):
        message = f"key {key} and value {value} differ in time"
        raise Mismatch("GG027", message, "there is one value for each key", about=2)
    if sizes.broadcast(query.shape[:-2], key.shape[:-2], value.shape[:-2]) is None:
        message = f"batch axes do not broadcast: query {query}, key {key}, value {value}"
        raise Mismatch("GG020", message, "all axes but the last two must be equal or 1", about=0)


def _check_mask(query: Type, key: Type, mask: Type) -> None:
    if mask.dtype not in ("bool", "float"):
        help = "True where a key counts, or floats that are added to the scores"
        raise Mismatch("GG030", f"attn_mask is of {mask.dtype}", help, about=3)
    batch = sizes.broadcast(query.shape[:-2], key.shape[:-2]) or ()
    scores = (*batch, query.shape[-2], key.shape[-2])
    found = sizes.broadcast(mask.shape, scores)
    if found is None or not sizes.same(found, scores):
        message = f"attn_mask {mask} does not fit scores {sizes.shape_text(scores)}"
        raise Mismatch("GG020", message, "it broadcasts to (..., time of queries, time of keys)", about=3)


@composite(
    canonical=_attended,
    call=_call,
    optional=1,
    formula="y[..., i, :] = sum(softmax(query[..., i, :] @ key[..., k, :] * scale)[k] * value[..., k, :] for k)",
    note=SHIFT,
    examples=(
        example(("m", "k"), ("n", "k"), ("n", "p")),
        example(("n", "m", 3), ("n", "m", 3), ("n", "m", 2), is_causal=True, scale=0.5),
        example(("m", 2, "k"), ("m", 3, "k"), ("m", 3, "k"), ("m", 1, 3)),
        example(("m", "k"), ("n", "k"), ("n", "p"), bools("m", "n")),
    ),
)
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    /,
    *,
    dropout_p: Any = 0.0,
    is_causal: Any = False,
    scale: Any = None,
) -> Any:
    """Means of the values, weighted by the softmax of scores: query @ key.T, scaled (Vaswani et al., 2017, eq. 1).

    The scale is 1 / sqrt(features) unless said. Of a mask of bools, True is where a key counts; a query for which none
    counts gets zeros. Other masks are added to the scores. With is_causal a query sees no key beyond its own place.
    In training a share dropout_p of the weights is dropped.
    """
    scores = _scores(query, key, scale)
    chosen = attn_mask is not None and attn_mask.dtype == "bool"
    if attn_mask is not None and not chosen:
        scores = ops.add(scores, attn_mask, name="scores")
    seen = attn_mask if chosen else None
    if is_causal:
        past = ops.greater_equal(ops.expand_dims(_places(query), axis=1), _places(key), name="past")
        seen = past if seen is None else ops.logical_and(past, seen, name="seen")
    if seen is not None:
        scores = ops.where(seen, scores, -math.inf, name="seen_scores")
    exponentials = ops.exp(shifted(scores, (scores.ndim - 1,)), name="exp")
    total = ops.sum(exponentials, axis=-1, keepdims=True, name="total")
    if attn_mask is not None:  # of a query that sees nothing the weights are 0 / 1
        total = ops.where(total > 0.0, total, 1.0, name="divisor")
    weights = ops.divide(exponentials, total, name="weights")
    return (ops.dropout(weights, p=dropout_p) if dropout_p else weights) @ value


def _scores(query: Any, key: Any, scale: float | None) -> Any:
    """How well each query meets each key."""
    axes = (*range(key.ndim - 2), key.ndim - 1, key.ndim - 2)
    products = ops.matmul(query, ops.transpose(key, axes=axes), name="products")
    features = query.shape[-1]
    if scale is not None or isinstance(features, int):
        return ops.multiply(products, 1.0 / math.sqrt(features) if scale is None else scale, name="scores")
    return ops.divide(products, ops.sqrt(query._apply("size", (), {"size": features}, None)), name="scores")


def _places(x: Any) -> Any:
    """The places 0, 1, 2, ... in time."""
    return x._apply("arange", (), {"size": x.shape[-2]}, None)


def _even(x: Type, /, *, base: Any) -> dict[str, Any]:
    need_floats("sinusoidal_positions", x)
    if x.ndim < 2 or sizes.quotient(x.shape[-1], 2) is None:
        help = "each frequency has a sine and a cosine"
        raise Mismatch("GG027", f"x is {x}, expected (..., time, features), an even number of them", help, about=0)
    return {"base": number("base", base, 1.0)}


@composite(
    canonical=_even,
    formula="y[..., t, f] = x[..., t, f] + sin(t / base**((f - f % 2) / features) + pi/2 * (f % 2))",
    note="each place in time is told by sines and cosines of falling frequencies",
    examples=(example(("m", "n", 4)), example(("n", 2), base=100.0)),
    origin="Vaswani et al., Attention is all you need (2017), section 3.5",
)
def sinusoidal_positions(x: Any, /, *, base: Any = 10000.0) -> Any:
    """x plus an encoding of each place in time: sines and cosines of it, whose frequencies fall from 1 to 1 / base.

    Sines are even features, cosines the odd ones next to them.
    """
    half = sizes.quotient(x.shape[-1], 2)
    each = x._apply("arange", (), {"size": half}, None)
    exponents = ops.cast(each, dtype="float") / half
    frequencies = ops.exp(exponents * -math.log(base), name="frequencies")
    places = ops.expand_dims(ops.cast(_places(x), dtype="float"), axis=1)
    angles = ops.multiply(places, frequencies, name="angles")
    pairs = ops.stack((ops.sin(angles), ops.cos(angles)), axis=-1)
    return x + ops.reshape(pairs, shape=(x.shape[-2], x.shape[-1]), name="encoding")
