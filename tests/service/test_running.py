"""`run` as a program: it says where it listens, answers, and ends on a signal."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from infgram.service import Settings, run

import infgram

PROGRAM = """
import sys
from infgram.service import Settings, run
run(Settings(indexes={"bytes": sys.argv[1]}, port=0), announce=lambda address: print(address, flush=True))
"""


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal(folders: dict[str, Path], stop: signal.Signals) -> None:
    command = [sys.executable, "-I", "-c", PROGRAM, str(folders["bytes"])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:")
            response = httpx2.post(f"{address}/v1/indexes/bytes/count", json={"query": "rose"}, trust_env=False)
            assert response.json()["count"] == 5
            assert "server" not in response.headers
        finally:
            process.send_signal(stop)
        out, err = process.communicate(timeout=30)
    assert (out, err) == ("", "")
    assert process.returncode in {0, -stop}


def test_a_port_that_is_taken(folders: dict[str, Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(infgram.StorageError, match=f"cannot listen at 127.0.0.1 port {port}: .*--port"):
            run(Settings(indexes={"bytes": folders["bytes"]}, port=port))


def test_an_index_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(infgram.IndexNotFoundError):
        run(Settings(indexes={"none": tmp_path / "none"}, port=0))
