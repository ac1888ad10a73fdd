#!/usr/bin/env bash
# Measures the core without a server: time by criterion, then instructions by callgrind. With the
# name of an operation, shows which functions its instructions are in.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

need_cargo
built=$(cargo bench --locked -p redis-state-benches --bench operations --no-run 2>&1) || die "$built"
program=$(printf '%s\n' "$built" | sed -n 's/.*Executable.*(\(.*\))$/\1/p')

if [ $# -gt 0 ]; then
  have valgrind || die "valgrind is missing: install it with the system's packages, then run this again."
  profile=$(mktemp)
  trap 'rm -f "$profile"' EXIT
  valgrind --tool=callgrind --callgrind-out-file="$profile" "$program" once "$1" 200 >/dev/null 2>&1 \
    || die "There is no operation '$1'; there are: $("$program" list | paste -sd, -)"
  callgrind_annotate "$profile" | head -60
  exit
fi

have valgrind || say "valgrind is missing: measuring times only, no instructions."
# Only the table is kept, so criterion draws no plots.
cargo bench --locked -p redis-state-benches --bench operations -- --noplot
cargo run --release --locked --quiet -p redis-state-benches -- core "$program"
