"""CSV and TSV: a header and one document per record; invalid records are named."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from infgram.corpus import Corpus, SourceDocument
from infgram.errors import InputError


def write(folder: Path, data: bytes, name: str = "a.csv") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def test_records_become_documents_with_their_metadata(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbfid,text,note\r\n1,hello,\r\n\r\n2,"a, ""b""\r\nc",\xc3\xa9\r\n3,last,x'
    assert list(Corpus(write(tmp_path, data)).documents()) == [
        SourceDocument("hello", {"id": "1", "note": ""}, "a.csv", 2),
        SourceDocument('a, "b"\r\nc', {"id": "2", "note": "é"}, "a.csv", 4),
        SourceDocument("last", {"id": "3", "note": "x"}, "a.csv", 6),
    ]


def test_tab_separated_and_compressed(tmp_path: Path) -> None:
    data = b'text\tid\na, b\t1\n"x\ty"\t2\n'
    for path in (write(tmp_path, data, "a.tsv"), write(tmp_path, gzip.compress(data), "a.TSV.GZ")):
        assert [(d.text, d.metadata) for d in Corpus(path).documents()] == [
            ("a, b", {"id": "1"}),
            ("x\ty", {"id": "2"}),
        ]


def test_a_text_of_more_than_the_csv_modules_limit(tmp_path: Path) -> None:
    (document,) = Corpus(write(tmp_path, b"text\n" + b"x" * 300_000)).documents()
    assert len(document.text) == 300_000


BAD = {
    "too few cells": (b"a", "1 cells, expected 2"),
    "too many cells": (b"a,b,c", "3 cells, expected 2"),
    "after a quote": (b'"a"b,c', "not valid CSV"),
    "not UTF-8": (b"a\xff,c", "byte 0xff at byte offset 1"),
    "not UTF-8, in the second line": (b'"a\n\xff",c', "byte 0xff at byte offset 0"),
}


@pytest.mark.parametrize(("record", "reason"), BAD.values(), ids=BAD.keys())
def test_a_bad_record_is_named_or_skipped(tmp_path: Path, record: bytes, reason: str) -> None:
    path = write(tmp_path, b"text,id\ngood,1\n" + record + b"\ngood,2\n")
    with pytest.raises(InputError, match=rf"a\.csv, line 3: .*{reason}"):
        list(Corpus(path).documents())
    corpus = Corpus(path, on_error="skip")
    assert [document.metadata["id"] for document in corpus.documents()] == ["1", "2"]
    (skipped,) = corpus.skipped
    assert skipped.line == 3


def test_an_open_quote_at_the_end_fails(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2: not valid CSV: unexpected end of data"):
        list(Corpus(write(tmp_path, b'text\n"cut sho')).documents())


def test_invalid_headers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.csv: no column 'text'.*the columns 'body', 'id'"):
        list(Corpus(write(tmp_path, b"body,id\nx,1\n")).documents())
    with pytest.raises(InputError, match=r"none of the 1 lines or tables has the field 'text'"):
        list(Corpus(write(tmp_path, b"body,id\nx,1\n"), on_error="skip").documents())
    with pytest.raises(InputError, match=r"two columns have the name 'id'"):
        list(Corpus(write(tmp_path, b"text,id,id\nx,1,2\n")).documents())
    with pytest.raises(InputError, match=r"cannot be read: the header: not valid CSV"):
        list(Corpus(write(tmp_path, b'"text"x\nx\n')).documents())
    with pytest.raises(InputError, match="no document found"):
        list(Corpus(write(tmp_path, b"")).documents())


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
def test_records_of_csv_writer_are_read_exactly(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("text", "note"), *rows])
    path = write(tmp_path, out.getvalue().encode())
    assert [(document.text, document.metadata["note"]) for document in Corpus(path).documents()] == rows
