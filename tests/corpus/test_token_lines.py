"""JSON lines of token ids."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from infgram.corpus import TokenLines
from infgram.errors import InputError


def test_items_in_order_with_their_metadata(tmp_path: Path) -> None:
    rows = [{"token_ids": [1, 2], "id": "a"}, {"token_ids": []}, {"id": 3, "token_ids": [2**40]}]
    text = "\n".join(json.dumps(row) for row in rows[:2]) + "\n\n"
    (tmp_path / "1.jsonl").write_text(text)
    (tmp_path / "2.jsonl.gz").write_bytes(gzip.compress(json.dumps(rows[2]).encode()))
    lines = TokenLines(tmp_path, field="token_ids")
    for _ in range(2):
        found = [(item.token_ids, item.metadata, item.source, item.line) for item in lines.items()]
        assert found == [
            ([1, 2], {"id": "a"}, "1.jsonl", 1),
            ([], {}, "1.jsonl", 2),
            ([2**40], {"id": 3}, "2.jsonl.gz", 1),
        ]
        assert lines.bytes_read == lines.n_bytes == sum(path.stat().st_size for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    "line", ["[1]", "{", '{"ids": [1]}', '{"token_ids": 1}', '{"token_ids": [true]}', '{"token_ids": [1.5]}']
)
def test_a_line_without_token_ids(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"token_ids": [1]}\n' + line)
    items = TokenLines(path, field="token_ids").items()
    assert next(items).token_ids == [1]
    with pytest.raises(InputError, match="line 2"):
        next(items)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        TokenLines(tmp_path / "missing.jsonl", field="token_ids")
    cut_short = gzip.compress(b'{"token_ids": [1]}\n' * 100)[:-9]
    (tmp_path / "x.jsonl.gz").write_bytes(cut_short)
    with pytest.raises(InputError, match="cannot be read"):
        list(TokenLines(tmp_path, field="token_ids").items())
