#!/usr/bin/env bash
# Builds the module and the load generator in release and measures: `quick`, `full`, `scaling`,
# `time` (the cost of deadlines) or `counts` (instructions by callgrind). The bench starts its own
# servers; `full`, `scaling` and `counts` write docs/benchmarks and the tables of the pages.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

need_cargo
need_build
need_server
if [ "${1:-}" = pages ]; then
  cargo run --release --locked --quiet -p redis-state-benches -- pages
  exit
fi
if [ "${1:-}" = counts ]; then need_valgrind; fi
build_module
cargo run --release --locked --quiet -p redis-state-benches -- "${1:-quick}" "$PWD/target/release/libredis_state.so"
