"""Schemathesis sends a service requests that its OpenAPI document allows, and others.

It checks that no status is 500 or undocumented, that bodies and headers match the document, and that invalid requests
are rejected.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.client.loopback import loopback
from tests.service.test_openapi import COMMITTED

DOCUMENT: Final = schemathesis.openapi.from_path(COMMITTED)
OPERATIONS: Final = {
    f"{method.upper()} {path}": DOCUMENT[path][method.upper()]
    for path, methods in DOCUMENT.raw_schema["paths"].items()
    for method in methods
}
QUICK = settings(max_examples=10, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def address(folders: dict[str, Path]) -> Iterator[str]:
    with loopback(indexes={"language": folders["bytes"]}) as service:
        yield service.url


@pytest.mark.parametrize("label", OPERATIONS)
def test_valid_requests(address: str, label: str) -> None:
    """It cannot say which token ids there are, and takes 3.0 for an integer: that may be refused, and nothing else.

    Except the largest seeds, which the readers of schemas round up to 2**64.
    """

    @QUICK
    @given(case=OPERATIONS[label].as_strategy(generation_mode=GenerationMode("positive")))
    def ask(case: Case[Any]) -> None:
        if "name" in case.path_parameters:
            case.path_parameters["name"] = "language"
        response = case.call_and_validate(base_url=address, excluded_checks=[positive_data_acceptance])
        if response.status_code == 422:
            refused = response.json()
            wrong = {error["type"] for error in refused.get("errors") or [] if error["loc"][-1] != "seed"}
            wrong -= {"string_type"} if "int_type" in wrong else set()  # where either is allowed
            assert refused["code"] != "invalid_request" or wrong <= {"int_type", "value_error"}, refused

    ask()


@pytest.mark.parametrize("label", [label for label in OPERATIONS if OPERATIONS[label].body])
def test_invalid_requests(address: str, label: str) -> None:
    """Two kinds of routes may return 200: batches, with errors of single items, and the public API."""
    says_so_inside: list[Any] = [negative_data_rejection] if label.endswith("/batch") or label == "POST /" else []

    @QUICK
    @given(case=OPERATIONS[label].as_strategy(generation_mode=GenerationMode("negative")))
    def ask(case: Case[Any]) -> None:
        case.call_and_validate(base_url=address, excluded_checks=says_so_inside)

    ask()
