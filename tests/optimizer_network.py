"""A small network whose gradients are known by hand, trained by generated optimizers and by those of the papers."""

import numpy as np
import optimizer_papers
import pytest

from graphgen import Graph, load, ops, schedules

STEPS = 20
_GENERATOR = np.random.default_rng(5)
XS, YS = _GENERATOR.normal(size=(STEPS, 6, 3)), _GENERATOR.normal(size=(STEPS, 6, 4))
INITIAL = {"w": _GENERATOR.normal(size=(3, 4)), "b": _GENERATOR.normal(size=4), "s": np.array(1.3)}

# Everything that surrounds a step.
FULL = {"clip_norm": 0.2, "noise": 0.001, "schedule": schedules.warm_up(5, schedules.cosine(15)), "max_norm": 2.0}


def network(optimizer, options, dtype="float64", style="compact", **more):
    g = Graph("network", dtype=dtype)
    x, y = g.input("x", shape=("batch", 3)), g.input("y", shape=("batch", 4))
    w, b, s = g.param("w", (3, 4)), g.param("b", (4,)), g.param("s", ())
    g.loss(ops.square(ops.tanh(x @ w + b) * s - y).mean())
    g.optimizer(optimizer, **options)
    return load(g, style=style, **more)


def gradients_of(parameters, x, y):
    """Of the loss above, by hand."""
    t = np.tanh(x @ parameters["w"] + parameters["b"])
    d = 2.0 * (t * parameters["s"] - y) / y.size
    inner = d * parameters["s"] * (1.0 - t**2)
    return {"w": x.T @ inner, "b": inner.sum(axis=0), "s": (d * t).sum()}


def by_paper(optimizer, options, change=lambda gradients, step: gradients, own=None):
    """The parameters after each step; `change` is what becomes of the gradients, `own` the options of some parameters."""
    parameters = {name: value.copy() for name, value in INITIAL.items()}
    rules = {}
    for name, value in parameters.items():
        rules[name] = getattr(optimizer_papers, optimizer)(value, **{**options, **(own or {}).get(name, {})})
        next(rules[name])
    found = []
    for step, (x, y) in enumerate(zip(XS, YS, strict=True)):
        gradients = change(gradients_of(parameters, x, y), step)
        for name, value in parameters.items():
            value -= rules[name].send(gradients[name])
        found.append({name: value.copy() for name, value in parameters.items()})
    return found


def begun(module):
    parameters = module.init_parameters()
    for name, value in parameters.items():
        value[...] = INITIAL[name]
    return parameters, module.init_optimizer_state(parameters)


def trained(module, **more):
    """The parameters after each step of a generated module."""
    parameters, state = begun(module)
    found = []
    for x, y in zip(XS, YS, strict=True):
        module.train_step(parameters, state, x, y, **more)
        found.append({name: value.copy() for name, value in parameters.items()})
    return found


def assert_close(found, expected, tolerance=1e-12):
    for one, other in zip(found, expected, strict=True):
        for name in other:
            assert one[name] == pytest.approx(other[name], rel=tolerance, abs=tolerance)
