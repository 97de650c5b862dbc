# Every target makes its own environment in .venv from requirements.lock; nothing else is installed.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON ?= $(shell for each in python3.13 python3.12 python3.11 python3; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)

# Tests of one part behind its real sockets.
PARTS := tests/front tests/ctl tests/sandbox tests/workers/delivery tests/workers/egress tests/workers/media
# Tests that start processes of ours: they measure nothing, but do not share the machine with each other.
SLOW := tests/processes tests/workers/conversion tests/sandbox/test_process.py tests/test_wheel.py

QUICK := --ignore-glob='*/test_real_*' $(addprefix --ignore=,$(SLOW))

.PHONY: help venv demo test unit check bench lock

help:
	@echo "make demo   two simulated WhatsApp accounts talk through the gateway, live"
	@echo "make test   check, then all tests"
	@echo "make unit   only the unit tests: some seconds"
	@echo "make check  format, lint, types, import rules"
	@echo "make bench  measure, print one table, write build/bench.json"
	@echo "make venv   only the environment, for an installation"
	@echo "make lock   resolve the dependencies anew into requirements.lock"

venv: $(STAMP)

demo: $(STAMP)
	@$(BIN)/python -m wagateway.sandbox.demo

test: check unit
	$(BIN)/python -m pytest --numprocesses=2 $(QUICK) $(PARTS)
	$(BIN)/python -m pytest $(SLOW) tests/sandbox/test_real_*

unit: $(STAMP)
	$(BIN)/python -m pytest --numprocesses=2 $(QUICK) $(addprefix --ignore=,$(PARTS))

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m tests.bench

# Make it with the oldest Python that must work, Debian 12's 3.11.2: newer ones pick what it cannot install.
lock: $(STAMP)
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe \
		--strip-extras --extra dev --build-deps-for editable --no-emit-options -o requirements.lock pyproject.toml

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "wagateway needs Python 3.11 or later, and none was found" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module;" \
		"on Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked dependencies into $(VENV) ($$($(BIN)/python --version))"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)
