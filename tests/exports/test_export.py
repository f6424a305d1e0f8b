"""`infgram.export`: an index built from the exported file has the same documents again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import infgram
from infgram.tokenizers import HuggingFaceTokenizer
from tests.building import build_tokens, temporary_folder, text_index, token_index
from tests.strategies import Layout, layouts

TEXTS = ["one two", "", "ünï\ncode 漢字 😀", "one two"]
VOCABULARY = 7

corpora = st.lists(st.lists(st.integers(0, VOCABULARY - 1), max_size=12), min_size=1, max_size=8)


@pytest.mark.parametrize("name", ["out.jsonl", "out.ndjson.gz", "out.jsonl.zst", "out.parquet"])
def test_rows_are_read_again(name: str, tmp_path: Path) -> None:
    with text_index(TEXTS, layout=Layout(8, 2, 1)) as index:
        done = infgram.export(index, tmp_path / name)
        assert done == ((tmp_path / name,), len(TEXTS), index.n_tokens, None)
        with infgram.build(tmp_path / name, tmp_path / "again", tokenizer="bytes") as again:
            for number, text in enumerate(TEXTS):
                document = again.document(number)
                assert document.text == text
                assert document.metadata["number"] == index.document_metadata(number)["number"]
                assert document.metadata["line"] == index.provenance(number).line


@given(corpora, layouts)
def test_token_files_are_read_again(documents: list[list[int]], layout: Layout) -> None:
    with token_index(documents, vocab_size=VOCABULARY, layout=layout) as index, temporary_folder(0) as folder:
        n_tokens = sum(map(len, documents))
        assert infgram.export(index, folder / "x.npy", end_of_text=VOCABULARY).n_tokens == n_tokens
        infgram.export(index, folder / "ends.bin", end_of_text=VOCABULARY)
        infgram.export(index, folder / "plain.bin")
        infgram.export(index, folder / "rows.jsonl")
        ids = np.load(folder / "x.npy")
        assert ids.dtype == np.uint16
        assert ids.tolist() == [token for document in documents for token in [*document, VOCABULARY]]
        assert (folder / "ends.bin").read_bytes() == ids.tobytes()
        rows = (folder / "rows.jsonl").read_text().splitlines()
        assert [json.loads(row)["token_ids"] for row in rows] == documents
        for name in ("ends.bin", "plain.bin"):
            corpus = infgram.TokenCorpus(folder / name, vocab_size=VOCABULARY, end_of_text=VOCABULARY)
            assert documents_of(corpus) == documents, name
        if n_tokens:
            corpus = infgram.TokenCorpus(folder / "x.npy", vocab_size=VOCABULARY, end_of_text=VOCABULARY)
            assert documents_of(corpus) == [document for document in documents if document]


def documents_of(corpus: infgram.TokenCorpus) -> list[list[int]]:
    found = []
    for batch in corpus.batches(whole_documents=True):
        ends = np.cumsum(batch.lengths)[:-1]
        found += [part.tolist() for part in np.split(batch.token_ids, ends)]
    return found


@pytest.mark.parametrize(
    ("vocab_size", "end_of_text", "npy", "megatron"),
    [(65535, 65535, "<u2", "<u2"), (65536, 65536, "<u4", "<i4"), (70_000, 69_999, "<u4", "<i4")],
)
def test_the_type_fits_all_ids(vocab_size: int, end_of_text: int, npy: str, megatron: str, tmp_path: Path) -> None:
    with token_index([[1, 2]], vocab_size=vocab_size, layout=Layout(32, 1, 1)) as index:
        for name, dtype in (("x.npy", npy), ("x.bin", megatron)):
            infgram.export(index, tmp_path / name, end_of_text=end_of_text)
            content = np.load(tmp_path / name) if name == "x.npy" else np.fromfile(tmp_path / name, dtype)
            assert (content.dtype.str, content.tolist()) == (dtype, [1, 2, end_of_text])


def test_the_tokenizer_has_the_end_of_text(tmp_path: Path) -> None:
    vocabulary: dict[str, Any] = {"a": 0, "b": 1}
    added = [
        {
            "id": 2,
            "content": "</s>",
            "special": True,
            **dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False),
        }
    ]
    definition = {"version": "1.0", "model": {"type": "BPE", "vocab": vocabulary, "merges": []}, "added_tokens": added}
    tokenizer = HuggingFaceTokenizer(json.dumps(definition))
    assert tokenizer.end_of_text_id == 2
    with infgram.build_from_tokens([[0, 1]], tmp_path / "x", tokenizer=tokenizer) as index:
        assert infgram.export(index, tmp_path / "x.npy").end_of_text == 2
        assert np.load(tmp_path / "x.npy").tolist() == [0, 1, 2]
        with pytest.raises(infgram.QueryError, match="not known to be lossless"):
            infgram.export(index, tmp_path / "x.jsonl")
        infgram.export(index, tmp_path / "x.jsonl", content="tokens")


def test_the_vocabulary_has_the_end_of_text() -> None:
    """The definition of GPT-2 that older converters wrote has no added tokens."""
    vocabulary = {"a": 0, "<|endoftext|>": 1}
    tokenizer = HuggingFaceTokenizer(json.dumps({"model": {"type": "BPE", "vocab": vocabulary, "merges": []}}))
    assert tokenizer.end_of_text_id == 1


def test_refusals(tmp_path: Path) -> None:
    with text_index(TEXTS) as index:
        refused: list[tuple[str, dict[str, Any], str]] = [
            ("x.csv", {}, r"unknown output format.*\.jsonl.*\.parquet.*\.npy.*\.bin"),
            ("x.jsonl", {"format": "npy"}, "the format is npy"),
            ("x.jsonl", {"format": "xml"}, "format"),
            ("x.jsonl", {"content": "ids"}, "content"),
            ("x.jsonl", {"end_of_text": 3}, "end_of_text is for"),
            ("x.jsonl", {"text_field": "number"}, "metadata field 'number'"),
            ("x.npy", {}, "no end-of-text token"),
            ("x.npy", {"end_of_text": -1}, "end_of_text"),
            ("x.npy", {"end_of_text": 2**32}, "expected 0 to 255"),
            ("x.npy", {"end_of_text": ord("t")}, "document 0 contains the token id 116"),
            ("x.npy", {"end_of_text": 255, "content": "text"}, "holds token ids"),
            ("x.bin", {"text_field": "text"}, "holds token ids"),
        ]
        for name, options, reason in refused:
            with pytest.raises(infgram.QueryError, match=reason):
                infgram.export(index, tmp_path / name, **options)
        assert list(tmp_path.iterdir()) == []
        for name in ("x.jsonl", "x.npy", "x.bin"):
            options = {} if name == "x.jsonl" else {"end_of_text": 255}
            infgram.export(index, tmp_path / name, **options)
            with pytest.raises(infgram.IndexExistsError, match="--overwrite"):
                infgram.export(index, tmp_path / name, **options)
            infgram.export(index, tmp_path / name, overwrite=True, **options)
            inside = index.paths[0] / name
            with pytest.raises(infgram.QueryError, match="is in an index"):
                infgram.export(index, inside, **options)
            assert not inside.exists()
        (tmp_path / "folder.npy").mkdir()
        with pytest.raises(infgram.IndexExistsError, match="is a folder"):
            infgram.export(index, tmp_path / "folder.npy", end_of_text=255, overwrite=True)
        with pytest.raises(infgram.TimeLimitError):
            infgram.export(index, tmp_path / "late.npy", end_of_text=255, timeout_s=1e-9)
        assert not (tmp_path / "late.npy").exists()
    with token_index([[1]], vocab_size=3) as index, pytest.raises(infgram.QueryError, match="have no text"):
        infgram.export(index, tmp_path / "y.jsonl", content="text")


@given(corpora, layouts, st.data())
def test_deleted_documents_are_left_out(documents: list[list[int]], layout: Layout, data: st.DataObject) -> None:
    removed = data.draw(st.sets(st.integers(0, len(documents) - 1), min_size=1))
    live = [document for number, document in enumerate(documents) if number not in removed]
    with temporary_folder(0) as folder:
        build_tokens(documents, folder / "x", vocab_size=VOCABULARY, layout=layout).close()
        infgram.delete(folder / "x", documents=removed)
        for _ in range(2):
            with infgram.open(folder / "x") as index:
                done = infgram.export(index, folder / "x.npy", end_of_text=VOCABULARY, overwrite=True)
                assert (done.n_documents, done.n_tokens) == (len(live), sum(map(len, live)))
                stream = [token for document in live for token in [*document, VOCABULARY]]
                assert np.load(folder / "x.npy").tolist() == stream
                batches = index.token_batches(100, 5, end_of_text=VOCABULARY)
                rows = sorted(row for batch in batches for row in batch.tolist())
                padded = stream + [VOCABULARY] * (-len(stream) % 5)
                assert rows == sorted(padded[at : at + 5] for at in range(0, len(padded), 5))
            infgram.compact(folder / "x")
