"""What is wrong with a declared optimizer, initializer or penalty: message and remedy, at its own line."""

import numpy as np
import pytest

from graphgen import Graph, GraphError, compile, initializers, ops, penalties, schedules
from graphgen.errors import brief
from graphgen.initializers import Initializer
from graphgen.schedules import Schedule


def problems(declare):
    """The problems of a model with the parameters w, b and k, whose optimizer and more is declared by a function."""
    g = Graph("model")
    w, b = g.param("w", (3, 2)), g.param("b", (2,))
    k = g.param("k", (2,), trainable=False)
    g.loss(ops.square(w + b * k).sum())
    declare(g)
    with pytest.raises(GraphError) as caught:
        compile(g)
    assert all(problem.where.file == __file__ for problem in caught.value.problems)
    return [(problem.code, problem.message, problem.help) for problem in caught.value.problems]


BELOW = "a finite number, not below 0"
ABOVE = "a finite number above 0"
GROUPS = 'as in groups={"*_b": {"weight_decay": 0.0}}'
NAMES = "step, exponential, cosine, linear, inverse_time, warm_up"

OPTIMIZER_CASES = [
    ("adam", {"learning_rat": 1}, "unexpected option 'learning_rat'", "did you mean 'learning_rate'?"),
    ("sgd", {"learning_rate": -1.0}, f"learning_rate is {BELOW}, got -1.0", "leave it out for 0.01"),
    ("sgd", {"learning_rate": "1"}, f"learning_rate is {BELOW}, got '1'", "leave it out for 0.01"),
    ("sgd", {"learning_rate": float("nan")}, f"learning_rate is {BELOW}, got nan", "leave it out for 0.01"),
    ("sgd", {"learning_rate": 10**400}, f"learning_rate is {BELOW}, got {brief(10**400)}", "leave it out for 0.01"),
    ("sgd", {"learning_rate": None}, f"learning_rate is {BELOW}, got None", "leave it out for 0.01"),
    ("sgd", {"momentum": True}, f"momentum is {BELOW}, got True", "leave it out for 0.0"),
    ("sgd", {"nesterov": 1}, "nesterov is True or False, got 1", "leave it out for False"),
    ("sgd", {"nesterov": True}, "nesterov needs a momentum above 0", "give momentum=0.9"),
    ("nesterov", {"momentum": 0}, "nesterov needs a momentum above 0", "give momentum=0.9"),
    (
        "adam",
        {"betas": (0.9, 1)},
        "betas is a pair of numbers from 0 to below 1, got (0.9, 1)",
        "leave it out for (0.9, 0.999)",
    ),
    ("adam", {"betas": 0.9}, "betas is a pair of numbers from 0 to below 1, got 0.9", "leave it out for (0.9, 0.999)"),
    ("rmsprop", {"alpha": 1.0}, "alpha is a number from 0 to below 1, got 1.0", "leave it out for 0.99"),
    ("adadelta", {"rho": -0.1}, "rho is a number from 0 to below 1, got -0.1", "leave it out for 0.9"),
    ("sgd", {"clip_norm": 0}, f"clip_norm is {ABOVE}, got 0", "leave it out for None"),
    ("sgd", {"clip_value": np.inf}, f"clip_value is {ABOVE}, got inf", "leave it out for None"),
    ("sgd", {"noise": -1}, f"noise is {BELOW}, got -1", "leave it out for 0.0"),
    ("sgd", {"noise_seed": 1.5}, "noise_seed is a whole number, not below 0, got 1.5", "leave it out for 0"),
    ("sgd", {"noise_decay": 2000.0}, "noise_decay is a number from 0 to 10, got 2000.0", "leave it out for 0.55"),
    ("sgd", {"noise_seed": -1}, "noise_seed is a whole number, not below 0, got -1", "leave it out for 0"),
    ("sgd", {"schedule": 0.5}, "0.5 is no schedule", f"give one of graphgen.schedules: {NAMES}"),
    ("sgd", {"schedule": "cosine"}, "'cosine' is no schedule", f"give one of graphgen.schedules: {NAMES}"),
    (
        "sgd",
        {"schedule": Schedule("sine")},
        "Schedule(name='sine', options=()) is no schedule",
        f"give one of graphgen.schedules: {NAMES}",
    ),
    (
        "sgd",
        {"schedule": schedules.cosine(0)},
        "the schedule cosine: steps is a whole number above 0, got 0",
        "as in schedules.cosine(steps=1000)",
    ),
    (
        "sgd",
        {"schedule": schedules.warm_up(3, then=schedules.exponential(1.5))},
        "the schedule exponential: gamma is a number from 0 to 1, got 1.5",
        "as in schedules.exponential(gamma=0.999)",
    ),
    (
        "sgd",
        {"schedule": schedules.inverse_time(0)},
        "the schedule inverse_time: decay is a finite number above 0, got 0",
        "as in schedules.inverse_time(decay=0.01)",
    ),
    (
        "sgd",
        {"schedule": schedules.warm_up(3, then="cosine")},
        "'cosine' is no schedule",
        f"give one of graphgen.schedules: {NAMES}",
    ),
    ("sgd", {"groups": [{"w": 1}]}, "groups is a dict of dicts, by the names of parameters, got [{'w': 1}]", GROUPS),
    (
        "sgd",
        {"groups": {"w": 0.1}},
        "a group is a name, or a pattern such as *_b, with a dict, got 'w': 0.1",
        GROUPS,
    ),
    ("sgd", {"groups": {"k": {}}}, "no trained parameter is called 'k'", "one of w, b"),
    ("sgd", {"groups": {"bb": {}}}, "no trained parameter is called 'bb'", "did you mean 'b'?"),
    (
        "sgd",
        {"groups": {"b": {"momentum": 0.5}}},
        "the group 'b' cannot have the option 'momentum'",
        "one of learning_rate, weight_decay, max_norm",
    ),
    (
        "sgd",
        {"groups": {"b": {"weight_decay": -1}}},
        f"the group 'b': weight_decay is {BELOW}, got -1",
        "leave it out for what the other parameters have",
    ),
    (
        "sgd",
        {"groups": {"*": {"weight_decay": 0}, "b": {"weight_decay": 1}}},
        "the groups '*' and 'b' both give b a weight_decay",
        "name it in one of them",
    ),
    (
        "sgd",
        {"learning_rate": 0, "groups": {"b": {"learning_rate": 1}}},
        "the group 'b' has a learning rate, and the learning rate of the others is 0",
        "give them learning rates above 0, and declare what stays as it is with trainable=False",
    ),
]


@pytest.mark.parametrize(("name", "options", "message", "help"), OPTIMIZER_CASES)
def test_one_wrong_option(name, options, message, help):
    assert problems(lambda g: g.optimizer(name, **options)) == [("GG005", f"{name}: {message}", help)]


def test_every_wrong_option_is_told():
    found = problems(lambda g: g.optimizer("adam", eps=-1, momentum=1, clip_norm=-1, groups={"c": {}, "b": 1}))
    assert [message for _, message, _ in found] == [
        f"adam: eps is {BELOW}, got -1",
        "adam: unexpected option 'momentum'",
        f"adam: clip_norm is {ABOVE}, got -1",
        "adam: no trained parameter is called 'c'",
        "adam: a group is a name, or a pattern such as *_b, with a dict, got 'b': 1",
    ]


def test_a_limit_that_limits_nothing():
    g = Graph("model")
    g.loss(ops.square(g.param("b", (2,))).sum())
    g.optimizer("sgd", max_norm=2.0)
    with pytest.raises(GraphError) as caught:
        compile(g)
    (problem,) = caught.value.problems
    assert problem.message == "sgd: max_norm limits no parameter: all have fewer than two axes"
    assert problem.help == 'name them, as in groups={"w": {"max_norm": 3.0}}'


INIT_CASES = [
    ("orthogonal", (4,), "GG027", "the init orthogonal makes a matrix, got the shape (4,)",
     "give two axes or more, or choose another init, such as normal"),
    (initializers.orthogonal(2.0), (), "GG027", "the init orthogonal makes a matrix, got the shape ()",
     "give two axes or more, or choose another init, such as normal"),
    ("identity", (4, 3), "GG027", "the init identity makes a square matrix, got the shape (4, 3)",
     "give two equal axes, or choose another init, such as orthogonal"),
    ("identity", (4,), "GG027", "the init identity makes a square matrix, got the shape (4,)",
     "give two equal axes, or choose another init, such as orthogonal"),
    ("orthogona", (4, 4), "GG002", "unknown init 'orthogona'", "did you mean 'orthogonal'?"),
    (initializers.truncated_normal(cut=0.01), (4,), "GG002",
     "the init truncated_normal cannot have the option 'cut'=0.01", "a finite number, not below 0.1"),
    (initializers.normal(std=-1.0), (4,), "GG002",
     "the init normal cannot have the option 'std'=-1.0", "a finite number, not below 0.0"),
    (initializers.uniform(2, 1), (4,), "GG002",
     "the init uniform draws from [low, high), got low=2.0 and high=1.0", "give low and high in this order"),
    (initializers.variance_scaling(-1.0), (4,), "GG002",
     "the init variance_scaling cannot have the option 'scale'=-1.0", "a finite number, not below 0.0"),
    (initializers.variance_scaling(mode="fan"), (4,), "GG002",
     "the init variance_scaling cannot have the option 'mode'='fan'", "one of fan_in, fan_out, fan_avg"),
    (initializers.variance_scaling(distribution=3), (4,), "GG002",
     "the init variance_scaling cannot have the option 'distribution'=3", "one of truncated_normal, normal, uniform"),
    (initializers.orthogonal("high"), (4, 4), "GG002",
     "the init orthogonal cannot have the option 'gain'='high'", "its options: gain; finite numbers"),
    (Initializer("lecun_normal", (("std", 1.0),)), (4, 4), "GG002",
     "the init lecun_normal cannot have the option 'std'=1.0", "its options: none; finite numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("init", "shape", "code", "message", "help"), INIT_CASES)
def test_one_wrong_init(init, shape, code, message, help):
    assert problems(lambda g: g.param("v", shape, init)) == [(code, f"param: {message}", help)]


PENALTY_CASES = [
    (
        lambda g: penalties.l1(g, -1),
        "l1: the strength is a finite number, not below 0, got -1",
        "as in penalties.l1(g, 0.001)",
    ),
    (
        lambda g: penalties.l2(g, "b"),
        "l2: the strength is a finite number, not below 0, got 'b'",
        "as in penalties.l2(g, 0.001)",
    ),
    (lambda g: penalties.l2(g, 1, "k"), "l2: no trained parameter is called 'k'", "one of w, b, declared before it"),
    (lambda g: penalties.l2(g, 1, "bb"), "l2: no trained parameter is called 'bb'", "did you mean 'b'?"),
    (lambda g: penalties.l1(g, 1, "w", 3), "l1: no trained parameter is called 3", "one of w, b, declared before it"),
]


@pytest.mark.parametrize(("declare", "message", "help"), PENALTY_CASES)
def test_one_wrong_penalty(declare, message, help):
    assert problems(declare) == [("GG005", message, help)]


def test_a_penalty_of_another_graph():
    other = Graph("other").param("v", (2,))
    code, message, _ = problems(lambda g: penalties.l2(g, 1, other))[0]
    assert (code, message) == ("GG012", "l2: a parameter is no node of this graph, but v of the graph other")
