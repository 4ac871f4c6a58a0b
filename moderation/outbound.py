"""HTTP out of the house: no redirects, bounded in time, to private addresses only if a site's setting says so."""

import ipaddress
import logging
import re
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpcore
import httpx
import urllib3.util.connection as sockets

from moderation.models import Site

Connection = TypeVar("Connection")

MOMENT = 1.0
"""Seconds after which somebody who waits for an answer looks whether the process is to stop."""

FAILURES = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)
"""All that a request may fail with; of UnicodeError are names of hosts that cannot be asked for."""

stopping = threading.Event()
"""Set when the process is to stop: no answer is waited for any longer."""


class PrivateAddress(httpx.TransportError):
    """The host's address is private, and the site's setting does not allow that."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is a private address; the site's setting refuses that.")
        self.address = address


class _Lookups:
    """Names whose addresses are looked for: the system takes its time, so that a thread of its own waits for it.

    Whoever asks for a name that is being looked for already waits for the same answer: there is one thread a name.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, Future[list[str]]] = {}

    def find(self, host: str, within: float) -> list[str]:
        """Return the addresses of a host; TimeoutError where they do not come in time, OSError where there is none."""
        end = time.monotonic() + within
        with self._lock:
            found = self._under_way.get(host)
            if found is None:
                found = self._under_way[host] = Future()
                threading.Thread(target=self._ask, args=(host, found), daemon=True).start()
        while True:
            try:
                return found.result(min(MOMENT, max(0.001, end - time.monotonic())))
            except TimeoutError:
                if time.monotonic() >= end or stopping.is_set():
                    raise

    def _ask(self, host: str, found: Future[list[str]]) -> None:
        try:
            answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # a label that is too long is no address either
            problem: OSError | None = OSError(str(error))
        else:
            problem = None
        with self._lock:
            del self._under_way[host]
        if problem:
            found.set_exception(problem)
        else:
            found.set_result([str(entry[4][0]) for entry in answers])


_lookups = _Lookups()


class _Deadline(threading.local):
    """Until when the request of this thread may take, whatever happens on the way."""

    at = float("inf")

    def left(self, timeout: float | None) -> float:
        """Seconds that the next step may take; at least a moment, so that it fails by itself."""
        return max(0.001, min(float("inf") if timeout is None else timeout, self.at - time.monotonic()))


class _Timed(httpcore.NetworkStream):
    """A stream none of whose steps outlasts the request's deadline: a site may send a byte now and then for ever."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        end = time.monotonic() + self._deadline.left(timeout)
        while True:
            try:
                return self._stream.read(max_bytes, min(MOMENT, max(0.001, end - time.monotonic())))
            except httpcore.ReadTimeout:
                if time.monotonic() >= end or stopping.is_set():
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _Timed(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    """Connects within the deadline, and to public addresses only, unless private ones are allowed: all, or those of
    some places.

    The name is resolved here and the connection goes to the very address that was looked at, so that a second answer
    of the name server cannot lead somewhere else (DNS rebinding). TLS still checks the host's name.
    """

    def __init__(self, deadline: _Deadline, *, private: bool | Collection[str]) -> None:
        self._deadline = deadline
        self._private = private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = _lookups.find(host, self._deadline.left(timeout))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"The name server does not say where {host} is.") from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        allowed = self._private if isinstance(self._private, bool) else f"{host}:{port}" in self._private
        for address in addresses:
            if not allowed and not is_public(address):
                raise PrivateAddress(address)
        return _first(addresses, lambda one: self._connect(one, port, timeout, local_address, socket_options))

    def _connect(self, address: str, port: int, timeout: float | None, *rest: Any) -> httpcore.NetworkStream:
        return _Timed(super().connect_tcp(address, port, self._deadline.left(timeout), *rest), self._deadline)


def is_public(address: str) -> bool:
    """Whether an IP address can be reached by anybody; one wrapped into IPv6 counts as what is inside."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = _wrapped(ip) if isinstance(ip, ipaddress.IPv6Address) else None
    if inner is None and ip.version == 6 and ip not in _EVERYBODYS:
        return False
    return (inner or ip).is_global and not ip.is_multicast


_EVERYBODYS = ipaddress.IPv6Network("2000::/3")
"""All IPv6 addresses that are given out to be reached by everybody; Python takes many of the others for such, too."""

_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses as networks without IPv4 see them (NAT64)."""


def _wrapped(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    inner = ip.ipv4_mapped or ip.sixtofour
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _TRANSLATED else inner


class _Transport(httpx.HTTPTransport):
    def __init__(self, *, private: bool | Collection[str], timeout: float) -> None:
        context = httpx.create_ssl_context()
        super().__init__(verify=context)
        self._timeout = timeout
        self._deadline = _Deadline()
        backend = _Backend(self._deadline, private=private)
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=backend)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # Redirects share the extensions of the request that they began with, and so its deadline.
        self._deadline.at = request.extensions.setdefault("deadline", time.monotonic() + self._timeout)
        return super().handle_request(request)


def place(address: str) -> str:
    """Return where an address leads, as host:port; nothing where it leads nowhere."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        return ""
    return f"{parts.hostname}:{port}"


def inside(site: Site) -> frozenset[str]:
    """Return the places inside our own network that a site may have us ask: its callback and its pages, if that.

    Whatever else it, its readers or other services name may lead anywhere.
    """
    known = [site.callback_url or "", *site.origins] if site.callback_private else []
    return frozenset(map(place, known)) - {""}


def client(*, private: bool | Collection[str], timeout: float) -> httpx.Client:
    """Make a client; ``private`` allows private addresses, or those of some places, as host:port.

    ``timeout`` is in seconds for a whole request, redirects included.
    """
    transport = _Transport(private=private, timeout=timeout)
    return httpx.Client(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)


def messenger(address: str) -> Any:
    """Return what Apprise makes of an address of a chat; None where it is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # some of its hundred chats import what is going away
        import apprise  # noqa: PLC0415 - takes half a second, and only who sends messages needs it

        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines quote addresses, which hold secrets
        asset = apprise.AppriseAsset(
            app_id="Hausordnung",
            app_desc="Hausordnung",
            app_url="",
            http_redirects=False,
            image_url_mask="",  # no pictures from elsewhere
            image_url_logo="",
        )
        return apprise.Apprise.instantiate(address, asset=asset)


_one_at_a_time = threading.Lock()


def notify(address: str, title: str, text: str, *, private: bool, timeout: float) -> str | None:
    """Send a message through Apprise; return what went wrong, without any address but a refused one, or None.

    ``timeout`` is in seconds for all of it.
    """
    found = messenger(address)
    if found is None:
        return "no such chat"
    found.socket_connect_timeout = found.socket_read_timeout = timeout
    said = _Heard()
    logger = logging.getLogger("apprise")
    with _one_at_a_time, _guarded(private=private, timeout=timeout) as refused:
        logger.addHandler(said)
        logger.setLevel(logging.WARNING)
        logger.propagate = False
        try:
            told = found.notify(body=text, title=title)
        finally:
            logger.removeHandler(said)
            logger.setLevel(logging.CRITICAL)
    if told:
        return None
    return f"private {refused[0]}" if refused else said.problem


class _Heard(logging.Handler):
    """Hears why Apprise failed, and keeps no more of it than the status."""

    problem = "unreachable"

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the status that was answered, if any was."""
        if status := re.search(r"error=(\d{3})", record.getMessage()):
            self.problem = f"answered {status[1]}"


@contextmanager
def _guarded(*, private: bool, timeout: float) -> Iterator[list[str]]:
    """End connections of urllib3, on which Apprise stands, in time; keep them to public addresses, yield those refused.

    Apprise takes no transport of ours, so the one function that opens its sockets is changed meanwhile. Nobody else in
    this house uses urllib3 but the clients of collectors and of Sentry, whose threads are let through.
    """
    mine = threading.get_ident()
    refused: list[str] = []
    opened: list[socket.socket] = []
    deadline = _Deadline()
    deadline.at = time.monotonic() + timeout
    original = sockets.create_connection

    def connect(address: tuple[str, int], *args: Any, **more: Any) -> socket.socket:
        if threading.get_ident() != mine:
            return original(address, *args, **more)
        host, port = address
        found = _lookups.find(host.strip("[]"), deadline.left(None))
        refused.extend(() if private else (one for one in found if not is_public(one)))
        if refused:
            raise OSError("a private address")
        made = _first(found, lambda one: original((one, port), deadline.left(None), *args[1:], **more))
        opened.append(made.dup())  # one of its own: TLS takes over the socket itself
        return made

    def hang_up() -> None:
        for one in opened:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    late = threading.Timer(timeout, hang_up)
    late.daemon = True
    sockets.create_connection = connect
    late.start()
    try:
        yield refused
    finally:
        sockets.create_connection = original
        late.cancel()
        for one in opened:
            one.close()


def _first(addresses: list[str], connect: Callable[[str], Connection]) -> Connection:
    """Connect to the first of a host's addresses that answers; what the last one does is raised."""
    for address in addresses[:-1]:
        with suppress(OSError, httpcore.ConnectError):
            return connect(address)
    return connect(addresses[-1])
