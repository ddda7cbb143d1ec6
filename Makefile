# Everything a checkout needs. `make` alone lists the targets.
#
# Packages come from uv.lock by hash, from whatever index uv and pip are set to use here. uv itself is a pinned
# package in a venv of its own under .cache. What is up to date is left alone.

UV_VERSION := 0.13.9
UV_VENV := .cache/uv-venv
UV := $(UV_VENV)/bin/uv
UV_READY := $(UV_VENV)/.uv-$(UV_VERSION)
BIN := .venv/bin
KAFKA_BENCHES := $(patsubst benchmarks/%.py,benchmarks.%,$(wildcard benchmarks/bench_kafka_*.py))
BENCHES := $(filter-out benchmarks.bench_detection benchmarks.bench_urls benchmarks.bench_evasion $(KAFKA_BENCHES),$(patsubst benchmarks/%.py,benchmarks.%,$(wildcard benchmarks/bench_*.py)))

# A mirror that pip is told of serves uv too; and uv never fetches a Python of its own.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
export UV_PYTHON_DOWNLOADS := never
# A later uv would say so in every run.
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo geo test kafka soak lint house docs pictures changelog bench bench-detection bench-urls bench-evasion bench-kafka wheel sbom schemas settings lock clean install install-dev

help: ## This list
	@echo "journalguard: make TARGET   (ARGS=... is handed to demo, test and soak)"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '%-14s%s\n' "$$name" "$$text"; done

demo: .venv/.demo ## A simulated library with live alerts on this machine
	@$(BIN)/journalguard demo $(ARGS)

# Three files at once, in their order: pytest-xdist would keep files of one long test for the end, and wait for one.
test: .venv/.dev ## All tests
	$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

kafka: .venv/.dev ## A Kafka broker on this machine at port 9092, until Ctrl-C; its data stays in .cache/kafka
	@$(BIN)/python -m tests.services.kafka

soak: .venv/.dev ## 100 kills and pauses of real processes by a seed, then five minutes without a broker
	$(BIN)/python -m tests.kafka.faults $(ARGS)
	$(BIN)/python -m tests.kafka.outage

lint: .venv/.dev ## Lock, style, format, types and who may import whom
	$(UV) lock --check --quiet
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	@echo "$(BIN)/vulture"; ! $(BIN)/vulture | grep -vE "unused (variable|attribute) "

docs: .venv/.dev ## The documents as a site, into .cache/docs; a broken link or anchor is an error
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --nitpicky -c docs -d .cache/doctrees . .cache/docs
	@echo .cache/docs/docs/index.html

pictures: .venv/.dev ## The screenshots of docs/pictures, from the demonstration in a Chromium of this machine
	$(BIN)/python -m tests.browser.pictures docs/pictures

changelog: .venv/.dev ## A release's section of CHANGELOG.md, from the fragments of changelog.d (ARGS=--draft: only show it)
	$(BIN)/towncrier build --yes $(ARGS)

house: .venv/.dev ## The structure in figures: rooms, arrows between them, sizes
	@$(BIN)/python -m tests.project.house

bench: .venv/.dev ## Throughput, memory and cost per event, as tables
	@for bench in $(BENCHES); do echo "==> $$bench"; $(BIN)/python -m $$bench || exit 1; done

bench-kafka: .venv/.dev ## The same over a real Kafka broker: shipper, workers, latency, recovery; some 20 minutes
	@for bench in $(KAFKA_BENCHES); do echo "==> $$bench"; $(BIN)/python -m $$bench || exit 1; done

bench-detection: .venv/.dev ## Thefts found on unseen libraries and real logs, beside simpler detectors
	@$(BIN)/python -m benchmarks.bench_detection $(ARGS)

bench-urls: .venv/.dev ## URLs of several hundred platforms against ezPAARSE's tests (ARGS=FOLDER: where they are)
	@$(BIN)/python -m benchmarks.bench_urls $(ARGS)

bench-evasion: .venv/.dev ## Thefts found when thieves rewrite their URLs, beside the plain ones; some minutes
	@$(BIN)/python -m benchmarks.bench_evasion $(ARGS)

wheel: $(UV_READY) ## The wheel, into dist/
	@rm -rf dist
	$(UV) build --quiet --wheel --out-dir dist
	@ls dist/*.whl

sbom: .venv/.dev .cache/runtime.txt ## What the wheel stands on (CycloneDX JSON), beside it in dist/
	@mkdir -p dist
	@$(BIN)/cyclonedx-py requirements .cache/runtime.txt --index-url https://index.invalid/simple \
		--pyproject pyproject.toml --output-reproducible --of JSON -o dist/journalguard.cdx.json
	@echo dist/journalguard.cdx.json

geo: .venv/.runtime ## Location databases of the locked package as plain files with their licences, into dist/geo/
	@mkdir -p dist/geo
	@$(BIN)/python -m pseudonymiser.geodata dist/geo
	@ls -l dist/geo

schemas: .venv/.dev ## The records that go over Kafka as JSON Schema, into deploy/schemas/
	@$(BIN)/python -m service.distributed.protocol.schemas deploy/schemas

settings: .venv/.dev ## The reference of all settings, into docs/settings.md
	@$(BIN)/python -m service.config.reference docs/settings.md

install: .venv/.runtime ## The command with all its extras into .venv, without the developers' tools
	@echo "$(BIN)/journalguard is ready"

install-dev: .venv/.dev ## The command and the developers' tools into .venv
	@echo "$(BIN) is ready"

# The addresses of the index used are taken out again: they differ from site to site, hashes do not.
lock: $(UV_READY) ## Renew uv.lock after a change of pyproject.toml (ARGS=--upgrade: newest versions)
	$(UV) lock $(ARGS)
	@sed -E -e 's#(registry = ")https?://[^"]*"#\1https://index.invalid/simple"#g' \
		-e 's#(url = ")https?://[^"]*/([^/"]+)"#\1https://index.invalid/\2"#g' uv.lock > .cache/uv.lock
	@mv .cache/uv.lock uv.lock

clean: ## Remove what make made; downloaded packages stay in uv's own cache
	rm -rf .venv .cache dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What the targets stand on.

$(UV_READY):
	@for python in $(PYTHON) python3.13 python3.12 python3.11 python3.14 python3 python; do \
		if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "==> uv $(UV_VERSION) into $(UV_VENV), with $$("$$python" --version)"; \
			rm -rf $(UV_VENV) && "$$python" -m venv $(UV_VENV) \
				&& $(UV_VENV)/bin/python -m pip install --quiet --no-deps uv==$(UV_VERSION) && touch $@; \
			exit; \
		fi; \
	done; \
	echo "journalguard needs Python 3.11 or newer with its venv module (on Debian: apt-get install python3-venv)." >&2; \
	echo "If it is somewhere else, name it: make PYTHON=/path/to/python3" >&2; exit 1

EXPORT = $(UV) export --quiet --frozen --no-emit-project --format requirements.txt --output-file $@

# What the wheel needs by itself, and with which extras.
.cache/default.txt: uv.lock pyproject.toml $(UV_READY)
	@$(EXPORT) --no-default-groups > /dev/null

.cache/demo.txt: uv.lock pyproject.toml $(UV_READY)
	@$(EXPORT) --no-default-groups --extra demo --extra geo > /dev/null

.cache/runtime.txt: uv.lock pyproject.toml $(UV_READY)
	@$(EXPORT) --no-default-groups --all-extras > /dev/null

.cache/dev.txt: uv.lock pyproject.toml $(UV_READY)
	@$(EXPORT) --all-groups --all-extras > /dev/null

# A venv whose Python is gone (an upgraded system) is made anew.
.venv/bin/python: | $(UV_READY)
	@$@ -c '' 2>/dev/null || $(UV) venv --quiet --clear --python $(UV_VENV)/bin/python .venv

.venv/.demo .venv/.runtime: .venv/.%: .cache/%.txt | .venv/bin/python
	@echo "==> packages of journalguard into .venv, as uv.lock has them"
	@$(UV) pip install --python $(BIN)/python --require-hashes -r $<
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

.venv/.dev: .cache/dev.txt | .venv/bin/python
	@echo "==> packages of journalguard and its developers' tools into .venv, as uv.lock has them"
	@$(UV) pip sync --python $(BIN)/python --require-hashes .cache/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch .venv/.demo .venv/.runtime $@
