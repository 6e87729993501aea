# Every target runs in .venv, which it creates if there is none. It installs only if the text of its
# requirements file has changed: the name of the stamp holds the file's checksum, so new time stamps or a
# switch to another branch and back install nothing.
#
#   make app [HOST=0.0.0.0] [PORT=7860]    make test [ARGS="-k schedules"]    make check    make format
#   make static [OUT=dist/static] [ARGS=--serve]: the page as files that need no server
#   make bench [ARGS="edit page_latency"]    make assets [ARGS="report"]    make wheel (into dist)
#   make space: the tests of the Space, in a new environment installed from requirements.txt alone
#   make zerogpu: dist/requirements.txt, the one that a ZeroGPU Space needs
#   make ... CONSTRAINTS=constraints-zerogpu.txt: with the torch of a ZeroGPU Space

PYTHON ?= python3
VENV   := .venv
DIST   := dist
CONSTRAINTS := constraints.txt
BIN    := $(VENV)/bin
CORES  := $(shell nproc 2>/dev/null || echo 2)
WORKERS  ?= $(if $(filter 1 2 3,$(CORES)),2,4)
BROWSERS ?= $(if $(filter 1 2 3,$(CORES)),0,2)
# A worker that dies ends the run: xdist 3.8 would begin its test anew, up to eight times, or wait without end if it
# was the last of its file.
ONCE     := --max-worker-restart 0
PIP    := $(BIN)/python -m pip --disable-pip-version-check

# Where it is set, each of the programs that the tests start would compile the modules and the assertions anew.
unexport PYTHONDONTWRITEBYTECODE

stamp      = $(VENV)/.$(1)-$(shell cat $(2) | cksum | tr ' ' '-')
APP_STAMP := $(call stamp,app,requirements.txt $(CONSTRAINTS))
DEV_STAMP := $(call stamp,dev,requirements.txt requirements-static.txt requirements-ray.txt requirements-dev.txt $(CONSTRAINTS))

.PHONY: app static test test-python test-browser check bench assets format wheel space zerogpu
.DEFAULT_GOAL := app

app: $(APP_STAMP)
	@exec $(BIN)/python app.py $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT)) $(ARGS)

static: $(DEV_STAMP)
	@$(BIN)/python -m lines_cli static --out $(or $(OUT),dist/static) $(ARGS)

# In two processes side by side: the browser's driver keeps an event loop running, and no page can be built beside
# it; it also waits for pages half of the time. The browser's part takes longest, so the other one yields to it, and
# takes its files in their order: xdist would begin with those of many tests, and end with one that takes minutes.
test: $(DEV_STAMP)
	@$(MAKE) --no-print-directory --jobs 2 test-python test-browser

test-python: $(DEV_STAMP)
	nice -n 5 $(BIN)/python -m pytest -m "not browser" -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ONCE) $(ARGS)

test-browser: $(DEV_STAMP)
	$(BIN)/python -m pytest -m browser -n $(BROWSERS) --dist loadfile $(ONCE) $(or $(ARGS),tests/browser)

check: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python .ci/audit.py requirements.txt constraints.txt

bench: $(DEV_STAMP)
	$(BIN)/python -m lines_cli bench $(ARGS)

assets: $(DEV_STAMP)
	$(BIN)/python -m training $(ARGS)

format: $(DEV_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: $(DEV_STAMP)
	@rm -rf build  # setuptools would pack modules from there that are deleted by now
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

space: $(DEV_STAMP)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && chmod 755 "$$folder" \
	&& $(BIN)/python -m venv "$$folder" \
	&& echo "Installing requirements.txt into an empty environment (a few minutes) ..." \
	&& "$$folder/bin/python" -m pip --disable-pip-version-check install --quiet -r requirements.txt \
	   -c $(CONSTRAINTS) \
	&& CLEAN_PYTHON="$$folder/bin/python" $(BIN)/python -m pytest tests/deploy/test_space.py

# With the ranges, pip would take the newest torchvision, and with it a torch that ZeroGPU does not list.
zerogpu:
	@mkdir -p $(DIST)
	@cat constraints-zerogpu.txt requirements.txt | grep -vE '^#|>=[0-9.]+,<' > $(DIST)/requirements.txt

$(APP_STAMP):
	@test -x $(BIN)/python || { \
	  $(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 10) <= v[:2] <= (3, 12) else \
	    f"The explorer runs on Python 3.10 to 3.12, this is {v[0]}.{v[1]}: make PYTHON=python3.12 ...")' \
	  && $(PYTHON) -m venv $(VENV); }
	@echo "Installing requirements.txt into $(VENV) (a few minutes the first time) ..."
	@rm -f $(VENV)/.app-* $(VENV)/.dev-*
	$(PIP) install --quiet -r requirements.txt -c $(CONSTRAINTS)
	@touch $@

$(DEV_STAMP): | $(APP_STAMP)
	@echo "Installing requirements-dev.txt into $(VENV) ..."
	@rm -f $(VENV)/.dev-*
	$(PIP) install --quiet -r requirements-dev.txt -c $(CONSTRAINTS)
	@touch $@
