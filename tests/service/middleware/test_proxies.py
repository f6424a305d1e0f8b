"""The client of a request behind proxies: only headers of trusted proxies are used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import example, given, strategies as st
from infgram.service import Settings, create_app
from infgram.service.middleware.proxies import UNIX, Proxies
from pydantic import ValidationError

from tests.service.conftest import problem

PROXY = "10.0.0.1"
TRUSTED = ["10.0.0.0/8", "2001:db8:aaaa::/48"]


def client_of(peer: str, *forwarded_for: str, trusted: list[str] | None = None) -> str:
    found: str = Proxies(TRUSTED if trusted is None else trusted).client(peer, forwarded_for, ())
    return found


def client_by_rfc_7239(*forwarded: str, peer: str = PROXY) -> str:
    found: str = Proxies(TRUSTED).client(peer, (), forwarded)
    return found


@pytest.mark.parametrize(
    ("forwarded_for", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7\t", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7, 2001:db8:aaaa::1, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),  # a request of a proxy itself
    ],
)
def test_the_last_address_that_is_not_a_proxy(forwarded_for: str, expected: str) -> None:
    assert client_of(PROXY, forwarded_for) == expected
    assert client_of(PROXY, *forwarded_for.split(",")) == expected, "in several headers"


@pytest.mark.parametrize(
    "last",
    [
        *("unknown", "_hidden", "", " ", "x", "203.0.113.7.1", "203.0.113.256", "203.0.113.7:x", "203.0.113.7:123456"),
        *("[2001:db8::7", "2001:db8::7]", "[2001:db8::7]x", "[203.0.113.7]", "fe80::1%eth0", "fe80::1%<b>", "127.1"),
        *("203.0.113.7 6.6.6.6", "localhost", "0x7f.1", '"203.0.113.7"', "for=203.0.113.7", "203.0.113.07", "\xff"),
    ],
)
def test_an_invalid_address_counts_as_the_proxy(last: str) -> None:
    assert client_of(PROXY, f"6.6.6.6, {last}") == PROXY
    assert client_of(PROXY, f"6.6.6.6, {last}, 10.0.0.2") == "10.0.0.2"


def test_other_peers_are_not_trusted() -> None:
    for peer in ("203.0.113.9", "2001:db8::9", "11.0.0.1", "", "testclient"):
        assert client_of(peer, "6.6.6.6") == peer
    assert client_of(PROXY, "6.6.6.6", trusted=[]) == PROXY
    assert client_of("::ffff:10.0.0.1", "203.0.113.7") == "203.0.113.7"
    assert client_of(PROXY) == PROXY


def test_a_number_of_proxies() -> None:
    for n, expected in ((1, "10.9.9.9"), (2, "203.0.113.7"), (3, "6.6.6.6"), (4, "6.6.6.6")):
        assert client_of("198.51.100.1", "6.6.6.6, 203.0.113.7, 10.9.9.9", trusted=[str(n)]) == expected
    assert client_of("198.51.100.1", "6.6.6.6, unknown, 10.9.9.9", trusted=["2"]) == "10.9.9.9"
    assert client_of("198.51.100.1", trusted=["2"]) == "198.51.100.1"


def test_a_unix_socket() -> None:
    assert client_of("", "203.0.113.7", trusted=[UNIX]) == "203.0.113.7"
    assert client_of("10.0.0.1", "203.0.113.7", trusted=[UNIX]) == "10.0.0.1"
    assert client_of("", "203.0.113.7", trusted=["1"]) == "203.0.113.7"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("for=203.0.113.7", "203.0.113.7"),
        ("For=203.0.113.7;proto=http;by=203.0.113.43", "203.0.113.7"),
        ('for="203.0.113.7:4711"', "203.0.113.7"),
        ('for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
        ('for="[2001:db8:cafe::17]:_port"', "2001:db8:cafe::17"),
        (r'for="203.0.113\.7"', "203.0.113.7"),
        ("for=6.6.6.6, for=203.0.113.7", "203.0.113.7"),
        ("for=6.6.6.6 , for=203.0.113.7 ; by=_x, for=10.0.0.2", "203.0.113.7"),
        ('for=6.6.6.6;by="a, for=6.6.6.6", for=203.0.113.7', "203.0.113.7"),
        ("for=6.6.6.6, for=_gazonk", "_gazonk"),
        ("for=6.6.6.6, for=unknown", PROXY),
        ("for=6.6.6.6, proto=https", PROXY),
        ("for=6.6.6.6, for=unknown, for=10.0.0.2", "10.0.0.2"),
        ("for=6.6.6.6, for=_", PROXY),
        ('for=6.6.6.6, for="_<script>"', PROXY),
    ],
)
def test_forwarded(forwarded: str, expected: str) -> None:
    assert client_by_rfc_7239(forwarded) == expected


@pytest.mark.parametrize(
    "malformed",
    [
        *("", ",", "for", "for=", "for=6.6.6.6,", "for=6.6.6.6;", "=6.6.6.6", "for = 6.6.6.6", "6.6.6.6"),
        *('for="6.6.6.6', 'for="6.6.6.6, for=203.0.113.7', "for=2001:db8::7", "for=[2001:db8::7]"),
        *(
            'for="6.6.6.6, for="[2001:db8::1]"',
            "for=6.6.6.6;for=203.0.113.7",
            'for="6.6.6.6"x',
            "for=6.6.6.6 for=1.2.3.4",
        ),
    ],
)
def test_a_malformed_header_counts_as_the_proxy(malformed: str) -> None:
    assert client_by_rfc_7239(malformed) == PROXY
    assert client_by_rfc_7239(malformed, "for=203.0.113.7") == "203.0.113.7", "the header of the proxy is last"


def test_two_headers_must_agree() -> None:
    """A proxy writes one of the headers and forwards the other one from its client."""
    proxies = Proxies(TRUSTED)
    assert proxies.client(PROXY, ["203.0.113.7"], ["for=203.0.113.7"]) == "203.0.113.7"
    assert proxies.client(PROXY, ["203.0.113.7"], ["for=6.6.6.6"]) == PROXY
    assert proxies.client(PROXY, ["6.6.6.6"], ["for=203.0.113.7"]) == PROXY


PIECES = st.sampled_from(
    ["6.6.6.6", "for=", '"', ",", ";", "\\", " ", "[", "]", ":", "::1", "unknown", "_x", "\xe9", "=", "%"]
)
HEADERS = st.lists(st.lists(PIECES).map("".join), max_size=3)


@given(HEADERS, HEADERS)
@example(['"'], ['for="'])
def test_a_client_cannot_forge_its_address(sent: list[str], sent_forwarded: list[str]) -> None:
    """The proxy appends the address that it sees, to the last header or as another one."""
    seen, proxies = "203.0.113.7", Proxies(TRUSTED)
    for values, name, append in ((sent, 0, seen), (sent_forwarded, 1, f"for={seen}")):
        for appended in ([*values, append], [*values[:-1], f"{values[-1]}, {append}"] if values else [append]):
            headers: list[list[str]] = [[], []]
            headers[name] = appended
            assert proxies.client(PROXY, *headers) in {seen, PROXY}
            headers[1 - name] = (sent, sent_forwarded)[1 - name]
            assert proxies.client(PROXY, *headers) in {seen, PROXY}


@pytest.mark.parametrize("wrong", ["x", "10.0.0.1/8", "0", "10.0.0.1,", "1, 10.0.0.1", "-1", "proxy.example"])
def test_invalid_proxies(wrong: Any) -> None:
    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings(trusted_proxies=wrong)


def test_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[Any, tuple[str, ...]]] = [
        (2, ("2",)),
        (["::1"], ("::1",)),
        ("10.0.0.0/8,::1", ("10.0.0.0/8", "::1")),
    ]
    for trusted, kept in given:
        assert Settings(trusted_proxies=trusted).trusted_proxies == kept
    for text, expected in (
        ("10.0.0.0/8, ::1", ("10.0.0.0/8", "::1")),
        ("1", ("1",)),
        ('["unix"]', ("unix",)),
        ("", ()),
    ):
        monkeypatch.setenv("INFGRAM_TRUSTED_PROXIES", text)
        assert Settings().trusted_proxies == expected


# In the service


def served(folders: dict[str, Path], peer: str, **more: Any) -> TestClient:
    app = create_app(Settings(indexes={"bytes": folders["bytes"]}, **more))
    return TestClient(app, raise_server_exceptions=False, client=(peer, 4711))


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_rate_limits_and_logs_use_the_client(folders: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    with served(folders, PROXY, trusted_proxies="10.0.0.0/8", requests_per_s=0.001) as client:
        for number in range(6):
            headers = {"x-forwarded-for": f"6.6.6.6, 203.0.113.{number}"}
            assert [client.get("/v1/indexes", headers=headers).status_code for _ in range(3)] == [200, 429, 429]
    lines = logged(capsys)
    assert [line["client"] for line in lines] == [f"203.0.113.{number // 3}" for number in range(18)]
    assert {line["proxy"] for line in lines} == {PROXY}


def test_a_forged_address_is_ignored_without_trusted_proxies(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with served(folders, "203.0.113.9", trusted_proxies=PROXY, requests_per_s=0.001) as client:
        client.get("/v1/indexes", headers={"x-forwarded-for": "6.6.6.6", "forwarded": "for=6.6.6.6"})
        problem(client.get("/v1/indexes", headers={"x-forwarded-for": "6.6.6.9"}), 429, "rate_limited")
    warning, *lines = logged(capsys)
    assert (warning["event"], warning["peer"]) == ("forwarded_ignored", "203.0.113.9")
    assert "trusted_proxies" in warning["detail"]
    assert [(line["client"], "proxy" in line) for line in lines] == [("203.0.113.9", False)] * 2


def test_headers_that_disagree_are_logged_once(folders: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    with served(folders, PROXY, trusted_proxies=PROXY) as client:
        for _ in range(2):
            client.get("/v1/indexes", headers={"x-forwarded-for": "203.0.113.7", "forwarded": "for=6.6.6.6"})
    lines = logged(capsys)
    assert [line["event"] for line in lines] == ["forwarded_ignored", "request", "request"]
    assert "disagree" in lines[0]["detail"]


def test_an_ipv4_network_inside_ipv6_is_that_network() -> None:
    """Peers are compared as IPv4 addresses, however they are written."""
    proxies = Proxies(["::ffff:127.0.0.0/104"])
    assert proxies.trusts("127.0.0.1")
    assert proxies.trusts("::ffff:127.0.0.1")
    assert not proxies.trusts("10.0.0.1")
