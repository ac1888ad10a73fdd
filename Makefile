# Every target that a person calls has a line behind `##`; `make` alone prints those. The work is in scripts/, so that it
# can be read, and run, without make.

.DEFAULT_GOAL := help
.PHONY: help build run bot test test-long test-servers soak replay bench bench-quick bench-scaling bench-time bench-counts bench-core bench-pages profile fmt lint doc clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { sub("%", "ROW", $$1); printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build target/release/libredis_state.so, the module, for a server of your own
	@scripts/build.sh

run: ## Build the module and start a redis-server with it here (PORT=6379, or the port of REDIS_STATE_URL)
	@scripts/run.sh

bot: ## Play the bot in this terminal, against the server of `make run` (CHANNEL=+263771234567)
	@scripts/bot.sh

test: ## Check and prove everything: format, lints, docs, unit tests, tests against a real server
	@scripts/test.sh

test-long: ## Play the model test a hundred times as long as `make test` does, and try the engine against its oracle on a million cases
	@scripts/test.sh long

test-servers: ## Run the tests against Redis 8.0 and 8.6 and Valkey 8 and 9, which are taken from Debian's packages
	@scripts/servers.sh

soak: ## Kill, cut, flood and fuzz servers for hours, all rows of docs/guarantees.md; goes on where it was stopped (ROUNDS=100: so many now)
	@scripts/soak.sh

soak-%: ## The same for one row, such as soak-kill-always
	@scripts/soak.sh $*

replay: ## Play one round again that has failed: make replay ROW=kill-always SEED=7, as the failure says
	@scripts/soak.sh replay "$(ROW)" "$(SEED)"

bench: ## Measure every command beside what a bot would do without it, in ten minutes; writes docs/benchmarks
	@scripts/bench.sh full

bench-quick: ## The same for what matters most, in under a minute; writes nothing
	@scripts/bench.sh quick

bench-scaling: ## Measure what grows with documents, past versions, trails and states, and memory; writes docs/scaling.md
	@scripts/bench.sh scaling

bench-time: ## Measure what members that lapse cost: how late, how long others wait, memory, the idle timer
	@scripts/bench.sh time

bench-counts: ## Count the instructions of a request by callgrind, and whose they are; writes docs/benchmarks
	@scripts/bench.sh counts

bench-core: ## Measure the core without a server: time by criterion, instructions by callgrind
	@scripts/bench-core.sh

bench-pages: ## Write the tables and plots of the last runs anew, from docs/benchmarks/*.json
	@scripts/bench.sh pages

profile: ## Count anew which code runs often, for the compiler; writes profile/module.profdata, which make build reads
	@scripts/profile.sh

fmt: ## Format the code
	@cargo fmt --all

lint: ## Run clippy as `make test` does
	@cargo clippy --locked --workspace --all-targets -- -D warnings

doc: ## Build the API documentation and say where it is
	@cargo doc --locked --workspace --no-deps && echo "open target/doc/redis_state_core/index.html"

clean: ## Remove what was built; the data of `make run` in .data stay
	@cargo clean
