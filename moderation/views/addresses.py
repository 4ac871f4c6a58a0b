"""Addresses of our own pages: whether one is, and the same with something else in it."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

_LOCAL = re.compile(r"/(?![/\\])[\x21-\x7e]*$")
"""A path of ours. Browsers take a backslash for a slash, and drop control characters."""


def local(address: str | None) -> str | None:
    """The address if it leads to a page of ours, else None: a link must not send people elsewhere."""
    return address if address and _LOCAL.match(address) else None


def arguments(address: str | None) -> dict[str, str]:
    """Return what an address of ours says behind the question mark."""
    return dict(parse_qsl(urlsplit(local(address) or "").query))


def with_arguments(address: str, **changes: object) -> str:
    """Return the address with other arguments; None takes one out."""
    wanted = arguments(address) | changes
    query = urlencode({name: value for name, value in wanted.items() if value is not None})
    return urlsplit(address).path + (f"?{query}" if query else "")
