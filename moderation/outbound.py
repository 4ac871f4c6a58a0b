"""HTTP out of the house: no redirects, bounded in time, to private addresses only if a site's setting says so."""

import ipaddress
import socket
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx


class PrivateAddress(httpx.TransportError):
    """The host's address is private, and the site's setting does not allow that."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is a private address; the site's setting refuses that.")
        self.address = address


class _PublicOnly(httpcore.SyncBackend):
    """Connects to public addresses only.

    The name is resolved here and the connection goes to the very address that was looked at, so that a second answer
    of the name server cannot lead somewhere else (DNS rebinding). TLS still checks the host's name.
    """

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        addresses = [str(entry[4][0]) for entry in found]
        for address in addresses:
            if not is_public(address):
                raise PrivateAddress(address)
        return super().connect_tcp(addresses[0], port, timeout, local_address, socket_options)


def is_public(address: str) -> bool:
    """Whether an IP address can be reached by anybody; one wrapped into IPv6 counts as what is inside."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    return (inner or ip).is_global and not ip.is_multicast


class _PublicTransport(httpx.HTTPTransport):
    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(verify=context)
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=_PublicOnly())


def client(*, private: bool, timeout: float) -> httpx.Client:
    """Make a client; ``private`` allows private addresses, ``timeout`` is in seconds for each step of a request."""
    context = httpx.create_ssl_context()
    transport = httpx.HTTPTransport(verify=context) if private else _PublicTransport(context)
    return httpx.Client(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)
