PORT ?= 8000
export PORT
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help run test coverage chaos fuzz lint lock sbom audit train assets translations clean

help:  ## Say what there is
	@sed -n 's/^\([a-z]*\):.*##\(.*\)/  make \1\t\2/p' Makefile

run: .venv/installed  ## The whole service with its demo paper, on PORT (8000)
	@exec $(BIN)/moderation run --with-demo

test: .venv/installed-dev  ## Everything that must hold
	@PYTHON=$(BIN)/python tests/run

coverage: .venv/installed-dev  ## Which branches no test takes; fails below what docs/architecture.md asks for
	@$(BIN)/python -m pytest --quiet --numprocesses auto --dist loadfile --no-loadscope-reorder --ignore tests/browser \
		--ignore tests/faults --cov --cov-report term:skip-covered --cov-report json:build/coverage.json
	@$(BIN)/python tests/covered.py build/coverage.json

chaos: .venv/installed-dev  ## Break everything by chance for minutes, and see that nothing is lost; MINUTES (2), SEED, HOUSE
	@exec $(BIN)/python -m tests.faults $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(if $(HOUSE),--house $(HOUSE))

fuzz: .venv/installed-dev  ## Look for input that breaks what reads strangers' words, by coverage; SECONDS (60) for each target
	@$(BIN)/python -m pip install --quiet 'atheris>=3,<4'
	@exec $(BIN)/python -m tests.fuzzing $(if $(SECONDS),--seconds $(SECONDS))

lint: .venv/installed-dev  ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: .venv/installed-dev  ## Choose the newest allowed versions of all dependencies
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --all-extras --no-emit-index-url --custom-compile-command "make lock" \
		--upgrade --output-file requirements.lock pyproject.toml

sbom: .venv/installed  ## What an installation is made of: dist/sbom.cdx.json (CycloneDX), and docs/licences.md
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv venv --quiet --clear build/sbom
	@$(BIN)/uv pip install --quiet --python build/sbom/bin/python --constraint requirements.lock '.[traces,sentry]'
	@mkdir -p dist
	$(BIN)/uv tool run --quiet --from 'cyclonedx-bom>=7,<8' cyclonedx-py environment build/sbom/bin/python \
		--pyproject pyproject.toml --output-reproducible --output-file dist/sbom.cdx.json
	@{ echo '# Licences of what is installed'; echo; echo 'Made by `make sbom`; see [security.md](security.md).'; echo; \
		$(BIN)/uv tool run --quiet --from 'pip-licenses>=5,<6' pip-licenses --python build/sbom/bin/python \
		--format markdown --with-system --ignore-packages hausordnung; } > docs/licences.md

audit: .venv/installed  ## Ask for known weaknesses of the locked dependencies; needs the network
	@$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv tool run --from 'pip-audit>=2.10,<3' pip-audit --requirement requirements.lock --no-deps --disable-pip

train: .venv/installed-dev  ## Make the judge's weights anew; DATA is the folder of the data sets
	$(BIN)/python -m training.build --data "$(DATA)"

assets:  ## Fetch what the desk has from npm, as pinned in assets/, and put it where it belongs
	cd assets && npm ci --silent --no-audit --ignore-scripts && node build.mjs

translations: .venv/installed-dev  ## Collect new messages and compile what is translated
	$(BIN)/pybabel -q extract -F babel.cfg -k lazy_gettext --no-location --sort-output --project Hausordnung --copyright-holder "the authors" -o moderation/translations/messages.pot .
	$(BIN)/pybabel -q update --width 120 --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -i moderation/translations/messages.pot -d moderation/translations
	$(BIN)/pybabel -q compile -d moderation/translations
	$(BIN)/pybabel -q compile -d moderation/translations -D formal

clean:  ## Remove what was made here, but not the database
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache

.venv/installed: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: PYTHON=python3.11 make run")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo "Installing …"
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --constraint requirements.lock --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@touch $@
