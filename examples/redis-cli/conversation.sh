#!/usr/bin/env bash
# A piece of a bot's conversation over redis-cli: create, read, move on, lose a race, go back, read the audit stream.
#
#     conversation.sh [KEY]
#
# KEY is a channel that has no state yet. REDIS_STATE_URL names the server; REDIS_STATE_PROTOCOL is 3 (RESP3, the
# default) or 2. docs/clients.md explains each part.
set -euo pipefail

TRIES=3

key=${1:-channel:+263771234567}
url=${REDIS_STATE_URL:-redis://127.0.0.1:6379/0}
protocol=${REDIS_STATE_PROTOCOL:-3}

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

# call COMMAND…: puts the reply into $reply, a line for each of its parts. A refusal is false, its first word in $refused.
call() {
  # With -e an error gives an exit status of its own, and comes over standard error alone.
  if reply=$(redis-cli -u "$url" "-$protocol" --no-auth-warning -e "$@" 2>&1); then
    refused=
  else
    refused=${reply%% *}
    return 1
  fi
}

# field NAME: the value of a member of the map in $reply. RESP3 has name and value on one line, RESP2 on a line each.
field() { sed -n -e "/^$1 /{s///p;q;}" -e "/^$1\$/{n;p;q;}" <<<"$reply"; }

# read_state: $etag and $step. The shell has no JSON, so it asks for the members it needs; each comes as JSON.
read_state() {
  local path component
  call STATE.GET "$key" /current/path /current/component || die "$reply"
  [ -n "$reply" ] || die "$key has no state: the session is over, or never began"
  { read -r etag && read -r path && read -r component; } <<<"$reply"
  step=$path/$component
  step=${step//\"/}
}

# answer MESSAGE_ID DECIDE: carries out a message once, and puts the etag of what it led to into $reply; nothing if it came
# before and was decided otherwise. The function DECIDE puts the change that follows from $step into $change.
answer() {
  local try
  for ((try = 1; try <= TRIES; try++)); do
    read_state
    "$2"
    call STATE.UPDATE "$key" "$etag" "$change" ID "$1" && return
    case $refused in
      CONFLICT) ;; # Somebody else was faster: read again, decide again.
      IDMISMATCH) # It came before. What was decided then stands, since the state has moved on.
        reply=
        return
        ;;
      *) die "$reply" ;;
    esac
  done
  die "$key: somebody else was faster $TRIES times"
}

# What this bot decides: a merge patch that leads to the next step, and leaves all other members alone.
next_step() {
  case $step in
    login/Greeting) change='{"current":{"path":"login","component":"LoginApiCall"}}' ;;
    login/LoginApiCall) change='{"current":{"path":"onboard","component":"Welcome"}}' ;;
    onboard/Welcome) change='{"current":{"path":"onboard","component":"FirstNameInput"}}' ;;
    onboard/FirstNameInput) change='{"current":{"path":"onboard","component":"LastNameInput"}}' ;;
    *) die "no step follows $step" ;;
  esac
}

# 0 says that no state is there yet. The schema brings the defaults, the steps and the time that a session lasts.
channel='{"channel":{"type":"whatsapp","identifier":"'${key#channel:}'"}}'
call STATE.UPDATE "$key" 0 "$channel" SCHEMA vimbiso.channel EVENT first_contact || die "$reply"
echo "created     $reply"

read_state
first=$etag
echo "read        $first $step"

# When no reply comes, send the very same command again: with its ID it is carried out once, and answered as it was.
next_step
move=(STATE.UPDATE "$key" "$first" "$change" ID wamid.1)
call "${move[@]}" || die "$reply"
echo "moved       $reply"
call "${move[@]}" || die "$reply"
echo "sent again  $reply"

# The first etag is past by now, so nothing is written.
call STATE.UPDATE "$key" "$first" "$change" || echo "refused     $refused"

# The decision takes a while; during the first try another handler, which waits for nobody, moves the conversation.
tries=0
decide() {
  tries=$((tries + 1))
  next_step
  if [ "$tries" = 1 ]; then call STATE.UPDATE "$key" '*' "$change" ACTOR login_api || die "$reply"; fi
}
answer wamid.2 decide
etag=$reply
echo "answered    $etag after $tries tries"

# The webhook delivers the message once more. From where the conversation is now, it would go a step too far.
answer wamid.2 next_step
echo "came again  ${reply:-counted already}"

call STATE.ROLLBACK "$key" "$etag" NOTE "person said back" || die "$reply"
read_state
echo "rolled back $etag $step"

call STATE.META "$key" || die "$reply"
echo "meta        version $(field version), schema $(field schema), valid $(field valid)"

audit=$(field audit)
call XRANGE "$audit" - + || die "$reply"
awk '$0 == "event" { getline event } $0 == "version" { getline; print "audit      ", $0, event }' <<<"$reply"
