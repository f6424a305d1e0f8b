"""An S3 server on the loopback interface, in its own process."""

from __future__ import annotations

import importlib
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

fsspec: Any = importlib.import_module("fsspec")

_START_S = 60


@contextmanager
def s3_server() -> Iterator[str]:
    """Yield the URL of an empty bucket; the environment names the server for this process and its children."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with patch.dict(os.environ, environment):
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(port, server)
            file_system = fsspec.filesystem("s3", skip_instance_cache=True)
            bucket = f"bucket-{secrets.token_hex(4)}"
            file_system.mkdir(bucket)
            yield f"s3://{bucket}"
        finally:
            server.terminate()
            server.wait()
            fsspec.get_filesystem_class("s3").clear_instance_cache()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(_START_S * 20):
        assert server.poll() is None, "moto.server has ended"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise TimeoutError("moto.server does not listen")
