"""Options of the test run."""

import os

import pytest
from hypothesis import HealthCheck, settings

# Tests run side by side, one for each core: the threads of a product of small matrices would only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# The same examples in every run: what is green stays green. New ones are drawn with --hypothesis-profile=default.
# No test is timed: a busy machine may stall in the middle of any of them.
settings.register_profile("repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--dags", type=int, default=60, help="how many random graphs to compile and differentiate")
