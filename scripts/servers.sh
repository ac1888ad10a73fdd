#!/usr/bin/env bash
# Runs the tests against other servers than the system's own: `scripts/servers.sh` all of them, `scripts/servers.sh valkey-8.1`
# one, and behind that what cargo nextest takes, such as `-E 'binary(suite)'`. `scripts/servers.sh smoke` runs what touches the
# server itself against one that is there already, and fetches nothing: `make test` does that.
#
# A server comes from Debian's packages of another release, checked by Debian's key, and is unpacked with the libraries it wants
# into target/servers, which installs nothing. The tests find it as `redis-server` at the front of PATH. Those under memcheck are
# left out: this system's valgrind does not know the C libraries of other releases.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

# NAME SUITE FLAVOUR, in the order of release; the last is what `smoke` prefers. `experimental` has few packages of its own: what
# a server needs beside itself comes from sid.
SERVERS="redis-8.0 trixie redis
valkey-8.1 trixie valkey
valkey-9 sid valkey
redis-8.6 experimental redis"

# Where the dependencies of a suite that is not complete are.
declare -A DEPENDENCIES=([experimental]=sid)

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# unpack SUITE ROOT PACKAGE…: the packages, taken from SUITE, and all they depend on, as files below ROOT.
unpack() {
  local suite=$1 root=$2 work=$2/.apt mirror deb listed
  shift 2
  mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n 1)
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  # To a machine where nothing is installed every package is missing, so all of them are fetched.
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

# wrap ROOT BIN PROGRAM TARGET: BIN/PROGRAM runs ROOT's TARGET with ROOT's own loader and libraries.
wrap() {
  local root=$1 loader
  loader=$(find "$root/usr/lib64" "$root/usr/lib" -maxdepth 1 -name 'ld-linux-*.so.*' | head -n 1)
  local libraries
  libraries=$(dirname "$(find "$root/usr/lib" -name 'libc.so.6' | head -n 1)")
  printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s/usr/bin/%s" "$@"\n' "$loader" "$libraries" "$root" "$4" >"$2/$3"
  chmod +x "$2/$3"
}

# fetch NAME SUITE FLAVOUR: unpacks it, unless that was done.
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

# run_on NAME [FILTER…]: the tests, with that server in the place of the system's.
run_on() {
  local bin=$PWD/target/servers/$1/bin
  shift
  cargo build --locked --quiet --workspace --all-targets --features faults </dev/null
  PATH="$bin:$PATH" redis-server --version
  PATH="$bin:$PATH" cargo nextest run --locked --workspace --features faults --no-fail-fast "$@" -- --skip memcheck </dev/null
}

# What differs from server to server: files, replication, rights, what the server is told of commands and settings, slots.
SMOKE='(binary(suite) & test(/^(absent|acl|acl_categories|command_info|config|failover|hostile_payloads|info|keyspace|panic|persistence|replication|smoke|swapdb)::/))'
SMOKE="$SMOKE | test(=acl::acl) | test(=slots::slots) | test(=upgrade::upgrade)"

# The newest is the one that differs most.
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
have apt-get && have dpkg || die "Other servers are taken from Debian's packages, which takes apt-get and dpkg."
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
