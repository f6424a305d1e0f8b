"""Which Ray cluster is used, and when one is started, with a fake Ray."""

from __future__ import annotations

import os
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from infgram.cluster import ray_cluster
from infgram.errors import ShardUnavailableError


class Noted:
    """A fake Ray on a machine without a cluster."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._is_initialized = False

    def is_initialized(self) -> bool:
        return self._is_initialized

    def init(self, *, address: str, **options: Any) -> None:
        self.calls.append(f"init {address}")
        if address == "auto":
            raise ConnectionError("Could not find any running Ray instance")
        self._is_initialized = True

    def shutdown(self) -> None:
        self.calls.append("shutdown")
        self._is_initialized = False

    def get_runtime_context(self) -> Any:
        return SimpleNamespace(gcs_address="127.0.0.2:4711")


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Noted:
    noted = Noted()
    monkeypatch.setattr(ray_cluster, "ray_module", lambda: noted)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return noted


def test_a_local_cluster_runs_during_the_block(ray: Noted, caplog: pytest.LogCaptureFixture) -> None:
    with ray_cluster.connection():
        assert ray.calls == ["init auto", "init local"]
        assert os.environ["RAY_ADDRESS"] == "127.0.0.2:4711"  # for processes that the block starts
    assert ray.calls[2:] == ["shutdown"]
    assert "RAY_ADDRESS" not in os.environ
    assert [record.message.startswith("no Ray cluster is running; started one") for record in caplog.records] == [True]


def test_an_existing_connection_is_kept(ray: Noted, caplog: pytest.LogCaptureFixture) -> None:
    ray.init(address="somewhere")
    with ray_cluster.connection():
        pass
    assert ray.calls == ["init somewhere"]
    assert caplog.records == []


def test_opening_an_index_starts_no_cluster(ray: Noted) -> None:
    with pytest.raises(ShardUnavailableError, match="no Ray cluster on this machine"):
        ray_cluster.connected()
    assert ray.calls == ["init auto"]


def test_an_unreachable_named_cluster_is_an_error(ray: Noted, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
    with pytest.raises(ShardUnavailableError, match=f"at {address} "):
        ray_cluster.connected(address, start=True)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(ShardUnavailableError, match=f"at {address}, which RAY_ADDRESS names"), ray_cluster.connection():
        pass
    assert ray.calls == []  # Ray itself would have waited for minutes


def test_a_named_cluster_is_used(ray: Noted) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        ray_cluster.connected(address, start=True)
    assert ray.calls == [f"init {address}"]
