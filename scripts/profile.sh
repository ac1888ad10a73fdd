#!/usr/bin/env bash
# Records execution counts with an instrumented build of the module, and writes
# profile/module.profdata, which release builds read. Run it after changes of commands; changed code
# is compiled without counts.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

need_cargo
need_build
need_server
profdata=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/llvm-profdata
if [ ! -x "$profdata" ] && have rustup; then quietly "Installing llvm-tools" rustup component add llvm-tools; fi
[ -x "$profdata" ] || die "llvm-profdata of this compiler is missing: rustup component add llvm-tools."

counts=$PWD/target/profile/counts
rm -rf "$counts"
# Build scripts and proc macros are instrumented too; their counts are discarded.
LLVM_PROFILE_FILE=/dev/null RUSTFLAGS=-Cprofile-generate cargo build --release --locked --target-dir target/profile
need_one_module_name target/profile/release
LLVM_PROFILE_FILE="$counts/%m.profraw" \
  cargo run --release --locked --quiet -p redis-state-benches -- train "$PWD/target/profile/release/libredis_state.so"
"$profdata" merge --sparse -o profile/module.profdata "$counts"/*.profraw
rm -rf target/profile
say "Wrote profile/module.profdata, which make build reads."
