"""A worker of gunicorn's that lets no request take a thread before it has arrived whole, whoever dawdles.

gunicorn's own threads wait for each visitor: a few hundred who open a connection and say nothing, or a byte now and
then, keep all of them. Here one loop hears all visitors at once, as a proxy in front would, within bounds: of time, of
connections, and of memory. Whoever has waited longest is let go first, so that those who say quickly what they want
are always heard. What a visitor does not fetch at once of an answer, the loop sends on.
"""

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

from moderation.answering import Answered, Threads, Together
from moderation.arriving import Arriving, Refused
from moderation.company import side_by_side
from moderation.config import load_settings
from moderation.fetching import Line
from moderation.neighbours import Neighbours

ARRIVES_WITHIN = 15.0
"""Seconds a request may take to arrive, all of it."""

LEAVES_WITHIN = 60.0
"""Seconds an answer may take to be fetched; no thread waits for it."""

VISITORS = 10_000
"""Connections of a process, if the system allows it so many files: a silent one costs a few kilobytes."""

FEWEST = 32

OTHER_FILES = 224
"""Files that a process has open besides: of databases, of answers."""

AT_ONCE = 64
"""Visitors that are let in before others are heard again."""

STEPS_BACK = 20
MOMENT = 0.001
"""How often a process that has more visitors than another steps back from the door, and for how many seconds."""

HELD = 64_000_000
"""Bytes of requests on their way that a process holds, and as many of answers."""

NOTIFIES_EVERY = 1.0
"""Seconds after which gunicorn is told again that a process lives; it waits for half a minute."""

LINGERS = 2.0
"""Seconds for which a connection that we closed is listened to, so that the answer is not lost with it."""


class Visitor(TConn):  # type: ignore[misc]
    """A connection, with what has arrived on it."""

    arriving: Arriving
    worker: "Doorman"
    is_listened_to = False
    """Whether the loop is told when something more of a request comes."""
    sock: Line
    holds = 0
    """Bytes of a request that count among those a process holds, until it is answered or sent away."""
    owed = 0
    """Bytes of an answer that count so, until it is fetched."""
    answered: Any = None
    """What came of a request whose answer is being fetched."""

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

    neighbours = Neighbours()
    """Made before the processes part, so that all have the same."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.worker_connections = self._most = max(FEWEST, min(VISITORS, _files_allowed() - OTHER_FILES))
        self._longest_body = load_settings().max_body_bytes
        # Until when; in the order in which they began. Of a plain dict, the first is slow to find after many deletions.
        self._arriving: OrderedDict[Visitor, float] = OrderedDict()
        self._fetching: OrderedDict[Visitor, float] = OrderedDict()
        self._leaving: OrderedDict[Visitor, float] = OrderedDict()
        self._notified_at = 0.0
        self._held = self._owed = self._stepped_back = 0

    def get_thread_pool(self) -> Threads[Visitor]:
        """Return the threads that requests are handed over to, but for new comments: those have one for them all."""
        self._new_comments = Together(self._answer_together)
        return Threads(self.cfg.threads, self._answer)

    def _answer(self, conn: Visitor) -> None:
        self.method_queue.defer(self._answered, conn, self._handled(conn))

    def _answered(self, conn: Visitor, answered: Answered) -> None:
        self.tpool.done()
        self.finish_request(conn, answered)

    def _answer_together(self, conns: list[Visitor]) -> None:
        answered: list[tuple[Visitor, Answered]] = []

        def answer(conn: Visitor) -> None:
            answered.append((conn, self._handled(conn)))

        side_by_side(partial(answer, conn) for conn in conns)
        self.method_queue.defer(self._answered_together, answered)

    def _answered_together(self, answered: list[tuple[Visitor, Answered]]) -> None:
        for conn, came in answered:
            self.finish_request(conn, came)

    def _handled(self, conn: Visitor) -> Answered:
        return Answered(bool(self.handle(conn)))  # whatever goes wrong is logged, and nothing may follow

    def notify(self) -> None:
        """Let gunicorn know that this process lives; once a second, not each time that anybody was heard."""
        if (moment := time.monotonic()) >= self._notified_at + NOTIFIES_EVERY:
            self._notified_at = moment
            super().notify()

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
        if enabled:
            self.neighbours.say(self.age, self.nr_conns)
        else:
            self.neighbours.leave(self.age)
        if not enabled and not self.alive:
            for listener in self.sockets:
                if was_open:
                    self._let_in(listener, AT_ONCE)
                listener.close()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Hear all visitors once; then let the other processes know how many there are."""
        self._new_comments.go()
        super().wait_for_and_dispatch_events(timeout)
        if self._accepting:
            self.neighbours.say(self.age, self.nr_conns)

    def accept(self, listener: Any) -> None:
        """Let in who waits at the door; if another process has fewer visitors, it is given a moment to do so first."""
        room = self.neighbours.room(self.age, self.nr_conns, AT_ONCE)
        if not room and self._stepped_back < STEPS_BACK:
            self._stepped_back += 1
            time.sleep(MOMENT)
            return
        self._stepped_back = 0
        self._let_in(listener, room or AT_ONCE)
        self.neighbours.say(self.age, self.nr_conns)

    def _let_in(self, listener: Any, most: int) -> None:
        """Let in so many at most; where it is full, whoever has dawdled longest has to go."""
        for _ in range(most):
            try:
                sock, address = listener.accept()
            except OSError:
                return  # nobody there, gone again, or no file left: the next comes
            while self.nr_conns + len(self._leaving) >= self._most - 1 and self._let_go():
                pass
            self.nr_conns += 1
            visitor = Visitor(self.cfg, Line(sock), address, listener.getsockname())
            visitor.worker = self
            self.enqueue_req(visitor)

    def _let_go(self) -> bool:
        """End connections that can be spared best, some at once as choosing takes long; False where there are none."""
        if self._leaving:
            self._end(next(iter(self._leaving)))
            return True
        most: Any = max((self._arriving, self._fetching, self.keepalived_conns), key=len)  # whoever fills the house
        if not most:
            return False
        if most is self.keepalived_conns:
            self.keepalived_conns[0].timeout = 0
            super().murder_keepalived()
        elif most is self._fetching:
            self._give_up(next(iter(self._fetching)))
        else:
            crowd = Counter(conn.client[:1] for conn in self._arriving).most_common(1)[0][0]
            of_it = (conn for conn in self._arriving if conn.client[:1] == crowd)
            for conn in list(islice(of_it, 1 + self._most // 128)):
                self._send_away(conn)
        return True

    def on_client_socket_readable(self, conn: Visitor, client: Any) -> None:
        """Hear what follows an answer, unless the visitor was let go a moment ago, for somebody heard before it."""
        if client.fileno() >= 0:
            super().on_client_socket_readable(conn, client)

    def enqueue_req(self, conn: Visitor) -> None:
        """Hear what a visitor wants: mostly it is there already, and nobody need be told when it comes."""
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
        data = conn.sock.heard()
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
        answers = self._new_comments if conn.arriving.seems_new_comment else self.tpool
        conn.parser.unreader.unread(bytes(conn.arriving.got))
        conn.arriving.got = bytearray()
        answers.hand(conn)

    def finish_request(self, conn: Visitor, fs: Any) -> None:
        """Forget a request that was answered, as soon as all of the answer has left."""
        self._forget(conn)
        if not conn.sock.unsent:
            super().finish_request(conn, fs)
            return
        conn.answered, conn.owed = fs, len(conn.sock.unsent)
        self._owed += conn.owed
        self._fetching[conn] = time.monotonic() + LEAVES_WITHIN
        self.poller.register(conn.sock, selectors.EVENT_WRITE, partial(self._send_on, conn))
        while self._owed > HELD:
            self._give_up(next(iter(self._fetching)))

    def _send_on(self, conn: Visitor, _sock: Any) -> None:
        """Send more of an answer to whoever fetches it."""
        if conn not in self._fetching:
            return
        try:
            conn.sock.push()
        except OSError:
            self._give_up(conn)
        if not conn.sock.unsent and conn in self._fetching:
            self._owe_no_more(conn)
            super().finish_request(conn, conn.answered)

    def _owe_no_more(self, conn: Visitor) -> None:
        del self._fetching[conn]
        self.poller.unregister(conn.sock)
        self._owed -= conn.owed

    def _give_up(self, conn: Visitor) -> None:
        """End a connection on which an answer is not fetched."""
        self._owe_no_more(conn)
        self.nr_conns -= 1
        conn.close()

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
        """Answer a request; nothing is waited for: it is here, and the answer leaves when it is fetched."""
        conn.sock.keeps_head = True
        try:
            may_ask_again = bool(super().handle_request(req, conn))
        finally:
            conn.sock.keeps_head = False
        conn.sock.push()
        return may_ask_again

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
        self._leaving[conn] = time.monotonic() + LINGERS
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._hear_out, conn))

    def _hear_out(self, conn: Visitor, _sock: Any) -> None:
        if conn in self._leaving and conn.sock.heard() == b"":
            self._end(conn)

    def _end(self, conn: Visitor) -> None:
        del self._leaving[conn]
        self.poller.unregister(conn.sock)
        conn.close()

    def murder_keepalived(self, force: bool = False) -> None:
        """End what has taken too long; gunicorn calls this now and then, and last of all when it stops."""
        super().murder_keepalived(force)
        moment = time.monotonic()
        for leaving in _late(self._leaving, moment, force):
            self._end(leaving)
        # Once it stops, for a moment only: whoever has said nothing yet finds another process.
        arrives, leaves = (0.0, 0.0) if self.alive else (ARRIVES_WITHIN - LINGERS, LEAVES_WITHIN - LINGERS)
        for arriving in _late(self._arriving, moment + arrives, force):
            self._send_away(arriving)
        for fetching in _late(self._fetching, moment + leaves, force):
            self._give_up(fetching)


def _late(waiting: OrderedDict[Visitor, float], until: float, force: bool) -> list[Visitor]:
    """Return those whose time is over by then, or all of them."""
    return list(takewhile(lambda one: force or waiting[one] <= until, waiting))


def _files_allowed() -> int:
    """Files that this process may have open, after asking for as many as the system gives."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def _count(status: str) -> None:
    """Count a request that was let go before it had arrived."""
    from moderation import failures  # noqa: PLC0415 - it asks for the folder, which is made later

    number, _, words = status.partition(" ")
    failures.count("entrance", int(number), words)


def _say(conn: Visitor, words: bytes) -> None:
    with suppress(OSError):
        conn.sock.send(words)
