#!/usr/bin/env bash
# What a developer runs before each commit: format, lints, unit tests. `scripts/check.sh quick`
# leaves the unit tests out; the pre-commit hook runs that. `make test` checks everything.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

# check_units: the unit tests, with the features of `make test`, so that nothing is built twice.
check_units() {
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace --features faults --lib --cargo-quiet \
      --status-level fail --final-status-level fail
  else
    cargo test --locked --workspace --features faults --lib --quiet
  fi
}

need_cargo
need_build
need_lints
cargo fmt --all --check
cargo clippy --locked --workspace --all-targets --features faults --quiet -- -D warnings
[ "${1:-}" = quick ] || check_units
