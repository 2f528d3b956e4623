# Everything a person or CI runs here. Needs Python 3.11 or newer and Git; each target sets itself
# up in .venv and does so again only when pyproject.toml or constraints.txt change.
# Plain make only, since macOS ships GNU make 3.81 and the BSDs their own.

VENV = .venv
EXTRAS = dev
PYTHON = python3
WORKERS = logical
ARGS =

help:
	@echo 'make demo         the whole story on this machine: registry, git repository, pull requests'
	@echo 'make test         all tests               (ARGS="-k words" hands words to pytest)'
	@echo 'make lint         format, lint and strict types, changing nothing'
	@echo 'make format       put the code into its format'
	@echo 'make bench        the benchmarks, one after another'
	@echo 'make corpus       every image of the public files in ../shared/corpus (or CORPUS_FOLDER)'
	@echo 'make picture      draw docs/images/pull-request.png anew, with chromium'
	@echo 'make docs         write anew what docs and chart tell of settings, metrics, alerts and values'
	@echo 'make constraints  renew constraints.txt from the ranges in pyproject.toml'
	@echo 'make clean        remove .venv and everything generated'

demo: $(VENV)/installed-runtime
	@$(VENV)/bin/imagebot demo $(ARGS)

# One worker a core. A test file stays with one worker, so its servers start once.
test: $(VENV)/installed-$(EXTRAS)
	@$(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

lint: $(VENV)/installed-$(EXTRAS)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

format: $(VENV)/installed-$(EXTRAS)
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

# Files of benchmarks/ that cannot be run by themselves are what the others share.
bench: $(VENV)/installed-$(EXTRAS)
	@for file in $$(grep -l __main__ benchmarks/*.py); do \
	  echo "== $$file"; $(VENV)/bin/python "$$file" || exit 1; \
	done

corpus: $(VENV)/installed-$(EXTRAS)
	@$(VENV)/bin/python -m tests.formats.corpus

picture: $(VENV)/installed-$(EXTRAS)
	@$(VENV)/bin/python -m tests.picture

docs: $(VENV)/installed-$(EXTRAS)
	@$(VENV)/bin/python -m tests.shipped.generated

$(VENV)/installed-runtime: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo 'Installing imagebot into $(VENV) ...'
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/installed-$(EXTRAS): $(VENV)/bin/python pyproject.toml constraints.txt
	@echo 'Installing imagebot with [$(EXTRAS)] into $(VENV) ...'
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	  -e '.[$(EXTRAS)]'
	@touch $@

# A python3.x found on PATH may be a stub that only prints a message (pyenv), so each is asked.
# The folder is removed on failure: half an environment would pass for a whole one next time.
$(VENV)/bin/python:
	@found=; \
	for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    found=$$python; break; \
	  fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo 'imagebot needs Python 3.11 or newer, and none was found on PATH.' >&2; \
	  echo '  hint: name one with: make PYTHON=/path/to/python3.11 ...' >&2; exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
	  echo "$$found cannot make virtual environments: its venv module is not installed." >&2; \
	  echo '  hint: on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; \
	fi; \
	"$$found" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# Constraints bind only what is asked for, so one list serves every platform and extra.
constraints:
	@rm -rf build/constraints
	@$(PYTHON) -m venv build/constraints
	@build/constraints/bin/python -m pip install --quiet --disable-pip-version-check '.[dev,deploy]'
	@{ sed -n '/^#/p' constraints.txt; \
	  build/constraints/bin/python -m pip freeze --exclude imagebot; } > build/constraints.txt
	@mv build/constraints.txt constraints.txt
	@rm -rf build/constraints
	@git diff --stat constraints.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help demo test lint format bench corpus picture docs constraints clean
