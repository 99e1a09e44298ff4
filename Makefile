# `make demo` and `make test` are all a new checkout needs; both set up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help demo test e2e check fuzz format docs site bench profile clean setup manifests image deploy undeploy

help:
	@echo "make demo    install, then load-test the simulated platform on local Ray (about a minute)"
	@echo "make test    install, then run every test"
	@echo "make e2e     runs at full length, up to a thousand users and ten minutes (40 minutes in all)"
	@echo "make check   linters, types, import rules, generated pages (what CI runs)"
	@echo "make format  format the code"
	@echo "make docs    rewrite what is generated under docs/ and dashboards/"
	@echo "make site    build docs/ as a site into build/site; a warning fails it"
	@echo "make manifests  render kuberay/base again, from configs/"
	@echo "make image   build the container image, with docker or buildah (IMAGE=name:tag)"
	@echo "make deploy  apply kuberay/overlays/dev to your cluster (OVERLAY=production, spot); make undeploy takes it away"
	@echo "make fuzz    look for inputs that break the load path (ten minutes)"
	@echo "make bench   measure the load path on this machine (about 15 minutes; BENCH=--quick for two)"
	@echo "make profile say where the CPU goes in a pack of users and in a metrics actor"
	@echo "make clean   remove what these made"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "raysim needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.11 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

demo: $(STAMP)
	$(BIN)/raysim run configs/quickstart.yaml --out results

# tests without Ray share the cores; those with it share one cluster, and what they measure would be disturbed by others
test: $(STAMP)
	$(BIN)/python -m tests.services.debian
	$(BIN)/python -m pytest -m 'not ray' --numprocesses $$(nproc) --dist loadgroup
	$(BIN)/python -m pytest -m ray

e2e: $(STAMP)
	$(BIN)/python -m pytest -m e2e tests/e2e

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.docs --check
	$(BIN)/hadolint Dockerfile

# FUZZ_SECONDS for each target; what it finds interesting joins tests/fuzz/corpus
FUZZ_SECONDS ?= 300
fuzz: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,fuzz]'
	$(BIN)/python -m tests.fuzz sse $(FUZZ_SECONDS)
	$(BIN)/python -m tests.fuzz http $(FUZZ_SECONDS)

# the rendered examples; a test holds them against what is rendered now
manifests: $(STAMP)
	for name in quickstart single-org-50 thousand-users; do \
		$(BIN)/raysim kube render configs/$$name.yaml --out kuberay/base/$$name >/dev/null || exit 1; \
	done

# with docker where its daemon answers, or else with buildah; IMAGE_FLAGS are handed to it
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' raysim/__init__.py)
IMAGE ?= raysim:$(VERSION)
BUILDER ?= $(shell docker info >/dev/null 2>&1 && echo docker || echo buildah)
image:
	$(BUILDER) build --file Dockerfile --tag $(IMAGE) --build-arg VERSION=$(VERSION) \
		--build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) $(IMAGE_FLAGS) .

# these two speak to the cluster of your kubectl's current context
OVERLAY ?= dev
deploy:
	kubectl apply -k kuberay/overlays/$(OVERLAY)

undeploy:
	kubectl delete -k kuberay/overlays/$(OVERLAY) --ignore-not-found

format: $(STAMP)
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: $(STAMP)
	$(BIN)/python -m tests.docs
	$(BIN)/raysim dashboards build

# RAYSIM_REPOSITORY_URL: where links to files beside docs/ lead
site: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(STAMP)
	$(BIN)/python -m benchmarks $(BENCH)

profile: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks.hot_spots --out build/profile

clean:
	rm -rf $(VENV) results dist build .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
