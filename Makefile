# Times how long a process takes to start from Python. `make` alone prints what there is.
#
# Everything runs from this checkout with the interpreter of .venv, which is made at first need from any
# python3 of 3.11 or later and from requirements.lock, and made again only when the lock changes.

comma := ,
# Seconds for the whole run; empty: what the profile says.
BUDGET ?=
# The interpreter to measure, by path or name; several, with blanks between them, are measured side by side.
PYTHON ?=
# Where runs are kept, and what the new one is called beside its time.
RESULTS ?= results
LABEL ?=
# The run to report on; empty: the newest.
RUN ?=
# The two runs to compare.
BASE ?=
NEW ?=
# Where `make publish` writes the site.
SITE ?= site
# How many runs of each tool `make aa` makes.
RUNS ?=
# The interpreter that .venv is made from; empty: the first one found that is recent enough.
PYTHON3 ?=
# How many tests run side by side. Two is what the tests are held to; more only share CPUs with what they measure.
JOBS ?= 2
# The part of all mutations that `make mutation` tries (0.1: every tenth), and the modules; empty: all.
SHARE ?=
MODULE ?=
# What `make fleet` is to be given: the address of Dask's scheduler (empty: this machine alone), how many of its hosts
# (empty: all), how many runs each, how often one is tried again, and a directory of wheels for hosts without an index.
SCHEDULER ?=
HOSTS ?=
REPEAT ?=
RETRIES ?=
WHEELS ?=
# What pytest is to be given, for instance TESTS=tests/analysis/stats. Each process is given one half of the tests and
# takes from the other's at the end, so that what the tests of a file share is made once. Bytecode is kept whatever the
# environment says: hundreds of processes, and each that runs tests, would compile the same modules anew.
TESTS ?=

PY := .venv/bin/python

# A variable on the command line that nothing reads is a typo; make itself would ignore it.
KNOWN := $(shell sed -n 's/^\([A-Z0-9_]*\) ?=.*/\1/p' $(firstword $(MAKEFILE_LIST)))
GIVEN := $(foreach name,$(filter-out -% PY SHELL,$(.VARIABLES)),$(if $(findstring command line,$(origin $(name))),$(name)))
TYPO := $(firstword $(filter-out $(KNOWN),$(GIVEN)))
NEAREST = $(shell $(or $(wildcard $(PY)),python3) -c 'import difflib, sys; word, *names = sys.argv[1:]; \
    print(*difflib.get_close_matches(word.upper(), names, 1))' '$(TYPO)' $(KNOWN) 2>/dev/null)
ifneq ($(TYPO),)
$(error $(TYPO): no such variable$(if $(NEAREST),$(comma) the nearest is $(NEAREST)); there is $(KNOWN))
endif
OPTIONS = --results "$(RESULTS)" $(if $(BUDGET),--budget "$(BUDGET)") $(if $(LABEL),--label "$(LABEL)") \
    $(foreach python,$(PYTHON),--python "$(python)")

# Measure with $(1), then show the table and the answers, and write the report; a failure of any of them is the end.
measure = @output=$$($(PY) -m bench run $(1) $(OPTIONS)) || { status=$$?; [ -z "$$output" ] || echo "$$output"; exit $$status; }; \
    echo "$$output"; $(PY) -m analysis report --table "$$(echo "$$output" | tail -n 1)"

# Dask, which `make fleet` places runs with; nothing else needs it. The lock beside has what requirements.lock has not.
engine = cmp -s requirements-fleet.lock .venv/requirements-fleet.lock || { \
    $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-fleet.lock && \
    cp requirements-fleet.lock .venv/requirements-fleet.lock; }

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: bench quick sweep selftest compare report publish trend fleet demo check aa test mutation lint setup help

bench: setup ## Measure this machine for about a minute; leave a run, a table, answers and a report
	$(call measure,--profile standard)
	@echo 'to publish it: python -m analysis validate RUN, then a pull request with its directory (CONTRIBUTING.md)'

quick: setup ## The same for the five core mechanisms only, in about ten seconds
	$(call measure,--profile quick)

sweep: setup ## Measure what makes a fork dear: memory, mappings, files, threads, imports … (six minutes)
	$(call measure,--profile sweep)

selftest: setup ## Measure the instrument's own error on this machine, with pass or fail
	@$(PY) -m bench selftest

compare: setup ## Compare two runs: make compare BASE=results/... NEW=results/...
	@if [ -z "$(BASE)" ] || [ -z "$(NEW)" ]; then \
	    echo 'make compare: name two runs, as in: make compare BASE=results/MACHINE/RUN NEW=results/MACHINE/RUN' >&2; \
	    exit 2; fi
	@$(PY) -m analysis compare --results "$(RESULTS)" "$(BASE)" "$(NEW)"

report: setup ## Write the report of the newest run again, or of the one named with RUN=
	@$(PY) -m analysis report --results "$(RESULTS)" "$(if $(RUN),$(RUN),latest)"

trend: setup ## Follow fork latency over all runs of each machine, or of those with LABEL=; figures in plots/
	@$(PY) -m analysis trend --results "$(RESULTS)" $(if $(LABEL),--label "$(LABEL)") --out plots

publish: setup ## Write a static site from everything under RESULTS into SITE (default: site)
	@$(PY) -m analysis publish --results "$(RESULTS)" --site "$(SITE)"

fleet: setup ## Measure on many hosts: make fleet SCHEDULER=tcp://HOST:8786; without one, on this machine
	@$(if $(SCHEDULER),$(engine),:)
	@$(PY) -m bench fleet $(if $(SCHEDULER),--scheduler "$(SCHEDULER)") $(if $(HOSTS),--hosts "$(HOSTS)") \
	    $(if $(REPEAT),--repeat "$(REPEAT)") $(if $(RETRIES),--retries "$(RETRIES)") \
	    $(if $(WHEELS),--wheels "$(WHEELS)") $(OPTIONS)

demo: setup ## The tutorial's program: fork a child for every line read, q ends it
	@$(PY) -m bench demo

check: setup ## Say whether this machine is fit to measure on, with a remedy for what is not
	@$(PY) -m bench check

aa: setup ## Compare many runs of identical code, ours and pyperf's: how often are they called different (minutes)
	@folder="$(if $(filter file,$(origin RESULTS)),,$(RESULTS))"; [ -n "$$folder" ] || folder=$$(mktemp -d); \
	    $(PY) -m bench.experiments.identical_runs $(if $(RUNS),--runs "$(RUNS)") $(if $(BUDGET),--budget "$(BUDGET)") --results "$$folder" && \
	    $(PY) -m analysis.experiments.identical_runs "$$folder"

# Playwright drives the tests in a browser, and nothing else wants it: it comes where there is one.
test: setup ## Run the tests
	@if $(PY) -m tests.browser.chromium >/dev/null && ! cmp -s tests/browser/requirements.lock .venv/browser.lock; then \
	    echo 'adding Playwright to .venv, once' >&2; \
	    $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/browser/requirements.lock && \
	    cp tests/browser/requirements.lock .venv/browser.lock || \
	    echo 'make: Playwright could not be installed, see above; the tests in a browser are skipped' >&2; fi
	@$(engine) || echo 'make: Dask could not be installed; tests that need it are skipped' >&2
	@PYTHONDONTWRITEBYTECODE= $(PY) -m pytest --numprocesses $(JOBS) --dist worksteal $(TESTS)

# cosmic-ray and what it needs are not part of .venv: nothing else wants them.
mutation: setup ## Change the code that decides figures, spot by spot: which share do the tests let through (SHARE=0.1: minutes)
	@cmp -s tests/mutation/requirements.lock .venv-mutation/requirements.lock || { rm -rf .venv-mutation && \
	    $(PY) -m venv .venv-mutation && .venv-mutation/bin/python -m pip install --quiet --disable-pip-version-check \
	    --require-hashes -r tests/mutation/requirements.lock && \
	    cp tests/mutation/requirements.lock .venv-mutation/requirements.lock; }
	@.venv-mutation/bin/python -m tests.mutation $(if $(SHARE),--share "$(SHARE)") $(foreach module,$(MODULE),--module "$(module)")

lint: setup ## Check style and types: ruff and mypy
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy bench analysis tests

# Setting up is judged by content, not by times: a fresh clone gives every file a new one. The copy of the
# lock is made last, so that an interrupted set-up is none. setuptools goes, because what Python 3.11 puts
# into a new environment brings a .pth file with it, which every child Python would read.
setup: ## Make .venv from requirements.lock (the other targets do so by themselves)
	@if cmp -s requirements.lock .venv/requirements.lock && $(PY) -c '' 2>/dev/null; then exit 0; fi; \
	found=''; for python in $(if $(PYTHON3),"$(PYTHON3)",python3 python3.14 python3.13 python3.12 python3.11); do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo 'make: Python 3.11 or later not found; install one, or name it: make PYTHON3=/path/to/python3' >&2; exit 2; fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "make: $$found cannot make a virtual environment; install its venv module (Debian: apt-get install python3-venv)" >&2; \
	    exit 2; fi; \
	echo "making .venv with $$($$found --version), once" >&2; \
	rm -rf .venv && "$$found" -m venv .venv && \
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	$(PY) -m pip uninstall --quiet --disable-pip-version-check --yes setuptools 2>/dev/null && \
	cp requirements.lock .venv/requirements.lock || \
	{ echo 'make: .venv could not be made; see above, then run make again' >&2; exit 2; }

help: ## Print this
	@echo 'usage: make TARGET [BUDGET=seconds] [PYTHON=interpreter] [RESULTS=directory] [LABEL=text]'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' Makefile
