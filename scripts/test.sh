#!/usr/bin/env bash
# All checks, the cheapest first. `long` runs only the model test and the properties of the document
# engine, for hours.
#
# Every cargo call takes the whole workspace, so that features unify in one way and nothing is built
# twice. The module is built with the feature `faults`, beside the tests in target/debug.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

MODEL_RUNS_LONG=30000
# Cases of each property of the document engine; without `long` a twentieth of it.
CASES_LONG=1000000

step() { printf '\n== %s\n' "$*"; }

# test_run [FILTER]: runs the tests whose names contain FILTER, or all tests.
test_run() {
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace --features faults "$@"
  else
    cargo test --locked --workspace --all-targets --features faults "$@"
  fi
}

need_cargo
need_build
need_server

if [ "${1:-}" = long ]; then
  step "the model test, $MODEL_RUNS_LONG runs"
  cargo build --locked --workspace --features faults
  MODEL_RUNS=$MODEL_RUNS_LONG test_run model
  step "the document engine against its oracle, $CASES_LONG cases a property"
  for part in json:: splices:: history::; do
    REDIS_STATE_CASES=$CASES_LONG test_run "$part"
  done
  exit
fi

need_lints
need_valgrind
scripts/clients.sh
step "format"
cargo fmt --all --check

step "lints, as released and as tested"
cargo clippy --locked --workspace --all-targets -- -D warnings
cargo clippy --locked --workspace --all-targets --features faults -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --all-features

step "the client's crates: each feature alone, their dependencies, and their packages"
for features in "" sync tokio; do
  cargo clippy --locked -p redis-state-client --no-default-features --features "$features" -- -D warnings
  cargo clippy --locked -p redis-state-vimbiso --no-default-features --features "$features" -- -D warnings
done
# depends_on PACKAGE CRATES: fails unless these are the package's direct dependencies.
depends_on() {
  local found
  found=$(cargo tree --locked -p "$1" --no-default-features -e normal --depth 1 --prefix none | tail -n +2 | cut -d' ' -f1 | sort | xargs)
  [ "$found" = "$2" ] || die "$1 depends on $found; expected $2."
}
# Every user of the client builds these: another crate is a decision, not an accident.
depends_on redis-state-client "backon redis redis-state-types serde serde_json thiserror tracing"
depends_on redis-state-types ""
# With any feature: the state machine and its crates belong to the server.
if cargo tree --locked -p redis-state-client --all-features -e normal --prefix none | grep -E '^(redis-state-core|jsonschema) '; then
  die "redis-state-client depends on the server's crates, see above."
fi
# The reference model of the tests shares no code with what it checks.
depends_on redis-state-reference "num-bigint num-rational serde serde_json"
cargo package --locked --no-verify --allow-dirty --quiet -p redis-state-types -p redis-state-core -p redis-state-client -p redis-state-vimbiso

step "licences and advisories of the crates"
need_deny
# This checks the crates of all systems, so cargo may have to fetch some that are not built here.
"$deny" --locked --workspace --all-features check --hide-inclusion-graph bans licenses sources
# The advisories are a repository on GitHub. CI sets REDIS_STATE_ADVISORIES, so that a failure to
# reach it counts.
if "$deny" --locked --workspace fetch db >/dev/null 2>&1; then
  "$deny" --locked --workspace --all-features check --hide-inclusion-graph advisories
elif [ -n "${REDIS_STATE_ADVISORIES:-}" ]; then
  die "RustSec's advisories can't be fetched from github.com/RustSec/advisory-db: allow that, or unset REDIS_STATE_ADVISORIES."
else
  say "NOT CHECKED: RustSec's advisories; github.com/RustSec/advisory-db can't be reached."
fi

step "the module"
# With all targets, features unify as for the tests, so that no crate is built twice.
cargo build --locked --workspace --all-targets --features faults

step "examples in the documentation, against the module"
cargo test --locked --workspace --features faults --doc

step "all tests"
test_run

step "tests that depend on the server, on another server if one was unpacked"
if cargo nextest --version >/dev/null 2>&1; then
  scripts/servers.sh smoke
else
  say "NOT CHECKED: cargo-nextest is not installed (cargo install cargo-nextest)."
fi
