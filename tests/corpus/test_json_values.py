"""Arrays of JSON objects, single objects and consecutive objects: the records that `json` reads."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from infgram.corpus import Corpus
from infgram.corpus.readers import json_values
from infgram.errors import InputError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='a"\\{}[],: \né'),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(alphabet='a"\\{'), children, max_size=3),
    max_leaves=4,
)
RECORDS = st.lists(
    st.builds(lambda text, x: {"text": text, "x": x}, st.text(alphabet='a"\\{}[], \n\té😀'), VALUES), max_size=4
)


def write(folder: Path, data: bytes, name: str = "a.json") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def found(path: Path, **options: Any) -> list[dict[str, Any]]:
    return [{"text": document.text, **document.metadata} for document in Corpus(path, **options).documents()]


@pytest.fixture(params=[1, 7, 1 << 18])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(json_values, "_CHUNK_BYTES", request.param)
    return int(request.param)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=RECORDS, indent=st.sampled_from([None, 0, 2]), is_ascii=st.booleans(), is_marked=st.booleans())
def test_an_array_is_read_as_json_reads_it(
    tmp_path: Path, chunk: int, records: list[Any], indent: int | None, is_ascii: bool, is_marked: bool
) -> None:
    data = ("\ufeff" * is_marked + json.dumps(records, indent=indent, ensure_ascii=is_ascii) + "\n").encode()
    (tmp_path / "z.txt").write_text("the last")
    write(tmp_path, data)
    assert found(tmp_path) == [*records, {"text": "the last", "path": "z.txt"}]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=RECORDS.filter(len), indent=st.sampled_from([None, 0, 2]), between=st.sampled_from(["\n", "", " \n\n"]))
def test_consecutive_objects(tmp_path: Path, chunk: int, records: list[Any], indent: int | None, between: str) -> None:
    data = between.join(json.dumps(record, indent=indent) for record in records)
    assert found(write(tmp_path, data.encode())) == records


def test_elements_are_numbered_and_invalid_ones_skipped(tmp_path: Path) -> None:
    path = write(tmp_path, b'[{"text": "a"}, 7, {"text": 1}, {"body": "x"}, {"text": nul}, ["text"], {"text": "b"}]')
    corpus = Corpus(path, on_error="skip")
    assert [(document.text, document.line) for document in corpus.documents()] == [("a", 1), ("b", 7)]
    assert [skipped.line for skipped in corpus.skipped] == [2, 3, 4, 5, 6]
    with pytest.raises(InputError, match=r"a\.json, line 2: expected a JSON object, found a number"):
        list(Corpus(path).documents())


@pytest.mark.parametrize(
    ("data", "n_kept", "reason"),
    [
        (b'[{"text": "a"}, {"text": "b"', 1, "truncated or damaged JSON: the file ends inside a value"),
        (b'[{"text": "a"}, {"text": "b', 1, "truncated or damaged JSON: the file ends inside a value"),
        (b'[{"text": "a"}', 1, "expected ',' or ']' after an element, found the end of the file"),
        (b'[{"text": "a"} {"text": "b"}]', 1, "expected ',' or ']' after an element, found '{'"),
        (b'[{"text": "a"},]', 1, "expected an element after ',', found ']'"),
        (b'[{"text": "a"},, {"text": "b"}]', 1, "expected a value, found ','"),
        (b'[{"text": "a"}] {}', 1, "something follows the array"),
    ],
)
def test_damaged_arrays(tmp_path: Path, data: bytes, n_kept: int, reason: str) -> None:
    path = write(tmp_path, data)
    with pytest.raises(InputError) as caught:
        list(Corpus(path).documents())
    assert reason in str(caught.value)
    corpus = Corpus(path, on_error="skip")
    assert len(list(corpus.documents())) == n_kept
    assert f"{n_kept} document before it kept, the rest of the file skipped" in corpus.skipped[-1].reason


def test_a_long_array_is_read_in_little_memory(tmp_path: Path) -> None:
    n = 3000
    element = json.dumps({"text": "x" * 8000})
    path = write(tmp_path, f"[{', '.join([element] * n)}]".encode())
    tracemalloc.start()
    try:
        assert sum(1 for _ in Corpus(path).documents()) == n
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 8 << 20 < path.stat().st_size


@pytest.mark.parametrize("data", [b'[{"text": "aaaa', b'[{"text": "' + b"x" * 5000, b'{\n "text": "' + b"x" * 5000])
def test_an_element_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(json_values, "_CHUNK_BYTES", 100)
    path = write(tmp_path, data.ljust(9000, b"x") + b'"}]')
    with pytest.raises(InputError, match="is longer than 1000 bytes"):
        list(Corpus(path, longest_document_bytes=1000).documents())


def test_a_first_line_of_megabytes_without_a_name(tmp_path: Path) -> None:
    records = [{"text": "x" * (3 << 20)}, {"text": "y"}]
    path = write(tmp_path, "".join(json.dumps(record) + "\n" for record in records).encode(), "part-00000")
    assert found(path) == records


@pytest.mark.parametrize(
    "data",
    [
        *(b'{"a": 1}', b'{\n  "a": 1\n}\n', b"[1, 2]", b'"x"', b"[[]]", b"{", b"{]", b"{}x"),
        b'{ // don\'t say "x\n  "a": 1\n}\n',
        b'// a comment\n{"a": 1}',
        b'{\n  "a": 1,\n}\n// {',
    ],
)
def test_other_json_among_text_is_text_and_reported(tmp_path: Path, data: bytes) -> None:
    write(tmp_path, data)
    write(tmp_path, b"b", "b.py")
    corpus = Corpus(tmp_path, on_error="skip")
    assert [document.text for document in corpus.documents()] == [data.decode(), "b"]
    assert corpus.summary() == "read 2 files as text; text: a.json, b.py"


@pytest.mark.parametrize("data", [b'{"text": "a', b'{\n  "text": "a"\n', b'{\n  "text": "a",\n}\n'])
def test_a_damaged_object_with_the_field_is_not_text(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError, match=r"a\.json, line 1: not valid JSON"):
        list(Corpus(write(tmp_path, data)).documents())


def test_json_without_the_field_is_an_error_if_the_format_is_given(tmp_path: Path) -> None:
    path = write(tmp_path, b'{\n  "a": 1\n}\n')
    write(tmp_path, b'{"text": "b"}', "b.json")
    with pytest.raises(InputError, match=r"no field 'text'.*the fields 'a'"):
        list(Corpus(tmp_path, format="json").documents())
    assert [document.text for document in Corpus(path, format="text").documents()] == ['{\n  "a": 1\n}\n']


@pytest.mark.parametrize("data", [b"", b" \n", b"[]", b" [ ]\n"])
def test_json_without_records(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError, match="no document found"):
        list(Corpus(write(tmp_path, data)).documents())
