"""The doorman at its edges: full, in the middle of letting somebody go, and beside those who send in odd pieces."""

import os
import re
import signal
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from unittest.mock import Mock

import pytest

from moderation import fetching
from moderation.arriving import LONGEST_HEAD
from moderation.db import Database
from moderation.doorman import Doorman
from moderation.fetching import Line
from moderation.models import ReceivedEvent
from tests.served import Served
from tests.waiting import until

ASKED = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
LARGE = b"GET /static/vendor/echarts.min.js HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"POST /webhooks/foerdeblick/comments HTTP/1.1\r\nHost: x\r\n"


STATIC = Path(fetching.__file__).with_name("static")


def test_whoever_asks_again_the_moment_they_are_let_go_ends_nobody(narrow: Served) -> None:
    """Where it is full, who was answered has to go first; what they ask next may be here already."""
    assert narrow.say(ASKED + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
    (worker,) = narrow.at_work("pid")
    with ExitStack() as stack:
        known = [stack.enter_context(narrow.connect(ASKED + b"\r\n")) for _ in range(74)]
        for visitor in known:
            assert visitor.recv(2000).startswith(b"HTTP/1.1 200")
        os.kill(worker, signal.SIGSTOP)  # so that all of it is there at one look
        fresh = [stack.enter_context(narrow.connect(ASKED + b"\r\n")) for _ in range(10)]
        for visitor in known:
            visitor.sendall(ASKED + b"\r\n")
        os.kill(worker, signal.SIGCONT)
        with suppress(OSError):
            assert all(visitor.recv(2000).startswith(b"HTTP/1.1 200") for visitor in fresh)
        assert narrow.send_comment().status_code == 202
    assert narrow.at_work("pid") == [worker]


def test_whoever_was_answered_goes_before_those_who_are_still_saying_what_they_want(narrow: Served) -> None:
    with ExitStack() as stack:
        honest = stack.enter_context(narrow.connect(HEAD + b"Content-Length: 2\r\n\r\n"))
        for _ in range(100):  # each stays for what it may want next, and fills the house
            visitor = stack.enter_context(narrow.connect(ASKED + b"\r\n"))
            assert visitor.recv(2000).startswith(b"HTTP/1.1 200")
        honest.sendall(b"{}")
        assert honest.recv(2000).startswith(b"HTTP/1.1 401")


def test_a_process_that_was_killed_is_soon_replaced(served: Served) -> None:
    """It shares what the one that watches over it has read, and so it need not read it again."""
    assert served.say(ASKED + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
    (worker,) = served.at_work("pid")
    os.kill(worker, signal.SIGKILL)
    until(lambda: served.at_work("pid") not in ([worker], []))
    assert served.say(ASKED + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
    (replacing,) = served.at_work("pid")
    assert _worked(replacing) < _worked(served.process.pid) / 3


def _worked(pid: int) -> int:
    """Hundredths of a second of processor time that a process has taken (Linux)."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return int(user) + int(system)


def test_where_visitors_have_no_address_somebody_has_to_go_all_the_same() -> None:
    """Those of a Unix socket have none."""
    door, visitor = Doorman.__new__(Doorman), Mock(client="")
    door._leaving, door._fetching, door.keepalived_conns = {}, {}, []
    door._arriving, door._most = {visitor: 0.0}, 76
    door._send_away = Mock()
    assert door._let_go()
    door._send_away.assert_called_once_with(visitor)


def test_what_is_sent_away_keeps_no_memory(served: Served) -> None:
    """Of each that has to go only the connection lasts a moment longer, so that it hears why."""
    assert served.send_comment().status_code == 202
    before = served.most_memory()
    body = HEAD + b"Content-Length: 950000\r\n\r\n" + b"x" * 900_000
    with ExitStack() as stack:
        for _ in range(300):
            with suppress(OSError):
                stack.enter_context(served.connect(body))
        assert served.send_comment().status_code == 202
    assert served.most_memory() < before + 100


def test_pages_are_answered_while_new_comments_wait_for_the_database(served: Served, database: Database) -> None:
    """More of them than there are threads; the comments are answered as soon as they can be written."""
    with ThreadPoolExecutor(24) as pool, database.engine.connect() as busy:
        busy.exec_driver_sql("SELECT 1")  # by which SQLite's only writer is us
        if busy.dialect.name == "postgresql":
            busy.exec_driver_sql(f"LOCK TABLE {ReceivedEvent.__tablename__} IN ACCESS EXCLUSIVE MODE")
        sent = [pool.submit(served.send_comment) for _ in range(24)]
        for _ in range(10):
            assert served.say(ASKED + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
        assert not any(one.done() for one in sent)
        busy.rollback()
        assert {one.result().status_code for one in sent} == {202}


def _deaf(served: Served, words: bytes) -> socket.socket:
    """Somebody who asks and fetches next to nothing of the answer."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    opened.settimeout(20)
    opened.connect(("127.0.0.1", served.port))
    opened.sendall(words)
    return opened


def test_whoever_does_not_fetch_an_answer_keeps_no_thread_and_no_process(served: Served) -> None:
    """Sixteen of them kept all the threads of a process."""
    assert served.send_comment().status_code == 202, "what the first comment makes it load is no waiting"
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(_deaf(served, LARGE * 10))
        began = time.monotonic()
        for _ in range(5):
            assert served.send_comment().status_code == 202
        assert time.monotonic() - began < 8
        began = time.monotonic()
        os.killpg(served.process.pid, signal.SIGTERM)
        served.process.wait(20)
        assert time.monotonic() - began < 10


def test_answers_that_nobody_fetches_take_so_much_memory_and_no_more(served: Served) -> None:
    assert served.send_comment().status_code == 202
    before = served.most_memory()
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(_deaf(served, LARGE))
        assert served.send_comment().status_code == 202
    assert served.most_memory() < before + 130


def test_whoever_fetches_slowly_gets_all_of_it_and_may_ask_again(served: Served) -> None:
    kept = (STATIC / "vendor" / "echarts.min.js").read_bytes()
    with _deaf(served, LARGE + ASKED + b"Connection: close\r\n\r\n") as visitor:
        answer = b"".join(iter(lambda: visitor.recv(1500), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(kept)}".encode() in head
    assert body[: len(kept)] == kept
    assert body[len(kept) :].startswith(b"HTTP/1.1 200")


def test_of_a_very_long_answer_a_thread_waits_until_some_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MOST_UNSENT", 10_000)
    monkeypatch.setattr(fetching, "FETCHED_WITHIN", 0.01)
    ours, theirs = socket.socketpair()
    with Line(ours) as line, theirs, pytest.raises(TimeoutError):
        line.sendall(bytes(10_000_000))
    monkeypatch.setattr(fetching, "FETCHED_WITHIN", 20.0)
    ours, theirs = socket.socketpair()
    with Line(ours) as line, theirs, ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(lambda: sum(iter(lambda: len(theirs.recv(65_536)), 0)))
        line.sendall(bytes(10_000_000))
        while line.unsent:
            line.push()
        line.shutdown(socket.SHUT_WR)
        assert fetched.result() == 10_000_000


def test_connections_that_are_cut_leave_nothing_behind(narrow: Served) -> None:
    """More of each kind than may be there at a time: one that was still counted would leave no room."""
    cut = struct.pack("ii", 1, 0)  # closing resets the connection, whatever was said
    assert narrow.say(ASKED + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
    (worker,) = narrow.at_work("pid")
    before = narrow.open_files()
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    for words in (
        b"",
        HEAD,
        HEAD + b"Content-Length: 9\r\n\r\n{",
        chunked + b"5\r\nhe",
        ASKED + b"\r\n",
        ASKED + b"\r\nG",
    ):
        for _ in range(80):
            with narrow.connect(words) as visitor:
                visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, cut)
    until(lambda: narrow.open_files() < before + 5)  # what it counts refusals in is one of them
    with ExitStack() as stack:
        stay = [stack.enter_context(narrow.connect(ASKED + b"\r\n")) for _ in range(70)]
        assert all(visitor.recv(2000).startswith(b"HTTP/1.1 200") for visitor in stay)
    assert narrow.at_work("pid") == [worker]


def test_whoever_hangs_up_their_own_half_is_answered(served: Served) -> None:
    with served.connect(ASKED + b"\r\n") as visitor:
        visitor.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: visitor.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("size", [1, 7, 40, 61, 10_000])
def test_requests_that_follow_each_other_are_answered_one_by_one_however_they_are_cut(
    served: Served, size: int
) -> None:
    """The end of one and the beginning of the next may come in one piece, which is read before the next is awaited."""
    wrong = HEAD + b"Content-Length: 2\r\n\r\n{}"
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    asks = HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"
    said = ASKED + b"\r\n" + wrong + chunked + asks + ASKED + b"Connection: close\r\n\r\n"
    with served.connect() as visitor:
        visitor.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(said), size):
            visitor.sendall(said[at : at + size])
        answer = b"".join(iter(lambda: visitor.recv(65_536), b""))
    statuses = re.findall(rb"HTTP/1\.1 (\d+)", answer)
    assert [status for status in statuses if status != b"100"] == [b"200", b"401", b"401", b"401", b"200"]


def test_what_follows_the_last_chunk_has_an_end(served: Served) -> None:
    """It was looked through from its beginning with each byte that came."""
    trailer = b"X: " + b"y" * 100 + b"\r\n"
    said = HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + trailer * (LONGEST_HEAD // len(trailer) + 1)
    assert served.say(said).startswith(b"HTTP/1.1 431")


def test_a_request_that_is_on_its_way_when_the_process_is_to_stop_is_answered(served: Served) -> None:
    with served.connect(HEAD + b"Content-Length: 2\r\n\r\n") as visitor:
        assert served.say(ASKED + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200"), (
            "and so the other was heard"
        )
        (worker,) = served.at_work("pid")
        os.kill(worker, signal.SIGTERM)
        visitor.sendall(b"{}")
        assert visitor.recv(2000).startswith(b"HTTP/1.1 401")
