"""Altered bodies of every request: an answer or a problem of the caller, never an error of the service."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi.testclient import TestClient
from infgram.service import Settings, create_app

from tests.fuzzing import altered_json, fuzz
from tests.service.conftest import LIMITS
from tests.service.test_openapi import COMMITTED

OPENAPI: Final[dict[str, Any]] = json.loads(COMMITTED.read_text())


def bodies() -> list[tuple[str, str, Any]]:
    """Return the examples of the OpenAPI document, with their methods and paths."""
    found = []
    for path, operations in OPENAPI["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is not None:
                schema = content["schema"]
                name = schema.get("$ref", "").rpartition("/")[2]
                examples = OPENAPI["components"]["schemas"].get(name, schema).get("examples") or [content["example"]]
                found += [(method, path, each) for each in examples]
    return found


BODIES: Final = bodies()


def send_altered(folders: dict[str, Path]) -> Callable[[random.Random], None]:
    clients: list[TestClient] = []  # one in each process

    def target(numbers: random.Random) -> None:
        if not clients:
            app = create_app(Settings(indexes=folders, limits=LIMITS, log_requests=False))
            clients.append(TestClient(app, raise_server_exceptions=False).__enter__())
        method, path, example = numbers.choice(BODIES)
        at = path.replace("{name}", numbers.choice(list(folders)))
        body = altered_json(example, numbers)
        response = clients[0].request(method, at, content=body, headers={"content-type": "application/json"})
        assert response.status_code < 500, (method, at, body, response.text)
        assert "internal_error" not in response.text, (method, at, body, response.text)

    return target


def test_altered_bodies(folders: dict[str, Path], record_property: Callable[[str, object], None]) -> None:
    record_property("tried", fuzz(send_altered(folders), (), n=1500))


@pytest.mark.torture
def test_altered_bodies_for_long(
    folders: dict[str, Path], budget_s: float, record_property: Callable[[str, object], None]
) -> None:
    record_property("tried", fuzz(send_altered(folders), (), seconds=budget_s))
