# `make test` and `make demo` need only make, bash and Python 3.12, or 3.10, 3.11 or 3.13 and a C++ compiler: they
# make .venv by themselves (constraints/make-venv.sh).

BIN := $(CURDIR)/.venv/bin
PYTEST_ARGS ?=

define HELP
make demo    train a tiny model on sample dialogues and talk to it; everything goes to demo/
make test    ruff, mypy and pytest
make docs    the pages of docs/ and the API as a site, in site/
make venv    only make .venv, which demo and test do by themselves
make clean   remove .venv, site/ and the caches; demo/ stays

Options, e.g. make test PYTHON=python3.12
  PYTHON       the Python of .venv, 3.10 - 3.13
  CONSTRAINTS  the pinned versions, a file of constraints/
  TORCH_INDEX  a package index to take torch from, e.g. one of CPU wheels
  PYTEST_ARGS  more arguments for pytest, e.g. PYTEST_ARGS="-m 'not commands and not slow'", or -n0 for one process
endef
export HELP

# What is compiled is kept: each process would compile the package and its tests again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help venv demo test docs clean

help:
	@echo "$$HELP"

venv:
	@bash constraints/make-venv.sh

demo: venv
	PATH="$(BIN):$$PATH" bash examples/quickstart/run.sh

test: venv
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"
	PATH="$(BIN):$$PATH" "$(BIN)/python" -m pytest -n logical --maxprocesses 4 --dist worksteal $(PYTEST_ARGS)

# The sources are read, not imported: an environment without torch will do.
docs: .venv-docs/bin/mkdocs
	.venv-docs/bin/mkdocs build --strict

.venv-docs/bin/mkdocs: constraints/docs.txt
	"$(or $(PYTHON),python3)" -m venv --clear .venv-docs
	.venv-docs/bin/python -m pip install --quiet -r constraints/docs.txt
	touch $@

clean:
	@if [ -e .venv/.made-by-make ]; then \
	  rm -f .venv/.ready && find .venv -mindepth 1 ! -name .made-by-make -delete && rm -rf .venv; \
	elif [ -e .venv ]; then echo "kept .venv: it was not made by make"; fi
	rm -rf .venv-docs site emo_mtl.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find emo_mtl preprocess examples benchmarks tests -name __pycache__ -type d -prune -exec rm -rf {} +
