#!/usr/bin/env bash
# Builds the bot and plays it in this terminal, against the server of `make run`.
#
# The server is that of REDIS_STATE_URL, else 127.0.0.1:6379. PORT replaces the port, as in
# `make run`. The address goes through the environment, because it may contain a password.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

# Any URL will do that the bot understands, so only PORT needs its parts.
if [ -n "${PORT:-}" ]; then
  server_address
  export REDIS_STATE_URL="redis://${login:+$login@}$host:$port${database:-/0}"
fi
need_cargo
build_release -p redis-state-bot
exec target/release/redis-state-bot terminal ${CHANNEL:+--channel "$CHANNEL"} "$@"
