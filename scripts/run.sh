#!/usr/bin/env bash
# Builds the module in release and starts redis-server with it, in the foreground, with redis.conf.
#
# PORT= names the port; else REDIS_STATE_URL does, the variable that the bot reads; else it is 6379. A password in the URL
# becomes this server's, given over standard input, because everybody on the machine can read a command line.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

password=
port=6379
url=${REDIS_STATE_URL:-}
if [ -n "$url" ]; then
  case $url in
    redis://*) ;;
    *) die "REDIS_STATE_URL is $url: this server speaks plain redis:// only, such as redis://127.0.0.1:6390/0." ;;
  esac
  address=${url#redis://}
  address=${address%%[/?]*}
  case $address in
    *%*@*) die "REDIS_STATE_URL has an encoded password: choose one without %, or start the server yourself with redis.conf." ;;
    :*@* | default:*@*) password=${address%@*} password=${password#*:} ;;
    *@*) die "REDIS_STATE_URL names a user: this server has the default one only. docs/operations.md shows how to add more." ;;
  esac
  address=${address##*@}
  case $address in
    127.* | localhost | localhost:* | \[::1\]* | :* | "") ;;
    *) die "REDIS_STATE_URL points to $address, another machine: unset it to start a server here, or start one there." ;;
  esac
  case $address in
    *\]:* | *[!:]:[0-9]* | :*) port=${address##*:} ;;
  esac
fi
port=${PORT:-${port:-6379}}
case $port in
  *[!0-9]* | "") die "PORT=$port is not a port: use a number, such as PORT=6390." ;;
esac

need_cargo
need_build
need_server
if (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
  die "Port $port is taken, perhaps by another Redis: stop that one, or use another port: make run PORT=6390"
fi

cargo build --release --locked
need_one_module_name target/release

mkdir -p .data
options=(--port "$port")
# Two servers on the same files would destroy them.
if [ "$port" != 6379 ]; then options+=(--dbfilename "dump-$port.rdb" --appenddirname "appendonlydir-$port"); fi

cli="redis-cli -p $port"
[ -z "$password" ] || cli="redis-cli -u \$REDIS_STATE_URL"
say "Try this in another terminal:"
say "  $cli STATE.UPDATE channel:+263771234567 '*' '{\"channel\":{\"type\":\"whatsapp\",\"identifier\":\"+263771234567\"}}' SCHEMA vimbiso.channel"
say "  $cli STATE.GET channel:+263771234567"
say
if [ -n "$password" ]; then
  exec redis-server redis.conf "${options[@]}" - <<<"requirepass \"$password\""
fi
exec redis-server redis.conf "${options[@]}"
