"""A bot's conversation over redis-py: create, read, update, conflict, rollback, audit stream.

    python conversation.py [KEY]

KEY is a channel that has no state yet. REDIS_STATE_URL names the server; REDIS_STATE_PROTOCOL is 3 (RESP3, the default)
or 2. docs/clients.md explains each part.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

TRIES = 3

NEXT = {
    "login/Greeting": "login/LoginApiCall",
    "login/LoginApiCall": "onboard/Welcome",
    "onboard/Welcome": "onboard/FirstNameInput",
    "onboard/FirstNameInput": "onboard/LastNameInput",
}

Document = dict[str, Any]


def connect() -> Redis:
    url = os.environ.get("REDIS_STATE_URL", "redis://127.0.0.1:6379/0")
    protocol = int(os.environ.get("REDIS_STATE_PROTOCOL", "3"))
    redis = Redis.from_url(url, protocol=protocol, decode_responses=True)
    redis.set_response_callback("STATE.META", as_dict)
    return redis


def as_dict(reply: Any) -> Any:
    """A map in a reply: RESP3 sends a map, RESP2 a flat list of names and values."""
    return dict(zip(reply[::2], reply[1::2])) if isinstance(reply, list) else reply


def first_word(error: ResponseError) -> str:
    """The first word of an error. redis-py moves words that it knows (ERR, NOPERM, OOM) to status_code."""
    return error.status_code or str(error).split(" ", 1)[0]


def read(redis: Redis, key: str) -> tuple[str, Document]:
    state = redis.execute_command("STATE.GET", key)
    if state is None:
        raise LookupError(f"{key} has no state: the session has expired or never began")
    etag, document = state
    return etag, json.loads(document)


def answer(redis: Redis, key: str, message_id: str, decide: Callable[[Document], Document]) -> str | None:
    """Applies a message once: its etag, or None for a redelivery that decides differently."""
    for _ in range(TRIES):
        etag, document = read(redis, key)
        change = json.dumps(decide(document))
        try:
            return redis.execute_command("STATE.UPDATE", key, etag, change, "ID", message_id)
        except ResponseError as error:
            match first_word(error):
                case "CONFLICT":
                    continue  # Another client changed the state: read again, decide again.
                case "IDMISMATCH":
                    return None  # A redelivery: the first decision stands, because the state has moved on.
                case _:
                    raise
    raise RuntimeError(f"{key}: conflict in all {TRIES} tries")


def step(document: Document) -> str:
    return "{path}/{component}".format_map(document["current"])


def next_step(document: Document) -> Document:
    """The decision of this bot: a merge patch to the next step, which leaves other members alone."""
    path, component = NEXT[step(document)].split("/")
    return {"current": {"path": path, "component": component}}


def main() -> None:
    key = sys.argv[1] if len(sys.argv) > 1 else "channel:+263772000001"
    redis = connect()

    # 0: no state exists yet. The schema adds the defaults, the transitions and the expiry.
    channel = json.dumps({"channel": {"type": "whatsapp", "identifier": key.removeprefix("channel:")}})
    create = ("STATE.UPDATE", key, 0, channel, "SCHEMA", "vimbiso.channel", "EVENT", "first_contact")
    print("created    ", redis.execute_command(*create))

    first, document = read(redis, key)
    print("read       ", first, step(document))

    # After a timeout, send the same command again: its ID makes it idempotent, with the same reply.
    move = ("STATE.UPDATE", key, first, json.dumps(next_step(document)), "ID", "wamid.1")
    print("moved      ", redis.execute_command(*move))
    print("resent     ", redis.execute_command(*move))

    # The first etag is stale by now, so the server rejects the update.
    try:
        redis.execute_command("STATE.UPDATE", key, first, json.dumps(next_step(document)))
    except ResponseError as error:
        print("rejected   ", first_word(error))

    tries = 0

    def decide(document: Document) -> Document:
        """Is slow: during the first try another handler moves the conversation."""
        nonlocal tries
        tries += 1
        if tries == 1:
            redis.execute_command("STATE.UPDATE", key, "*", json.dumps(next_step(document)), "ACTOR", "login_api")
        return next_step(document)

    etag = answer(redis, key, "wamid.2", decide)
    print("answered   ", etag, "after", tries, "tries")

    # The webhook delivers the message again. Without the ID, it would move one step too far.
    again = answer(redis, key, "wamid.2", next_step)
    print("redelivered", "already counted" if again is None else again)

    etag, document = redis.execute_command("STATE.ROLLBACK", key, etag, "NOTE", "user said back", "RETURN")
    print("rolled back", etag, step(json.loads(document)))

    meta = redis.execute_command("STATE.META", key)
    print("meta       ", "version {version}, schema {schema}, valid {valid}".format_map(meta))

    for _, entry in redis.xrange(meta["audit"]):
        print("audit      ", entry["version"], entry["event"])


if __name__ == "__main__":
    main()
