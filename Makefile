# `make` alone lists the targets. Needs make, bash and a Python 3.11 or newer with venv.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup reproduce test check lock-check lock bench clean

BIN := .venv/bin
CLAIMS ?= phang2020/tydiqa-english-gain phang2020/tydiqa-no-better-multilingual
PROFILE ?= mini
ARGS ?=

# Its name changes with everything that an installation depends on, the folder included.
INSTALLED := .venv/setup-$(shell { pwd; cat requirements/*.txt requirements/install.sh pyproject.toml setup.py; } | cksum | cut -d ' ' -f 1)

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

setup: $(INSTALLED) ## install everything, locked, into .venv (PYTHON=... picks the interpreter)
	@:

$(INSTALLED):
	@requirements/install.sh dev .venv $@

# 10 and 11 also come with a report: a claim contradicted, inconclusive or below its rung.
reproduce: setup ## re-run two claims at the mini profile, then write the report (CLAIMS=, PROFILE=)
	@$(BIN)/harness reproduce $(CLAIMS) --profile $(PROFILE) || { code=$$?; [ $$code = 10 ] || [ $$code = 11 ] || exit $$code; }

test: setup ## run the tests (ARGS='-k word')
	@$(BIN)/pytest --no-header $(ARGS)

check: setup lock-check ## lint, format, types, import rules, locks
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted; run: $(BIN)/ruff format" >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@said=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$said" >&2; exit 1; }
	@echo "check: lint, format, types, import rules and locks agree"

lock-check: setup
	@$(BIN)/python requirements/check.py

lock: setup ## resolve requirements/*.in anew into the hashed locks (ARGS=--upgrade for newer versions)
	@for one in runtime dev; do \
	    $(BIN)/uv pip compile --quiet --no-config --universal --generate-hashes --python-version 3.11 \
	        --custom-compile-command "make lock" --output-file requirements/$$one.txt $(ARGS) requirements/$$one.in || exit; \
	done
	@$(BIN)/python requirements/check.py

bench: setup ## time the hot paths (benchmarks/)
	@$(BIN)/pytest -q benchmarks --benchmark-only $(ARGS)

clean: ## remove .venv, caches and build products; results and the store stay
	@rm -rf .venv build dist *.egg-info .benchmarks .hypothesis .*_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
