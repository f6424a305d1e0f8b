"""Machines of the table and of JSON files."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from infgram.errors import InputError, QueryError
from infgram.planning import DEFAULT_MACHINE, MACHINES, Machine, machine_of

DEFAULT = MACHINES[DEFAULT_MACHINE]


def test_a_machine_by_its_name() -> None:
    assert machine_of(DEFAULT_MACHINE) is DEFAULT
    assert {machine.name for machine in MACHINES.values()} == set(MACHINES)


def test_a_machine_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(asdict(DEFAULT)))
    assert machine_of(path) == DEFAULT


def test_a_machine_like_another(tmp_path: Path) -> None:
    path = tmp_path / "faster.json"
    path.write_text(json.dumps({"like": DEFAULT_MACHINE, "speed": 2.5}))
    assert machine_of(str(path)) == replace(DEFAULT, name="faster", speed=2.5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"like": "abacus"}, "unknown machine 'abacus' in 'like'"),
        ({"like": ["a"]}, "unknown machine"),
        ({"like": DEFAULT_MACHINE, "cores": 3}, "unknown field 'cores'"),
        ({"name": "mine", "vcpus": 3}, "lacks the field 'memory_bytes'"),
        ({"like": DEFAULT_MACHINE, "vcpus": 0}, "vcpus of machine mine is 0"),
        ({"like": DEFAULT_MACHINE, "vcpus": 1.5}, "expected an integer above 0"),
        ({"like": DEFAULT_MACHINE, "memory_bytes": "128GiB"}, "memory_bytes of machine mine is '128GiB'"),
        ({"like": DEFAULT_MACHINE, "dollars_per_hour": -1}, "expected a number of at least 0"),
        ({"like": DEFAULT_MACHINE, "speed": True}, "speed of machine mine is True"),
        ({"like": DEFAULT_MACHINE, "disk_bytes": float("inf")}, "disk_bytes of machine mine is inf"),
        ({"like": DEFAULT_MACHINE, "name": ""}, "a machine's name is ''"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(content))
    with pytest.raises(QueryError, match=message):
        machine_of(path)


@pytest.mark.parametrize("content", [b"[1, 2]", b"{", b"\xff", b""])
def test_a_file_without_an_object(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"mine\.json"):
        machine_of(path)


@pytest.mark.parametrize("name", ["abacus", "", "no/such/file.json"])
def test_an_unknown_name_lists_the_known_ones(name: str) -> None:
    with pytest.raises(QueryError, match=DEFAULT_MACHINE):
        machine_of(name)


def test_machines_of_all_origins_are_checked() -> None:
    with pytest.raises(QueryError, match="network_bytes_per_s"):
        Machine("mine", 2, 1e9, 1e9, 1e9, 0, 0.1)
