"""What measurements of a model's health mean, in words."""

from __future__ import annotations

from graphgen.health.report import Health, Layer

SATURATED = 0.5  # this share of flat entries is too much for a function that is flat on both sides
FADED, GROWN = 1e-3, 1e3  # gradients across the depth
LARGE_STEP = 0.1  # of a parameter's norm; 0.001 is usual


def findings(health: Health) -> list[str]:
    """What is wrong, the worst first, each with a remedy; nothing if all is well."""
    return [*_broken(health), *_flat(health), *_depth(health), *_still(health), *_steps(health)]


def _broken(health: Health) -> list[str]:
    wrong = [layer.name for layer in health.layers if not layer.finite]
    return [f"{wrong[0]} is not finite: `graphgen check --trace` tells where it begins"] if wrong else []


def _flat(health: Health) -> list[str]:
    said = []
    for layer in health.layers:
        both = layer.low is not None and layer.high is not None
        share = (layer.low or 0.0) + (layer.high or 0.0)
        if layer.dead:
            what = "unit is" if layer.units == 1 else f"of {layer.units} units are"
            remedy = "smaller weights" if both else "a smaller learning rate, init='he_normal', or ops.leaky_relu"
            said.append(
                f"{_at(layer)}: {layer.dead} {what} flat in all {health.rows:,} rows, and pass no gradient: {remedy}"
            )
        elif both and share > SATURATED:
            said.append(
                f"{_at(layer)}: {share:.0%} of the entries are saturated: smaller weights, or normalise what goes in"
            )
    return said


def _depth(health: Health) -> list[str]:
    """How the gradient changes over the steps of a layer, and from the last layer to the first."""
    steps = [
        layer for layer in health.layers if layer.gradient is not None and len(layer.gradient) == 2 and layer.finite
    ]
    said = []
    for layer in steps:
        early, late = layer.gradient or (0.0, 0.0)
        said += _change(
            late, early, f"over the {layer.steps} steps of {layer.name}", "a gated recurrence, or fewer steps"
        )
    reached = [layer for layer in health.layers if layer.gradient is not None and layer.finite and any(layer.gradient)]
    if said or len(reached) < 2:
        return said
    first, last = reached[0], reached[-1]
    span = f"from {_at(last)} back to {_at(first)}, {len(reached)} values deep"
    early, late = max(first.gradient or (0.0,)), max(last.gradient or (0.0,))
    return _change(late, early, span, "init='he_normal' before relu, normalisation, residual blocks")


def _change(late: float, early: float, span: str, remedy: str) -> list[str]:
    if early < FADED * late:
        shrinks = f"by a factor of {late / early:.1e}" if early else "to nothing"
        return [f"the gradient vanishes: it shrinks {shrinks} {span}: {remedy}"]
    if early > GROWN * late:
        grows = f"by a factor of {early / late:.1e}"
        return [f"the gradient explodes: it grows {grows} {span}: smaller weights, {remedy}, or clip_norm"]
    return []


def _still(health: Health) -> list[str]:
    still = [weight.name for weight in health.weights if weight.gradient == 0.0]
    still += [_at(layer) for layer in health.layers if layer.gradient is not None and not any(layer.gradient)]
    if not still:
        return []
    if len(still) >= len(health.weights):
        return ["no gradient reaches any parameter: the loss is flat here"]
    return [f"no gradient reaches {', '.join(still)}: all of it is 0 in these rows"]


def _steps(health: Health) -> list[str]:
    large = [
        each
        for each in health.weights
        if each.step is not None and each.norm > 0.0 and each.step > LARGE_STEP * each.norm
    ]
    if not large:
        return []
    worst = max(large, key=lambda each: (each.step or 0.0) / each.norm)
    moved = (worst.step or 0.0) / worst.norm
    far = f"by {moved:.0%} of its norm" if moved < 10 else f"by {moved:.1e} times its norm"
    others = f", and {len(large) - 1} more beyond {LARGE_STEP:.0%}" if len(large) > 1 else ""
    return [f"a first step moves {worst.name} {far}{others}: a smaller learning rate, or a schedule that warms up"]


def _at(layer: Layer) -> str:
    return f"{layer.name} ({', '.join(filter(None, [layer.op, layer.place]))})"
