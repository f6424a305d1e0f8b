"""JSON lines: the text field is the document, other fields are metadata, and invalid lines are named."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from infgram.corpus import Corpus, SourceDocument
from infgram.errors import InputError

GOOD = b'{"text": "good"}\n'

BAD_LINES = {
    "cut short": (b'{"text": "a"', "not valid JSON: Expecting ',' delimiter at character 13"),
    "garbage": (b"hello", "not valid JSON: Expecting value at character 1"),
    "two values": (b'{"text": "a"} {"text": "b"}', "not valid JSON: Extra data"),
    "not UTF-8": (b'{"text": "a\xff"}', "byte 0xff at byte offset 11"),
    "a list": (b'["a"]', "expected a JSON object, found a list"),
    "a string": (b'"a"', "found a string"),
    "a number": (b"1", "found a number"),
    "null": (b"null", "found null"),
    "no text": (b'{"id": 1, "body": "a"}', "no field 'text'"),
    "no text, fields": (b'{"id": 1, "body": "a"}', "the fields 'id', 'body'"),
    "empty object": (b"{}", "this line has no fields"),
    "text is null": (b'{"text": null, "id": 1}', "field 'text' is null, expected a string"),
    "text is a number": (b'{"text": 3}', "field 'text' is a number"),
    "text is a list": (b'{"text": ["a"]}', "field 'text' is a list"),
    "NaN": (b'{"text": "a", "x": NaN}', "NaN is not a JSON value"),
    "Infinity": (b'{"text": "a", "x": -Infinity}', "-Infinity is not a JSON value"),
    "too large a float": (b'{"text": "a", "x": 1e999}', "1e999 is too large"),
    "too long an integer": (b'{"text": "a", "x": ' + b"9" * 5000 + b"}", "a number cannot be read"),
    "surrogate in the text": (rb'{"text": "\ud800"}', "lone surrogate \\ud800"),
    "low surrogate": (rb'{"text": "a\uDFFFb"}', "lone surrogate \\udfff"),
    "surrogates turned round": (rb'{"text": "\ude00\ud83d"}', "lone surrogate \\ude00"),
    "surrogate in the metadata": (rb'{"text": "a", "x": [{"\udabc": 1}]}', "lone surrogate \\udabc"),
    "one key twice": (b'{"text": "a", "x": 1, "x": 2}', "the key 'x' is repeated"),
    "one key twice, deep": (b'{"text": "a", "m": [{"y": 1, "y": 1}]}', "the key 'y' is repeated"),
    "too deep": (b'{"text": "a", "x": ' + b"[" * 300 + b"]" * 300 + b"}", "nested deeper than 200 levels"),
    "far too deep": (b'{"text": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested deeper than"),
    "far too deep, open": (b'{"x":' * 100_000, "nested deeper than"),
    "a control character": (b'{"text": "a\x00"}', "Invalid control character"),
}


def write(folder: Path, data: bytes, name: str = "a.jsonl") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize(("line", "reason"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_fails_with_file_line_and_reason(tmp_path: Path, line: bytes, reason: str) -> None:
    path = write(tmp_path, GOOD + line + b"\n" + GOOD)
    with pytest.raises(InputError) as caught:
        list(Corpus(path).documents())
    assert f"{path}, line 2: " in str(caught.value)
    assert reason in str(caught.value)
    assert "--on-error skip" in str(caught.value)


@pytest.mark.parametrize(("line", "reason"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_skipped_and_listed(tmp_path: Path, line: bytes, reason: str) -> None:
    corpus = Corpus(write(tmp_path, GOOD + line + b"\n" + GOOD), on_error="skip")
    assert [document.line for document in corpus.documents()] == [1, 3]
    (skipped,) = corpus.skipped
    assert (skipped.source, skipped.line) == ("a.jsonl", 2)
    assert reason in skipped.reason


def test_lines_become_documents_with_their_metadata(tmp_path: Path) -> None:
    lines = [
        {"text": "first", "id": 1, "nested": {"a": [1, None, True, 2.5, "é"]}},
        {"id": 2**70, "text": "", "path": "not ours"},
        {"text": "a\u2028b\x85c\r\nd"},
    ]
    data = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    assert list(Corpus(write(tmp_path, data.encode())).documents()) == [
        SourceDocument("first", {"id": 1, "nested": {"a": [1, None, True, 2.5, "é"]}}, "a.jsonl", 1),
        SourceDocument("", {"id": 2**70, "path": "not ours"}, "a.jsonl", 2),
        SourceDocument("a\u2028b\x85c\r\nd", {}, "a.jsonl", 3),
    ]


def test_the_order_of_the_fields_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path, b'{"z": 1, "text": "t", "a": 2, "m": 3}')
    assert [list(document.metadata) for document in Corpus(path).documents()] == [["z", "a", "m"]]


def test_blank_lines_marks_and_carriage_returns_are_tolerated(tmp_path: Path) -> None:
    path = write(tmp_path, b'\xef\xbb\xbf{"text": "a"}\r\n\r\n \t\n{"text": "b"}\n\n{"text": "c"}')
    assert [(document.text, document.line) for document in Corpus(path).documents()] == [("a", 1), ("b", 4), ("c", 6)]


def test_escaped_surrogate_pairs_are_characters(tmp_path: Path) -> None:
    path = write(tmp_path, rb'{"text": "\ud83d\ude00 \\ud800", "x": "\uD83D\uDE00"}')
    (document,) = Corpus(path).documents()
    assert document.text == "\U0001f600 \\ud800"
    assert document.metadata == {"x": "\U0001f600"}


def test_many_brackets_in_sequence_are_not_nested(tmp_path: Path) -> None:
    value = [[[i], {"k": i}] for i in range(1000)]
    (document,) = Corpus(write(tmp_path, json.dumps({"text": "[" * 1000, "x": value}).encode())).documents()
    assert document.metadata == {"x": value}


def test_a_nesting_of_200_levels_is_read_and_one_more_is_not(tmp_path: Path) -> None:
    for levels, n_documents in ((199, 2), (200, 1)):  # the object itself is a level
        line = b'{"text": "a", "x": ' + b"[" * levels + b"]" * levels + b"}\n"
        corpus = Corpus(write(tmp_path, GOOD + line), on_error="skip")
        assert len(list(corpus.documents())) == n_documents


@pytest.mark.parametrize(
    "name",
    [
        "a.jsonl",
        "a.ndjson",
        "A.JSONL",
        "b.x.jsonl",
        "a.jsonlines",
        "a.json",
        "jsonl",
        "a.jsonl.txt",
        "part-00000",
        "a.0",
    ],
)
def test_names_of_json_lines(tmp_path: Path, name: str) -> None:
    assert [document.text for document in Corpus(write(tmp_path, GOOD * 2, name)).documents()] == ["good"] * 2


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "jsonl", "a.txt"])
def test_json_lines_can_be_read_as_text(tmp_path: Path, name: str) -> None:
    corpus = Corpus(write(tmp_path, GOOD * 2, name), format="text")
    assert [document.text for document in corpus.documents()] == [(GOOD * 2).decode()]


def test_recognized_json_lines_are_reported(tmp_path: Path) -> None:
    path = write(tmp_path, b'{"a": 1}\n{"a": 2}\n', "server.log")
    with pytest.raises(InputError, match=r"no field 'text'.*its first lines are JSON objects; .*--format text"):
        list(Corpus(path).documents())


def test_another_text_field(tmp_path: Path) -> None:
    path = write(tmp_path, b'{"text": 1, "body": "b"}')
    (document,) = Corpus(path, text_field="body").documents()
    assert (document.text, document.metadata) == ("b", {"text": 1})


def test_a_text_field_that_no_line_has_fails_even_when_skipping(tmp_path: Path) -> None:
    write(tmp_path, b'{"body": "b", "id": 1}\n' * 3)
    (tmp_path / "readme.txt").write_text("a document")
    with pytest.raises(
        InputError, match=r"none of the 3 lines or tables has the field 'text'.*'body', 'id'.*--text-field"
    ):
        list(Corpus(tmp_path, on_error="skip").documents())


def test_a_text_field_that_some_file_has_is_enough_when_skipping(tmp_path: Path) -> None:
    write(tmp_path, b'{"body": "b"}\n', "a.jsonl")
    write(tmp_path, GOOD, "b.jsonl")
    corpus = Corpus(tmp_path, on_error="skip")
    assert [document.text for document in corpus.documents()] == ["good"]
    assert [skipped.source for skipped in corpus.skipped] == ["a.jsonl"]


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_no_documents(tmp_path: Path, data: bytes) -> None:
    on_errors: tuple[Literal["fail", "skip"], ...] = ("fail", "skip")
    for on_error in on_errors:
        with pytest.raises(InputError, match="no document found; every input file is empty"):
            list(Corpus(write(tmp_path, data), on_error=on_error).documents())


def test_only_invalid_lines_when_skipping(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"no document found; 2 files or records cannot be read.*a\.jsonl, line 1: not valid JSON"
    ):
        list(Corpus(write(tmp_path, b"x\ny\n"), on_error="skip").documents())


def test_messages_are_short_for_any_line(tmp_path: Path) -> None:
    fields = {f"{'k' * 5000}{i}": i for i in range(100)}
    with pytest.raises(InputError) as caught:
        list(Corpus(write(tmp_path, json.dumps(fields).encode())).documents())
    assert len(str(caught.value)) < 1000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=5,
)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    documents=st.lists(st.tuples(st.text(), st.dictionaries(st.text(), json_values)), min_size=1, max_size=5),
    ascii_only=st.booleans(),
)
def test_any_document_is_read_exactly(
    tmp_path: Path, documents: list[tuple[str, dict[str, Any]]], ascii_only: bool
) -> None:
    documents = [(text, {key: value for key, value in fields.items() if key != "text"}) for text, fields in documents]
    lines = [json.dumps({"text": text, **fields}, ensure_ascii=ascii_only) for text, fields in documents]
    path = write(tmp_path, "".join(f"{line}\n" for line in lines).encode())
    found = [(document.text, document.metadata) for document in Corpus(path).documents()]
    assert repr(found) == repr(documents)  # repr distinguishes 1, 1.0, True and −0.0


def test_floats_are_the_nearest_double(tmp_path: Path) -> None:
    path = write(tmp_path, b'{"text": "", "x": [1e308, -0.0, 0.1, 5e-324, 1e-999]}')
    (document,) = Corpus(path).documents()
    assert document.metadata["x"] == [1e308, 0.0, 0.1, 5e-324, 0.0]
    assert math.copysign(1, document.metadata["x"][1]) == -1
