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
  form='^redis://(([^:@/]*):([^@/]*)@)?(\[[^]]*\]|[^]:@/?[]*)(:([0-9]+))?([/?].*)?$'
  [[ $url =~ $form ]] || die "REDIS_STATE_URL is not of the form redis://127.0.0.1:6390/0, which is all that a server of this machine has."
  user=${BASH_REMATCH[2]} password=${BASH_REMATCH[3]} host=${BASH_REMATCH[4]} port=${BASH_REMATCH[6]:-$port}
  case $host in
    127.* | localhost | "[::1]" | "") ;;
    *) die "REDIS_STATE_URL points to $host, another machine: unset it to start a server here, or start one there." ;;
  esac
  case $user in
    default | "") ;;
    *) die "REDIS_STATE_URL names the user $user: this server has the default one only; docs/operations.md shows how to add more." ;;
  esac
  case $password in
    *[%\"\\]*) die "REDIS_STATE_URL has a password with %, a quote or a backslash: choose another, or start the server yourself with redis.conf." ;;
  esac
fi
port=${PORT:-$port}
case $port in
  *[!0-9]*) die "PORT=$port is not a port: use a number, such as PORT=6390." ;;
esac

need_cargo
need_build
need_server
if (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
  die "Port $port is taken, perhaps by another Redis: stop that one, or use another port: make run PORT=6390"
fi

build_module

mkdir -p .data
options=(--port "$port")
# Two servers on the same files would destroy them.
if [ "$port" != 6379 ]; then options+=(--dbfilename "dump-$port.rdb" --appenddirname "appendonlydir-$port"); fi

cli="redis-cli -p $port"
[ -z "$password" ] || cli="$cli --askpass"
say "Try this in another terminal:"
say "  $cli STATE.UPDATE channel:+263771234567 '*' '{\"channel\":{\"type\":\"whatsapp\",\"identifier\":\"+263771234567\"}}' SCHEMA vimbiso.channel"
say "  $cli STATE.GET channel:+263771234567"
say
if [ -n "$password" ]; then
  exec redis-server redis.conf "${options[@]}" - <<<"requirepass \"$password\""
fi
exec redis-server redis.conf "${options[@]}"
