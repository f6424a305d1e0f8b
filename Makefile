# The commands of the project. Everything runs in $(VENV), which is created on first use and updated when its inputs change.
VENV ?= .venv
PYTEST_ARGS ?= -n auto --maxprocesses=8
SHELL := /bin/bash
BIN := $(VENV)/bin
EXTRAS := dev,service,mcp,lm,ray
CONSTRAINTS := tests/constraints.txt

# The native build is kept, so only changed files are compiled. Folders are inputs too, so that a removed file triggers a
# rebuild.
INSTALL := $(BIN)/python -m pip install --quiet --config-settings=build-dir=$(abspath $(VENV))/native-build
SOURCES := $(shell find infgram service csrc -name __pycache__ -prune -o -print) $(wildcard README.md LICENSE)
PYTHON_FOLDERS := infgram service tests benchmarks docs/site
CPP = $(shell find csrc tests -name '*.cpp' -o -name '*.hpp')

# The second environment, with the oldest dependencies, has the packages that the core and the service need.
OLDEST := $(VENV)/oldest
OLDEST_EXTRAS := service,client,pandas,parquet,remote
OLDEST_CONSTRAINTS := tests/constraints-oldest.txt
OLDEST_TESTS := tests/test_minimal.py tests/index

# Outside $(VENV): in xdist's workers, which also find infgram/ in the tree, coverage ignores a copy in a virtual environment.
COVERAGE := $(abspath build)/coverage

RACES := $(abspath $(VENV))/races
RACES_TESTS := tests/index/test_concurrency.py tests/index/test_damaged_lm.py tests/index/test_token_batches.py \
  tests/lm/test_model.py tests/lm/test_processes.py tests/test_caching.py tests/changes/test_readers.py tests/service/pipeline

# The third environment holds what an installation of the package and its service brings along, without test tools.
RUNTIME := $(VENV)/runtime
RUNTIME_EXTRAS := service,mcp,client,pandas,parquet,remote

# The presets of csrc/CMakePresets.json with which the C++ tests run.
PRESETS := dev
SANITIZERS := asan tsan

# The time for each fuzz target, how many run at a time, and the compilers of which the first that has libFuzzer and can
# compile the core drives them by libFuzzer. Without one, the targets of the preset `asan` run, with a driver of ours.
SECONDS := 60
FUZZ_JOBS := $(shell getconf _NPROCESSORS_ONLN)
CLANG = $(shell compgen -c clang++ | sort -rV)
FUZZ_TARGETS := open query lm verify infini_gram

# The demo uses the installation of `make test` if there is one.
DEMO_STAMP := $(VENV)/.installed-$(if $(wildcard $(VENV)/.installed-all),all,service)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test native sanitize races fuzz check lint types tidy format generated oldest coverage screenshots docs audit sbom bench campaigns torture clean

help: ## List the commands.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(DEMO_STAMP) ## Index the source of Python's standard library, run a few queries, serve it.
	@$(BIN)/infgram demo

test: $(VENV)/.installed-all native ## Run all tests except those that take hours.
	$(BIN)/pytest $(PYTEST_ARGS)

# The core without Python, with assertions.
native: $(VENV)/.installed-all ## Build and run the C++ tests.
	@set -e; for preset in $(PRESETS); do \
	  echo "C++ tests, preset $$preset"; folder=$(abspath $(VENV))/native-$$preset; \
	  $(BIN)/cmake -S csrc --preset $$preset -B $$folder -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja >$$folder.log \
	    || { cat $$folder.log; exit 1; }; \
	  $(BIN)/cmake --build $$folder --target native_tests; \
	  $(BIN)/ctest --test-dir $$folder --parallel 2 --output-on-failure --no-tests=error; \
	done

sanitize: PRESETS := $(SANITIZERS)
sanitize: native ## Run the C++ tests under ASan with UBSan, then under TSan.

# A build of the package with TSan takes precedence over the first one. Its runtime is loaded before Python, which fixes
# the addresses of threads (setarch). Tests that fork are left out: TSan supports no threads after a fork.
races: $(VENV)/.installed-all ## Run the Python tests with threads on a core under TSan (Linux, GCC).
	rm -rf $(RACES)/site && mkdir -p $(RACES)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --target $(RACES)/site \
	  --config-settings=build-dir=$(RACES)/native-build --config-settings=install.strip=false \
	  --config-settings=cmake.define.CMAKE_CXX_FLAGS='-g1 -fno-omit-frame-pointer -fsanitize=thread' .
	TSAN_OPTIONS="suppressions=$(CURDIR)/tests/native/tsan.supp report_signal_unsafe=0" PYTHONPATH=$(RACES)/site \
	  LD_PRELOAD=$$(realpath $$(gcc -print-file-name=libtsan.so)) \
	  setarch -R $(BIN)/pytest --timeout=0 $(RACES_TESTS)

# Inputs that reach new code are kept in the folder `corpus` of the build, and are the start of the next run.
fuzz: $(VENV)/.installed-all ## Run each fuzz target of the core on invented inputs for SECONDS seconds.
	@set -e; folder=$(abspath $(VENV))/native-asan; options="--preset asan"; how="--seconds $(SECONDS)"; \
	for clang in $(CLANG); do \
	  if echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' \
	    'auto f(std::vector<int>& v) { return v | std::views::reverse; }' | $$clang -std=c++20 -fsanitize=fuzzer \
	    -include vector -include ranges -include coroutine -x c++ - -o $(VENV)/probe 2>/dev/null; then \
	    folder=$(abspath $(VENV))/native-fuzz; options="--preset fuzz -DCMAKE_CXX_COMPILER=$$clang"; \
	    how="corpus/@ -max_total_time=$(SECONDS) -max_len=400 -timeout=20 -artifact_prefix=@- -verbosity=0 -print_funcs=0"; \
	    how="$$how -print_final_stats=1"; \
	    break; \
	  fi; \
	done; \
	$(BIN)/cmake -S csrc $$options -B $$folder -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja >$$folder.log \
	  || { cat $$folder.log; exit 1; }; \
	$(BIN)/cmake --build $$folder --target fuzz_targets; cd $$folder; \
	for target in $(FUZZ_TARGETS); do mkdir -p corpus/$$target; echo $$target; done \
	  | xargs -P $(FUZZ_JOBS) -I @ sh -c "exec tests/fuzz_@ $$how $(abspath tests/corrupt)/@"

# ASan has the assertions of `dev`, so the preset `dev` is not needed here. TSan takes another five minutes on 2 cores, so it
# is part of `make torture` and of the workflow.
check: PRESETS := asan
check: CLANG :=
check: lint types test fuzz ## Check format, lint and types, run all tests, the C++ tests under ASan and UBSan, and fuzz the core.

# It takes several minutes on 2 cores, so it is part of `make torture` and of the workflow, not of `make check`.
tidy: $(VENV)/.installed-all ## Run clang-tidy on the core; .clang-tidy has the checks.
	cd csrc && $(abspath $(BIN))/cmake --preset tidy -B $(abspath $(VENV))/tidy \
	  -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja "-DCMAKE_CXX_CLANG_TIDY=$(abspath $(BIN))/clang-tidy;--quiet"
	$(BIN)/cmake --build $(VENV)/tidy

lint: $(VENV)/.installed-all ## Check format, lint and spelling.
	$(BIN)/ruff format --check $(PYTHON_FOLDERS)
	$(BIN)/ruff check $(PYTHON_FOLDERS)
	$(BIN)/clang-format --dry-run -Werror $(CPP)
	$(BIN)/codespell --toml pyproject.toml infgram service csrc tests benchmarks docs pyproject.toml Makefile $(wildcard README.md)

types: $(VENV)/.installed-all ## Check types.
	$(BIN)/mypy

format: $(VENV)/.installed-all ## Format the code, and apply linter fixes.
	$(BIN)/ruff check --fix $(PYTHON_FOLDERS)
	$(BIN)/ruff format $(PYTHON_FOLDERS)
	$(BIN)/clang-format -i $(CPP)

generated: $(VENV)/.installed-all ## Regenerate the native stub, the synchronous client, docs/openapi.json and docs/cli.md.
	$(BIN)/pybind11-stubgen infgram._core --output-dir .
	$(BIN)/python -I -m infgram.service.openapi docs/openapi.json
	$(BIN)/python -I -m infgram.cli.reference > $(VENV)/cli.md
	mv $(VENV)/cli.md docs/cli.md
	$(BIN)/python tests/client/generate_synchronous.py > $(VENV)/synchronous.py
	mv $(VENV)/synchronous.py infgram/client/synchronous.py

# tests/constraints.txt pins the newest versions, this file the oldest.
oldest: $(VENV)/.installed-oldest ## Run the tests of the core with the oldest supported dependencies.
	$(OLDEST)/bin/pytest $(PYTEST_ARGS) $(OLDEST_TESTS)

# A second build of the package, with coverage, takes precedence over the first one.
coverage: $(VENV)/.installed-all ## List the lines that no test runs.
	rm -rf $(COVERAGE)/data $(COVERAGE)/site && mkdir -p $(COVERAGE)/data
	find $(COVERAGE) -name '*.gcda' -delete
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --target $(COVERAGE)/site \
	  --config-settings=build-dir=$(COVERAGE)/native-build --config-settings=cmake.build-type=Debug \
	  --config-settings=cmake.define.CMAKE_CXX_FLAGS_DEBUG='-O1 -g1 --coverage -fprofile-update=atomic' .
	-PYTHONPATH=$(COVERAGE)/site COVERAGE_FILE=$(COVERAGE)/data/python $(BIN)/coverage run -m pytest $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet --data-file=$(COVERAGE)/data/python $(COVERAGE)/data
	$(BIN)/coverage report --data-file=$(COVERAGE)/data/python
	$(BIN)/gcovr --merge-lines --root csrc --object-directory $(COVERAGE)/native-build $(COVERAGE)/native-build

# The pictures of the documentation are two of these images.
screenshots: $(VENV)/.installed-all ## Take screenshots of every view of the web page (needs Chromium).
	$(BIN)/infgram demo --no-serve --output $(VENV)/stdlib.infgram
	$(BIN)/python benchmarks/page.py $(VENV)/stdlib.infgram " the number of" --screenshots $(VENV)/screenshots
	cp $(VENV)/screenshots/explore-1280-light.png docs/images/page.png
	cp $(VENV)/screenshots/trace-1280-dark.png docs/images/trace.png

docs: $(VENV)/.installed-docs ## Build the documentation as a site, with its links checked.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file docs/site/mkdocs.yml --site-dir $(abspath $(VENV))/site
	@echo "open $(VENV)/site/index.html"

audit: $(VENV)/.installed-runtime ## Look up known vulnerabilities of all dependencies; needs the database of PyPI.
	$(VENV)/audit-tools/bin/pip-audit --path $$($(RUNTIME)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

sbom: $(VENV)/.installed-runtime ## Write a bill of materials (CycloneDX) of the package and its dependencies.
	$(VENV)/audit-tools/bin/cyclonedx-py environment $(RUNTIME)/bin/python --pyproject pyproject.toml \
	  --output-reproducible --output-format JSON --output-file $(VENV)/sbom.json
	@echo "$(VENV)/sbom.json"

bench: $(VENV)/.installed-all ## Run the benchmarks on generated data.
	$(BIN)/python benchmarks/run.py

# SEED and MINUTES are for the campaigns, which share the time; the other tests take hours.
torture: $(VENV)/.installed-all tidy sanitize races ## Run the tests that take hours; SEED=1 MINUTES=60.
	SEED=$(SEED) MINUTES=$(MINUTES) $(BIN)/pytest -m "torture or hypothesis" --hypothesis-profile=torture --timeout=0

campaigns: $(VENV)/.installed-all ## Run only the campaigns of `make torture`: damage, crashes, fuzzing, load.
	SEED=$(SEED) MINUTES=$(MINUTES) $(BIN)/pytest -m campaign --timeout=0

clean: ## Remove the environment and the files of the tools.
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find infgram service tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Use the first Python that is new enough and has venv; a name on the PATH may exist and not run.
$(VENV)/pyvenv.cfg:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python3.10 python; do \
	  if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then \
	    echo "Creating $(VENV) with $$($$python --version)" && exec $$python -m venv $(VENV); \
	  fi; \
	done; \
	echo "No Python >= 3.10 with its venv module was found; install one, or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1

$(VENV)/.installed-service: $(VENV)/pyvenv.cfg pyproject.toml $(SOURCES)
	@echo "Building and installing infgram with its service; this takes a minute or two"
	@$(INSTALL) '.[service]'
	@touch $@

# If only sources changed, rebuild the package without installing the dependencies again.
$(VENV)/.installed-all: $(VENV)/pyvenv.cfg pyproject.toml $(CONSTRAINTS) $(SOURCES)
	@echo "Building and installing infgram, tested versions: $(EXTRAS)"
	@$(INSTALL) $(if $(filter $(VENV)/pyvenv.cfg pyproject.toml $(CONSTRAINTS),$?), \
	  --constraint $(CONSTRAINTS) '.[$(EXTRAS)]', --no-deps --no-build-isolation .)
	@touch $@

$(VENV)/.installed-docs: $(VENV)/pyvenv.cfg docs/site/requirements.txt
	@$(BIN)/python -m pip install --quiet --requirement docs/site/requirements.txt
	@touch $@

$(VENV)/.installed-runtime: $(VENV)/pyvenv.cfg pyproject.toml $(SOURCES)
	@$(BIN)/python -m venv $(RUNTIME)
	@$(RUNTIME)/bin/python -m pip install --quiet --config-settings=build-dir=$(abspath $(RUNTIME))/native-build \
	  '.[$(RUNTIME_EXTRAS)]'
	@$(BIN)/python -m venv $(VENV)/audit-tools
	@$(VENV)/audit-tools/bin/python -m pip install --quiet pip-audit cyclonedx-bom
	@touch $@

$(VENV)/.installed-oldest: $(VENV)/pyvenv.cfg pyproject.toml $(OLDEST_CONSTRAINTS) $(SOURCES)
	@$(BIN)/python -m venv $(OLDEST)
	@$(OLDEST)/bin/python -m pip install --quiet --config-settings=build-dir=$(abspath $(OLDEST))/native-build \
	  --requirement $(OLDEST_CONSTRAINTS) '.[$(OLDEST_EXTRAS)]' pytest pytest-timeout pytest-xdist hypothesis xxhash
	@touch $@
