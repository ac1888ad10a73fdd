#!/usr/bin/env bash
# Plays many rounds of the rows of tests/trust: of all, or of the named one. `replay ROW SEED` plays
# one round again. ROUNDS=100 limits the rounds of this call; the next call continues, by the
# records in target/soak.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

ROWS="kill-always kill-everysec cut-rdb cut-aof history replica failover cluster slots pause restore-mutated oom acl eviction leak slow-consumers"
ROWS="$ROWS fuzz-decoder fuzz-arguments fuzz-changes fuzz-schemas cost memcheck"

# play ROW: each row is one test, named like the row with underscores.
play() {
  case " $ROWS " in
    *" $1 "*) ;;
    *) die "There is no row \"$1\"; there are: $ROWS" ;;
  esac
  if [ "$1" = fuzz-changes ]; then
    play_changes
    return
  fi
  local program=trust
  # memcheck plays the commands of the model test.
  if [ "$1" = memcheck ]; then
    [ "$(uname)" = Linux ] || die "The row memcheck needs valgrind, which exists on Linux only."
    need_valgrind
    program=model
  fi
  # The bounds of cost are for a release build.
  if [ "$1" = cost ]; then
    build_module
    export REDIS_STATE_MODULE=$PWD/target/release/libredis_state.so
  fi
  cargo test --locked --quiet --workspace --features faults --test "$program" "${1//-/_}" -- --nocapture --test-threads 1
  unset REDIS_STATE_MODULE
}

# fuzz-changes runs the property tests of the document engine, unit tests of core; a round is 10,000
# cases of each. A failing case is shrunk and printed, so there is nothing to replay.
CHANGES_ROUNDS_MAX=80
play_changes() {
  local rounds=${REDIS_STATE_SOAK:-1} part
  if [ "$rounds" -gt "$CHANGES_ROUNDS_MAX" ]; then rounds=$CHANGES_ROUNDS_MAX; fi
  for part in json:: splices:: history::; do
    REDIS_STATE_CASES=$((rounds * 10000)) cargo test --locked --quiet --workspace --features faults --lib "$part"
  done
}

need_cargo
need_build
need_server
cargo build --locked --quiet --workspace --all-targets --features faults

if [ "${1:-}" = replay ]; then
  [[ "${3:-}" =~ ^[0-9]+$ ]] || die "The seed is missing: make replay ROW=kill-always SEED=7, as printed by the failure."
  export REDIS_STATE_ROUND=$3
  play "$2"
  exit
fi

# More rounds than any row has: a row stops at its own number.
export REDIS_STATE_SOAK=${ROUNDS:-1000000}
for row in ${1:-$ROWS}; do
  play "$row"
done
