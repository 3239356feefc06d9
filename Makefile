# Every command loops over the tracks (the top-level folders that hold a main.py); `make help` lists the commands.
# One virtual environment serves them all: VENV, by default .venv here.

VENV ?= .venv
TRACKS := $(patsubst %/main.py,%,$(wildcard */main.py))

# As seen from inside a track, one level down. Relative, so that a space in the repository's path does no harm.
TRACK_VENV := $(if $(filter /%,$(VENV)),$(VENV),../$(VENV))
RUN := $(VENV)/bin/python
LOOPED := setup demo bench exercises notebook tutorial-update docker docker-replay

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help universe test lint clean setup-tests $(LOOPED)

help:
	@echo "make demo             each track's offline demonstration: installs what it needs, then runs"
	@echo "make universe         the circle: your documents, your model, your server, your tracks (ARGS=\"--docs DIR\")"
	@echo "make test             every test: the shared package, the repository, each track"
	@echo "make lint             style, types, Markdown links, forbidden code"
	@echo "make exercises        grade your answers in each track's exercises/"
	@echo "make bench            measure each track beside other libraries"
	@echo "make tutorial-update  run the tutorials and write their outputs into the Markdown"
	@echo "make notebook         write each tutorial as an .ipynb"
	@echo "make docker           build each track's image and run its demonstration"
	@echo "make docker-replay    run the Dockerfiles' steps in an empty folder, without Docker"
	@echo "make setup            only create VENV (default: .venv) and install what the tracks need"
	@echo "make clean            remove .venv, caches and notebooks"
	@echo
	@echo "One track only: make -C $(firstword $(TRACKS)) demo   (tracks: $(TRACKS))"

$(LOOPED):
	@set -e; for track in $(TRACKS); do $(MAKE) -C $$track $@ VENV=$(TRACK_VENV); done

# Documents become lessons, lessons a model, and the model answers for three tracks; run again, it goes on. It ends with
# make, however that ends, so that the next one isn't in its way.
universe: setup
	@exec $(RUN) -m universe.child $$PPID $(RUN) -m universe $(ARGS)

setup-tests:
	@$(MAKE) -C tests -f ../shared/track.mk setup-dev VENV=$(TRACK_VENV)

# The repository's tests run every demonstration, hence `setup`.
test: setup setup-tests
	@set -e; for part in shared tests; do echo "== $$part"; $(RUN) -m pytest $$part $(ARGS); done
	@set -e; for track in $(TRACKS); do echo "== $$track"; $(MAKE) -C $$track test VENV=$(TRACK_VENV); done

lint: setup-tests
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy tools tests universe
	$(RUN) -m mypy shared
	@set -e; for track in $(TRACKS); do $(MAKE) -C $$track lint VENV=$(TRACK_VENV); done
	$(RUN) -m tools.check_markdown
	$(RUN) -m tools.check_code

clean:
	@set -e; for track in $(TRACKS); do $(MAKE) -C $$track clean; done
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find shared tests tools universe -name __pycache__ -type d -prune -exec rm -rf {} +
