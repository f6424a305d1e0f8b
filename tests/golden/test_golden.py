"""Indexes of every format version can be opened, queried and verified; a build writes the same bytes today."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import infgram

GOLDEN = Path(__file__).parent
VERSIONS = sorted(path.parent for path in GOLDEN.glob("v[1-3]/manifest.json"))
CHANGED = GOLDEN / "v4"


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
    for file in (*files, Path("manifest.json")):
        assert (tmp_path / "now" / file).read_bytes() == (golden / file).read_bytes(), file


def change(path: Path) -> None:
    """Change an index of the corpus: after a compaction, an addition and deletions, its shards show every feature."""
    infgram.delete(path, documents=[1])
    infgram.compact(path, shard_tokens=50)
    infgram.add(path, GOLDEN / "corpus.jsonl")
    infgram.delete(path, documents=[5])
    infgram.delete(path, documents=[7, 0])


def test_a_changed_index_can_be_queried() -> None:
    with infgram.open(CHANGED) as index:
        index.verify()
        assert (index.n_documents, index.n_tokens) == (4, 114)
        assert [*index.document_ids()] == [2, 3, 4, 6]
        assert index.count("the cat") == 4
        assert index.document(6).metadata == {"tags": ["a", "b"]}
        info = index.info()
        assert (info["format_version"], info["generation"], info["n_removed_documents"]) == (4, 5, 3)
        with pytest.raises(infgram.QueryError, match="document 5 was deleted"):
            index.document(5)


def test_the_same_changes_write_the_same_bytes(tmp_path: Path) -> None:
    shutil.copytree(VERSIONS[-1], tmp_path / "now")
    change(tmp_path / "now")
    files = {path.relative_to(CHANGED) for path in CHANGED.rglob("*") if path.is_file()}
    assert files == {path.relative_to(tmp_path / "now") for path in (tmp_path / "now").rglob("*") if path.is_file()}
    for file in files:
        assert (tmp_path / "now" / file).read_bytes() == (CHANGED / file).read_bytes(), file
