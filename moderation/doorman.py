"""A worker of gunicorn's that lets no request take a thread before it has arrived whole, whoever dawdles.

gunicorn's own threads wait for each visitor: a few hundred who open a connection and say nothing, or a byte now and
then, keep all of them. Here one loop hears all visitors at once, as a proxy in front would, within bounds: of time, of
connections, and of memory. Whoever has waited longest is let go first, so that those who say quickly what they want
are always heard.
"""

import re
import resource
import selectors
import socket
import time
from collections import Counter, OrderedDict
from contextlib import suppress
from functools import partial
from itertools import islice, takewhile
from typing import Any

from gunicorn import http
from gunicorn.workers.gthread import TConn, ThreadWorker

from moderation.config import load_settings

ARRIVES_WITHIN = 15.0
"""Seconds a request may take to arrive, all of it."""

LEAVES_WITHIN = 10.0
"""Seconds an answer may take to be fetched, or a part of it that is written at once."""

VISITORS = 10_000
"""Connections of a process, if the system allows it so many files: a silent one costs a few kilobytes."""

FEWEST = 32

OTHER_FILES = 224
"""Files that a process has open besides: of databases, of answers."""

AT_ONCE = 64
"""Visitors that are let in before others are heard again."""

HELD = 64_000_000
"""Bytes of requests on their way that a process holds."""

LONGEST_HEAD = 32_768
"""Bytes of a request's head; gunicorn refuses what is longer."""

LINGERS = 2.0
"""Seconds for which a connection that we closed is listened to, so that the answer is not lost with it."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked", re.IGNORECASE)
_ASKS_FIRST = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})(?![0-9A-Fa-f])[^\r\n]{0,200}\r\n")
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


class Visitor(TConn):  # type: ignore[misc]
    """A connection, with what has arrived on it."""

    arriving: Arriving
    worker: "Doorman"
    is_listened_to = False
    """Whether the loop is told when something more of a request comes."""
    holds = 0
    """Bytes of a request that count among those a process holds, until it is answered or sent away."""

    def close(self, graceful: bool = False) -> None:
        """Close it; gracefully, the worker goes on listening for a moment and waits for nobody meanwhile."""
        if graceful:
            self.worker.see_off(self)
        else:
            super().close()


class Doorman(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threads, behind a loop that hears all visitors."""

    alive: bool
    """Whether it goes on; False as soon as it is to stop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.worker_connections = self._most = max(FEWEST, min(VISITORS, _files_allowed() - OTHER_FILES))
        self._longest_body = load_settings().max_body_bytes
        # Until when; in the order in which they began. Of a plain dict, the first is slow to find after many deletions.
        self._arriving: OrderedDict[Visitor, float] = OrderedDict()
        self._leaving: OrderedDict[Visitor, float] = OrderedDict()
        self._held = 0

    def is_parent_alive(self) -> bool:
        """Whether gunicorn's master lives; without it a process stops as if it had been told to."""
        self.alive = self.alive and bool(super().is_parent_alive())
        return self.alive

    def set_accept_enabled(self, enabled: bool) -> None:
        """Let in whoever comes, or nobody more; a process that stops lets its port go before all else.

        What it has begun may take it half a minute, and meanwhile another could not listen there. Whoever stands at
        the door by then is let in: they would hear nothing.
        """
        was_open = self._accepting
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                if was_open:
                    self.accept(listener)
                listener.close()

    def accept(self, listener: Any) -> None:
        """Let in who waits at the door; where it is full, whoever has dawdled longest has to go."""
        for _ in range(AT_ONCE):
            try:
                sock, address = listener.accept()
            except OSError:
                return  # nobody there, gone again, or no file left: the next comes
            while self.nr_conns + len(self._leaving) >= self._most - 1 and self._let_go():
                pass
            self.nr_conns += 1
            visitor = Visitor(self.cfg, sock, address, listener.getsockname())
            visitor.worker = self
            self.enqueue_req(visitor)

    def _let_go(self) -> bool:
        """End connections that can be spared best, some at once as choosing takes long; False where there are none."""
        if self._leaving:
            self._end(next(iter(self._leaving)))
        elif len(self.keepalived_conns) > len(self._arriving):  # whoever fills the house goes: here by staying
            self.keepalived_conns[0].timeout = 0
            super().murder_keepalived()
        elif self._arriving:
            crowd = Counter(conn.client[:1] for conn in self._arriving).most_common(1)[0][0]
            of_it = (conn for conn in self._arriving if conn.client[:1] == crowd)
            for conn in list(islice(of_it, 1 + self._most // 128)):
                self._send_away(conn)
        else:
            return False
        return True

    def on_client_socket_readable(self, conn: Visitor, client: Any) -> None:
        """Hear what follows an answer, unless the visitor was let go a moment ago, for somebody heard before it."""
        if client.fileno() >= 0:
            super().on_client_socket_readable(conn, client)

    def enqueue_req(self, conn: Visitor) -> None:
        """Hear what a visitor wants: mostly it is there already, and nobody need be told when it comes."""
        conn.sock.setblocking(False)
        conn.arriving = Arriving(self._longest_body)
        self._arriving[conn] = time.monotonic() + ARRIVES_WITHIN
        if conn.parser is not None and (follows := conn.parser.unreader.take_buffered()):
            self._add(conn, follows)
        if conn in self._arriving:
            self._hear(conn)
        if conn in self._arriving:
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._hear, conn))
            conn.is_listened_to = True

    def _hear(self, conn: Visitor, _sock: Any = None) -> None:
        if conn not in self._arriving:
            return  # let go a moment ago, for somebody who was heard before it
        data = _read(conn)
        if data:
            self._add(conn, data)
        elif data is not None:
            self._send_away(conn)

    def _add(self, conn: Visitor, data: bytes) -> None:
        conn.arriving.got += data
        conn.holds += len(data)
        self._held += len(data)
        self._consider(conn)
        while self._held > HELD and self._arriving:
            self._send_away(next(iter(self._arriving)))

    def _forget(self, conn: Visitor) -> None:
        """Hold no longer what arrived on a connection."""
        self._held -= conn.holds
        conn.holds = 0
        conn.arriving.got = bytearray()

    def _listen_no_more(self, conn: Visitor) -> None:
        del self._arriving[conn]
        if conn.is_listened_to:
            self.poller.unregister(conn.sock)
            conn.is_listened_to = False

    def _consider(self, conn: Visitor) -> None:
        """Hand a request that is whole over to a thread."""
        try:
            if conn.arriving.is_whole():
                self._hand_over(conn)
            elif conn.arriving.asks_first:
                _say(conn, b"HTTP/1.1 100 Continue\r\n\r\n")
        except Refused as refused:
            self._send_away(conn, str(refused))

    def _hand_over(self, conn: Visitor) -> None:
        self._listen_no_more(conn)
        if conn.parser is None:
            conn.parser = http.get_parser(self.cfg, conn.sock, conn.client)
            conn.initialized = True
        conn.parser.unreader.unread(bytes(conn.arriving.got))
        conn.arriving.got = bytearray()
        super().enqueue_req(conn)

    def finish_request(self, conn: Visitor, fs: Any) -> None:
        """Forget a request that was answered."""
        self._forget(conn)
        super().finish_request(conn, fs)

    def _send_away(self, conn: Visitor, status: str = "408 Request Timeout") -> None:
        """End a connection on which no whole request arrived; say why where one had begun."""
        self._listen_no_more(conn)
        has_begun = bool(conn.arriving.got)
        self._forget(conn)
        self.nr_conns -= 1
        if has_begun:
            _say(conn, f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())
            _count(status)
        conn.close(graceful=has_begun)

    def handle_request(self, req: Any, conn: Visitor) -> bool:
        """Answer a request; whoever does not fetch the answer is not waited for."""
        conn.sock.settimeout(LEAVES_WITHIN)
        return bool(super().handle_request(req, conn))

    def _keepalive_after(self, conn: Visitor, keepalive: bool) -> bool:
        """Whether another request may follow; not after one whose body was refused unread."""
        return not conn.arriving.is_too_long and bool(super()._keepalive_after(conn, keepalive))

    def see_off(self, conn: Visitor) -> None:
        """Close our half of a connection, and the other a moment later, when the answer has arrived."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            conn.close()
            return
        conn.sock.setblocking(False)
        self._leaving[conn] = time.monotonic() + LINGERS
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._hear_out, conn))

    def _hear_out(self, conn: Visitor, _sock: Any) -> None:
        if conn in self._leaving and _read(conn) == b"":
            self._end(conn)

    def _end(self, conn: Visitor) -> None:
        del self._leaving[conn]
        self.poller.unregister(conn.sock)
        conn.close()

    def murder_keepalived(self, force: bool = False) -> None:
        """End what has taken too long; gunicorn calls this now and then, and last of all when it stops."""
        super().murder_keepalived(force)
        moment = time.monotonic()
        for leaving in list(takewhile(lambda one: force or self._leaving[one] <= moment, self._leaving)):
            self._end(leaving)
        if not self.alive:  # whoever has said nothing yet finds another process
            moment += ARRIVES_WITHIN - LINGERS
        for arriving in list(takewhile(lambda one: force or self._arriving[one] <= moment, self._arriving)):
            self._send_away(arriving)


def _files_allowed() -> int:
    """Files that this process may have open, after asking for as many as the system gives."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def _read(conn: Visitor) -> bytes | None:
    """What has come on a connection; nothing at its end, None where there is nothing yet."""
    try:
        return bytes(conn.sock.recv(65_536))
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        return b""


def _count(status: str) -> None:
    """Count a request that was let go before it had arrived."""
    from moderation import failures  # noqa: PLC0415 - only whoever counts pays for the library

    number, _, words = status.partition(" ")
    failures.count("entrance", int(number), words)


def _say(conn: Visitor, words: bytes) -> None:
    with suppress(OSError):
        conn.sock.send(words)
