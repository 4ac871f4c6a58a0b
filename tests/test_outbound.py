"""No request leaves the house for a private address, however the address is written."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from urllib3.util import connection

from moderation import delivery, outbound
from moderation.delivery import Parcel
from moderation.models import Site
from moderation.outbound import PrivateAddress, is_public
from tests.conftest import Receiver
from tests.serving import answering


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
        "::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "2002:7f00:1::", "::",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "::7f00:1", "::ffff:0:7f00:1", "fec0::1",
    ],
)  # fmt: skip
def test_private_addresses_are_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["9.9.9.9", "2620:fe::fe", "64:ff9b::909:909", "::ffff:9.9.9.9"])
def test_public_addresses_are_known(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["a..b", "a" * 70, "xn--zzzz", "xn--" + "a" * 80])
def test_a_host_that_nobody_can_ask_for_is_away_like_any_other(host: str) -> None:
    parcel = Parcel(1, 1, f"https://{host}/hook", False, {}, b"")
    with outbound.client(private=False, timeout=2) as client:
        assert str(delivery.send(parcel, client).problem).startswith("unreachable")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_no_spelling_of_loopback_is_connected_to(host: str) -> None:
    with outbound.client(private=False, timeout=2) as client, pytest.raises((PrivateAddress, httpx.InvalidURL)):
        client.get(f"http://{host}:9/")


@contextmanager
def dripping(first: bytes) -> Iterator[int]:
    """The port of somebody who answers a byte now and then: each is in time for itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(first)
                while not over.wait(0.05):
                    connection.sendall(b".")

        thread = threading.Thread(target=drip)
        thread.start()
        yield server.getsockname()[1]
        over.set()
        thread.join()


def test_a_site_that_answers_a_byte_now_and_then_is_not_waited_for() -> None:
    began = time.monotonic()
    with (
        dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ") as port,
        outbound.client(private=True, timeout=0.5) as client,
        pytest.raises(httpx.TimeoutException),
    ):
        client.get(f"http://127.0.0.1:{port}/")
    assert time.monotonic() - began < 2


def test_nor_is_a_chat() -> None:
    outbound.messenger("mmost://127.0.0.1/abc123def")  # Apprise takes a second to load
    began = time.monotonic()
    with dripping(b"HTTP") as port:
        said = outbound.notify(f"mmost://127.0.0.1:{port}/abc123def", "T", "x", private=True, timeout=0.5)
    assert said == "unreachable"
    assert time.monotonic() - began < 2


def test_a_name_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    over = threading.Event()

    def silent(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        over.wait(20)
        raise socket.gaierror("Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    began = time.monotonic()
    with outbound.client(private=True, timeout=0.3) as client:
        for _ in range(3):
            with pytest.raises(httpx.ConnectTimeout, match=r"where zeitung\.example is"):
                client.get("http://zeitung.example/")
    assert outbound.notify("mmost://zeitung.example/abc123def", "T", "x", private=True, timeout=0.3) == "unreachable"
    assert time.monotonic() - began < 5
    assert asked == ["zeitung.example"], "all who ask for a name wait for the same answer"
    over.set()


def test_a_name_that_nobody_has_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> list[object]:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with outbound.client(private=True, timeout=5) as client, pytest.raises(httpx.ConnectError, match="not known"):
        client.get("http://nobody.example/")


def test_redirects_do_not_begin_the_time_anew() -> None:
    """Somebody may wait for what is fetched, as Coral does: each hop is in time for itself, all of them are not."""
    over = threading.Event()

    class Further(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            over.wait(0.3)
            self.send_response(302)
            self.send_header("location", f"{self.path}x")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Further)
    with answering(server):
        began = time.monotonic()
        try:
            with outbound.client(private=True, timeout=0.5) as client, pytest.raises(httpx.TimeoutException):
                client.get(f"http://127.0.0.1:{server.server_port}/", follow_redirects=True)
            assert time.monotonic() - began < 2
        finally:
            over.set()


def test_one_private_answer_of_a_name_server_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("9.9.9.9", "10.0.0.7")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: answers)
    with outbound.client(private=False, timeout=2) as client, pytest.raises(PrivateAddress, match=r"10\.0\.0\.7"):
        client.get("http://rebinding.example/")


def test_what_is_allowed_inside_is_one_place_not_the_whole_network(receiver: Receiver) -> None:
    known = Site(callback_private=True, callback_url=receiver.url, origins=["http://wiki.intern", "https://[::1"])
    assert outbound.inside(known) == {f"127.0.0.1:{receiver.server.server_port}", "wiki.intern:80"}
    assert outbound.inside(Site(callback_private=False, callback_url=receiver.url, origins=[])) == frozenset()
    receiver.answer = lambda: (307, {"location": "http://127.0.0.1:9/secrets"})
    with outbound.client(private=outbound.inside(known), timeout=2) as client:
        assert client.post(receiver.url).status_code == 307
        with pytest.raises(PrivateAddress):
            client.post(receiver.url, follow_redirects=True)


def test_where_one_address_of_a_site_is_deaf_the_next_is_tried(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def two(host: str, *args: Any, **options: Any) -> list[Any]:
        addresses = ("::1", "127.0.0.1") if host == "two.example" else (host,)
        return [found for address in addresses for found in look_up(address, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with outbound.client(private=True, timeout=5) as client:
        assert client.post(receiver.url.replace("127.0.0.1", "two.example"), content=b"{}").status_code == 204
    assert len(receiver.got) == 1


def test_an_address_that_is_no_chats_tells_nobody() -> None:
    assert outbound.notify("nonsense", "T", "x", private=True, timeout=5) == "no such chat"


def test_while_a_chat_is_told_others_reach_their_collector(receiver: Receiver) -> None:
    """Apprise and the clients of collectors share the function that opens sockets; only ours is kept from loopback."""
    there = ("127.0.0.1", receiver.server.server_port)
    opened: list[socket.socket] = []
    with outbound._guarded(private=False, timeout=5) as refused:
        elsewhere = threading.Thread(target=lambda: opened.append(connection.create_connection(there)))
        elsewhere.start()
        elsewhere.join()
        with pytest.raises(OSError, match="private"):
            connection.create_connection(there)
    opened[0].close()
    assert refused == ["127.0.0.1"]
