# Everything that one does with this checkout. `make help` lists it.
#
# Two profiles: `release` for what is used, `dev` for tests (`make kit PROFILE=dev`), so that crates compile once for
# each. The stub has a third of its own, in which nothing but the stub is compiled.

CARGO ?= cargo
PROFILE ?= release
target := $(or $(CARGO_TARGET_DIR),target)
built := $(target)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))/jailgen
export PREFIX DESTDIR SYSCONFDIR APPARMOR KIT

.DEFAULT_GOAL := help
.PHONY: help build kit install uninstall dist demo test lint allow-userns bench check-release check-msrv check-aarch64 first-hour test-sessions test-agents docs test-report test-docs test-editors test-nix fuzz test-cgroups

help: ## List the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 16

build: ## Build jailgen, the helper, the broker and the probe, static, and the stub
	$(CARGO) rustc --profile $(PROFILE) -p jailgen --bin jailgen -- -C target-feature=+crt-static
	$(CARGO) rustc --profile $(PROFILE) -p jail-probe --bin jail-probe -- -C target-feature=+crt-static
	$(CARGO) rustc --profile $(PROFILE) -p jail-host --bin jail-host -- -C target-feature=+crt-static
	$(CARGO) rustc --profile $(PROFILE) -p jail-broker --bin jail-broker -- -C target-feature=+crt-static
	$(CARGO) rustc --profile stub -p jail-stub --bin jail-stub -- -C relocation-model=static -C link-args='-nostartfiles -nostdlib -static -no-pie'

kit: build ## Put the kit together that emitted flakes need, and add it to the Nix store
	scripts/make-kit $(PROFILE)

# Built here unless a build is there: `make build && sudo make install` compiles nothing as root.
install: $(if $(KIT)$(wildcard $(built)),,build) ## Install jailgen below PREFIX (/usr/local), DESTDIR in front
	scripts/install $(PROFILE)

uninstall: ## Remove what `make install` has put there
	scripts/install --uninstall

dist: ## A static archive and a Debian package in target/dist, with their SHA-256 sums
	scripts/dist

demo: ## From nothing to a shell in a jail, offline but for Rust crates
	scripts/demo

test: ## Everything, set-up included: formatting, lints, all tests as root and as an ordinary user
	scripts/test

lint: ## Formatting, lints and links of the documentation; shellcheck, shfmt, ruff and cargo-deny where they are installed
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy -p jail-stub --profile stub -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --quiet --workspace --no-deps --document-private-items
	scripts/lint-tools

# Ubuntu lets a program make user namespaces only if a profile of AppArmor says so, and there is none for programs that were just built.
allow-userns: ## Let all programs make user namespaces until the next start, as the tests need it on Ubuntu (needs root)
	[ ! -e /proc/sys/kernel/apparmor_restrict_unprivileged_userns ] || sysctl -w kernel.apparmor_restrict_unprivileged_userns=0

check-msrv: ## Compile everything with the oldest Rust that Cargo.toml allows (needs rustup)
	scripts/check-msrv

check-aarch64: ## Build the stub, the probe and the helper for aarch64, and try what an emulator can (needs a cross compiler and qemu-user)
	scripts/check-aarch64

check-release: ## What a machine can check before a release (docs/releasing.md)
	scripts/check-release

bench: ## Measure launches, running programs, the network by name and the compiler, next to bubblewrap, tinyproxy and Nix
	scripts/bench

first-hour: ## Type what the first pages print, on a fresh Debian, as root and as an ordinary user (needs root and a network)
	tests/first-hour/run

test-sessions: ## Eight sessions, one on the host, 200 rounds of lock, change and rename on what they share (CLAUDE=the real agent too)
	$(CARGO) build -p jail-host
	SESSIONS_ROUNDS=200 JAIL_TEST_CLAUDE=$(CLAUDE) $(CARGO) test -p jail-stub --test stub -- sessions:: --nocapture

test-agents: ## Run real agents from npm at work, and write docs/agents.md (needs a network; AGENTS="codex pi" for some)
	tests/agents/run --matrix $(AGENTS)
	tests/agents/run --browser
	if [ "$$(id -u)" -eq 0 ]; then tests/agents/run --keys $(AGENTS); fi

test-report: ## Look at the pages of `jailgen report` in Chromium (needs a network for two npm packages)
	tests/report/run

test-editors: ## Start the language server from VS Code's client and from Neovim (needs a network for npm's packages)
	$(CARGO) build -p jailgen --bin jailgen
	tests/editors/run

docs: ## The site of the documentation, in target/book/book, with mdBook
	scripts/build-docs

test-docs: ## Build the site and open each page in Chromium: links, search, width of a phone (needs a network for mdBook and an npm package)
	tests/docs/run

test-nix: ## Run the tests of the command line with newer releases of Nix (needs a network)
	scripts/test-nix

fuzz: ## Compare 10,000 random specs in both front ends; fuzz all that reads foreign text, ten minutes each (needs a nightly and cargo-fuzz)
	scripts/fuzz

test-cgroups: ## Test the limits on a kernel of their own, emulated: systemd, cgroup v2 (needs root; downloads a Debian)
	tests/cgroups/run
