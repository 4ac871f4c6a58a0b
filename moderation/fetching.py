"""A visitor's socket, on which no thread waits until an answer is fetched."""

import select
import socket
from contextlib import suppress
from typing import Any

MOST_UNSENT = 4_000_000
"""Bytes of one answer that wait in memory; only of what is longer a thread waits until some was fetched."""

FETCHED_WITHIN = 10.0
"""Seconds for which it then waits."""

PIECE = 65_536


class Line(socket.socket):
    """Keeps what a visitor does not take at once of an answer, for whoever hears all visitors to send on.

    It never waits by itself, whatever gunicorn asks of it before each request: what is asked of the system lets other
    threads go first.
    """

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        super().setblocking(False)
        self.unsent = bytearray()
        self.keeps_head = False
        """Whether the next piece is the head of an answer, which leaves together with what follows it."""

    def setblocking(self, flag: bool) -> None:
        """Stay as it is."""

    def settimeout(self, value: float | None) -> None:
        """Stay as it is."""

    def heard(self) -> bytes | None:
        """Return what has come; nothing at its end, None where there is nothing yet."""
        try:
            return self.recv(65_536)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def push(self) -> None:
        """Send as much as the visitor takes now; OSError where they are gone."""
        with suppress(BlockingIOError, InterruptedError):
            while self.unsent:
                del self.unsent[: self.send(self.unsent[:PIECE], socket.MSG_DONTWAIT)]

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ARG002 - as a socket has it
        """Send what the visitor takes, keep the rest or a head; OSError where they are gone or fetch too slowly."""
        self.unsent += data
        if self.keeps_head:
            self.keeps_head = False
            return
        self.push()
        while len(self.unsent) > MOST_UNSENT:
            waiting = select.poll()
            waiting.register(self, select.POLLOUT)
            if not waiting.poll(1000 * FETCHED_WITHIN):
                raise TimeoutError("The answer is not fetched.")
            self.push()

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file, or ``count`` bytes of it, as ``sendall`` does; return how many."""
        file.seek(offset)
        data = file.read() if count is None else file.read(count)
        self.sendall(data)
        return len(data)
