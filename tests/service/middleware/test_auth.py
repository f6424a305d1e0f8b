"""API keys, rate limits, other origins, request ids, logs and metrics."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from infgram.service import Settings, add_key, create_app
from infgram.service.middleware import api_keys
from infgram.service.middleware.api_keys import Keys, Rates

import infgram
from tests.service.conftest import answered, problem

COUNT = "/v1/indexes/bytes/count"
HASH = f"sha256:{'0' * 64}"
BROWSER = {"accept": "text/html"}


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    return tmp_path / "keys.txt"


def served(folders: dict[str, Path], **more: Any) -> TestClient:
    return TestClient(create_app(Settings(indexes={"bytes": folders["bytes"]}, **more)), raise_server_exceptions=False)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


# Keys


def test_a_key_allows_everything_but_administration(folders: dict[str, Path], keys_file: Path) -> None:
    alice, keeper = add_key(keys_file, "alice"), add_key(keys_file, "keeper", is_admin=True)
    with served(folders, api_keys_file=keys_file) as client:
        for headers in (bearer(alice), {"authorization": f"bearer  {alice}"}, {"x-api-key": alice}, bearer(keeper)):
            assert answered(client.post(COUNT, json={"query": "rose"}, headers=headers))["count"] == 5
        problem(client.post("/v1/admin/reload", headers=bearer(alice)), 403, "forbidden")
        assert answered(client.post("/v1/admin/reload", headers=bearer(keeper)))["reloaded"] == []


def test_responses_without_a_key_have_no_information(folders: dict[str, Path], keys_file: Path) -> None:
    key = add_key(keys_file, "alice")
    wrong = [{}, bearer(key[:-1]), bearer(""), {"authorization": key}, {"x-api-key": "é".encode()}, bearer("alice")]
    with served(folders, api_keys_file=keys_file) as client:
        for path in ("/v1/indexes", "/openapi.json", "/metrics", "/nothing", "/", "/v1/indexes/bytes/documents/0"):
            refused = client.get(path)
            problem(refused, 401, "unauthorized")
            assert refused.headers["www-authenticate"] == "Bearer"
        for headers in wrong:
            problem(client.post(COUNT, json={"query": "rose"}, headers=headers), 401, "unauthorized")
            problem(client.post("/", json={}, headers=headers), 401, "unauthorized")
        for path in ("/healthz", "/readyz", "/web/x/app.mjs"):
            assert client.get(path).status_code == 200
        assert client.get("/", headers=BROWSER).headers["content-type"].startswith("text/html")


def test_keys_are_compared_in_constant_time(keys_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `hmac.compare_digest` alone, of hashes; a key that is unknown costs one hash and a look-up."""
    right = add_key(keys_file, "carol")
    compared: list[tuple[str, str]] = []

    def compare(known: str, given: str) -> bool:
        compared.append((known, given))
        return False

    monkeypatch.setattr(api_keys, "hmac", SimpleNamespace(compare_digest=compare))
    keys = Keys.read(keys_file)
    assert keys.find(right) is None, "no other comparison lets it in"
    digest = hashlib.sha256(right.encode()).hexdigest()
    assert compared == [(digest, digest)]
    assert keys.find("x" * 1_000_000) is None
    assert len(compared) == 1


def test_keys_are_read_again_on_reload(folders: dict[str, Path], keys_file: Path) -> None:
    keeper = add_key(keys_file, "keeper", is_admin=True)
    with served(folders, api_keys_file=keys_file) as client:
        alice = add_key(keys_file, "alice")
        assert client.get("/v1/indexes", headers=bearer(alice)).status_code == 401
        assert client.post("/v1/admin/reload", headers=bearer(keeper)).status_code == 200
        assert client.get("/v1/indexes", headers=bearer(alice)).status_code == 200
        keys_file.write_text("nonsense")
        refused = problem(client.post("/v1/admin/reload", headers=bearer(keeper)), 503, "not_loaded")
        assert f"{keys_file}, line 1: expected a name" in refused["detail"], "an admin gets the reason"
        assert client.get("/readyz").json()["reload_failed"]["error"] == "InputError"
        assert client.get("/v1/indexes", headers=bearer(alice)).status_code == 200


def test_a_file_of_keys(keys_file: Path) -> None:
    made = {
        name: add_key(keys_file, name, requests_per_s=5, is_admin=name == "b", may_write="c" in name)
        for name in ("a", "b", "c@d.e-f_g")
    }
    assert keys_file.stat().st_mode & 0o777 == 0o600
    text = keys_file.read_text()
    assert not any(key in text for key in made.values())
    keys_file.write_text(f"# who may ask\n\n{text}")
    keys = Keys.read(keys_file)
    for name, key in made.items():
        found = keys.find(key)
        assert found is not None
        assert (found.name, found.is_admin, found.may_write) == (name, name == "b", "c" in name)
        assert found.requests_per_s == 5
    assert keys.find("") is None
    with pytest.raises(infgram.InputError, match="has a key named 'a'"):
        add_key(keys_file, "a")


@pytest.mark.parametrize("rate", [1_000_000, 1e22, 0.00001, 2.5, 123456.75])
def test_rates_are_written_as_decimals(keys_file: Path, rate: float) -> None:
    key = add_key(keys_file, "big", requests_per_s=rate)
    found = Keys.read(keys_file).find(key)
    assert found is not None
    assert found.requests_per_s == rate
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(infgram.InputError, match="expected a finite number above 0"):
            add_key(keys_file, "x", requests_per_s=wrong)
    with pytest.raises(infgram.InputError, match="'a b' is not a valid name"):
        add_key(keys_file, "a b", requests_per_s=rate)


@pytest.mark.parametrize(
    "line", ["alice", "alice sha256:12", f"alice {'0' * 64}", f"a sha256:{'0' * 64} owner", f"a b sha256:{'0' * 64}"]
)
def test_an_invalid_line(keys_file: Path, line: str) -> None:
    keys_file.write_text(f"\n{line}\n")
    with pytest.raises(infgram.InputError, match=r"keys\.txt, line 2: expected a name"):
        Keys.read(keys_file)


@pytest.mark.parametrize("name", ["", "a b", "ä" * 65, "a\nb", "#a", "a:b"])
def test_an_invalid_name(keys_file: Path, name: str) -> None:
    with pytest.raises(infgram.InputError, match="is not a valid name"):
        add_key(keys_file, name)
    assert not keys_file.exists()


def test_unreadable_keys(folders: dict[str, Path], tmp_path: Path) -> None:
    with (
        pytest.raises(infgram.StorageError, match="cannot read the key file"),
        served(folders, api_keys_file=tmp_path / "none"),
    ):
        pass


# Rate limits


def test_a_rate_limit(folders: dict[str, Path]) -> None:
    with served(folders, requests_per_s=2) as client:
        statuses = [client.get("/v1/indexes").status_code for _ in range(4)]
        assert statuses[:2] == [200, 200]
        assert 429 in statuses
        refused = client.post(COUNT, json={"query": "rose"})
        problem(refused, 429, "rate_limited")
        assert refused.headers["retry-after"] == "1"
        assert client.get("/healthz").status_code == 200


def test_a_rate_limit_of_one_key(folders: dict[str, Path], keys_file: Path) -> None:
    slow, quick = add_key(keys_file, "slow", requests_per_s=1), add_key(keys_file, "quick", requests_per_s=1000)
    with served(folders, api_keys_file=keys_file, requests_per_s=3) as client:
        assert [client.get("/v1/indexes", headers=bearer(slow)).status_code for _ in range(2)] == [200, 429]
        assert {client.get("/v1/indexes", headers=bearer(quick)).status_code for _ in range(20)} == {200}


def test_a_bucket_is_refilled(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("infgram.service.middleware.api_keys.monotonic", lambda: now)
    rates = Rates()
    assert [rates.wait_s("a", 4) for _ in range(6)] == [0, 0, 0, 0, 1, 1]
    now += 0.5
    assert [rates.wait_s("a", 4) for _ in range(3)] == [0, 0, 1]
    assert rates.wait_s("b", 4) == 0
    now += 1000
    assert [rates.wait_s("a", 4) for _ in range(5)] == [0, 0, 0, 0, 1]
    assert [rates.wait_s("c", 0.1) for _ in range(2)] == [0, 10]


def test_old_clients_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infgram.service.middleware.api_keys.MAX_CLIENTS", 3)
    rates = Rates()
    for asker in "abcde":
        rates.wait_s(asker, 1)
    assert len(rates._buckets) == 3


# Other origins


def test_pages_of_other_origins(folders: dict[str, Path], keys_file: Path) -> None:
    add_key(keys_file, "alice")
    asks = {"origin": "https://page.example", "access-control-request-method": "POST"}
    with served(folders, api_keys_file=keys_file, cors_origins=("https://page.example",)) as client:
        assert client.options(COUNT, headers=asks).headers["access-control-allow-origin"] == "https://page.example"
        assert client.options(COUNT, headers={**asks, "origin": "https://other.example"}).status_code == 400
        refused = client.post(COUNT, json={}, headers={"origin": "https://page.example"})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "https://page.example")
    with served(folders) as client:
        assert "access-control-allow-origin" not in client.post(COUNT, json={}, headers=asks).headers


# Logs and metrics


def log_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_for_each_request(folders: dict[str, Path], keys_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = add_key(keys_file, "alice")
    with served(folders, api_keys_file=keys_file) as client:
        client.post(COUNT, json={"query": "a secret rose"}, headers={**bearer(key), "x-request-id": "my-id.1"})
        client.get("/healthz")
        client.get("/metrics", headers=bearer(key))
        client.get("/v1/indexes/secret")
    first, second = log_lines(capsys)
    assert first.keys() == {
        *("time", "level", "event", "request_id", "method", "operation", "index", "status", "elapsed_ms"),
        *("client", "key"),
    }
    assert (first["request_id"], first["operation"], first["index"]) == ("my-id.1", "count", "bytes")
    assert (first["status"], first["key"], first["method"]) == (200, "alice", "POST")
    assert (second["status"], second["key"]) == (401, None)
    assert "secret" not in json.dumps([first, second])


def test_bodies_are_logged_with_log_queries(folders: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    with served(folders, log_queries=True) as client:
        client.post(COUNT, content=b'{"query": "rose \xff"}', headers={"content-type": "application/json"})
        client.post(COUNT, json={"query": "x" * 10_000})
    first, second = log_lines(capsys)
    assert first["body"] == '{"query": "rose \ufffd"}'
    assert len(second["body"]) == 4096


def test_requests_are_not_logged_without_log_requests(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with served(folders, log_requests=False) as client:
        client.post(COUNT, json={"query": "rose"})
    assert log_lines(capsys) == []


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\tb", "é"])
def test_a_request_without_a_valid_id_gets_one(client: TestClient, given: str) -> None:
    headers = {b"x-request-id": given.encode()}
    one, other = (client.get("/healthz", headers=headers) for _ in range(2))
    assert one.headers["x-request-id"] != other.headers["x-request-id"]
    assert one.headers["x-request-id"] != given


def test_metrics(folders: dict[str, Path]) -> None:
    with served(folders) as client:
        for _ in range(3):
            client.post(COUNT, json={"query": "rose"})
        client.post(COUNT, json={"query": 5})
        client.get("/nothing")
        client.get("/v1/indexes/none")
        response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    values = dict(line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#"))
    assert values['infgram_requests_total{operation="count",status="200"}'] == "3.0"
    assert values['infgram_requests_total{operation="count",status="422"}'] == "1.0"
    assert values['infgram_requests_total{operation="index",status="404"}'] == "1.0"
    assert values['infgram_requests_total{operation="other",status="404"}'] == "1.0"
    assert values['infgram_request_seconds_count{operation="count"}'] == "4.0"
    assert values['infgram_request_seconds_bucket{le="+Inf",operation="count"}'] == "4.0"
    assert values["infgram_in_flight"] == "1.0"
    assert float(values['infgram_index_bytes{index="bytes"}']) > 0
    assert float(values['infgram_index_resident_bytes{index="bytes"}']) > 0
    assert float(values['infgram_page_faults_total{kind="minor"}']) > 0
    assert values["infgram_workers"] == "1.0"
