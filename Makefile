# Every target that a person calls has a line behind `##`; `make` alone prints those. The work is in scripts/, so that it
# can be read, and run, without make.

.DEFAULT_GOAL := help
.PHONY: help build run bot test test-long bench-quick bench-time fmt lint doc clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build target/release/libredis_state.so, the module, for a server of your own
	@scripts/build.sh

run: ## Build the module and start a redis-server with it here (PORT=6379, or the port of REDIS_STATE_URL)
	@scripts/run.sh

bot: ## Play the bot in this terminal, against the server of `make run` (CHANNEL=+263771234567)
	@scripts/bot.sh

test: ## Check and prove everything: format, lints, docs, unit tests, tests against a real server
	@scripts/test.sh

test-long: ## Play the model test, and the engine against its oracle, a hundred times as long as `make test` does
	@scripts/test.sh long

bench-quick: ## Measure STATE.GET beside GET, and STATE.UPDATE beside SET, in under a minute
	@scripts/bench.sh

bench-time: ## Measure what members that lapse cost: how late, how long others wait, memory, the idle timer
	@scripts/bench.sh time

fmt: ## Format the code
	@cargo fmt --all

lint: ## Run clippy as `make test` does
	@cargo clippy --locked --workspace --all-targets -- -D warnings

doc: ## Build the API documentation and say where it is
	@cargo doc --locked --workspace --no-deps && echo "open target/doc/redis_state_core/index.html"

clean: ## Remove what was built; the data of `make run` in .data stay
	@cargo clean
