"""The whole check: parameters, nodes, and what else may be wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from graphgen.checking.evaluation import Evaluator
from graphgen.checking.nodes import COMPLEX, DIFFERENCES, check_nodes
from graphgen.checking.parameters import FLOAT64, Moved, ParameterReport, check_parameters
from graphgen.checking.report import TOLERANCES, Report
from graphgen.checking.rules import AllRules
from graphgen.checking.slopes import by_complex_step, by_differences
from graphgen.checking.subject import Subject, compiled
from graphgen.differentiation.gradient import gradient
from graphgen.errors import GraphError, Problem
from graphgen.program import Node, Program


def check(subject: Subject, *, dtype: str = "float64", tolerance: float | None = None) -> Report:
    """Check the gradients of a model at a point.

    Parameters
    ----------
    dtype
        "float64": the gradients in float64, whatever the model's dtype, are compared with forward mode, and with the
        complex step, or with differences where an op has no complex form. "float32": those of float32 are compared with
        those of float64, as differences of float32 measure nothing.
    tolerance
        The largest error that passes, in place of all of `TOLERANCES`.

    Raises
    ------
    GraphError
        If the loss is not finite at the point.
    """
    tolerances = dict.fromkeys(TOLERANCES, tolerance) if tolerance is not None else dict(TOLERANCES)
    loss = _loss(subject)
    name = subject.declared.name
    notes = []
    if subject.lifted:
        notes.append(f"clipping of gradients is lifted for the check: {', '.join(subject.lifted)}")
    if dtype == "float32":
        return Report(name, dtype, loss, tolerances, _in_float32(subject.at_float32()), notes=notes)
    reports = check_parameters(subject, tolerances)
    nodes = check_nodes(subject.evaluator, subject.values, _active(subject), tolerances, subject.seed)
    report = Report(name, dtype, loss, tolerances, reports, nodes, notes=notes)
    report.problems += _other_losses(subject, loss)
    if report.wrong and not report.faulty:
        report.problems.append(_elsewhere(subject, report))
    return report


def _other_losses(subject: Subject, loss: float) -> list[str]:
    """The functions of the module that answer with another loss than its nodes come to one by one."""
    found = {
        "loss": subject.call("loss"),
        "value_and_grad": subject.call("value_and_grad")[0],
        "jvp": subject.call("jvp", {})[0],
    }
    scale = max(1.0, abs(loss))
    return [
        f"{name} answers with the loss {value:.17g}, its nodes one by one with {loss:.17g}"
        for name, value in found.items()
        if not abs(value - loss) <= 1e-10 * scale
    ]


def _loss(subject: Subject) -> float:
    """The loss at the point."""
    found = subject.values[_loss_name(subject.program)]
    if not np.isfinite(found):
        bad = [
            node
            for node in subject.program.nodes.values()
            if node.dtype == "float" and not np.isfinite(subject.values[node.name]).all()
        ]
        first = next(node for node in bad)
        place = f" ({first.why.place})" if first.why.place else ""
        message = f"the loss is {float(found)} at this point; the first value that is not finite is {first.name}{place}"
        raise GraphError(
            Problem("GG106", None, message, "declare low and high of the inputs, or give other --data or --seed")
        )
    return float(found)


def _loss_name(program: Program) -> str:
    assert program.loss is not None
    return program.loss


def _active(subject: Subject) -> set[str]:
    """The nodes between what is differentiated for and the loss."""
    program = subject.program
    return program.active(subject.wrt) & program.needed([_loss_name(program)])


def _in_float32(subject: Subject) -> list[ParameterReport]:
    """The gradients of float32 against those of float64, at a point that both hold exactly."""
    _, expected = subject.call("value_and_grad")[:2]
    narrow = compiled(subject.both, subject.wrt, "float32")
    _, found = subject.call("value_and_grad", module=narrow)[:2]
    overall = max([0.0, *(float(np.max(np.abs(each), initial=0.0)) for each in expected.values())])
    reports = []
    for place, name in enumerate(subject.wrt):
        wide, array = np.asarray(expected[name]), np.asarray(found[name])
        vector = np.random.default_rng([subject.seed, place]).normal(size=wide.shape)
        _, slope = subject.call("jvp", {name: vector}, module=narrow)
        largest = float(np.max(np.abs(array), initial=0.0))
        scale = max(float(np.max(np.abs(wide), initial=0.0)), 1e-3 * overall) or 1.0
        sizes = max(float(np.abs(wide * vector).sum()), 1e-3 * overall * float(np.abs(vector).sum())) or 1.0
        errors = [
            float(np.max(np.abs(array - wide), initial=0.0)) / scale,
            abs(slope - float(np.sum(wide * vector))) / sizes,
        ]
        forward, measured = (math.inf if math.isnan(each) else each for each in reversed(errors))
        report = ParameterReport(name, wide.shape, largest, forward, measured, FLOAT64)
        if array.dtype != np.float32:
            report.measured = math.inf
            report.notes.append(f"is {array.dtype}")
        if largest == 0.0:
            report.notes.append("all zero")
        reports.append(report)
    return reports


def _elsewhere(subject: Subject, report: Report) -> str:
    """What is at fault if each node is right by itself: what puts their slopes together, or what simplifies them."""
    first = _first_wrong(subject, report.tolerances)
    if first is not None:
        place = f" ({first.why.place})" if first.why.place else ""
        return f"each node is right by itself, the reverse sweep is wrong: first at the gradient of {first.name}{place}"
    teach = compiled(subject.both, subject.wrt, style="teach")
    found = subject.call("value_and_grad")[1]
    plain = subject.call("value_and_grad", module=teach)[1]
    differ = [name for name in (each.name for each in report.wrong) if not _alike(found[name], plain[name])]
    if differ:
        others = f"the teach style has other gradients of {', '.join(differ)}"
        return f"each node is right by itself, {others}: a simplification is wrong"
    return "each node is right by itself, and so is the reverse sweep: what is written of them is wrong"


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    return np.allclose(one, other, rtol=1e-9, atol=1e-12 * float(np.max(np.abs(other), initial=0.0)), equal_nan=True)


def _first_wrong(subject: Subject, tolerances: Mapping[str, float]) -> Node | None:
    """The node, nearest to the loss, whose gradient in the reverse sweep is not what moving the node alone does."""
    program = subject.program
    active = _active(subject)
    sweep = gradient(program, [name for name in program.nodes if name in active])
    evaluator = Evaluator(sweep, subject.evaluator.known, subject.seed)
    values = evaluator.evaluate({**subject.values, **subject.point})
    rules = AllRules(program, subject.evaluator.known)
    for node in reversed([each for each in program.nodes.values() if each.name in active]):
        moved = Moved(subject, (node.name,), rules)
        found = values[sweep.results["gradient", node.name]]
        vector = np.random.default_rng(subject.seed).normal(size=found.shape)
        along = moved.along({node.name: vector})
        measured = by_complex_step(along) if moved.is_complex else by_differences(along)
        parts = found * vector
        error = abs(float(measured.slopes) - float(parts.sum())) / (float(np.abs(parts).sum()) or 1.0)
        if bool(measured.smooth) and not error <= tolerances[COMPLEX if moved.is_complex else DIFFERENCES]:
            return node
    return None
