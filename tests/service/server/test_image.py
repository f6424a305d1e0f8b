"""The recipe of the container image, tested without building it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.client.loopback import loopback

DOCKERFILE = (Path(__file__).parents[3] / "service" / "Dockerfile").read_text(encoding="utf-8")


def is_healthy(port: int) -> bool:
    """Return the result of the image's health check."""
    found = re.search(r"^HEALTHCHECK .*\\\n +CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert found
    _, *arguments = json.loads(found[1])
    environment = {**os.environ, "INFGRAM_PORT": str(port)}
    return (
        subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False).returncode == 0
    )


def test_the_health_check() -> None:
    with loopback() as service:
        port = int(service.url.rpartition(":")[2])
        assert is_healthy(port)
        service.runtime.is_draining = True
        assert not is_healthy(port)
    assert not is_healthy(port)


def test_it_runs_unprivileged_and_without_a_compiler() -> None:
    last = DOCKERFILE.split("\nFROM ")[-1]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert "apt-get" not in last
    assert last.rstrip().endswith('ENTRYPOINT ["infgram", "serve"]')
