#!/usr/bin/env bash
# Measures the core without a server: times by criterion, then instructions by callgrind beside them. With the name of a piece
# of work it shows instead where its instructions go.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

need_cargo
built=$(cargo bench --locked -p redis-state-benches --bench operations --no-run 2>&1) || die "$built"
program=$(printf '%s\n' "$built" | sed -n 's/.*Executable.*(\(.*\))$/\1/p')

if [ $# -gt 0 ]; then
  have valgrind || die "valgrind is missing: install it with this system's own packages, then run this again."
  profile=$(mktemp)
  trap 'rm -f "$profile"' EXIT
  valgrind --tool=callgrind --callgrind-out-file="$profile" "$program" once "$1" 200 >/dev/null 2>&1 \
    || die "There is no piece of work '$1': $("$program" list | paste -sd, -)"
  callgrind_annotate "$profile" | head -60
  exit
fi

have valgrind || say "valgrind is missing: times only, no counts of instructions."
# Plots of its own are not drawn: the table is what is kept.
cargo bench --locked -p redis-state-benches --bench operations -- --noplot
cargo run --release --locked --quiet -p redis-state-benches -- core "$program"
