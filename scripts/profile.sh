#!/usr/bin/env bash
# Counts anew what the module runs through and how often, by a build of it that counts, for the builds in release: writes
# profile/module.profdata. To be done when commands have changed; until then what has changed is compiled without counts.
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
# What the compiler's own helpers count while they build is thrown away.
LLVM_PROFILE_FILE=/dev/null RUSTFLAGS=-Cprofile-generate cargo build --release --locked --target-dir target/profile
need_one_module_name target/profile/release
LLVM_PROFILE_FILE="$counts/%m.profraw" \
  cargo run --release --locked --quiet -p redis-state-benches -- train "$PWD/target/profile/release/libredis_state.so"
"$profdata" merge --sparse -o profile/module.profdata "$counts"/*.profraw
rm -rf target/profile
say "profile/module.profdata is made; make build uses it."
