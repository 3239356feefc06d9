# The rules that every track's Makefile includes; `make help` lists them. GNU make 3.81 (macOS) is enough.

# Where everything is installed. The root Makefile passes one folder for all tracks, so torch is installed once.
VENV ?= .venv
# The first of these that is Python 3.11 or newer creates VENV.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11 python
# What `make docker` calls; `make docker DOCKER=podman` works too.
DOCKER ?= docker

# The folder's own name. Taken from the last slash on, so that a space higher up in the path does no harm.
TRACK := $(lastword $(subst /, ,$(CURDIR)))
RUN := $(VENV)/bin/python
# One stamp for each requirements file of each track: installed, and nothing it depends on has changed since.
INSTALLED := $(VENV)/.installed-$(TRACK)-

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two installations at once would trip over each other in one VENV, also under `make -j`.
.NOTPARALLEL:
.PHONY: help setup setup-dev setup-bench demo test lint bench exercises notebook tutorial-update docker docker-replay clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED)requirements.txt ## create VENV (default: .venv) and install what main.py needs
setup-dev: $(INSTALLED)requirements-dev.txt
setup-bench: $(INSTALLED)requirements-bench.txt

demo: setup ## run the offline demonstration
	$(RUN) main.py

test: setup-dev ## run the tests; one of them: make test ARGS="-k name"
	$(RUN) -m pytest tests $(ARGS)

lint: setup-dev ## check style and types
	$(RUN) -m ruff check --config ../pyproject.toml .
	$(RUN) -m ruff format --check --config ../pyproject.toml .
	$(RUN) -m mypy --config-file ../pyproject.toml .

bench: setup-bench ## measure beside other libraries; one part: make bench ONLY=name
	$(RUN) -m benchmarks $(if $(ONLY),--only $(ONLY))

exercises: setup ## grade your answers in exercises/
	$(RUN) -m tiny_shared.exercises .

notebook: setup-dev ## write each tutorial as an .ipynb
	$(RUN) -m tiny_shared.tutorials notebook .

tutorial-update: setup-dev ## run the tutorial and write its outputs into the Markdown
	$(RUN) -m tiny_shared.tutorials update .

docker: ## build the image and run its demonstration without network
	DOCKER_BUILDKIT=1 $(DOCKER) build -t $(TRACK) -f Dockerfile ..
	$(DOCKER) run --rm --network none $(TRACK)

docker-replay: $(RUN) ## run the Dockerfile's steps in an empty folder, without Docker
	PYTHONPATH=.. $(RUN) -m tools.docker_replay .

clean: ## remove .venv, caches and notebooks
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis TUTORIAL*.ipynb
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN):
	@for python in $(PYTHON); do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Creating $(VENV) with $$($$python --version)"; \
	    $$python -m venv "$(VENV)"; \
	    exit; \
	  fi; \
	done; \
	echo "error: none of '$(PYTHON)' is Python 3.11 or newer;" \
	  "install one, or name one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; \
	exit 1

# pip looks for `-e ../shared` from where it runs, hence always from inside the track.
$(INSTALLED)%: % $(wildcard requirements.txt) ../shared/constraints.txt ../shared/pyproject.toml | $(RUN)
	@echo "Installing $< into $(VENV), once"
	@$(RUN) -m pip install --disable-pip-version-check $$($(torch_index)) -r $< -c ../shared/constraints.txt
	@touch $@

# On Linux the default torch wheel brings gigabytes of CUDA. Without an NVIDIA GPU, add the index that has CPU wheels;
# but whoever has set up an index of their own (a mirror, an offline folder) is left alone.
define torch_index
	if [ "$$(uname -s)" = Linux ] && grep -q '^torch' requirements*.txt && ! nvidia-smi >/dev/null 2>&1 \
	  && ! $(RUN) -m pip config list | grep -qE '(index-url|find-links|no-index)=' \
	  && ! env | grep -qE '^UV_([A-Z_]*INDEX[A-Z_]*|FIND_LINKS)='; then \
	    echo --extra-index-url https://download.pytorch.org/whl/cpu; \
	fi
endef
