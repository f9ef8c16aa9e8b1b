"""Options of the test run, and where it looks for what tests share."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--dags", type=int, default=60, help="how many random graphs to compile and differentiate")
