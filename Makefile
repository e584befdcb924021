# Forwards to meson. The targets that need packages install them first (tools/setup).
ifeq ($(origin CC),default)
CC := gcc
endif
JOBS := $(shell nproc)
PREFIX ?= /usr/local

.PHONY: all run test conformance bench fuzz lint format install clean help

all: build/build.ninja ## build the release: build/trackwire
	@ninja -C build -j $(JOBS) trackwire

build/build.ninja:
	@tools/setup build
	@CC=$(CC) meson setup build --prefix $(PREFIX)

run: ## build, and show the hub at work with simulated trackers
	@tools/setup build run
	@$(MAKE) --no-print-directory all
	@tools/demo

test: ## every test that a change must pass; ends with "N passed, M failed"
	@tools/setup build test
	@tools/test

conformance: ## every statement of MQTT, over every transport; ends with "N passed, M failed"
	@tools/setup build test
	@$(MAKE) --no-print-directory all
	@tests/conformance/run

bench: ## measure against Debian's mosquitto
	@tools/setup build bench
	@$(MAKE) --no-print-directory all
	@tools/bench

fuzz: ## fuzz the parsers, FUZZ_SECONDS each (default 60)
	@tools/setup build test
	@tools/fuzz

lint: ## the rules that a program can check
	@tools/setup test
	@tools/lint.py
	@tools/format --check

format: ## lay out the C sources with clang-format
	@tools/setup test
	@tools/format

install: all ## install to PREFIX (default /usr/local); DESTDIR is respected
	@meson install -C build --no-rebuild

clean: ## remove everything that was built
	@rm -rf build build-*

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile
