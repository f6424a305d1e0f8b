"""`infgram serve` starts the service, or prints an error."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import command, is_one_error_line, run


@contextmanager
def served(*words: str | Path | int, folder: Path, n_requests: int = 1) -> Iterator[dict[str, Any]]:
    """A running service and its announcement. It must log its requests and exit successfully on a signal."""
    process = subprocess.Popen(
        command(*words, "--json"), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        yield json.loads(line)
    finally:
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 143
    assert [json.loads(line)["event"] for line in stderr.splitlines()] == ["request"] * n_requests


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_serve(index_path: Path, tmp_path: Path) -> None:
    words = ("serve", index_path, index_path, "--port", 0, "--name", "one", "--name", "two")
    with served(*words, folder=tmp_path) as said:
        assert said["indexes"] == ["one", "two"]
        assert said["url"].startswith("http://127.0.0.1:")
        body = json.dumps({"query": " natural"}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{said['url']}/v1/indexes/two/count", data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer)["count"] == run("count", index_path, " natural", "--json").json["count"]


def asked(said: dict[str, Any], key: str | None = None) -> int:
    """Return the status of a request for the list of indexes."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{said['url']}/v1/indexes", headers=headers)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_file_of_settings_and_keys(index_path: Path, tmp_path: Path) -> None:
    made = run("api-key", tmp_path / "keys.txt", "alice", "--json").json
    assert made["name"] == "alice"
    lines = (tmp_path / "keys.txt").read_text()
    assert "alice sha256:" in lines
    assert made["key"] not in lines
    assert (tmp_path / "keys.txt").stat().st_mode & 0o077 == 0
    (tmp_path / "service.toml").write_text(
        f"port = 0\napi_keys_file = {str(tmp_path / 'keys.txt')!r}\n\n[indexes]\nstories = {str(index_path)!r}\n"
    )
    with served("serve", "--config", tmp_path / "service.toml", folder=tmp_path, n_requests=2) as said:
        assert said["indexes"] == ["stories"]
        assert (asked(said), asked(said, made["key"])) == (401, 200)


@pytest.mark.parametrize(
    ("options", "words"), [((), ""), (("--write",), " write"), (("--admin", "--write"), " admin write")]
)
def test_what_a_key_permits(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    assert run("api-key", tmp_path / "keys.txt", "alice", *options).code == 0
    line = (tmp_path / "keys.txt").read_text()
    assert re.fullmatch(rf"alice sha256:[0-9a-f]{{64}}{words}\n", line)


def test_an_existing_key(tmp_path: Path) -> None:
    assert run("api-key", tmp_path / "keys.txt", "alice").code == 0
    outcome = run("api-key", tmp_path / "keys.txt", "alice")
    assert outcome.code == 3
    assert is_one_error_line(outcome.stderr)


@pytest.mark.parametrize("text", ["port = 'many'", "other = 1", "port = ", "[limits]\ntop_k = 1"])
def test_an_invalid_settings_file(index_path: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "service.toml").write_text(text)
    assert run("serve", index_path, "--config", tmp_path / "service.toml").code == 2
    assert run("serve", index_path, "--config", tmp_path / "none.toml").code == 2


def test_no_index(tmp_path: Path) -> None:
    outcome = run("serve")
    assert outcome.code == 2
    assert "INDEX" in outcome.stderr


def test_a_taken_port(index_path: Path) -> None:
    with taken_port() as port:
        outcome = run("serve", index_path, "--port", port)
    assert outcome.code == 5
    assert is_one_error_line(outcome.stderr)
    assert "--port" in outcome.stderr
    assert str(port) in outcome.stderr


def test_a_folder_that_is_not_an_index(tmp_path: Path) -> None:
    outcome = run("serve", tmp_path, "--port", 0)
    assert outcome.code == 4
    assert is_one_error_line(outcome.stderr)


@pytest.mark.parametrize("names", [("a", "b"), ("a b",), ("",), ("../x",)])
def test_wrong_number_of_names(index_path: Path, names: tuple[str, ...]) -> None:
    options = [word for name in names for word in ("--name", name)]
    outcome = run("serve", index_path, "--port", 0, *options)
    assert outcome.code == 2
    assert "--name" in outcome.stderr


@pytest.mark.parametrize(("variable", "name"), [("INFGRAM_PORT", "port"), ("INFGRAM_LIMITS__TOP_K", "limits.top_k")])
def test_an_invalid_environment_variable(
    index_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, name: str
) -> None:
    monkeypatch.setenv(variable, "many")
    outcome = run("serve", index_path)
    assert outcome.code == 2
    assert f"{name}: " in outcome.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_a_misspelled_environment_variable(index_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    """Otherwise the service would be open to everybody."""
    monkeypatch.setenv("INFGRAM_API_KEY_FILE", "keys.txt")
    outcome = run("serve", index_path, "--workers", workers, "--port", 0)
    assert outcome.code == 2
    assert "INFGRAM_API_KEY_FILE" in outcome.stderr
    assert "INFGRAM_API_KEYS_FILE" in outcome.stderr


def test_names_without_an_index(tmp_path: Path, index_path: Path) -> None:
    (tmp_path / "service.toml").write_text(f"[indexes]\nstories = {str(index_path)!r}\n")
    outcome = run("serve", "--config", tmp_path / "service.toml", "--name", "other")
    assert outcome.code == 2
    assert "--name" in outcome.stderr


@pytest.mark.parametrize("proxies", ["10.0.0.1/8", "proxy", "0"])
def test_invalid_proxies(index_path: Path, proxies: str) -> None:
    outcome = run("serve", index_path, "--port", 0, "--trusted-proxies", proxies)
    assert outcome.code == 2
    assert "trusted_proxies" in outcome.stderr


def test_a_missing_extra(index_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    for words in (("serve", index_path), ("demo",)):
        outcome = run(*words)
        assert outcome.code == 5
        assert is_one_error_line(outcome.stderr)
        assert "pip install 'infgram[service]'" in outcome.stderr


def test_it_runs_if_nobody_reads_its_announcement(index_path: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    reading, writing = os.pipe()
    os.close(reading)
    words = command("serve", index_path, "--port", port)
    process = subprocess.Popen(words, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    try:
        while process.poll() is None:
            with contextlib.suppress(urllib.error.URLError):
                assert asked({"url": f"http://127.0.0.1:{port}"}) == 200
                break
            time.sleep(0.05)
    finally:
        process.terminate()
        _, stderr = process.communicate(timeout=60)
    assert "Traceback" not in stderr
    assert process.returncode == 143
