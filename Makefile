# What a developer types; `make help` lists the verbs.

# The newest that can make an environment; a release that is new may have no packages of others yet, so it comes last.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3 python3.15; do \
	command -v $$p >/dev/null 2>&1 \
	&& $$p -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { command -v $$p; break; }; done)
VENV ?= .venv
BIND ?= 127.0.0.1:8000
ARGS ?=
RUN = $(VENV)/bin/python
# Three at a time on two processors, but for the tests that take them both or judge who gets what of them.
PYTEST_3 = $(RUN) -m pytest -n 3 --dist worksteal
# Narrowed by ARGS, there may be no test of the one sort or the other.
NONE_IS_FINE = test $$? -eq 5

.PHONY: help serve test test-compiled test-sanitized fuzz lint check settings docs docs-serve screenshots autobahn chaos bench bench-page bench-gate \
	build-inplace clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { \
		echo "Python 3.11 or newer with venv is needed (Debian: python3-venv): make PYTHON=/path/to/python3.13"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serve: | $(VENV)/bin/python
	$(RUN) -m pip install -qq Flask
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/bin/python
	GUNICORN_PURE=1 $(RUN) -m pip install -qq --editable '.[testing]'
	@touch $@

$(VENV)/.check: pyproject.toml $(VENV)/.test
	GUNICORN_PURE=1 $(RUN) -m pip install -qq --editable '.[dev]'
	@touch $@

serve: $(VENV)/.serve ## set up, then serve the Flask example on http://127.0.0.1:8000
	cd examples/flask && PYTHONPATH=$(CURDIR) exec $(abspath $(RUN)) -m gunicorn --bind $(BIND) $(ARGS) app:app

test: $(VENV)/.test ## set up, then run the tests, but for the slow ones; ARGS="-k wire" narrows them
	$(PYTEST_3) -m "not alone and not slow" $(ARGS) || $(NONE_IS_FINE)
	$(RUN) -m pytest -m "alone and not slow" $(ARGS) || $(NONE_IS_FINE)

test-compiled: build-inplace ## compile, then the same tests; GUNICORN_PURE=1 make test: interpreted
	env -u GUNICORN_PURE $(MAKE) --no-print-directory test

test-sanitized: $(VENV)/.check ## in-process tests and a bounded fuzz with AddressSanitizer and UBSan; exit 77: no runtime
	$(RUN) -m tests.sanitized $(ARGS)

fuzz: $(VENV)/.test ## bent input for every parser; ARGS="heads --executions 1000000 --seed 2"
	$(RUN) -m tests.fuzz.run $(ARGS)

lint: $(VENV)/.check ## ruff and mypy --strict
	$(RUN) -m ruff check .
	$(RUN) -m mypy

check: lint ## ruff, mypy --strict, all tests
	$(PYTEST_3) -m "not alone" $(ARGS) || $(NONE_IS_FINE)
	$(RUN) -m pytest -m alone $(ARGS) || $(NONE_IS_FINE)

settings: $(VENV)/bin/python ## write settings, schema, manual page and option tables in docs from the declarations
	$(RUN) docs/generate_settings.py

$(VENV)/.docs: pyproject.toml | $(VENV)/bin/python
	GUNICORN_PURE=1 $(RUN) -m pip install -qq --editable '.[docs]'
	@touch $@

# Material for MkDocs tells of its own future on the standard error of every build.
docs: settings $(VENV)/.docs ## the same, and build the site in site/; a broken link fails it
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict $(ARGS)

docs-serve: settings $(VENV)/.docs ## show the site on http://127.0.0.1:8001 while you write
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs serve --dev-addr 127.0.0.1:8001 $(ARGS)

screenshots: $(VENV)/.test ## make the pictures of the README; needs Chromium and tmux
	$(RUN) docs/screenshots.py

autobahn: $(VENV)/.test ## the WebSocket testsuite, where Python 2.7 is found; ARGS="9.*" narrows it
	$(RUN) -m tests.autobahn.run .autobahn $(ARGS)

chaos: $(VENV)/.test ## trouble under load; CHAOS_SECONDS=120 for the long form, CHAOS_PYTHON=... for another server
	$(RUN) -m pytest -s tests/chaos $(ARGS)

build-inplace: $(VENV)/.check ## compile the hot path beside its sources
	env -u GUNICORN_PURE GUNICORN_REQUIRE_COMPILED=1 $(RUN) setup.py --quiet build_ext --inplace

bench: $(VENV)/bin/python ## build the peers into .bench/ and measure; ARGS="--scenario hello"
	$(RUN) -m benchmarks $(ARGS)

bench-page: $(VENV)/bin/python ## all figures of docs/benchmarks.md anew, forty minutes; ARGS="--parts tls,start"
	$(RUN) -m benchmarks.page $(ARGS)

bench-gate: build-inplace ## instructions of each request against benchmarks/instructions.json; ARGS=--update writes it
	env -u GUNICORN_PURE $(RUN) -m benchmarks.gate $(ARGS)

clean: ## remove what the verbs made, except the environments
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find gunicorn -name '*.so' -delete
