"""The test that every wheel runs: build, open and query, with the plain installation and pytest only."""

from __future__ import annotations

from pathlib import Path

import pytest

import infgram


def test_build_open_and_query(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "one.txt").write_text("to be or not to be", encoding="utf-8")
    (corpus / "two.txt").write_text("to be", encoding="utf-8")
    infgram.build(corpus, tmp_path / "corpus.infgram", tokenizer="bytes", threads=2).close()

    with infgram.open(tmp_path / "corpus.infgram") as index:
        assert (index.n_documents, index.n_tokens) == (2, 23)
        assert index.count("to be") == 3
        assert index.count("be to") == 0
        assert index.count_batch(["to", "or", [ord("b")]]).tolist() == [3, 1, 3]

        after = index.next_token_distribution("to be")
        assert after.token_ids.tolist() == [infgram.END_OF_DOCUMENT, ord(" ")]
        assert after.counts.tolist() == [2, 1]

        used = index.infgram_distribution("xyz not")
        assert (used.suffix_length, used.context_count, used.is_sparse) == (4, 1, True)
        assert index.longest_suffix("xyz not").length == 4
        assert index.score("to be").suffix_lengths.tolist() == [0, 1, 2, 3, 4]
        assert [hit.document_id for hit in index.search("be", limit=5)] == [0, 1]


def test_an_unknown_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(infgram.IndexNotFoundError, match=r"nothing\.infgram"):
        infgram.open(tmp_path / "nothing.infgram")
