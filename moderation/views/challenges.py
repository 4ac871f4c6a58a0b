"""What a passkey was asked: kept in the browser's session until its answer comes, for five minutes, for one answer."""

from base64 import b64decode, b64encode
from datetime import UTC, datetime
from ipaddress import ip_address
from time import time
from urllib.parse import urlsplit

from flask import Response, session
from flask.typing import ResponseReturnValue

from moderation.access.passkeys import Passkeys
from moderation.errors import BadInput
from moderation.views import services

SECONDS = 300


def possible() -> bool:
    """Whether browsers bind passkeys to the desk's address: it needs a name, and https unless it is this machine."""
    origin = urlsplit(services().settings.public_url)
    try:
        ip_address(origin.hostname or "")
    except ValueError:
        return origin.scheme == "https" or origin.hostname == "localhost"
    return False


def passkeys() -> Passkeys:
    """Return the passkeys of the address at which moderators reach the desk."""
    origin = urlsplit(services().settings.public_url)
    return Passkeys(f"{origin.scheme}://{origin.netloc}", origin.hostname or "")


def challenge(options: str, value: bytes) -> ResponseReturnValue:
    """Answer with what the browser is asked, and keep the challenge."""
    session["challenge"] = {"value": b64encode(value).decode(), "until": time() + SECONDS}
    return Response(options, content_type="application/json")


def take_challenge() -> tuple[bytes, datetime]:
    """Return the challenge that was kept, and when it was asked; BadInput where there is none any more."""
    kept = session.pop("challenge", None)
    if kept is None or kept["until"] < time():
        raise BadInput("That took too long. Please try again.", code="no_challenge", field="credential")
    return b64decode(kept["value"]), datetime.fromtimestamp(kept["until"] - SECONDS, UTC)
