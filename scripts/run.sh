#!/usr/bin/env bash
# Builds the module in release and starts redis-server with it in the foreground, with redis.conf.
#
# The port is PORT, else that of REDIS_STATE_URL, which the bot reads too, else 6379. A password in
# the URL becomes the server's. redis-server reads it from standard input, because every user of the
# machine can read a command line.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

server_address
[ -n "$local_server" ] || die "REDIS_STATE_URL points to $host, another machine: unset it to start a server here, or start one there."
case $user in
  default | "") ;;
  *) die "REDIS_STATE_URL names the user $user, but this server has the default user only. docs/operations.md shows how to add users." ;;
esac
case $password in
  *[%\"\\]*) die "The password in REDIS_STATE_URL has a %, a quote or a backslash: choose another, or start the server by hand with redis.conf." ;;
esac

need_cargo
need_build
need_server
if (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
  die "Port $port is taken, perhaps by another Redis: stop that server, or use another port: make run PORT=$((port + 1))"
fi

build_module

mkdir -p .data
options=(--port "$port")
# Two servers that write the same files would destroy them.
if [ "$port" != 6379 ]; then options+=(--dbfilename "dump-$port.rdb" --appenddirname "appendonlydir-$port"); fi

cli="redis-cli -p $port"
[ -z "$password" ] || cli="$cli --askpass"
say "In another terminal:"
say "  $cli STATE.UPDATE channel:+263771000001 '*' '{\"channel\":{\"type\":\"whatsapp\",\"identifier\":\"+263771000001\"}}' SCHEMA vimbiso.channel"
say "  $cli STATE.GET channel:+263771000001"
say
if [ -n "$password" ]; then
  exec redis-server redis.conf "${options[@]}" - <<<"requirepass \"$password\""
fi
exec redis-server redis.conf "${options[@]}"
