# Livepin's front door. `make` alone explains itself.

PYTHON ?= python3
# Test processes side by side.
WORKERS ?= 2

export PYTHON
# The theme announces its own end of life (May 2027) at every build.
export NO_MKDOCS_2_WARNING := 1
# The build backend is looked up on the PATH.
VENV_PATH := $(CURDIR)/.venv/bin:$(PATH)
RUN := .venv/bin/python -m
CODE = $(foreach room,src tests tools bench demo,$(if $(shell find $(room) -name '*.py' 2>/dev/null | head -n 1),$(room)))

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow check bench docs lock clean attacker nginx parts

help: ## what can be made
	@echo 'make TARGET, where TARGET is one of'
	@echo
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)$$/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14
	@echo
	@echo 'New here? `make demo` shows a pinned application and a refused attacker, in under a minute.'

# ---------------------------------------------------------------- environments

setup: .venv/.ready ## the development environment in .venv (other targets do this by themselves)

.venv/.locked: requirements/bootstrap.txt requirements/dev.txt tools/environment.sh
	@tools/environment.sh .venv requirements/dev.txt
	@touch $@

# Editable: after this, only a change of pyproject.toml needs another installation.
.venv/.ready: .venv/.locked pyproject.toml
	@echo '==> .venv: livepin itself, editable'
	@PATH='$(VENV_PATH)' $(RUN) pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	@touch $@

# mitmproxy pins an older cryptography, so the attacker has a home of its own.
attacker: .venv-attacker/.ready

.venv-attacker/.ready: requirements/bootstrap.txt requirements/attacker.txt tools/environment.sh
	@tools/environment.sh .venv-attacker requirements/attacker.txt
	@touch $@

nginx:
	@tools/debian.sh nginx

# What the slow tests talk to besides nginx.
parts:
	@tools/debian.sh nginx chromium mariadb-server postgresql-15 redis-server softhsm2

# ---------------------------------------------------------------- what it is for

demo: setup attacker nginx ## the story in a terminal: pinned, intercepted, refused, rotated
	$(RUN) demo

bench: setup ## what pinning costs, as ratios measured side by side
	$(RUN) bench

# ---------------------------------------------------------------- tests and checks

test: setup ## all tests but the slow ones; core must be covered to 100 % of its branches
	@mkdir -p build/coverage
	$(RUN) pytest -m 'not slow' -n $(WORKERS) tests/core --cov --cov-report=
	$(RUN) coverage report --fail-under=100
	$(RUN) pytest -m 'not slow' -n $(WORKERS) --ignore=tests/core

test-slow: setup attacker parts ## the slow tests: real nginx, real mitmproxy, whole journeys
	$(RUN) pytest -m slow
	LIVEPIN_TEST_ENGINE=postgres $(RUN) pytest -m 'not slow' -n $(WORKERS) tests/server

check: setup ## style, types, who imports whom, docs, house rules
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	LIVEPIN_SERVER_DATA=build/check $(RUN) mypy $(CODE)
	.venv/bin/lint-imports
	$(RUN) mkdocs build --strict --site-dir build/docs
	$(RUN) tools.check_house

docs: setup ## the documentation as a site, in build/docs
	$(RUN) mkdocs build --strict --site-dir build/docs

# ---------------------------------------------------------------- upkeep

LOCK = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header

lock: setup ## resolve the locks in requirements/ again (UPGRADE=1: to the newest versions)
	for name in bootstrap runtime server dev attacker; do \
		$(LOCK) $(if $(UPGRADE),--upgrade) requirements/$$name.in --output-file requirements/$$name.txt || exit 1; \
	done

clean: ## remove the environments and everything that was made
	rm -rf .venv .venv-attacker build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
