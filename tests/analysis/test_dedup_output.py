"""The files of `write_dedup`: documents without duplicates, positions of duplicates, and atomic writing."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

import infgram
from infgram.tokenizers import HuggingFaceTokenizer, train_bpe
from infgram.tokenizers.token_bytes import TokenBytes
from tests.building import text_index, token_index
from tests.reference import ReferenceIndex
from tests.strategies import Layout, layouts

Span = tuple[int, int]

TEXTS = [
    "the first copy of a long passage stays",
    "x the first copy of a long passage y",
    "",
    "the first copy of a long passage stays",
    "日本語のテキスト",
    "日本語のテキ日本語のテ",
]

repeating_texts = st.lists(
    st.lists(st.sampled_from(["ab", "é", "漢字", "😀", "the cat ", "\n"]), max_size=10).map("".join),
    min_size=1,
    max_size=6,
)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def written(index: infgram.Index, folder: Path, min_tokens: int, **options: Any) -> list[dict[str, Any]]:
    infgram.write_dedup(index, infgram.dedup(index, min_tokens=min_tokens), folder / "out.jsonl", **options)
    return rows(folder / "out.jsonl")


def without(text: str, spans: Sequence[Span]) -> tuple[str, list[Span]]:
    """Return the text without the characters in the spans, and one row of their bytes per span."""
    places = []
    begin = 0
    for character in text:
        places.append((character, begin, begin + len(character.encode())))
        begin = places[-1][2]
    gone = [[(s, e) for _, s, e in places if start <= s and e <= end] for start, end in spans]
    kept = "".join(character for character, s, e in places if not any((s, e) in span for span in gone))
    return kept, [(span[0][0], span[-1][1]) if span else (-1, -1) for span in gone]


def check(index: infgram.Index, texts: list[str], ends: list[list[int]], folder: Path, min_tokens: int) -> None:
    """Compare both files with the reference; `ends` are the byte offsets at which each document's tokens end."""
    tokens = [index.document(number).token_ids.tolist() for number in range(len(texts))]
    spans = ReferenceIndex(tokens, index.vocab_size).duplicate_spans(min_tokens)
    expected = [without(text, [(at[s], at[e]) for s, e in of]) for text, at, of in zip(texts, ends, spans, strict=True)]
    documents = written(index, folder, min_tokens, overwrite=True)
    assert [(row["text"], row["number"]) for row in documents] == [
        (kept, number) for number, (kept, _) in enumerate(expected)
    ]

    found = written(index, folder, min_tokens, content="ranges", overwrite=True)
    assert [(row["document_id"], row["start"], row["end"]) for row in found] == [
        (number, *span) for number, of in enumerate(spans) for span in of
    ]
    for row, bytes_of in zip(found, [span for _, of in expected for span in of], strict=True):
        shown = (row["byte_start"], row["byte_end"])
        assert shown == bytes_of or (bytes_of == (-1, -1) and shown[0] == shown[1])


@given(texts=repeating_texts, layout=layouts, min_tokens=st.integers(1, 9))
def test_bytes(tmp_path_factory: pytest.TempPathFactory, texts: list[str], layout: Layout, min_tokens: int) -> None:
    with text_index(texts, layout=layout) as index:
        ends = [list(range(len(text.encode()) + 1)) for text in texts]
        check(index, texts, ends, tmp_path_factory.getbasetemp(), min_tokens)


@settings(max_examples=30)
@given(texts=repeating_texts, min_tokens=st.integers(1, 4))
def test_byte_level_bpe(tmp_path_factory: pytest.TempPathFactory, texts: list[str], min_tokens: int) -> None:
    folder = tmp_path_factory.mktemp("bpe")
    lines = [json.dumps({"text": text, "number": number}) for number, text in enumerate(texts)]
    (folder / "c.jsonl").write_text("\n".join(lines))
    train_bpe(["the cat ab é 漢字 é漢"] * 3, 270).save(folder)
    with infgram.build(folder / "c.jsonl", tokenizer=str(folder / "tokenizer.json")) as index:
        spelt = Tokenizer.from_file(str(folder / "tokenizer.json"))  # a letter of its tokens is a byte
        ends = []
        for text in texts:
            at = [0]
            for token in spelt.encode(text).tokens:
                at.append(at[-1] + len(token))
            ends.append(at)
        check(index, texts, ends, folder, min_tokens)


def test_token_ids(tmp_path: Path) -> None:
    with token_index([[1, 2, 3, 4], [5, 1, 2, 3, 6], []], vocab_size=10) as index:
        assert written(index, tmp_path, 3) == [{"token_ids": [1, 2, 3, 4]}, {"token_ids": [5, 6]}, {"token_ids": []}]
        assert written(index, tmp_path, 3, content="ranges", overwrite=True) == [
            {"document_id": 1, "start": 1, "end": 4, "byte_start": None, "byte_end": None}
        ]


def lower_case() -> Tokenizer:
    return changed_bytes(normalizers.Lowercase())


def changed_bytes(normalizer: normalizers.Normalizer) -> Tokenizer:
    trained = train_bpe(["Hello World again"], 270)
    assert isinstance(trained, HuggingFaceTokenizer)
    tokenizer = Tokenizer.from_str(trained.definition)
    tokenizer.normalizer = normalizer
    return tokenizer


def wordpiece() -> Tokenizer:
    vocab = {token: number for number, token in enumerate(["[UNK]", "Hello", "World", "ag", "##ain"])}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def spaces_in_tokens() -> Tokenizer:
    """Return a tokenizer that decodes `▁` as a space and drops a leading space: different texts, equal tokens."""
    vocab = {letter: number for number, letter in enumerate(["<unk>", "▁", *sorted(set("HelloWorldagain"))])}
    tokenizer = Tokenizer(models.BPE(vocab, [], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    return tokenizer


@pytest.mark.parametrize(
    ("tokenizer", "text"),
    [
        (lower_case(), "Hello World again"),
        (changed_bytes(normalizers.NFKC()), "Hello World ①"),
        (changed_bytes(normalizers.NFC()), "Hello World e\u0301"),
        (wordpiece(), "Hello  World again"),
        (spaces_in_tokens(), " Hello▁World again"),
    ],
    ids=["lower case", "NFKC", "NFC", "WordPiece", "sentencepiece"],
)
def test_a_tokenizer_that_may_alter_documents_is_rejected(tmp_path: Path, tokenizer: Tokenizer, text: str) -> None:
    """The index cannot restore the original documents, even if there are no duplicates."""
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "c.jsonl").write_text(2 * (json.dumps({"text": text}) + "\n"))
    with infgram.build(tmp_path / "c.jsonl", tokenizer=str(tmp_path / "tokenizer.json")) as index:
        assert index.document(0).text != text
        for min_tokens in (3, 1000):
            with pytest.raises(infgram.QueryError, match=r"not known to be lossless.*--ranges.*original"):
                written(index, tmp_path, min_tokens)
        assert not (tmp_path / "out.jsonl").exists()
        (row,) = written(index, tmp_path, 3, content="ranges")
        n_tokens = len(index.document(1).token_ids)
        assert row == {"document_id": 1, "start": 0, "end": n_tokens, "byte_start": None, "byte_end": None}


def test_metadata_are_kept(tmp_path: Path) -> None:
    odd = {"text": "ab", "lang": "de", "nested": {"é": [1, None]}}
    (tmp_path / "c.jsonl").write_text(json.dumps(odd))
    with infgram.build(tmp_path / "c.jsonl", tokenizer="bytes") as index:
        assert written(index, tmp_path, 1) == [{**odd, "source": "c.jsonl", "line": 1}]
        with pytest.raises(infgram.QueryError, match=r"metadata field 'lang'.*text_field"):
            written(index, tmp_path, 1, text_field="lang", overwrite=True)
        assert written(index, tmp_path, 1, text_field="body", overwrite=True)[0]["body"] == "ab"


def test_the_output_has_no_duplicates_and_can_be_indexed(tmp_path: Path) -> None:
    with text_index(TEXTS) as index:
        kept = [row["text"] for row in written(index, tmp_path, 10)]
    assert kept == [TEXTS[0], "x y", "", "", TEXTS[4], ""]
    with infgram.build(tmp_path / "out.jsonl", tokenizer="bytes") as index:
        assert infgram.dedup(index, min_tokens=10).totals.n_spans == 0


def test_the_file_is_written_atomically(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with text_index(TEXTS) as index:
        found = infgram.dedup(index, min_tokens=10)

        def stop(progress: infgram.BuildProgress) -> None:
            assert (progress.stage, progress.total, progress.unit) == ("write", len(TEXTS), "documents")
            if progress.done == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            infgram.write_dedup(index, found, path, progress=stop)
        with pytest.raises(infgram.TimeLimitError):
            infgram.write_dedup(index, found, path, timeout_s=1e-9)
        assert os.listdir(tmp_path) == []

        path.write_text("mine")
        with pytest.raises(infgram.IndexExistsError, match="overwrite"):
            infgram.write_dedup(index, found, path)
        with pytest.raises(KeyboardInterrupt):
            infgram.write_dedup(index, found, path, overwrite=True, progress=stop)
        assert path.read_text() == "mine"
        infgram.write_dedup(index, found, path, overwrite=True)
        assert len(rows(path)) == len(TEXTS)
        with pytest.raises(infgram.IndexExistsError, match="is a folder"):
            infgram.write_dedup(index, found, tmp_path, overwrite=True)
        with pytest.raises(infgram.StorageError, match="cannot write"):
            infgram.write_dedup(index, found, tmp_path / "absent" / "out.jsonl")
        assert os.listdir(tmp_path) == ["out.jsonl"]


def test_tokens_that_do_not_match_the_text_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that are not those of the text are never written, in documents or ranges."""
    with text_index(TEXTS) as index:
        found = infgram.dedup(index, min_tokens=10)
        wrong = TokenBytes([bytes([byte ^ 1]) for byte in range(255)])
        monkeypatch.setattr(type(index.tokenizer), "token_bytes", lambda _: wrong)
        for content in ("documents", "ranges"):
            with pytest.raises(infgram.QueryError, match=r"document 1 cannot be written.*not those of its text"):
                infgram.write_dedup(index, found, tmp_path / "o.jsonl", content=content)
        assert list(tmp_path.iterdir()) == []
        nothing = infgram.dedup(index, min_tokens=100)
        infgram.write_dedup(index, nothing, tmp_path / "o.jsonl")
        assert [row["text"] for row in rows(tmp_path / "o.jsonl")] == TEXTS
