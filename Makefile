# Two commands for a newcomer: `make demo` and `make test`. Everything else is for people who change the code.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check golden docs pictures bench fuzz accuracy ablate soak search strangers lock clean catalogues .venv

demo: $(VENV)/.installed
	$(BIN)/tidings play

test: $(VENV)/.installed-dev
	@$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -n 2 --dist loadfile tests

# Mutated mails, by chance and then led by coverage, five minutes each: make fuzz SECONDS=3600. Findings lie in .fuzz/.
fuzz: $(VENV)/.installed-dev
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),300)
	@if $(INSTALL) --no-deps --only-binary :all: atheris==3.0.0; \
	then $(BIN)/python -m tests.fuzz --atheris --seconds $(or $(SECONDS),300); \
	else echo "atheris cannot be installed here: not led by coverage"; fi

# The mail programs that tests/strangers plays with (Debian, as root); without them those tests are skipped.
strangers:
	@tools/strangers.sh

# The tests that make up their own examples, with new ones at each run.
search: $(VENV)/.installed-dev
	HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest tests/unit

# The long forms: 200 kills of a 5,000-mail fan-out on each database, and the like. Takes many minutes; ends with the figures.
soak: $(VENV)/.installed-dev
	@tools/strangers.sh soak
	$(BIN)/python -m pytest -m soak -rP tests

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check.py

golden: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/golden --rewrite-golden

# Pages of docs/ that follow from the code.
docs: $(VENV)/.installed-dev
	$(BIN)/python tools/commands.py
	$(BIN)/python tools/tables.py


# Pictures of the README; needs a Chromium.
pictures: $(VENV)/.installed-dev
	$(BIN)/python tools/pictures.py

.venv: $(VENV)/.installed

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tidings needs Python 3.11 or newer (set PYTHON=...)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Could not make $(VENV): install your system's venv package (Debian: python3-venv)"; exit 1; }

$(VENV)/.installed: $(VENV)/bin/python requirements.lock pyproject.toml
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

# Speed, as ratios inside one run; wants smtp-source and smtp-sink (Debian: postfix). make bench SHORT=1 ONLY=fanout,build
bench: $(VENV)/.installed-dev
	$(BIN)/python -m bench $(if $(SHORT),--short) $(if $(ONLY),--only $(ONLY))

# How well replies are read, beside other libraries: make accuracy CORPUS=DIR [REPLIES=FILE]
accuracy: $(VENV)/.installed-dev
	$(INSTALL) --require-hashes -r requirements-bench.lock
	$(BIN)/python bench/accuracy.py $(CORPUS) $(if $(REPLIES),--replies $(REPLIES))

# What each rule of reading is there for, one by one: make ablate CORPUS=DIR [PARTS=rules,words]. Takes half an hour.
ablate: $(VENV)/.installed-dev
	nice $(BIN)/python bench/ablate.py $(CORPUS) $(if $(PARTS),--parts $(PARTS))

catalogues: $(VENV)/.installed-dev
	PYTHONPATH=. $(BIN)/python tools/catalogues.py

# Lock files hold hashes and no addresses; needs uv.
lock:
	uv pip compile pyproject.toml --extra postgres --extra build --universal --generate-hashes --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --extra postgres --extra build --group dev --universal --generate-hashes --no-header -q -o requirements-dev.lock

clean:
	rm -rf $(VENV) play .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
