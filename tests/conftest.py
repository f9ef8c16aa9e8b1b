"""Options of the test run."""

import pytest
from hypothesis import settings

# The same examples in every run: what is green stays green. New ones are drawn with --hypothesis-profile=default.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--dags", type=int, default=60, help="how many random graphs to compile and differentiate")
