"""Commands as processes: streams, pipes, and signals."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

import infgram
from tests.cli.running import command, is_one_error_line, run_process


def test_python_m_infgram(index_path: Path, tmp_path: Path) -> None:
    outcome = run_process("count", index_path, "-", "--json", folder=tmp_path, stdin="caf\u00e9".encode())
    assert outcome.json["count"] == 1


def test_standard_input_is_read_exactly(index_path: Path, tmp_path: Path) -> None:
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
    ("count", "INDEX", "--queries", "-"),
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


def test_closed_stdin_is_ignored_unless_read(index_path: Path, tmp_path: Path) -> None:
    program = command("count", index_path, "")
    done = subprocess.run(
        ["bash", "-c", '"$@" <&-', "bash", *program], cwd=tmp_path, capture_output=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_empty_standard_input_is_the_empty_text(index_path: Path, tmp_path: Path) -> None:
    empty = run_process("count", index_path, "-", folder=tmp_path, stdin=b"")
    assert empty.stdout == run_process("count", index_path, "", folder=tmp_path).stdout


def test_a_byte_order_mark_is_not_part_of_a_query(index_path: Path, tmp_path: Path) -> None:
    marked = run_process("count", index_path, "-", "--json", folder=tmp_path, stdin="\ufeffnatural".encode())
    assert marked.json == run_process("count", index_path, "natural", "--json", folder=tmp_path).json
    (tmp_path / "text.txt").write_bytes("\ufeffnatural".encode("utf-16-le"))
    refused = run_process("trace", index_path, "text.txt", folder=tmp_path)
    assert refused.code == 3
    assert "UTF-16LE text; convert it to UTF-8 first" in refused.stderr


def test_an_output_with_another_encoding(index_path: Path, tmp_path: Path) -> None:
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    outcome = run_process("search", index_path, "caf\u00e9", folder=tmp_path, environment=environment)
    assert outcome.code == 0
    assert "caf\\xe9 \\u221e" in outcome.stdout


def test_a_closed_pipe_is_not_an_error(index_path: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        words = command("next", index_path, "", "--top-k", 1000)
        done = subprocess.run(words, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_output_exits_with_5(index_path: Path, tmp_path: Path) -> None:
    for words in (("info", index_path), ("count", index_path, "a", "--json"), ("--help",)):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                command(*words), cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
            )
        assert done.returncode == 5
        assert is_one_error_line(done.stderr.decode())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("stage", "kept"), [("x.infgram.partial/index", ""), ("x.infgram.partial/build.json", "x.infgram.partial")]
)
def test_a_signal_while_building(tmp_path: Path, stage: str, kept: str, number: signal.Signals) -> None:
    """Send it once while tokenizing and once while sorting; the corpus takes seconds, the signal milliseconds."""
    words = random.Random(1).choices([f"word{number} " for number in range(1000)], k=4_000_000)
    (tmp_path / "large.txt").write_text("".join(words), encoding="utf-8")
    process = subprocess.Popen(
        command("build", "large.txt", "-o", "x.infgram", "--tokenizer", "bytes"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background process ignores it
    )
    wait_for(tmp_path / stage, process)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert stdout == b""
    assert is_one_error_line(stderr.decode())
    assert ("run the same command to resume" if kept else "left no files") in stderr.decode()
    assert {path.name for path in tmp_path.iterdir()} == {"large.txt", kept} - {""}


@pytest.mark.parametrize(("number", "workers"), [(signal.SIGINT, 1), (signal.SIGTERM, 2), (signal.SIGINT, 2)])
def test_a_signal_while_serving(index_path: Path, tmp_path: Path, number: signal.Signals, workers: int) -> None:
    process = subprocess.Popen(
        command("serve", index_path, "--port", 0, "--workers", workers),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (128 + number, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_standard_input_is_read(index_path: Path, tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        command("count", index_path, "-"),
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        handled = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:  # until the handler of SIGTERM is installed
            caught = next(line for line in handled.read_text().splitlines() if line.startswith("SigCgt"))
            if int(caught.split()[1], 16) >> signal.SIGTERM - 1 & 1:
                break
            time.sleep(0.001)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert stderr in (b"", b"error: interrupted\n")  # nothing before the command itself runs


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until the path exists; the process must be running."""
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.001)


def test_the_help_imports_no_heavy_packages() -> None:
    code = (
        "import sys\nsys.argv = ['infgram', '--help']\nfrom infgram.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "import json\nprint(json.dumps(sorted({name.split('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert {"tokenizers", "rich", "fastapi", "uvicorn", "torch"} & set(json.loads(done.stderr)) == set()


ANSWERS = (
    ("count", "INDEX", "natural"),
    ("info", "INDEX"),
    ("next", "INDEX", "", "--top-k", "1000"),
    ("score", "INDEX", "the natural language"),
    ("search", "INDEX", "natural", "--limit", "4"),
    ("document", "INDEX", "0"),
    ("trace", "INDEX", "-"),
    ("plan", "--tokens", "1e12"),
)
PIPED = [("--help",), ("--version",), ("count", "--help"), *ANSWERS, *((*words, "--json") for words in ANSWERS)]


def piped(words: Sequence[str], index_path: Path) -> list[str]:
    return command(*(str(index_path) if word == "INDEX" else word for word in words))


@pytest.mark.parametrize(
    ("words", "unbuffered"), [*((words, "") for words in PIPED), *((words, "1") for words in PIPED[:6])]
)
def test_a_closed_pipe_gives_the_same_exit_code_everywhere(
    index_path: Path, tmp_path: Path, words: tuple[str, ...], unbuffered: str
) -> None:
    """The exit code does not depend on who writes: rich, Typer or infgram."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            piped(words, index_path),
            cwd=tmp_path,
            input=b"the natural language",
            stdout=writing,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.returncode == 141
    assert [line for line in done.stderr.decode().splitlines() if not line.startswith("note: ")] == []


def test_a_reader_that_closes_the_pipe_in_the_middle(tmp_path: Path) -> None:
    """It reads a few bytes of a long output and closes the pipe at a random time."""
    rows = [json.dumps({"text": f"the natural language number {number} " * 20}) for number in range(400)]
    (tmp_path / "corpus.jsonl").write_text("\n".join(rows), encoding="utf-8")
    infgram.build(tmp_path / "corpus.jsonl", tokenizer="bytes").close()
    words = command("search", tmp_path / "corpus.infgram", "natural", "--limit", 400, "--snippet-tokens", 1000)
    codes = set()
    for n_read in (1, 100, 4096, 70_000, 100_000, 1, 100, 4096):
        process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stderr is not None
        assert len(process.stdout.read(n_read)) == n_read
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        codes.add(process.wait(60))
    assert codes == {141}


def test_unwritable_messages_do_not_change_the_exit_code(index_path: Path, tmp_path: Path) -> None:
    """Standard error is a closed pipe, is closed, or is full."""
    (tmp_path / "corpus.txt").write_text("natural " * 100, encoding="utf-8")
    build = command("build", tmp_path / "corpus.txt", "--json", "--overwrite")
    for words, code in ((build, 0), (command("count", tmp_path / "absent", "x"), 4), (command("count"), 2)):
        reading, writing = os.pipe()
        os.close(reading)
        try:
            gone = subprocess.run(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=writing, timeout=60, check=False)
        finally:
            os.close(writing)
        assert (gone.returncode, bool(gone.stdout)) == (code, code == 0)
        for ending in ("2>&-", "2>/dev/full"):
            shell = ["sh", "-c", f'exec "$@" {ending}', "sh", *words]
            done = subprocess.run(shell, cwd=tmp_path, stdout=subprocess.PIPE, timeout=60, check=False)
            assert (done.returncode, bool(done.stdout)) == (code, code == 0), ending


@pytest.mark.parametrize("words", [["--help"], ["info", "INDEX"], ["count", "INDEX", "natural", "--json"]])
def test_a_closed_standard_output_exits_with_5(index_path: Path, tmp_path: Path, words: list[str]) -> None:
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *piped(words, index_path)]
    done = subprocess.run(shell, cwd=tmp_path, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 5
    assert "standard output is closed" in done.stderr.decode()
    assert is_one_error_line(done.stderr.decode())
