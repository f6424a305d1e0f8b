"""Find the client behind proxies, from `X-Forwarded-For` and `Forwarded` (RFC 7239).

Each proxy appends the address that it received the request from. So the list is read from the right, beginning with the
connection, as long as each address is that of a trusted proxy; entries further left may be forged. If a trusted proxy
names no address, that proxy counts as the client.

A proxy writes one of the two headers and may pass the other one through as its client sent it. So if both are present
and disagree, both are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from starlette.types import Scope

from ..server import logs

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FORWARDING_HEADERS: Final = (b"x-forwarded-for", b"forwarded")

UNIX: Final = "unix"
"""The name of a peer at a Unix socket, which has no address."""

_MAPPED_BITS: Final = 96
"""The prefix length of ::ffff:0:0/96, the IPv4-mapped addresses."""

_OBFUSCATED: Final = re.compile(r"_[A-Za-z0-9._-]{1,64}")
_PORT: Final = re.compile(r"[0-9]{1,5}|_[A-Za-z0-9._-]+")
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR: Final = re.compile(rf'[ \t]*({_TOKEN})=({_TOKEN}|"(?:[^"\\]|\\.)*")[ \t]*')


class Proxies:
    """The trusted proxies.

    Args:
        trusted: addresses, networks and `unix`; or a single number, of the proxies that every request passes.

    Raises:
        ValueError: an element is none of these.
    """

    def __init__(self, trusted: Sequence[str]) -> None:
        self._n_hops = int(trusted[0]) if len(trusted) == 1 and trusted[0].isdecimal() else None
        self._trusts_unix = UNIX in trusted
        self._networks: list[Network] = []
        if self._n_hops is None:
            self._networks = [_network(text) for text in trusted if text != UNIX]
        elif self._n_hops < 1:
            raise ValueError("expected at least 1 proxy; leave the setting out if there is none")

    def trusts(self, peer: str) -> bool:
        """Return whether the peer may name the client; `peer` is an address, or empty for a Unix socket."""
        if self._n_hops is not None:
            return True
        address = _address(peer.partition("%")[0])
        if address is None:
            return self._trusts_unix and not peer
        return any(address in network for network in self._networks)

    def client(self, peer: str, forwarded_for: Sequence[str], forwarded: Sequence[str]) -> str:
        """Return the address of the client, or the identifier that a proxy gives it.

        Args:
            peer: the address of the connection; empty for a Unix socket.
            forwarded_for: the values of `X-Forwarded-For`, in order.
            forwarded: the values of `Forwarded`, in order.
        """
        if not self.trusts(peer):
            return peer
        found = [
            self._walk(peer, nodes)
            for values, nodes in (
                (forwarded_for, _plain_nodes(forwarded_for)),
                (forwarded, _forwarded_nodes(forwarded)),
            )
            if values
        ]
        return found[0] if found and found.count(found[0]) == len(found) else peer

    def _walk(self, peer: str, nodes: Iterator[str | None]) -> str:
        """Walk from the connection to the left; return the last address that a trusted proxy has named."""
        at, n_passed = peer, 1
        for node in nodes:
            if node is None:
                break
            at = node
            if n_passed == self._n_hops or (self._n_hops is None and not self.trusts(at)):
                break
            n_passed += 1
        return at


class ClientAddress:
    """Replaces the address of a trusted proxy in a request by that of the client."""

    def __init__(self, proxies: Proxies) -> None:
        self._proxies = proxies
        self._has_warned = False

    def resolve(self, scope: Scope) -> None:
        """Set the client of a request with at least one of the `FORWARDING_HEADERS`."""
        forwarded_for, forwarded = (
            [value.decode("latin-1") for name, value in scope["headers"] if name == header]
            for header in FORWARDING_HEADERS
        )
        peer = (scope.get("client") or ("",))[0] or ""
        client = self._proxies.client(peer, forwarded_for, forwarded)
        if client != peer:
            scope["client"], scope["infgram.proxy"] = (client, 0), peer
        elif not self._proxies.trusts(peer):
            self._warn(peer, "the peer is not in the setting trusted_proxies and counts as the client")
        elif forwarded_for and forwarded:
            self._warn(peer, "X-Forwarded-For and Forwarded disagree; the proxy counts as the client")

    def _warn(self, peer: str, detail: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            logs.write("forwarded_ignored", level="warning", peer=peer, detail=f"{detail}; logged once")


def _network(text: str) -> Network:
    try:
        network = ip_network(text)
        mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
        if mapped is not None and network.prefixlen >= _MAPPED_BITS:  # as _address has it
            return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))
        return network
    except ValueError as error:
        raise ValueError(
            f"expected an address, a network such as 10.0.0.0/8, {UNIX}, or a single number of proxies; {error}"
        ) from None


def _address(text: str) -> Address | None:
    """Parse an address without a zone, an IPv4-mapped one as IPv4; return None for anything else."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address


def _node(text: str) -> str | None:
    """Return the address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`."""
    host, port = text, ""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or ":" not in host or (port and not port.startswith(":")):
            return None
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
        port = colon + port
    if port and not _PORT.fullmatch(port[1:]):
        return None
    address = _address(host)
    return None if address is None else str(address)


def _plain_nodes(values: Sequence[str]) -> Iterator[str | None]:
    """Yield the nodes of `X-Forwarded-For` from the right; None for one that is not an address."""
    for value in reversed(values):
        for text in reversed(value.split(",")):
            yield _node(text.strip(" \t"))


def _forwarded_nodes(values: Sequence[str]) -> Iterator[str | None]:
    """Yield the nodes of `Forwarded` from the right; None for an unknown node and for a malformed header."""
    for value in reversed(values):
        elements = _elements(value)
        if elements is None:
            yield None
            return
        for text in reversed(elements):
            yield text if text and _OBFUSCATED.fullmatch(text) else _node(text or "")


def _elements(value: str) -> list[str | None] | None:
    """Return the `for` of each element of a `Forwarded` header, or None for a malformed header.

    An element without `for` gives None. Parsed from the left, so that an unclosed quotation mark of a client cannot
    hide what its proxy has appended.
    """
    elements: list[str | None] = []
    names: dict[str, str] = {}
    at = 0
    while True:
        pair = _PAIR.match(value, at)
        if pair is None or pair[1].lower() in names:
            return None
        names[pair[1].lower()] = re.sub(r"\\(.)", r"\1", pair[2][1:-1]) if pair[2].startswith('"') else pair[2]
        at = pair.end()
        if value[at : at + 1] not in ("", ",", ";"):
            return None
        if value[at : at + 1] != ";":
            elements.append(names.get("for"))
            names = {}
        if at >= len(value):
            return elements
        at += 1
