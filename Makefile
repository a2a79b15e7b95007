# Bare `make` prints this help. Every target is safe to run again: what is done is skipped.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

UV_VERSION := 0.13.9
# An own CA of the network (a company's proxy, say) is in the system's store: uv must look there.
export UV_SYSTEM_CERTS := 1
# Steps are short processes: without compiled modules each would pay a second for its imports.
unexport PYTHONDONTWRITEBYTECODE
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
# Jobs are packages of the workspace; mypy needs their roots to name their modules.
empty :=
export MYPYPATH := $(subst $(empty) $(empty),:,$(CURDIR) $(wildcard $(CURDIR)/jobs/*/src))

UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
BIN := .venv/bin
PYTEST_WORKERS ?= 2
CODE := stationmaster jobs dags tests k8s charts
TYPED := stationmaster jobs dags tests k8s $(wildcard charts/stationmaster/files/*.py)
KUBECONFIG_HERE := $(CURDIR)/build/kind/kubeconfig
HELM = $(shell [ -x build/kind/bin/helm ] && echo $(CURDIR)/build/kind/bin/helm || command -v helm)

##@ Start here

.PHONY: help
help: ## Print this help
	@awk 'BEGIN {FS = ":.*##"; printf "Stationmaster: each step of a pipeline is its own container.\n"} \
	  /^##@/ {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)} \
	  /^[a-zA-Z_-]+:.*##/ {printf "  make \033[36m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup ## Run morning analytics on real orders, through Airflow, and show the report
	@$(BIN)/stationmaster demo

.PHONY: data
data: setup ## Fetch the real orders (22 MB, once)
	@$(BIN)/stationmaster sources fetch

##@ Develop

.PHONY: setup
setup: .venv/.ready ## Install everything the project needs into .venv

.PHONY: test
test: setup data ## Run all tests (no Docker needed)
	@$(BIN)/pytest -n $(PYTEST_WORKERS) --dist worksteal -q -m "not proof and not cluster" --ignore=tests/chart

.PHONY: verify
verify: setup ## Check lock, generated files, format, lint, types, contracts, clean tree
	@./.ci/verify

.PHONY: fix
fix: setup ## Format and mend what ruff can mend; regenerate what is generated
	@$(BIN)/ruff check --quiet --fix-only $(CODE)
	@$(BIN)/ruff format --quiet $(CODE)
	@$(BIN)/python -m stationmaster.step.schemas
	@$(BIN)/python -m k8s.images write

.PHONY: lock
lock: $(filter .uv/bin/uv,$(UV)) ## Take a new job or dependency up into uv.lock
	@$(UV) lock

.PHONY: lint
lint: setup ## Format check, lint and types only
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/mypy $(TYPED)

##@ Run on Kubernetes

.PHONY: cluster
cluster: ## Start a kind cluster here (YES=1 installs system packages, KWOK=1: simulated nodes, KARPENTER=1: which Karpenter buys, METRICS=1: metrics-server)
	@YES=$(YES) KWOK=$(KWOK) KARPENTER=$(KARPENTER) METRICS=$(METRICS) k8s/kind/cluster up

.PHONY: cluster-status
cluster-status: ## Say how the cluster is, and how to talk to it
	@k8s/kind/cluster status

.PHONY: cluster-delete
cluster-delete: ## Delete the cluster (built parts stay in the cache)
	@k8s/kind/cluster delete

.PHONY: images
images: setup ## Build the images that changed, load them into kind where it runs
	@$(BIN)/python -m k8s.images build

.PHONY: pin-images
pin-images: setup ## Turn the base image's tag into a digest (needs a registry)
	@$(BIN)/python -m k8s.images pin

.PHONY: deploy
deploy: setup ## Install or upgrade Airflow, Postgres, S3 and the sources on the kind cluster (PROMETHEUS=1: with Prometheus and Alertmanager)
	@KUBECONFIG=$(KUBECONFIG_HERE) $(HELM) upgrade --install stationmaster charts/stationmaster \
	  --namespace stationmaster --create-namespace --wait --wait-for-jobs --timeout 15m \
	  --values charts/stationmaster/ci/kind-values.yaml --values build/images.values.yaml \
	  $(if $(PROMETHEUS),--set dev.prometheus.enabled=true)

.PHONY: undeploy
undeploy: ## Remove the release; volumes, keys and the steps' namespace stay (PURGE=1: they go too)
	@KUBECONFIG=$(KUBECONFIG_HERE) $(HELM) uninstall stationmaster \
	  --namespace stationmaster --ignore-not-found --wait
	@[ -z "$(PURGE)" ] || KUBECONFIG=$(KUBECONFIG_HERE) build/kind/bin/kubectl delete namespace \
	  stationmaster stationmaster-steps --ignore-not-found

.PHONY: test-chart
test-chart: setup ## Render and check the chart; with a cluster up, let its API server judge every object
	@HELM=$(HELM) KUBECONFIG=$(KUBECONFIG_HERE) $(BIN)/pytest -q -m "not proof" tests/chart

.PHONY: e2e
e2e: setup data ## Run three mornings through the chart's Airflow on kind; compare with the laptop's tables
	@$(BIN)/pytest -q -m cluster tests/cluster/test_morning_on_kind.py

##@ Measure and prove

.PHONY: drill
drill: setup ## Break the platform while pipelines run (FAULTS=200 MINUTES=600); adds to docs/proofs/drill.jsonl
	@$(BIN)/python -m tests.drill --faults $(or $(FAULTS),200) --minutes $(or $(MINUTES),600)
	@$(BIN)/python -m tests.drill.tally

.PHONY: drill-monitor
drill-monitor: setup data ## Break a simulated company and watch its quiet days: is each fault found, and nothing else (ONLY="data stores processes quiet kind" SEEDS=1,2); adds to docs/proofs/monitor.jsonl
	@$(BIN)/python -m tests.monitor_drill $(ONLY) --seeds $(or $(SEEDS),1)
	@$(BIN)/python -m tests.monitor_drill.tally

.PHONY: bench-cluster
bench-cluster: setup ## Measure steps on kind against bare pods and KubernetesPodOperator; prints JSON lines
	@$(BIN)/python -m tests.bench.cluster

.PHONY: bench
bench: setup data ## Measure everything docs/benchmarks.md claims; prints JSON lines
	@$(BIN)/python -m tests.bench

.PHONY: bench-anomalies
bench-anomalies: setup ## Measure anomalies and forecasts on real series with injected faults; prints JSON lines
	@UV_PROJECT_ENVIRONMENT=$(CURDIR)/build/bench-venv $(UV) sync --locked --quiet --group bench
	@build/bench-venv/bin/python -m tests.bench.anomalies

.PHONY: proof
proof: setup data ## Run the long proofs; their results go to docs/proofs/ with the revision
	@./.ci/proof

.PHONY: proof-chart
proof-chart: setup ## Install, upgrade, downgrade, roll back, back up and restore the chart on kind (20 minutes)
	@HELM=$(HELM) KUBECONFIG=$(KUBECONFIG_HERE) $(BIN)/pytest -q -s -m proof tests/chart

.PHONY: clean
clean: ## Remove what runs left behind (.stationmaster), keep downloads and .venv
	@[ ! -d .stationmaster ] || find .stationmaster -mindepth 1 -maxdepth 1 ! -name data -exec rm -rf {} +

# --- how the environment comes to be -------------------------------------------------------

.uv/bin/uv:
	@echo "uv is not installed: fetching uv $(UV_VERSION) into .uv"
	@python3 -m venv .uv
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.ready: uv.lock pyproject.toml $(wildcard jobs/*/pyproject.toml) | $(filter .uv/bin/uv,$(UV))
	@echo "Installing the locked packages into .venv (once; about a minute)"
	@$(UV) sync --locked --all-packages --quiet
	@touch $@
