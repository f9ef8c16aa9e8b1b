"""What holds for every row of the op table: its rules are what the complex step makes of its value, or differences."""

import warnings

import op_samples
import pytest
from test_op_table import FLOAT, build

from graphgen import ops
from graphgen.check import check
from graphgen.checking.evaluation import Evaluator, known_sizes
from graphgen.checking.nodes import COMPLEX, DIFFERENCES, check_nodes
from graphgen.errors import GraphWarning
from graphgen.forms import forms

# Ops whose values have no form for complex numbers.
NOT_ANALYTIC = {"lgamma", "digamma", "product_of_others", "clipped_to_norm"}
ROWS = [name for name in FLOAT if not ops.TABLE[name].stops]


@pytest.mark.parametrize("name", ROWS)
def test_rules_are_those_of_the_complex_step(name):
    samples = op_samples.samples(name)[: 2 if ops.is_elementwise(name) else None]  # of formulas, shapes do not matter
    graph, parameters, inputs = build(name, samples, symbolic=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GraphWarning)
        program = forms(check(graph)).training
    point = {**parameters, **inputs}
    evaluator = Evaluator(program, known_sizes(program, point))
    active = program.active(parameters) & program.needed([program.loss])
    reports = check_nodes(evaluator, evaluator.evaluate(point), active, {COMPLEX: 1e-12, DIFFERENCES: 1e-8}, 0)
    assert reports and not [each for each in reports if each.fault]
    for each in reports:
        if ops.TABLE[each.node.op].controls is not None:
            assert not each.method and each.notes
        else:
            assert each.method == (DIFFERENCES if each.node.op in NOT_ANALYTIC else COMPLEX)
            assert max(each.reverse, each.forward) < (1e-8 if each.method == DIFFERENCES else 1e-12) or each.notes
