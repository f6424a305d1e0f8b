"""`infgram convert` prints what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.running import run
from tests.infini_gram_folders import write_shard


def test_convert(tmp_path: Path) -> None:
    for number in range(2):
        write_shard(tmp_path / "theirs" / f"part-{number}", [[97, 98], [98]], 8)
    shown = run("convert", tmp_path / "theirs", "-o", tmp_path / "text.infgram", "--tokenizer", "bytes")
    assert "4 documents" in shown.stdout
    answer = json.loads(
        run("convert", tmp_path / "theirs", "-o", tmp_path / "x.infgram", "--tokenizer", "bytes", "--json").stdout
    )
    assert (answer["n_documents"], answer["n_tokens"], answer["skipped"]) == (4, 6, [])
    assert run("count", tmp_path / "x.infgram", "ab").stdout == "2\n"
    quiet = run("convert", tmp_path / "theirs", "-o", tmp_path / "y.infgram", "--tokenizer", "bytes", "--quiet")
    assert (quiet.stdout, quiet.stderr) == ("", "")
