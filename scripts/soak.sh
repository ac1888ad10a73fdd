#!/usr/bin/env bash
# Plays the rows of tests/trust for long: all of them, or the one that is named; `replay ROW SEED` plays one round again.
# ROUNDS=100 says how many to play now; the next call goes on from there, by what is written in target/soak.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

ROWS="kill-always kill-everysec cut-rdb cut-aof history replica failover cluster slots pause restore-mutated oom acl eviction leak slow-consumers"
ROWS="$ROWS fuzz-decoder fuzz-arguments fuzz-changes fuzz-schemas cost memcheck"

# play ROW: each row is one test, whose name is the row's with underscores.
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
  # The commands of this one are those of the model.
  if [ "$1" = memcheck ]; then
    [ "$(uname)" = Linux ] || die "The row memcheck needs valgrind, which is there on Linux alone."
    need_valgrind
    program=model
  fi
  # Its bounds are those of a release.
  if [ "$1" = cost ]; then
    build_module
    export REDIS_STATE_MODULE=$PWD/target/release/libredis_state.so
  fi
  cargo test --locked --quiet --workspace --features faults --test "$program" "${1//-/_}" -- --nocapture --test-threads 1
  unset REDIS_STATE_MODULE
}

# Changes are judged by the properties of the document engine, which are unit tests of core; a round is 10,000 cases of each.
# What fails is made smaller and printed, so there is nothing to replay.
CHANGES_ROUNDS_MAX=80
play_changes() {
  local rounds=${REDIS_STATE_SOAK:-1} part
  if [ "$rounds" -gt "$CHANGES_ROUNDS_MAX" ]; then rounds=$CHANGES_ROUNDS_MAX; fi
  for part in json:: delta:: history::; do
    REDIS_STATE_CASES=$((rounds * 10000)) cargo test --locked --quiet --workspace --features faults --lib "$part"
  done
}

need_cargo
need_build
need_server
cargo build --locked --quiet --workspace --all-targets --features faults

if [ "${1:-}" = replay ]; then
  [[ "${3:-}" =~ ^[0-9]+$ ]] || die "Which round? make replay ROW=kill-always SEED=7, as the failure says."
  export REDIS_STATE_ROUND=$3
  play "$2"
  exit
fi

# More than any row has: a row stops at its own count.
export REDIS_STATE_SOAK=${ROUNDS:-1000000}
for row in ${1:-$ROWS}; do
  play "$row"
done
