"""What has arrived of a request, and whether that is all of it: read as gunicorn will, so that no thread waits then."""

import re

LONGEST_HEAD = 32_768
"""Bytes of a request's head; gunicorn refuses what is longer."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked", re.IGNORECASE)
_ASKS_FIRST = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})(?![0-9A-Fa-f])[^\r\n]{0,200}\r\n")
_TO_WEBHOOK = re.compile(rb"POST [^ \r]*/webhooks/[^ /\r]+/comments[ ?]")
LONGEST_CHUNK_LINE = 220
LONGEST_NUMBER = 18
"""Digits of a length, noughts before it not counted; what is longer is longer than anything that is read."""


class Refused(Exception):
    """Nothing more is heard; the message is the status to say so with."""


class Arriving:
    """What has arrived of a request, and what is to be done with it."""

    def __init__(self, longest_body: int) -> None:
        self.got = bytearray()
        self.is_too_long = False
        self._longest = longest_body
        self._searched = 0
        self._body_at = 0
        self._ends_at: int | None = None
        self._chunk_at = 0

    @property
    def asks_first(self) -> bool:
        """Whether the sender waits for a word before it sends the body."""
        return 0 < self._body_at == len(self.got) and bool(_ASKS_FIRST.search(self.got, 0, self._body_at))

    @property
    def seems_new_comment(self) -> bool:
        """Whether it looks like the webhook of a new comment: by that goes who answers it, not what is answered."""
        return bool(_TO_WEBHOOK.match(self.got)) and b"comment.created" in self.got

    def is_whole(self) -> bool:
        """Whether the application can have it without waiting; a body that is too long it refuses unread.

        Refused where there is no sense in hearing more.
        """
        if not self._body_at and not self._read_head():
            return False
        if self._ends_at is None:
            return self._read_chunks()
        return self.is_too_long or len(self.got) >= self._ends_at

    def _read_head(self) -> bool:
        end = self.got.find(b"\r\n\r\n", max(0, self._searched - 3))
        self._searched = len(self.got)
        if max(end, self._searched if end < 0 else 0) > LONGEST_HEAD:
            raise Refused("431 Request Header Fields Too Large")
        if end < 0:
            return False
        self._body_at = self._chunk_at = end + 4
        if not _CHUNKED.search(self.got, 0, end + 2):
            length = _LENGTH.search(self.got, 0, end + 2)
            digits = length[1].lstrip(b"0") if length else b""
            self._ends_at = self._body_at + int(digits[:LONGEST_NUMBER] or b"0")
            self.is_too_long = len(digits) > LONGEST_NUMBER or self._ends_at - self._body_at > self._longest
        return True

    def _read_chunks(self) -> bool:
        """Whether the last chunk is here."""
        while (found := _CHUNK.match(self.got, self._chunk_at)) and int(found[1], 16):
            self._chunk_at = found.end() + int(found[1], 16) + 2
        if max(self._chunk_at, len(self.got)) - self._body_at > 2 * self._longest + LONGEST_HEAD:
            raise Refused("413 Content Too Large")
        if found is None:
            if len(self.got) - self._chunk_at > LONGEST_CHUNK_LINE:
                raise Refused("400 Bad Request")
            return False
        if self.got.find(b"\r\n\r\n", found.end() - 2) >= 0:
            return True
        if len(self.got) - found.end() > LONGEST_HEAD:  # looked through with each byte that comes
            raise Refused("431 Request Header Fields Too Large")
        return False
