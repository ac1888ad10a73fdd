#!/usr/bin/env bash
# Builds the bot and plays it in this terminal, against the server of `make run`.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

need_cargo
cargo build --locked -p redis-state-bot
exec target/debug/redis-state-bot terminal --channel "${CHANNEL:-+263771234567}" "$@"
