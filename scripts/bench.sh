#!/usr/bin/env bash
# Builds the module and the load generator in release and runs it: the quick comparison, or with `time` what deadlines cost. The
# server is the bench's own.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

need_cargo
need_build
need_server
cargo build --release --locked
need_one_module_name target/release
cargo run --release --locked --quiet -p redis-state-benches -- "$PWD/target/release/libredis_state.so" "$@"
