# Everything a developer runs. `make` alone lists it.

SHELL := /bin/bash
BIN := .venv/bin
# Arguments for the command behind a target: make run ARGS="--for 60"
ARGS ?=
.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

.PHONY: setup
setup: ## Install what is missing: Python packages, Postgres, Redis, Kafka's jars
	@scripts/setup.sh

.PHONY: run
run: setup ## Run everything on real AIS data; ARGS="--for 60" stops by itself
	@$(BIN)/vesselflow up $(ARGS)

.PHONY: check
check: ## Format, lint, types, import rules, documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy vesselflow tests
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/test_house.py tests/test_docs.py tests/core/test_settings.py

# Two steps in one target, so that `make -j` cannot reorder them and pytest's closing line is the last that is printed.
.PHONY: test
test: setup ## Check, then every test but faults and bench; ARGS="-k geofence" for some
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest $(ARGS)

.PHONY: faults
faults: setup ## Kill, pause and cut off the running system, at length
	@FAULTS_KILLS=30 $(BIN)/python -m pytest -m "faults or e2e" tests/faults $(ARGS)

.PHONY: bench
bench: setup ## Measure; ARGS="throughput --quick --json"
	@$(BIN)/python -m bench $(ARGS)

.PHONY: lint
lint: ## Only the linter and the import rules
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo

.PHONY: format
format: ## Rewrite the code in the one format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: links
links: ## Check that every link between the documents leads somewhere
	@$(BIN)/python -m pytest -q tests/test_docs.py

.PHONY: lock
lock: ## Write requirements/*.txt anew from requirements/*.in (needs the network)
	@for name in runtime dev; do \
		PIP_FIND_LINKS= CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
			--no-emit-index-url --no-emit-find-links --output-file requirements/$$name.txt requirements/$$name.in || exit; \
	done
