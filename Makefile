# Every target for developers has a line behind `##`; `make` alone prints those lines. The work is
# in scripts/, which also run without make.

.DEFAULT_GOAL := help
.PHONY: help build run bot check test test-long test-servers hooks soak replay bench bench-quick bench-scaling bench-time bench-counts bench-core bench-pages profile fmt lint doc clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { sub("%", "ROW", $$1); printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build target/release/libredis_state.so, the module
	@scripts/build.sh

run: ## Build the module and start redis-server with it here (PORT=6379, or the port of REDIS_STATE_URL)
	@scripts/run.sh

bot: ## Build the bot and play it in this terminal, with the server of `make run` (PORT, CHANNEL=+263771000002)
	@scripts/bot.sh

check: ## Before a commit: format, lints, unit tests (under two minutes when built before)
	@scripts/check.sh

test: ## Everything: format, lints, docs, unit tests, tests against a real server
	@scripts/test.sh

test-long: ## The model test 100 times as long, and the document engine against its oracle on a million cases
	@scripts/test.sh long

test-servers: ## The tests on Redis 8.0 and 8.6 and Valkey 8 and 9, from Debian's packages
	@scripts/servers.sh

hooks: ## Make git check format and lints before each commit in this checkout
	@scripts/hooks.sh

soak: ## Kill, cut, flood and fuzz servers for hours: all rows of docs/evidence.md; resumable (ROUNDS=100 limits it)
	@scripts/soak.sh

soak-%: ## The same for one row, such as soak-kill-always
	@scripts/soak.sh $*

replay: ## Play one failed round again: make replay ROW=kill-always SEED=7
	@scripts/soak.sh replay "$(ROW)" "$(SEED)"

bench: ## Measure every command, and what a bot would do without it, in ten minutes; writes docs/benchmarks
	@scripts/bench.sh full

bench-quick: ## The main figures in under a minute; writes nothing
	@scripts/bench.sh quick

bench-scaling: ## Measure growth with documents, snapshots, audit streams and states, and memory; writes docs/scaling.md
	@scripts/bench.sh scaling

bench-time: ## Measure lapses: delay, the latency of other clients, memory, the idle timer
	@scripts/bench.sh time

bench-counts: ## Count the instructions of each request by callgrind; writes docs/benchmarks
	@scripts/bench.sh counts

bench-core: ## Measure the core without a server: time by criterion, instructions by callgrind
	@scripts/bench-core.sh

bench-pages: ## Rewrite the tables and plots of the last runs from docs/benchmarks/*.json
	@scripts/bench.sh pages

profile: ## Record profile/module.profdata, the execution counts that optimise `make build`
	@scripts/profile.sh

fmt: ## Format the code
	@cargo fmt --all

lint: ## Run clippy as `make test` does
	@cargo clippy --locked --workspace --all-targets -- -D warnings

doc: ## Build the API documentation and print its path
	@cargo doc --locked --workspace --no-deps && echo "open target/doc/redis_state_core/index.html"

clean: ## Remove build results; keeps the data of `make run` in .data
	@cargo clean
