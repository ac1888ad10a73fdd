#!/usr/bin/env bash
# A bot's conversation over redis-cli: create, read, update, conflict, rollback, audit stream.
#
#     conversation.sh [KEY]
#
# KEY is a channel that has no state yet. REDIS_STATE_URL names the server; REDIS_STATE_PROTOCOL is
# 3 (RESP3, the default) or 2. docs/clients.md explains each part.
set -euo pipefail

TRIES=3

key=${1:-channel:+263772000003}
url=${REDIS_STATE_URL:-redis://127.0.0.1:6379/0}
protocol=${REDIS_STATE_PROTOCOL:-3}

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

# call COMMAND…: sets $reply, one line for each part. On an error it fails and sets $error to the
# first word of the error.
call() {
  # With -e an error sets the exit status and goes to standard error.
  if reply=$(redis-cli -u "$url" "-$protocol" --no-auth-warning -e "$@" 2>&1); then
    error=
  else
    error=${reply%% *}
    return 1
  fi
}

# field NAME: a field of the map in $reply. RESP3 prints name and value on one line, RESP2 on two.
field() { sed -n -e "/^$1 /{s///p;q;}" -e "/^$1\$/{n;p;q;}" <<<"$reply"; }

# read_state: sets $etag and $step. The shell has no JSON parser, so it reads single members.
read_state() {
  local path component
  call STATE.GET "$key" /current/path /current/component || die "$reply"
  [ -n "$reply" ] || die "$key has no state: the session has expired or never began"
  { read -r etag && read -r path && read -r component; } <<<"$reply"
  step=$path/$component
  step=${step//\"/}
}

# answer MESSAGE_ID DECIDE: applies a message once and sets $reply to its etag, or to nothing for a
# redelivery that decides differently. The function DECIDE sets $change, depending on $step.
answer() {
  local try
  for ((try = 1; try <= TRIES; try++)); do
    read_state
    "$2"
    call STATE.UPDATE "$key" "$etag" "$change" ID "$1" && return
    case $error in
      CONFLICT) ;; # Another client changed the state: read again, decide again.
      IDMISMATCH) # A redelivery: the first decision stands, because the state has moved on.
        reply=
        return
        ;;
      *) die "$reply" ;;
    esac
  done
  die "$key: conflict in all $TRIES tries"
}

# The decision of this bot: a merge patch to the next step, which leaves other members alone.
next_step() {
  case $step in
    login/Greeting) change='{"current":{"path":"login","component":"LoginApiCall"}}' ;;
    login/LoginApiCall) change='{"current":{"path":"onboard","component":"Welcome"}}' ;;
    onboard/Welcome) change='{"current":{"path":"onboard","component":"FirstNameInput"}}' ;;
    onboard/FirstNameInput) change='{"current":{"path":"onboard","component":"LastNameInput"}}' ;;
    *) die "no step follows $step" ;;
  esac
}

# 0: no state exists yet. The schema adds the defaults, the transitions and the expiry.
channel='{"channel":{"type":"whatsapp","identifier":"'${key#channel:}'"}}'
call STATE.UPDATE "$key" 0 "$channel" SCHEMA vimbiso.channel EVENT first_contact || die "$reply"
echo "created     $reply"

read_state
first=$etag
echo "read        $first $step"

# After a timeout, send the same command again: its ID makes it idempotent, with the same reply.
next_step
move=(STATE.UPDATE "$key" "$first" "$change" ID wamid.1)
call "${move[@]}" || die "$reply"
echo "moved       $reply"
call "${move[@]}" || die "$reply"
echo "resent      $reply"

# The first etag is stale by now, so the server rejects the update.
call STATE.UPDATE "$key" "$first" "$change" || echo "rejected    $error"

# The decision is slow: during the first try another handler moves the conversation.
tries=0
decide() {
  tries=$((tries + 1))
  next_step
  if [ "$tries" = 1 ]; then call STATE.UPDATE "$key" '*' "$change" ACTOR login_api || die "$reply"; fi
}
answer wamid.2 decide
etag=$reply
echo "answered    $etag after $tries tries"

# The webhook delivers the message again. Without the ID, it would move one step too far.
answer wamid.2 next_step
echo "redelivered ${reply:-already counted}"

call STATE.ROLLBACK "$key" "$etag" NOTE "user said back" || die "$reply"
read_state
echo "rolled back $etag $step"

call STATE.META "$key" || die "$reply"
echo "meta        version $(field version), schema $(field schema), valid $(field valid)"

audit=$(field audit)
call XRANGE "$audit" - + || die "$reply"
awk '$0 == "event" { getline event } $0 == "version" { getline; print "audit      ", $0, event }' <<<"$reply"
