#!/usr/bin/env bash
# Builds the module in release.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

need_cargo
need_build
build_module
say "The module is $PWD/target/release/libredis_state.so; docs/operations.md shows how a server loads it."
