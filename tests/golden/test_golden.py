"""Indexes of every format version can be opened, queried and verified; a build writes the same bytes today."""

from __future__ import annotations

from pathlib import Path

import pytest

import infgram

GOLDEN = Path(__file__).parent
VERSIONS = sorted(path.parent for path in GOLDEN.glob("v*/manifest.json"))


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.name)
def test_old_indexes_can_be_queried(path: Path) -> None:
    with infgram.open(path) as index:
        index.verify()
        assert (index.n_documents, index.n_shards, index.n_tokens) == (4, 2, 79)
        assert index.count("the cat sat on the ") == 3
        assert index.count("∞") == 1
        rows = index.next_token_distribution("the cat sat on the mat")
        assert (rows.token_ids.tolist(), rows.counts.tolist()) == ([infgram.END_OF_DOCUMENT], [2])
        assert index.document(2).metadata == {"tags": ["a", "b"]}
        assert [hit.document_id for hit in index.search("mat")] == [0, 3]
        keeps_sources = index.info()["format_version"] >= 3
        places = [(index.document(number).source, index.document(number).line) for number in range(4)]
        assert places == ([("corpus.jsonl", line) for line in (1, 2, 3, 4)] if keeps_sources else [(None, None)] * 4)


def test_a_build_writes_the_newest_golden_index(tmp_path: Path) -> None:
    infgram.build(GOLDEN / "corpus.jsonl", tmp_path / "now", tokenizer="bytes", shard_tokens=50).close()
    golden = VERSIONS[-1]
    files = [path.relative_to(golden) for path in golden.rglob("*.bin")]
    assert len(files) == 22
    for file in files:
        assert (tmp_path / "now" / file).read_bytes() == (golden / file).read_bytes(), file
