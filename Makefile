# `make` alone lists the targets. Needs make, bash and a Python 3.11 or newer with venv.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup reproduce test check lock-check lock bench faults fuzz soak image image-gpu wheels build-image sbom image-archive clean

BIN := .venv/bin
CLAIMS ?= phang2020/tydiqa-english-gain
PROFILE ?= mini
ARGS ?=

IMAGE ?= reproduction-harness
FLAVOUR ?= cpu
# Another base image than the Dockerfile's; what else `docker build` is to be told.
BASE ?=
BUILD_ARGS ?=
COMMIT ?= $(shell git describe --always --abbrev=40 --dirty --exclude '*' 2>/dev/null || echo unknown)

# Its name changes with everything that an installation depends on, the folder included.
INSTALLED := .venv/setup-$(shell { pwd; cat requirements/*.txt requirements/install.sh pyproject.toml setup.py; } | cksum | cut -d ' ' -f 1)

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

setup: $(INSTALLED) ## install everything, locked, into .venv (PYTHON=... picks the interpreter)
	@:

$(INSTALLED):
	@requirements/install.sh dev .venv $@

# 10 and 11 also come with a report: a claim contradicted, inconclusive or below its rung.
reproduce: setup ## re-run a claim at the mini profile, then write the report (CLAIMS=, PROFILE=)
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
	@for one in runtime ray dev; do \
	    $(BIN)/uv pip compile --quiet --no-config --universal --generate-hashes --override requirements/override.txt --python-version 3.11 \
	        --custom-compile-command "make lock" --output-file requirements/$$one.txt $(ARGS) requirements/$$one.in || exit; \
	done
	@$(BIN)/python requirements/check.py

bench: setup ## time the hot paths (benchmarks/)
	@$(BIN)/pytest -q benchmarks --benchmark-only $(ARGS)

faults: setup ## break runs in every way and see what survives (ARGS='kills power --kills 20'); docs/reliability.md
	@$(BIN)/python -m faults $(ARGS)

fuzz: setup ## damaged input for everything that reads files (SECONDS= a target, ARGS='yaml score')
	@cd tests && PYTHONPATH=. ../$(BIN)/python -m fuzzing --seconds $(or $(SECONDS),60) $(ARGS)

soak: setup ## random runs, kills and collections on one store, by fake stages (SECONDS=)
	@cd tests && PYTHONPATH=. ../$(BIN)/python -m soak --seconds $(or $(SECONDS),7200) $(ARGS)

image: ## build the CPU image (IMAGE=, BASE=, TORCH_INDEX=, BUILD_ARGS=); docs/container.md
	@requirements/wheels.sh cpu
	@$(MAKE) --no-print-directory build-image FLAVOUR=cpu

image-gpu: ## build the GPU image: torch with CUDA, from wheels/gpu where it is there, else by pip
	@$(MAKE) --no-print-directory build-image FLAVOUR=gpu

wheels: ## download what an image installs into wheels/ (FLAVOUR=cpu|gpu, TORCH_INDEX=)
	@requirements/wheels.sh $(FLAVOUR)

build-image:
	@docker build --tag $(IMAGE):$(FLAVOUR) $(if $(BASE),--build-arg BASE=$(BASE)) \
	    --build-arg FLAVOUR=$(FLAVOUR) --build-arg COMMIT=$(COMMIT) \
	    --build-arg VERSION=$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) \
	    --build-arg LOCKS=sha256:$(shell cat requirements/runtime.txt requirements/torch.txt | sha256sum | cut -d ' ' -f 1) \
	    $(BUILD_ARGS) .
	@docker image inspect --format '{{.Id}} {{.Size}} bytes' $(IMAGE):$(FLAVOUR)

sbom: setup ## write the image's bill of materials (CycloneDX) to dist/ (FLAVOUR=cpu|gpu)
	@$(BIN)/python requirements/sbom.py $(IMAGE):$(FLAVOUR) dist/$(IMAGE)-$(FLAVOUR).cdx.json
	@echo dist/$(IMAGE)-$(FLAVOUR).cdx.json

image-archive: ## save the image to dist/ for `docker load`, with its digest (FLAVOUR=cpu|gpu)
	@mkdir -p dist
	@docker save --output dist/$(IMAGE)-$(FLAVOUR).tar $(IMAGE):$(FLAVOUR)
	@cd dist && sha256sum $(IMAGE)-$(FLAVOUR).tar | tee $(IMAGE)-$(FLAVOUR).tar.sha256

clean: ## remove .venv, caches and build products; results and the store stay
	@rm -rf .venv build dist *.egg-info .benchmarks .hypothesis .*_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
