"""`infgram demo` with a small synthetic standard library."""

from __future__ import annotations

import socket
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import infgram
from infgram.cli import demo as demo_command, standard_library
from tests.cli.running import Outcome, is_one_error_line, run

Announce: TypeAlias = Callable[[str, list[str]], None]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the standard library."""
    root = tmp_path / "python"
    files = {
        "os.py": "import sys\nraise ValueError the number of bytes\n",
        "json/decoder.py": "import os\n" * 3,
        "json/notes.txt": "return the number of things",
        "json/__pycache__/decoder.pyc": "import os",
        "site-packages/other.py": "import os",
        "dist-packages/other.py": "import os",
        "test/test_os.py": "import os",
        "lib-dynload/_x.so": "import os",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "latin1.py").write_bytes(b"# caf\xe9\n")
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(root))
    return root


def demo(output: Path, *words: str) -> Outcome:
    return run("demo", "--no-serve", "--output", output, *words)


def test_the_indexed_files(library: Path) -> None:
    found = {path.as_posix() for path in standard_library.text_files(library)}
    assert found == {"os.py", "json/decoder.py", "json/notes.txt", "latin1.py"}


def test_demo(library: Path, tmp_path: Path) -> None:
    output = tmp_path / "demo.infgram"
    shown = demo(output)
    assert shown.code == 0, shown.stderr
    for part in ("3 documents", "latin1.py", '"import os"', "return the number of", "infgram count", "probability"):
        assert part in shown.stdout
    with infgram.open(output) as index:
        assert index.n_documents == 3
        assert {index.document(number).metadata["path"].split("/")[0] for number in range(3)} == {
            f"python3.{sys.version_info.minor}"
        }
    assert demo(output).code == 0, "a second run replaces the first index"


def test_demo_json(library: Path, tmp_path: Path) -> None:
    said = demo(tmp_path / "demo.infgram", "--json").json
    assert said["url"] is None
    assert said["build"]["n_documents"] == 3
    assert said["counts"][0] == {"text": "import os", "count": 3}
    assert said["lookups"][-1]["suffix_length"] > 0


def test_the_index_is_served_afterwards(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(indexes: list[Path], names: list[str], address: dict[str, Any], announce: Announce) -> None:
        assert (indexes, names) == ([output], [])
        assert address == {"host": "127.0.0.1", "port": 0, "log_requests": False}
        announce("http://127.0.0.1:8000", ["demo"])

    output = tmp_path / "demo.infgram"
    monkeypatch.setattr(demo_command, "start", start)
    shown = run("demo", "--port", 0, "--output", output)
    assert shown.stdout.endswith("Serving the index at http://127.0.0.1:8000 (open it in a browser; Ctrl-C stops)\n")
    assert run("demo", "--port", 0, "--output", output, "--json").json["url"] == "http://127.0.0.1:8000"


def test_another_index_is_not_replaced(library: Path, index_path: Path, tmp_path: Path) -> None:
    before = sorted(path.read_bytes() for path in index_path.rglob("*") if path.is_file())
    outcome = demo(index_path)
    assert outcome.code == 4
    assert is_one_error_line(outcome.stderr)
    assert sorted(path.read_bytes() for path in index_path.rglob("*") if path.is_file()) == before
    (tmp_path / "notes").mkdir()
    assert demo(tmp_path / "notes").code == 4


def test_a_python_without_source_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / "nowhere"))
    outcome = demo(tmp_path / "x")
    assert outcome.code == 3
    assert is_one_error_line(outcome.stderr)


def test_a_taken_port_is_found_before_the_build(library: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        outcome = run("demo", "--port", port, "--output", tmp_path / "x")
    assert outcome.code == 5
    assert "--port" in outcome.stderr
    assert not (tmp_path / "x").exists()


def test_the_real_library_is_large_enough() -> None:
    root = Path(sysconfig.get_path("stdlib"))
    assert len(list(standard_library.text_files(root))) > 500
