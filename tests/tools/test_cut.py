"""The files that `write_dedup` writes: what remains of each document, where the duplicates stood, all or nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

import infgram
from infgram.tokenizers import train_bpe
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
    """The text without the characters whose bytes lie in a span, and the bytes of those characters, a span a row."""
    places = []
    begin = 0
    for character in text:
        places.append((character, begin, begin + len(character.encode())))
        begin = places[-1][2]
    gone = [[(s, e) for _, s, e in places if start <= s and e <= end] for start, end in spans]
    kept = "".join(character for character, s, e in places if not any((s, e) in span for span in gone))
    return kept, [(span[0][0], span[-1][1]) if span else (-1, -1) for span in gone]


def check(index: infgram.Index, texts: list[str], ends: list[list[int]], folder: Path, min_tokens: int) -> None:
    """Compares both files with the reference; `ends` are where each document's tokens end, in bytes."""
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


def test_a_tokenizer_whose_texts_are_not_made_of_bytes(tmp_path: Path) -> None:
    """WordPiece puts spaces between words: whole documents are decoded, and nothing is cut that would not come back."""
    vocab = {token: number for number, token in enumerate(["[UNK]", "a", "##b", "c", "d"])}
    wordpiece = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    wordpiece.pre_tokenizer = pre_tokenizers.Whitespace()
    wordpiece.decoder = decoders.WordPiece()
    wordpiece.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "c.jsonl").write_text('{"text": "ab c d"}\n{"text": "c ab c d a"}\n')
    with infgram.build(tmp_path / "c.jsonl", tokenizer=str(tmp_path / "tokenizer.json")) as index:
        assert index.tokenizer.token_bytes() is None
        assert [row["text"] for row in written(index, tmp_path, 7)] == ["ab c d", "c ab c d a"]
        with pytest.raises(infgram.QueryError, match=r"document 1 cannot be written.*'c '.*--ranges"):
            written(index, tmp_path, 4, overwrite=True)
        assert len(rows(tmp_path / "out.jsonl")) == 2
        (row,) = written(index, tmp_path, 4, content="ranges", overwrite=True)
        assert row == {"document_id": 1, "start": 1, "end": 5, "byte_start": None, "byte_end": None}


def test_metadata_stay_beside_the_text(tmp_path: Path) -> None:
    odd = {"text": "ab", "lang": "de", "nested": {"é": [1, None]}}
    (tmp_path / "c.jsonl").write_text(json.dumps(odd))
    with infgram.build(tmp_path / "c.jsonl", tokenizer="bytes") as index:
        assert written(index, tmp_path, 1) == [{**odd, "source": "c.jsonl", "line": 1}]
        with pytest.raises(infgram.QueryError, match=r"metadata field 'lang'.*text_field"):
            written(index, tmp_path, 1, text_field="lang", overwrite=True)
        assert written(index, tmp_path, 1, text_field="body", overwrite=True)[0]["body"] == "ab"


def test_the_cut_corpus_holds_no_duplicate_and_builds_again(tmp_path: Path) -> None:
    with text_index(TEXTS) as index:
        kept = [row["text"] for row in written(index, tmp_path, 10)]
    assert kept == [TEXTS[0], "x y", "", "", TEXTS[4], ""]
    with infgram.build(tmp_path / "out.jsonl", tokenizer="bytes") as index:
        assert infgram.dedup(index, min_tokens=10).totals.n_spans == 0


def test_the_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
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


def test_what_is_not_the_documents_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of tokens that are not those of the text never reach a file, in documents or ranges."""
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


def test_a_tokenizer_with_spaces_in_its_tokens(tmp_path: Path) -> None:
    """Of a sentencepiece tokenizer the characters are cut, and what remains comes back from its tokens."""
    vocab = {token: number for number, token in enumerate(["<unk>", "▁a", "▁b", "▁c", "▁", "a", "b", "c", "d"])}
    spaces = Tokenizer(models.BPE(vocab, [("▁", "a"), ("▁", "b"), ("▁", "c")], unk_token="<unk>"))
    spaces.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    spaces.decoder = decoders.Metaspace(prepend_scheme="always")
    spaces.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "c.jsonl").write_text('{"text": "a b c"}\n{"text": "d a b c d"}\n')
    with infgram.build(tmp_path / "c.jsonl", tokenizer=str(tmp_path / "tokenizer.json")) as index:
        assert index.tokenizer.token_bytes() is None
        assert [row["text"] for row in written(index, tmp_path, 3)] == ["a b c", "d d"]
