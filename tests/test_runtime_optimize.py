"""The check before a step: what an optimizer's state must hold, and the exact words for what it does not."""

import numpy as np
import pytest
from runtime_module import build, source


@pytest.fixture(scope="module", params=["_check_step", "_check_step_scalar"])
def check(request, tmp_path_factory):
    """A check of one parameter, w, as a function of the state, of its entries and of whether steps are counted."""
    scalar = request.param == "_check_step_scalar"
    rename = {"_check_step_scalar": "_check_step"} if scalar else {}
    module = build(tmp_path_factory.mktemp("optimize"), source(["_check_step"], rename=rename))
    w = 1.0 if scalar else np.ones(2)

    def call(state, memory=("m",), counts=True):
        return module._check_step({"w": w}, state, {"w": w}, memory, ("w",), counts)

    call.memory = {"m": {"w": w}}
    return call


@pytest.mark.parametrize("step", [0, 7, np.int64(7), np.array(7), np.uint8(7)])
def test_a_state_that_fits(check, step):
    check({**check.memory, "step": step})
    check(check.memory, counts=False)
    check({}, memory=(), counts=False)


@pytest.mark.parametrize("step", ["a", -1, 1.0, True, None, [1], np.array([1])])
def test_a_step_that_is_no_count(check, step):
    with pytest.raises(ValueError) as caught:
        check({**check.memory, "step": step})
    assert str(caught.value) == f"optimizer_state['step']: expected an int from 0 up, got {step!r}"


@pytest.mark.parametrize(
    ("state", "missing"), [({"m": {"w": np.ones(2)}}, "step"), ({"step": 0}, "m"), ({"step": 0, "m": {}}, "m")]
)
def test_what_is_missing(check, state, missing):
    with pytest.raises(ValueError) as caught:
        check(state)
    assert str(caught.value) == f"optimizer_state: {missing} is missing; start with init_optimizer_state(parameters)"


def test_a_state_that_is_no_dict(check):
    for memory in ((), ("m",)):
        with pytest.raises(ValueError, match="^optimizer_state: expected a dict, got NoneType$"):
            check(None, memory, counts=False)
