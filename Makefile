# Commands for people; each is also usable without make (see the recipes).
# The packages live in .venv; PYTHON is only what makes it.

PYTHON = python3
IN_VENV = .venv/bin/python
PYTEST = $(IN_VENV) -m pytest -p no:cacheprovider

.PHONY: help setup assets run test check e2e bench testbed sbom audit prepared

help: ## print these lines
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv and the data folder, install the packages
	@$(PYTHON) -m portal.local setup

assets: ## fetch the browser files of other projects into portal/static/vendor
	@$(PYTHON) -m portal.local assets

run: ## start Paddock with its demo at http://127.0.0.1:8000/ (PORT=8001 takes another port)
	@$(PYTHON) -m portal.local run

test: check ## everything: checks, unit, contract and browser tests
	$(IN_VENV) -m tests.testbed build || test "$$CI" != true
	$(PYTEST) -n 2 --dist loadgroup tests --ignore tests/e2e --ignore tests/failure
	$(PYTEST) tests/failure tests/e2e

check: prepared ## formatting, lint, types, import contracts, migrations, deployment settings
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m ruff format --check .
	$(IN_VENV) -m mypy .
	$(IN_VENV) .venv/bin/lint-imports
	$(IN_VENV) manage.py makemigrations --check --dry-run
	$(IN_VENV) manage.py check --deploy --fail-level WARNING

e2e: prepared ## the browser tests alone
	$(PYTEST) tests/e2e

bench: prepared ## measure speed and memory (ONLY=decode SIZE=10000 REPS=5 narrow it down)
	$(IN_VENV) -m tests.bench

nightly: prepared ## take each permission line away in turn, write docs/nightly.md
	$(IN_VENV) -m tests.architecture.nightly

testbed: prepared ## start two real Kubernetes control planes and print a kubeconfig for each
	$(IN_VENV) -m tests.testbed build
	$(IN_VENV) -m tests.testbed run

sbom: prepared ## write the bill of materials (CycloneDX 1.6) to build/sbom.json
	@$(IN_VENV) -m portal.local sbom

audit: ## ask the OSV database for known weaknesses of all locked packages; needs the network, not part of CI
	@$(PYTHON) -m portal.local audit

prepared:
	@$(PYTHON) -m portal.local setup --dev
	@$(PYTHON) -m portal.local assets
