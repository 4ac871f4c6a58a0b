"""Whoever dawdles, sends without end, or sends nothing at all, keeps nobody else from being heard."""

import os
import signal
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, suppress

from gunicorn.config import Config
from gunicorn.http import RequestParser
from gunicorn.http.errors import ParseException
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from moderation.arriving import LONGEST_HEAD, Arriving, Refused
from moderation.config import Settings
from moderation.doorman import ARRIVES_WITHIN, Doorman
from moderation.models import Site
from tests.served import Served
from tests.waiting import until


def test_honest_senders_are_heard_whoever_else_dawdles(served: Served) -> None:
    assert served.send_comment().status_code == 202
    before = served.memory()
    head = b"POST /webhooks/foerdeblick/comments HTTP/1.1\r\nHost: x\r\n"
    with ExitStack() as stack:
        dawdlers = [stack.enter_context(served.connect(words)) for words in [b"", head, b"G"] * 60]
        dawdlers += [stack.enter_context(served.connect(head + b"Content-Length: 900000\r\n\r\n{")) for _ in range(60)]
        dawdlers += [
            stack.enter_context(served.connect(head + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n")) for _ in range(60)
        ]
        for body in (
            b"Content-Length: 0000000000000000000900000\r\n\r\n{",
            b"Transfer-Encoding: chunked\r\n\r\n00000000f\r\n",
        ):
            dawdlers += [stack.enter_context(served.connect(head + body + b"\r\n")) for _ in range(20)]
        stay = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        dawdlers += [stack.enter_context(served.connect(stay)) for _ in range(30)]  # fetch no answer, never hang up
        for dawdler in dawdlers[::7]:
            dawdler.sendall(b"x")
        took = []
        for number in range(10):
            began = time.monotonic()
            assert served.send_comment(in_chunks=number % 2).status_code == 202
            took.append(time.monotonic() - began)
        assert max(took) < 4, took
        assert served.memory() < before + 100
        began = time.monotonic()
        os.killpg(served.process.pid, signal.SIGTERM)  # nor do they keep it from stopping
        served.process.wait(20)
        assert time.monotonic() - began < 10


def test_where_it_is_full_those_who_have_dawdled_longest_have_to_go(narrow: Served) -> None:
    head = b"POST /webhooks/foerdeblick/comments HTTP/1.1\r\nHost: x\r\n"
    with ExitStack() as stack:
        dawdlers = [stack.enter_context(narrow.connect(words)) for words in [b"", head] * 100]
        began = time.monotonic()
        for number in range(10):
            assert narrow.send_comment(in_chunks=number % 2).status_code == 202
        assert time.monotonic() - began < ARRIVES_WITHIN, "nobody waited until a dawdler's time was over"
        last = dawdlers[-1]
        last.sendall(b"Content-Length: 2\r\n\r\n{}")
        assert last.recv(200).startswith(b"HTTP/1.1 401"), "who came last was still heard"
    with ExitStack() as stack:
        for _ in range(100):  # more than may stay, and each stays for what it may want next
            caller = stack.enter_context(narrow.connect(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
            assert caller.recv(200).startswith(b"HTTP/1.1 200")


def test_what_was_said_by_a_visitor_who_was_let_go_meanwhile_is_not_heard() -> None:
    """One look tells of many who spoke; some of them are ended before their turn comes."""
    door = Doorman.__new__(Doorman)
    door._arriving, door._leaving = OrderedDict(), OrderedDict()
    gone = object()
    door._fetching = OrderedDict()
    door._hear(gone, None)
    door._hear_out(gone, None)
    door._send_on(gone, None)


def test_what_is_too_much_is_refused_early(served: Served) -> None:
    head = b"POST /webhooks/foerdeblick/comments HTTP/1.1\r\nHost: x\r\n"
    assert served.say(head + b"Content-Length: 1000000000\r\n\r\n{").startswith(b"HTTP/1.1 413")
    chunks = head + b"Transfer-Encoding: chunked\r\n\r\n"
    assert served.say(chunks + b"7fffffff\r\n{").startswith(b"HTTP/1.1 413")
    assert served.say(chunks + b"no chunk " * 40).startswith(b"HTTP/1.1 400")
    assert served.say(head + b"X: " + b"x" * 2 * LONGEST_HEAD).startswith(b"HTTP/1.1 431")
    deep = served.send("[" * 100_000 + "]" * 100_000)
    assert (deep.status_code, deep.json()["code"]) == (400, "invalid_json")


def test_all_processes_tell_together_what_was_refused(settings: Settings, site: Site) -> None:
    served = Served(settings, site, workers=2)
    try:
        for _ in range(20):
            assert served.send("{").status_code == 400
        assert served.say(b"GET / HTTP/1.1\r\nX: " + b"x" * 2 * LONGEST_HEAD).startswith(b"HTTP/1.1 431")
        told = {("webhook", "400", "invalid_json"): 20, ("entrance", "431", "request_header_fields_too_large"): 1}
        assert [served.errors() for _ in range(6)] == [told] * 6
        for killed in served.at_work("pid"):
            os.kill(killed, signal.SIGKILL)
        until(lambda: served.errors() == told, within=30)
    finally:
        served.close()


def test_what_is_asked_in_one_breath_is_answered_one_by_one(served: Served) -> None:
    asked = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
    assert served.say(asked + b"\r\n" + asked + b"Connection: close\r\n\r\n").count(b"HTTP/1.1 200") == 2


def test_a_sender_that_asks_before_it_sends_is_told_to(served: Served) -> None:
    head = (
        b"POST /sign-in HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
    )
    with served.connect(head) as sender:
        assert sender.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sender.sendall(b"name=mona")
        assert b"HTTP/1.1 4" in b"".join(iter(lambda: sender.recv(65_536), b""))


@given(st.binary(max_size=300), st.lists(st.integers(1, 60), max_size=20), st.booleans())
def test_however_a_request_is_cut_it_is_whole_at_its_end(body: bytes, cuts: list[int], chunked: bool) -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\n"
    if chunked:
        pieces = [body[at : at + 70] for at in range(0, len(body), 70)]
        sent = b"".join(b"%x;a=b\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        request = head + b"Transfer-Encoding: chunked\r\n\r\n" + sent + b"0\r\n\r\n"
    else:
        request = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    arriving = Arriving(1000)
    at = 0
    for cut in cuts:
        if at + cut >= len(request):
            break
        arriving.got += request[at : at + cut]
        at += cut
        assert not arriving.is_whole()
    arriving.got += request[at:]
    assert arriving.is_whole()
    assert not arriving.is_too_long


LINES = [
    *(b"Content-Length: 5", b"content-length:\t0000000000000000000000007 ", b"Content-Length: 99999999999999999999"),
    *(b"Content-Length: 1" + b"0" * 4400, b"Content-Length: +5", b"Content-Length : 5", b"Content-Length: 5, 5"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding:\tidentity, CHUNKED ", b"Transfer-Encoding: xchunked"),
    *(b"Transfer-Encoding: chunked;q=1", b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding: gzip, chunked"),
    *(
        b" folded",
        b"X: a\nContent-Length: 3",
        b"X: a\rContent-Length: 3",
        b"Content-Length: \xb2",
        b"Expect: 100-continue",
    ),
]
PIECES = [
    *(b"5\r\nhello\r\n", b"0000000000000005\r\nhello\r\n", b"00000000f\r\n", b"0000000000000000000f\r\n"),
    *(
        b"0\r\n",
        b"\r\n",
        b"0;a=b\r\n",
        b"0 \r\n",
        b"00000000\r\n",
        b"X: y\r\n",
        b"5;a\r\nhello\r\n",
        b"hello",
        b"ffff\r\n",
    ),
]


class MoreWanted(Exception):
    """A thread would wait now."""


def in_one_go(data: bytes) -> Iterator[bytes]:
    yield data
    raise MoreWanted


@given(
    st.sampled_from([b"", b"\r\n"]),
    st.sampled_from([b"POST / HTTP/1.1", b"POST / HTTP/1.0", b"GET / HTTP/1.1", b"", b"X"]),
    st.lists(st.sampled_from(LINES), max_size=3),
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=30), max_size=5),
)
@hypothesis_settings(max_examples=500)
def test_whoever_reads_what_is_whole_waits_for_nothing(
    before: bytes, first: bytes, lines: list[bytes], body: list[bytes]
) -> None:
    request = before + b"\r\n".join([first, b"Host: x", *lines, b"", b"".join(body)])
    arriving = Arriving(1000)
    arriving.got += request
    with suppress(Refused):
        if arriving.is_whole() and not arriving.is_too_long:
            with suppress(ParseException, StopIteration, OSError):
                next(RequestParser(Config(), in_one_go(request), ("192.0.2.7", 1))).body.read()


@given(st.binary(max_size=2000))
def test_nothing_that_anybody_sends_breaks_it(data: bytes) -> None:
    for head in (b"", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"):
        arriving = Arriving(1000)
        arriving.got += head + data
        with suppress(Refused):
            arriving.is_whole()
