"""A piece of a bot's conversation over redis-py: create, read, move on, lose a race, go back, read the audit stream.

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
    """A map of the server: RESP3 brings a dict, RESP2 a list of names and values in turn."""
    return dict(zip(reply[::2], reply[1::2])) if isinstance(reply, list) else reply


def first_word(error: ResponseError) -> str:
    """What kind of refusal it is; redis-py moves a word that it knows (ERR, NOPERM, OOM) from the text to status_code."""
    return error.status_code or str(error).split(" ", 1)[0]


def read(redis: Redis, key: str) -> tuple[str, Document]:
    state = redis.execute_command("STATE.GET", key)
    if state is None:
        raise LookupError(f"{key} has no state: the session is over, or never began")
    etag, document = state
    return etag, json.loads(document)


def answer(redis: Redis, key: str, message_id: str, decide: Callable[[Document], Document]) -> str | None:
    """Carries out a message once: the etag of what it led to, or None if it came before and was decided otherwise."""
    for _ in range(TRIES):
        etag, document = read(redis, key)
        change = json.dumps(decide(document))
        try:
            return redis.execute_command("STATE.UPDATE", key, etag, change, "ID", message_id)
        except ResponseError as error:
            match first_word(error):
                case "CONFLICT":
                    continue  # Somebody else was faster: read again, decide again.
                case "IDMISMATCH":
                    return None  # It came before. What was decided then stands, since the state has moved on.
                case _:
                    raise
    raise RuntimeError(f"{key}: somebody else was faster {TRIES} times")


def step(document: Document) -> str:
    return "{path}/{component}".format_map(document["current"])


def next_step(document: Document) -> Document:
    """What this bot decides: a merge patch that leads to the next step, and leaves all other members alone."""
    path, component = NEXT[step(document)].split("/")
    return {"current": {"path": path, "component": component}}


def main() -> None:
    key = sys.argv[1] if len(sys.argv) > 1 else "channel:+263771234567"
    redis = connect()

    # 0 says that no state is there yet. The schema brings the defaults, the steps and the time that a session lasts.
    channel = json.dumps({"channel": {"type": "whatsapp", "identifier": key.removeprefix("channel:")}})
    create = ("STATE.UPDATE", key, 0, channel, "SCHEMA", "vimbiso.channel", "EVENT", "first_contact")
    print("created    ", redis.execute_command(*create))

    first, document = read(redis, key)
    print("read       ", first, step(document))

    # When no reply comes, send the very same command again: with its ID it is carried out once, and answered as it was.
    move = ("STATE.UPDATE", key, first, json.dumps(next_step(document)), "ID", "wamid.1")
    print("moved      ", redis.execute_command(*move))
    print("sent again ", redis.execute_command(*move))

    # The first etag is past by now, so nothing is written.
    try:
        redis.execute_command("STATE.UPDATE", key, first, json.dumps(next_step(document)))
    except ResponseError as error:
        print("refused    ", first_word(error))

    tries = 0

    def decide(document: Document) -> Document:
        """Takes a while; during the first try another handler, which waits for nobody, moves the conversation."""
        nonlocal tries
        tries += 1
        if tries == 1:
            redis.execute_command("STATE.UPDATE", key, "*", json.dumps(next_step(document)), "ACTOR", "login_api")
        return next_step(document)

    etag = answer(redis, key, "wamid.2", decide)
    print("answered   ", etag, "after", tries, "tries")

    # The webhook delivers the message once more. From where the conversation is now, it would go a step too far.
    again = answer(redis, key, "wamid.2", next_step)
    print("came again ", "counted already" if again is None else again)

    etag, document = redis.execute_command("STATE.ROLLBACK", key, etag, "NOTE", "person said back", "RETURN")
    print("rolled back", etag, step(json.loads(document)))

    meta = redis.execute_command("STATE.META", key)
    print("meta       ", "version {version}, schema {schema}, valid {valid}".format_map(meta))

    for _, entry in redis.xrange(meta["audit"]):
        print("audit      ", entry["version"], entry["event"])


if __name__ == "__main__":
    main()
