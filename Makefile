# One environment: .venv. Every target makes it first if it is missing or out of date.
PYTHON ?= python3
BIN := .venv/bin
DEMO := demo
BUNDLE := layers/models/bundle
AS_OF := 2026-07-01

.PHONY: demo test test-all test-nightly lint layers emulator audit sam postgres bench bench-features bench-cold bench-warm bench-batch clean
DATA ?= data
PROCESSES ?= 2

demo: .venv/ready
	$(BIN)/regulars simulate $(DEMO)/lake --customers 10000 --years 3 --seed 7
	$(BIN)/regulars train $(DEMO)/lake --as-of $(AS_OF) --horizon 90 --out $(BUNDLE)
	$(BIN)/regulars invoke churn --bundle $(BUNDLE)
	$(BIN)/regulars score $(DEMO)/lake --bundle $(BUNDLE) --as-of $(AS_OF) --out $(DEMO)/scores.parquet --top 10
	$(BIN)/regulars plan $(DEMO)/scores.parquet --actions examples/actions.toml --budget 1000 --lake $(DEMO)/lake \
		--out $(DEMO)/plan.csv --picture $(DEMO)/plan.png --prices $(DEMO)/prices.json
	$(BIN)/regulars publish --bundle $(BUNDLE) --prices $(DEMO)/prices.json --out $(BUNDLE)
	@echo "Lake: $(DEMO)/lake  Bundle: $(BUNDLE)  Scores: $(DEMO)/scores.parquet  Plan: $(DEMO)/plan.csv"

# pytest caches its rewritten tests as byte code: collection then takes half the time
PYTEST = PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist worksteal --durations 10

test: .venv/ready # without the slow tests
	$(PYTEST) -m "not slow"

test-all: .venv/ready emulator
	$(PYTEST)

test-nightly: .venv/ready # the property tests with a hundred times the examples
	$(PYTEST) -m hypothesis --hypothesis-profile nightly

lint: .venv/ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy

layers: .venv/ready
	$(BIN)/python tools/build.py runtime && $(BIN)/python tools/build.py trees && $(BIN)/python -m tools.weigh

emulator: .venv/ready # if it cannot be fetched, the tests that need it are skipped with the reason
	-$(BIN)/python -m tools.emulator && $(BIN)/python tools/build.py runtime && $(BIN)/python tools/build.py trees

postgres: # the server that tests start on their own; Debian's package, so run it as root
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || { apt-get -qq update && \
		DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq install --yes --no-install-recommends postgresql; }

audit: .venv/ready
	$(BIN)/python -m tools.audit

sam: .venv/ready
	$(BIN)/python -m tools.sam

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[postgres,dev]' --constraint constraints.txt
	touch .venv/ready

bench: .venv/ready
	$(BIN)/python benchmarks/simulate.py
	$(BIN)/python benchmarks/shops.py $(DATA)

bench-cold: .venv/ready emulator
	$(BIN)/python benchmarks/cold/run.py $(DEMO)/lake

bench-warm: .venv/ready
	$(BIN)/python -m pip install --quiet --target build/peer --no-deps pandas==3.1.1
	$(BIN)/python benchmarks/warm.py $(DEMO)/lake $(BUNDLE) --peer build/peer

bench-batch: .venv/ready emulator # needs LAKE (a million customers), BUNDLE (trained on it) and AS_OF
	$(BIN)/python -m pip install --quiet --target build/peer --no-deps pandas==3.1.1
	$(BIN)/python -m pip install --quiet --target build/peer --no-deps pyarrow
	$(BIN)/python -m benchmarks.batch $(LAKE) $(BUNDLE) $(AS_OF) --peer build/peer

bench-features: .venv-bench/ready
	.venv-bench/bin/python -m benchmarks.features $(LAKE)

.venv-bench/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --editable '.[postgres,dev,bench]' --constraint constraints.txt
	touch .venv-bench/ready

clean:
	rm -rf .venv .venv-bench .venv-sam .venv-audit .venv-checkov $(DEMO) $(BUNDLE) layers/*/build benchmarks/cold/build build .aws-sam
