"""What layers declare, the names of it, and their problems: exact texts."""

from types import SimpleNamespace

import numpy as np
import pytest

from graphgen import Graph, layers, load, ops
from graphgen.check import check
from graphgen.errors import GraphError
from graphgen.layers.declaring import layer, parameter


def keys(g):
    return list(g.dag)


def test_names_of_a_layer_of_several_ops():
    g = Graph("m")
    x = g.input("x", ("batch", 3, 8, 8))
    hidden = layers.conv2d(x, 8, 3, name="c1")
    g.output(layers.max_pool2d(ops.relu(layers.conv2d(hidden, 8, 3, name="c2")), 2))
    assert keys(g)[1:8] == ["c1_w", "c1_b", "hidden", "c2_w", "c2_b", "c2", "_relu_1"]
    nodes = check(g).nodes
    assert nodes["hidden"].named and not nodes["c2"].named


def test_layers_of_layers():
    g = Graph("m")
    x = g.input("x", ("batch", "time", 8))
    with g.scope("encoder"):
        for _ in range(2):
            x = layers.transformer_encoder_layer(x, 2, name=f"block{len(g.dag) > 2:d}", dim_feedforward=4, dropout=0.0)
    named = [key for key, node in g.dag.nodes(data=True) if node["op"] == "param"]
    assert len(named) == 32 and named[0] == "encoder_block0_attention_query_w" and named[-1] == "encoder_block1_norm2_b"
    assert x.name == "encoder_x_2" if "encoder_x" in g.dag else x.name == "encoder_x"
    assert "encoder_block0_sum1" in g.dag and "encoder_block0_norm1" in g.dag
    assert "encoder_block1_norm2" not in g.dag  # it is the result, which the variable names


def test_a_layer_in_a_loop_and_one_that_is_returned():
    g = Graph("m")
    x = g.input("x", ("batch", 4))

    def block(x, name):
        return layers.layer_norm(layers.dense(x, 4, name=f"{name}_fc"), name=f"{name}_norm")

    for step in range(2):
        h = block(x, f"b{step}")
    g.output(h)
    assert [key for key in keys(g) if g.dag.nodes[key]["op"] == "layer_norm"] == ["h", "h_2"]


def test_what_goes_through_keeps_its_name():
    g = Graph("m")
    x = g.input("x", ("batch", 4))
    y = layers.flatten(x)
    assert (x.name, y.name) == ("x", "y") and keys(g) == ["x", "y"]


def test_names_of_several_results_and_of_what_becomes_a_state():
    @layer
    def running(x, name):
        mean = parameter(x, "w", (4,), 0.0) + x
        state = x.graph.state("mean", (4,))
        kept = 0.9 * state + 0.1 * mean
        x.graph.update(state, kept)
        return kept, mean

    g = Graph("m")
    x = g.input("x", (4,))
    smooth, now = running(x, "r")
    both = list(running(x, "s"))
    assert (smooth.name, now.name) == ("smooth", "now")
    assert [each.name for each in both] == ["s", "_add_1"]
    assert g.dag.graph["updates"] == {"r_mean": "smooth", "s_mean": "s"}
    g.output(*both, smooth, now)
    assert list(check(g).of("output").values()) == ["s", "output", "smooth", "now"]


def test_several_results_of_a_layer_in_error():
    g = Graph("m")
    x = g.input("x", ("batch", 3, 4))
    y, h = layers.gru(x, -1, name="cell", final_state=True)
    g.output(y, h)
    with pytest.raises(GraphError) as caught:
        check(g)
    (problem,) = caught.value.problems
    assert problem.message == "gru: -1 units: a size is not below 0, got -1"


CASES = [
    # Convolutions
    (lambda at: layers.conv2d(at.x, 8, 3, name="c"), "GG027",
     "conv2d: x is (batch, 4), expected (batch, channels, height, width)", "the batch axis alone may be missing"),
    (lambda at: layers.conv2d(at.image, -1, 3, name="c"), "GG022", "conv2d: -1 channels: a size is not below 0, got -1",
     "give a number, or the name of a size"),
    (lambda at: layers.conv2d(at.image, 8, (3, 3, 3), name="c"), "GG005", "conv2d: kernel_size is (3, 3, 3)",
     "give an int or 2 of them, none below 1"),
    (lambda at: layers.conv2d(at.image, 8, 0, name="c"), "GG005", "conv2d: kernel_size is 0",
     "give an int or 2 of them, none below 1"),
    (lambda at: layers.conv2d(at.image, 8, 3, name="c", groups=3), "GG027",
     "conv2d: 8 channels that come out cannot be divided into 3 groups", "groups divides both numbers of channels"),
    (lambda at: layers.conv_transpose2d(at.image, 8, 3, name="c", groups=4), "GG027",
     "conv_transpose2d: 6 channels that go in cannot be divided into 4 groups",
     "groups divides both numbers of channels"),
    (lambda at: layers.conv2d(at.image, 8, 3, name="c", stride="a"), "GG005", "conv2d: stride is 'a'",
     "give an int or 2 of them, none below 1"),
    (lambda at: layers.conv2d(at.image, 8, 9, name="c"), "GG027",
     "conv2d: windows of (9, 9) do not fit into (5, 5), of (batch, 6, 5, 5)", "make the windows smaller, or pad by more"),
    # Features
    (lambda at: layers.embedding(at.x, 5, 3, name="e"), "GG030", "embedding: an index is made of integers, got float",
     'declare it with dtype="int64"'),
    (lambda at: layers.embedding(at.index, 5, 3, name="e", padding_idx=5), "GG005", "embedding: padding_idx is 5, of 5 vectors",
     "give the index that stands for no word"),
    (lambda at: layers.maxout(at.x, 3, name="m", pieces=0), "GG005", "maxout: pieces is 0",
     "give an int from 1 up: the largest of so many is taken"),
    (lambda at: layers.prelu(at.x, name="p", num_parameters=3), "GG005",
     "prelu: num_parameters is 3, and x (batch, 4) has 4 channels",
     "give 1, or the number of channels, which axis 1 holds"),
    # Normalisation
    (lambda at: layers.layer_norm(at.x, name="n", normalized_shape=(3,)), "GG020",
     "layer_norm: normalized_shape (3,) is not how the shape (batch, 4) ends",
     "give the sizes of the last axes, over which is normalised"),
    (lambda at: layers.layer_norm(at.x, name="n", eps=-1), "GG005", "layer_norm: eps is -1", "give a number from 0 up"),
    (lambda at: layers.rms_norm(at.x.sum(), name="n"), "GG027", "rms_norm: needs an axis of features, got a scalar",
     "its only element would always be 0"),
    (lambda at: layers.group_norm(at.image, 4, name="n"), "GG027", "group_norm: 6 channels cannot be divided into 4 groups",
     "num_groups divides the number of channels"),
    (lambda at: layers.instance_norm(at.x, name="n"), "GG027",
     "instance_norm: x is (batch, 4), expected (batch, channels, space, ...)", "axis 1 holds the channels"),
    (lambda at: ops.local_response_norm(at.image, size=0), "GG005", "local_response_norm: size is 0",
     "give an int from 1 up: how many channels count"),
    (lambda at: layers.residual_block(at.x, 3, name="r"), "GG027",
     "residual_block: x is (batch, 4), expected (batch, channels, space, ...)", "space has up to 3 axes"),
    (lambda at: layers.residual_block(at.image, 3, name="r", kernel_size=2), "GG005",
     "residual_block: kernel_size is 2", "give an odd int, whose windows have a centre"),
    # Attention
    (lambda at: layers.multi_head_attention(at.words, 3, name="a"), "GG027",
     "multi_head_attention: 8 features cannot be divided among 3 heads",
     "num_heads divides the number of features, whatever the symbolic sizes are"),
    (lambda at: layers.multi_head_attention(at.words, 0, name="a"), "GG005", "multi_head_attention: num_heads is 0",
     "give an int from 1 up"),
    (lambda at: layers.multi_head_attention(at.words, 2, name="a", key=at.image), "GG027",
     "multi_head_attention: key is (batch, 6, 5, 5), query (batch, time, 8)",
     "all axes but those of time and features are the same"),
    (lambda at: layers.multi_head_attention(at.words, 2, name="a", key_padding_mask=at.x), "GG020",
     "multi_head_attention: key_padding_mask is (batch, 4) of float, expected (batch, time) of bool",
     "True where a key must not be seen"),
    (lambda at: layers.multi_head_attention(at.words, 2, name="a", attn_mask=at.x), "GG020",
     "multi_head_attention: attn_mask is (batch, 4) of float, expected (time, time) or (2 * batch, time, time)",
     "of bools, True where a key must not be seen"),
    (lambda at: layers.transformer_encoder_layer(at.words, 2, name="t", activation="rely"), "GG005",
     "transformer_encoder_layer: unknown activation 'rely'", 'one of "relu", "gelu"'),
    (lambda at: layers.transformer_encoder_layer(at.words, 3, name="t"), "GG027",
     "transformer_encoder_layer: 8 features cannot be divided among 3 heads",
     "num_heads divides the number of features, whatever the symbolic sizes are"),
    (lambda at: ops.scaled_dot_product_attention(at.words, at.x, at.words), "GG027",
     "scaled_dot_product_attention: query (batch, time, 8) and key (batch, 4) differ in features",
     "their last axes are multiplied and summed"),
    (lambda at: ops.scaled_dot_product_attention(at.words, at.words, at.words, at.index), "GG030",
     "scaled_dot_product_attention: attn_mask is of int64",
     "True where a key counts, or floats that are added to the scores"),
    (lambda at: ops.scaled_dot_product_attention(at.words, at.words, at.words, at.x), "GG020",
     "scaled_dot_product_attention: attn_mask (batch, 4) does not fit scores (batch, time, time)",
     "it broadcasts to (..., time of queries, time of keys)"),
    (lambda at: layers.sinusoidal_positions(at.image), "GG027",
     "sinusoidal_positions: x is (batch, 6, 5, 5), expected (..., time, features), an even number of them",
     "each frequency has a sine and a cosine"),
    (lambda at: layers.learned_positions(at.image, name="p", length=3), "GG027",
     "learned_positions: x (batch, 6, 5, 5) has 5 places, and 3 are learned", "give a larger length="),
    # Names
    (lambda at: layers.conv1d(at.words, 3, 2, name="a b"), "GG011", "'a b' cannot name a layer: it is not an identifier",
     "choose another name, such as a_b"),
    (lambda at: layers.layer_norm(at.x, name="d"), "GG011", "'d' cannot name a layer: names that start with d_ are gradients",
     "choose another name"),
    (lambda at: layers.dense(at.x, 3, name=5), "GG011", "5 cannot name a layer: a name is a string", "give a string"),
    (lambda at: layers.dense(at.x, 3, name=None), "GG011", "None cannot name a layer: a name is a string", "give a string"),
    (lambda at: layers.dense(layers.dense(at.x, 3, name="fc"), 3, name="fc"), "GG010", "the name fc_w is used twice",
     "give each node its own name"),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "code", "message", "help"), CASES, ids=[case[2] for case in CASES])
def test_problems(declare, code, message, help):
    g = Graph("m")
    given = SimpleNamespace(
        x=g.input("x", ("batch", 4)),
        index=g.input("index", ("batch",), dtype="int64"),
        image=g.input("image", ("batch", 6, 5, 5)),
        words=g.input("words", ("batch", "time", 8)),
    )
    g.output(declare(given))
    with pytest.raises(GraphError) as caught:
        check(g)
    (problem,) = caught.value.problems
    assert (problem.code, problem.message, problem.help) == (code, message, help)


def test_wrong_arguments_are_told_with_all_else():
    g = Graph("m")
    x = g.input("x", ("batch", 4))
    a, b = layers.lstm(layers.dense(x, name="fc"), 3, "l")
    g.loss(a + b + layers.dense(x, 4, 5, name="twice"))
    with pytest.raises(GraphError) as caught:
        check(g)
    call = "call it as layers.dense(x, units, name, *, init='glorot_uniform', bias=True)"
    assert [(problem.code, problem.message, problem.help) for problem in caught.value.problems] == [
        ("GG006", "dense: missing a required argument: 'units'", call),
        ("GG006", "dense: multiple values for argument 'name'", call),
    ]
    with pytest.raises(GraphError, match="GG061.*dense: the first argument is a node\n"):
        layers.dense()


def test_flags_nodes_and_arrays():
    g = Graph("m")
    x = g.input("x", ("batch", 3, 4))
    hidden = np.triu(np.ones((3, 3), bool), 1)
    masked = layers.multi_head_attention(x, 2, "a", attn_mask=hidden)
    g.loss((masked * masked).sum())
    causal = Graph("m")
    x = causal.input("x", ("batch", 3, 4))
    out = layers.multi_head_attention(x, 2, "a", is_causal=True)
    causal.loss((out * out).sum())
    one, other = load(g), load(causal)
    sequences = np.random.default_rng(0).normal(size=(2, 3, 4))
    assert one.loss(one.init_parameters(), sequences) == other.loss(other.init_parameters(), sequences)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda x: layers.dense(x, 2, "a", bias="False"), "GG005: dense: bias is True or False, got 'False'"),
        (lambda x: layers.layer_norm(x, "a", elementwise_affine=0), "GG005: layer_norm: elementwise_affine is True or False, got 0"),
        (lambda x: layers.multi_head_attention(x, 2, "a", key="x"), "GG061: multi_head_attention: key is a node or an array, got 'x'"),
    ],
)
def test_what_is_no_flag_or_no_node(declare, message):
    g = Graph("m")
    g.output(y=declare(g.input("x", ("batch", 3, 4))))
    with pytest.raises(GraphError) as caught:
        check(g)
    assert [f"{each.code}: {each.message}" for each in caught.value.problems] == [message]
