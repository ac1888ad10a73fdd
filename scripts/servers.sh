#!/usr/bin/env bash
# Runs the tests on other servers than the system's: `scripts/servers.sh` on all,
# `scripts/servers.sh valkey-8.1` on one; further arguments go to cargo nextest, such as `-E
# 'binary(suite)'`. For `make test`, `scripts/servers.sh smoke` runs the tests that depend on the
# server, on a server that was unpacked before.
#
# The servers are Debian packages of other releases, verified by Debian's key and unpacked with
# their libraries into target/servers. Nothing is installed. The tests find one as `redis-server` in
# PATH. Tests under memcheck are skipped: the system's valgrind does not know the C libraries of
# other releases.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

# NAME SUITE FLAVOUR, in the order of release; `smoke` prefers the last. `experimental` has few
# packages, so the dependencies come from sid.
SERVERS="redis-8.0 trixie redis
valkey-8.1 trixie valkey
valkey-9 sid valkey
redis-8.6 experimental redis"

# The suite with the dependencies of an incomplete suite.
declare -A DEPENDENCIES=([experimental]=sid)

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# unpack SUITE ROOT PACKAGE…: unpacks the packages of SUITE with their dependencies below ROOT.
unpack() {
  local suite=$1 root=$2 work=$2/.apt mirror deb listed
  shift 2
  mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n 1)
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  # An empty status file makes apt fetch every dependency.
  : >"$work/status"
  for listed in "$suite" ${DEPENDENCIES[$suite]:-}; do
    echo "deb [signed-by=$KEYRING] ${mirror:-http://deb.debian.org/debian} $listed main"
  done >"$work/sources.list"
  local apt=(apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o Dir::State::status="$work/status"
    -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1)
  quietly "The list of Debian's packages" "${apt[@]}" update
  quietly "Fetching $*" "${apt[@]}" -y --no-install-recommends --download-only install "$@"
  for deb in "$work"/cache/archives/*.deb; do
    dpkg -x "$deb" "$root"
  done
  rm -rf "$work"
}

# wrap ROOT BIN PROGRAM TARGET: writes BIN/PROGRAM, which runs ROOT's TARGET with ROOT's loader and
# libraries.
wrap() {
  local root=$1 loader
  loader=$(find "$root/usr/lib64" "$root/usr/lib" -maxdepth 1 -name 'ld-linux-*.so.*' | head -n 1)
  local libraries
  libraries=$(dirname "$(find "$root/usr/lib" -name 'libc.so.6' | head -n 1)")
  printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s/usr/bin/%s" "$@"\n' "$loader" "$libraries" "$root" "$4" >"$2/$3"
  chmod +x "$2/$3"
}

# fetch NAME SUITE FLAVOUR: unpacks the server, unless that was done before.
fetch() {
  local root=$PWD/target/servers/$1 program
  [ ! -d "$root/bin" ] || return 0
  [ -r "$KEYRING" ] || die "Debian's key is missing: install debian-archive-keyring, then run this again."
  rm -rf "$root"
  mkdir -p "$root"
  say "Fetching $1 from Debian's $2."
  unpack "$2" "$root" "$3-server/$2" "$3-tools/$2" libc6
  mkdir "$root/bin.new"
  for program in server cli sentinel check-rdb check-aof; do
    wrap "$root" "$root/bin.new" "redis-$program" "$3-$program"
  done
  mv "$root/bin.new" "$root/bin"
}

# run_on NAME [FILTER…]: runs the tests with that server instead of the system's.
run_on() {
  local bin=$PWD/target/servers/$1/bin
  shift
  cargo build --locked --quiet --workspace --all-targets --features faults </dev/null
  PATH="$bin:$PATH" redis-server --version
  PATH="$bin:$PATH" cargo nextest run --locked --workspace --features faults --no-fail-fast "$@" -- --skip memcheck </dev/null
}

# The tests of what differs between servers: files, replication, ACL, command and setting metadata,
# slots.
SMOKE='(binary(suite) & test(/^(acl|acl_categories|command_info|config|failover|hostile_payloads|info|keyspace|missing_key|panic|persistence|replication|smoke|swapdb)::/))'
SMOKE="$SMOKE | test(=acl::acl) | test(=slots::slots) | test(=upgrade::upgrade)"

# The newest server differs most.
smoke() {
  local name
  for name in $(cut -d' ' -f1 <<<"$SERVERS" | tac); do
    if [ -d "target/servers/$name/bin" ]; then
      run_on "$name" -E "$SMOKE"
      return
    fi
  done
  say "No other server is in target/servers: not checked (make test-servers fetches them)."
}

need_cargo
if [ "${1:-}" = smoke ]; then
  smoke
  exit
fi
need_build
have apt-get && have dpkg || die "Other servers come from Debian's packages, which needs apt-get and dpkg."
scripts/clients.sh
wanted=${1:-all}
[ $# -eq 0 ] || shift
known=no
while read -r name suite flavour; do
  [ "$wanted" = all ] || [ "$wanted" = "$name" ] || continue
  known=yes
  fetch "$name" "$suite" "$flavour"
  run_on "$name" "$@"
done <<<"$SERVERS"
[ "$known" = yes ] || die "There is no server \"$wanted\"; there are: all smoke $(cut -d' ' -f1 <<<"$SERVERS" | xargs)"
