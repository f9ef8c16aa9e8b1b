"""Options of the test run."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--dags", type=int, default=60, help="how many random graphs to compile and differentiate")
