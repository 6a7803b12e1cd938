# `make train` and `make test` work on a bare machine: Python 3.11 or newer, nothing else.
#   make train                          trains the default preset on rendered plates
#   make train ARGS="--preset resnet18" trains another one; ARGS go to `run.py --mode train`
#   make test                           runs all tests
#   make test EXTRAS=openvino,parquet   with tests that are skipped where these extras are absent
#   make lint                           ruff and mypy
#   make audit                          known weaknesses of the installed packages, by pip-audit

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
EXTRAS ?=
# TensorFlow without GPU code is half the download; TRAIN=train installs the one for GPUs.
ifeq ($(shell uname -sm),Linux x86_64)
TRAIN ?= train-cpu
else
TRAIN ?= train
endif

BIN := $(VENV)/bin
comma := ,
WANTED := $(TRAIN),serve,dev$(if $(EXTRAS),$(comma)$(EXTRAS))
STAMP := $(VENV)/.installed-$(subst $(comma),-,$(WANTED))

.PHONY: help install train test lint audit format clean

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

install: $(STAMP)

$(STAMP): setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[$(WANTED)]"
	touch $@

train: $(STAMP)
	$(BIN)/python run.py --mode train $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

# mypy wants a folder that is called like the package.
.typing/chepai:
	mkdir -p .typing
	ln -sfn .. $@

lint: $(STAMP) .typing/chepai
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPYPATH=.typing $(BIN)/mypy -p chepai

# Its own environment: what it needs must not become what it checks.
audit: $(STAMP)
	test -x $(VENV)/audit/bin/python || $(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet pip-audit
	$(VENV)/audit/bin/python .ci/audit $$($(BIN)/python -c 'import sysconfig as s; print(s.get_path("purelib"))')

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .typing build dist chepai.egg-info .pytest_cache .mypy_cache .ruff_cache
