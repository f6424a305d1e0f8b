"""The command as a process: streams, pipes, signals."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.running import command, is_one_error_line, run_process


def test_python_m_infgram(index_path: Path, tmp_path: Path) -> None:
    outcome = run_process("count", index_path, "-", "--json", folder=tmp_path, stdin="caf\u00e9".encode())
    assert outcome.json["count"] == 1


def test_standard_input_is_taken_exactly(index_path: Path, tmp_path: Path) -> None:
    exact = run_process("count", index_path, "-", "--json", folder=tmp_path, stdin=b"natural\n")
    assert "".join(exact.json["tokens"]) == "natural\n"
    assert exact.stderr.startswith("note: the text ends with a line feed")
    several = run_process("count", index_path, "-", "--json", folder=tmp_path, stdin=b"a\r\nb\n")
    assert "".join(several.json["tokens"]) == "a\r\nb\n"
    assert several.stderr == ""


READ_STANDARD_INPUT = (
    *(("count", "INDEX", "-"), ("next", "INDEX", "-"), ("score", "INDEX", "-"), ("search", "INDEX", "-")),
    *(
        ("trace", "INDEX", "-"),
        ("novelty", "INDEX", "-"),
        ("overlap", "INDEX", "-"),
        ("overlap", "INDEX", "-", "--ids"),
    ),
    *(("eval", "INDEX", "-"), ("build", "-", "-o", "new.infgram", "--tokenizer", "bytes")),
)


@pytest.mark.parametrize("words", READ_STANDARD_INPUT, ids=" ".join)
def test_a_closed_standard_input_is_an_error(index_path: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    program = command(*(index_path if word == "INDEX" else word for word in words))
    done = subprocess.run(
        ["bash", "-c", '"$@" <&-', "bash", *program], cwd=tmp_path, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 3
    assert done.stdout == b""
    assert is_one_error_line(done.stderr.decode())
    assert "standard input is closed" in done.stderr.decode()
    assert [*tmp_path.glob("new*")] == []


def test_a_closed_standard_input_is_of_no_account_where_it_is_not_read(index_path: Path, tmp_path: Path) -> None:
    program = command("count", index_path, "")
    done = subprocess.run(
        ["bash", "-c", '"$@" <&-', "bash", *program], cwd=tmp_path, capture_output=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_empty_standard_input_is_the_empty_text(index_path: Path, tmp_path: Path) -> None:
    empty = run_process("count", index_path, "-", folder=tmp_path, stdin=b"")
    assert empty.stdout == run_process("count", index_path, "", folder=tmp_path).stdout


def test_a_byte_order_mark_is_no_part_of_a_question(index_path: Path, tmp_path: Path) -> None:
    marked = run_process("count", index_path, "-", "--json", folder=tmp_path, stdin="\ufeffnatural".encode())
    assert marked.json == run_process("count", index_path, "natural", "--json", folder=tmp_path).json
    (tmp_path / "text.txt").write_bytes("\ufeffnatural".encode("utf-16-le"))
    refused = run_process("trace", index_path, "text.txt", folder=tmp_path)
    assert refused.code == 3
    assert "UTF-16LE text; convert it to UTF-8 first" in refused.stderr


def test_an_output_of_another_encoding(index_path: Path, tmp_path: Path) -> None:
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    outcome = run_process("search", index_path, "caf\u00e9", folder=tmp_path, environment=environment)
    assert outcome.code == 0
    assert "caf\\xe9 \\u221e" in outcome.stdout


def test_a_reader_that_goes_away_is_no_error(index_path: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        words = command("next", index_path, "", "--top-k", 1000)
        done = subprocess.run(words, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_output_is_5(index_path: Path, tmp_path: Path) -> None:
    for words in (("info", index_path), ("count", index_path, "a", "--json"), ("--help",)):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                command(*words), cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
            )
        assert done.returncode == 5
        assert is_one_error_line(done.stderr.decode())


@pytest.mark.parametrize(
    ("stage", "kept"), [("x.infgram.partial/index", ""), ("x.infgram.partial/build.json", "x.infgram.partial")]
)
def test_ctrl_c_while_building(tmp_path: Path, stage: str, kept: str) -> None:
    """Once while it tokenises, once while it sorts; the corpus takes seconds, the signal comes in milliseconds."""
    words = random.Random(1).choices([f"word{number} " for number in range(1000)], k=4_000_000)
    (tmp_path / "large.txt").write_text("".join(words), encoding="utf-8")
    process = subprocess.Popen(
        command("build", "large.txt", "-o", "x.infgram", "--tokenizer", "bytes"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a test run in the background ignores it
    )
    wait_for(tmp_path / stage, process)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stdout == b""
    assert is_one_error_line(stderr.decode())
    assert ("the same command goes on from there" if kept else "left nothing behind") in stderr.decode()
    assert {path.name for path in tmp_path.iterdir()} == {"large.txt", kept} - {""}


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the path exists; the process must be running."""
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.001)


def test_the_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv = ['infgram', '--help']\nfrom infgram.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "import json\nprint(json.dumps(sorted({name.split('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert {"tokenizers", "rich", "fastapi", "uvicorn", "torch"} & set(json.loads(done.stderr)) == set()
