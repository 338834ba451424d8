# Everything a fresh machine with Rust, Go and Python needs is made in .cache/ and target/: `make demo`, `make test`.

CACHE := $(CURDIR)/.cache
CONTROLPLANE := $(CACHE)/controlplane
HCL_CHECK := $(CACHE)/hcl-check
VENV := $(CACHE)/venv
SGBIND := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/debug/sgbind

# Python's compiled files go there too, not beside the sources.
export PYTHONPYCACHEPREFIX := $(CACHE)/pycache

# Cargo and Go share the cores among themselves; make's own job server would starve one of them.
CARGO := env -u MAKEFLAGS -u MFLAGS cargo
# The binary is built together with the tests: with the same features of its libraries, so that nothing is built twice.
BUILD := $(CARGO) build --locked --bin sgbind --test it

.DEFAULT_GOAL := help
.PHONY: help demo test build lint crds check-generated clean binary tests venv controlplane hcl-check need

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: need ## start all of it on this machine, and show what the controller does
	@$(MAKE) --no-print-directory -j2 binary controlplane venv
	@$(VENV)/bin/python demo/demo.py --sgbind $(SGBIND) --controlplane $(CONTROLPLANE) --dir $(CACHE)/demo

test: need ## run all tests; the last line is the result
	@$(MAKE) --no-print-directory -j2 tests controlplane hcl-check venv
	@SGBIND_TEST_CONTROLPLANE=$(CONTROLPLANE) SGBIND_TEST_HCL_CHECK=$(HCL_CHECK) SGBIND_TEST_PYTHON=$(VENV)/bin/python \
		tests/all.sh

build: ## build the release binary, target/release/sgbind
	@tests/need.sh cargo cc
	$(CARGO) build --locked --release

lint: ## formats, clippy and vet, with warnings denied
	@tests/need.sh cargo fmt clippy go cc
	cargo fmt --all --check
	@cd tests && unformatted=$$(gofmt -l controlplane hcl) && \
		{ [ -z "$$unformatted" ] || { echo "gofmt -w in tests: $$unformatted" >&2; exit 1; }; }
	$(CARGO) clippy --workspace --locked --all-targets -- -D warnings
	cd tests/controlplane && go vet -trimpath ./...
	cd tests/hcl && go vet -trimpath ./...

crds: binary ## write crds/ anew from src/api
	@$(call write_crds,crds)

check-generated: binary ## fail if crds/ is not what the code says
	@rm -rf $(CACHE)/crds && mkdir -p $(CACHE)/crds
	@$(call write_crds,$(CACHE)/crds)
	@diff -ru --exclude=kustomization.yaml crds $(CACHE)/crds || { echo "crds/ is not what the code says: run make crds" >&2; exit 1; }

# One file for each document, named after it.
write_crds = mkdir -p $(CACHE) && $(SGBIND) crds > $(CACHE)/crds.yaml && awk -v dir=$(1) ' \
	function flush() { if (name) printf "%s", text > (dir "/" name ".yaml"); text = name = "" } \
	$$0 == "---" { flush(); next } \
	{ text = text $$0 "\n" } \
	/^  name: / && !name { name = $$2 } \
	END { flush() }' $(CACHE)/crds.yaml

clean: ## remove what was built: target/ and .cache/
	rm -rf $(CACHE)
	cargo clean

need:
	@tests/need.sh cargo go python3 cc

binary:
	@$(BUILD)

tests:
	@$(CARGO) test --workspace --locked --no-run

venv:
	@tests/moto/setup.sh $(VENV)

controlplane: $(CONTROLPLANE)

$(CONTROLPLANE): $(wildcard tests/controlplane/*.go) $(addprefix tests/controlplane/,go.mod go.sum build.sh)
	@echo "building the control plane (some minutes the first time)"
	@mkdir -p $(CACHE)
	@env -u MAKEFLAGS -u MFLAGS tests/controlplane/build.sh $@.new && mv $@.new $@

hcl-check: $(HCL_CHECK)

$(HCL_CHECK): $(wildcard tests/hcl/*.go) $(addprefix tests/hcl/,go.mod go.sum)
	@mkdir -p $(CACHE)
	@cd tests/hcl && env -u MAKEFLAGS -u MFLAGS go build -mod=readonly -trimpath -buildvcs=false -o $@.new . && mv $@.new $@
