# Each target is one line that calls the command line; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help setup train score review test check bench mlflow lock

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/
STAMP := $(VENV)/.installed
IN ?= data/incoming/sample.csv
OUT ?= scored.csv
TEXT ?= text

help:  ## list these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */  make \1\t/' | expand -t 16

setup: $(STAMP)  ## make the environment (.venv) from requirements.lock

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)python -m pip install --quiet --require-hashes -r requirements.lock
	$(RUN)python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

train: $(STAMP)  ## train, report, promote if the gates hold, and score the sample batch
	$(RUN)classifier train && $(RUN)classifier score $(IN) --out $(OUT)

score: $(STAMP)  ## sort a batch: make score IN=posts.xlsx OUT=scored.xlsx [TEXT=column]
	$(RUN)classifier score "$(IN)" --out "$(OUT)" --text-column "$(TEXT)"

review: $(STAMP)  ## open the review page on http://127.0.0.1:8000
	$(RUN)classifier review serve

test: check  ## guards and tests
	$(RUN)python -m pytest

check: $(STAMP)  ## guards alone: ruff, mypy, import-linter
	$(RUN)ruff check . && $(RUN)ruff format --check . && $(RUN)mypy && $(RUN)lint-imports --no-logo

bench: $(STAMP)  ## speed beside bare word_tokenize; quality on corpora: see README
	$(RUN)python benchmarks/speed.py

mlflow: $(STAMP)  ## open MLflow's page on http://127.0.0.1:5000
	$(RUN)mlflow ui --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}" --host 127.0.0.1 --port 5000

lock: $(STAMP)  ## pin what pyproject.toml asks for anew
	$(RUN)python -m piptools compile --quiet --strip-extras --extra dev --build-deps-for wheel --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options --no-header --output-file requirements.lock pyproject.toml
