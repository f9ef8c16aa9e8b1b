# Every target does its own set-up, in .venv. All it needs is Python 3.11 or newer, with pip.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test generated lint clean

# Compile the digits example, then train it.
demo: .venv/installed-examples
	$(BIN)/graphgen compile examples/digits.py -o generated/digits.py
	$(BIN)/python examples/train_digits.py

test: .venv/installed-test
	$(BIN)/python -m pytest -n auto

# Compile every example anew, and write the documents of ops and layers.
generated: .venv/installed-test
	$(BIN)/python examples/compile_all.py
	$(BIN)/python -m graphgen.ops.document docs/ops.md
	$(BIN)/python -m graphgen.layers.document docs/layers.md

lint: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed-%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[$*]"
	@touch $@

# Debian's python3 comes without ensurepip, unless python3-venv is installed: python3's own pip then puts pip inside.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo 'graphgen needs Python 3.11 or newer: make PYTHON=python3.11 ...' >&2; exit 1; }
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 || \
	    { rm -rf .venv && $(PYTHON) -m venv --without-pip .venv && \
	      $(PYTHON) -m pip --python .venv/bin/python install --quiet --disable-pip-version-check pip; } || \
	    { rm -rf .venv; echo 'cannot make .venv: install python3-venv (apt-get install python3-venv) and try again' >&2; exit 1; }
