"""`infgram count` with `--queries` and `--by`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import infgram
from tests.cli.running import is_one_error_line, run

QUERIES = ["natural", " natural", 'language, "quoted"', "the", "caf\u00e9", "zzz"]


def objects(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Both kinds of line ends, a byte order mark, empty lines, and a last line without a line end."""
    (tmp_path / "queries.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*QUERIES[:3], "", *QUERIES[3:]]).encode())
    return tmp_path / "queries.txt"


def test_every_line_is_a_query(index: infgram.Index, index_path: Path, file: Path) -> None:
    wanted = index.count_batch(QUERIES).tolist()
    found = run("count", index_path, "--queries", file, "--json")
    assert [(row["query"], row["count"]) for row in objects(found.stdout)] == list(zip(QUERIES, wanted, strict=True))
    assert [row["line"] for row in objects(found.stdout)] == [1, 2, 3, 5, 6, 7]
    assert "1 of 7 lines are empty" in found.stderr
    table = run("count", index_path, "--queries", file).stdout.splitlines()
    assert [line.split()[-1] for line in table] == ["count", *map(str, wanted)]
    rows = list(csv.reader(io.StringIO(run("count", index_path, "--queries", file, "--csv").stdout)))
    assert rows == [["query", "count"], *([query, str(n)] for query, n in zip(QUERIES, wanted, strict=True))]
    piped = run("count", index_path, "--queries", "-", "--json", stdin=file.read_bytes())
    assert piped.stdout == found.stdout


def test_options_apply_to_all_queries(index: infgram.Index, index_path: Path, file: Path) -> None:
    found = objects(run("count", index_path, "--queries", file, "--documents", "--json").stdout)
    assert [row["document_count"] for row in found] == index.document_count_batch(QUERIES).tolist()
    found = objects(run("count", index_path, "--queries", file, "--ignore-case", "--json").stdout)
    assert [row["count"] for row in found] == [index.count(query, ignore_case=True) for query in QUERIES]


def test_json_lines(index: infgram.Index, index_path: Path, tmp_path: Path) -> None:
    lines = ['"natural"', '{"id": 7, "query": "line\\nend"}', "[1, 2]", '{"query": [3]}']
    for suffix in ("jsonl", "ndjson", "jsonlines", "JSONL", "jl", "ldjson"):
        (tmp_path / f"q.{suffix}").write_text("\n".join(lines))
        found = objects(run("count", index_path, "--queries", tmp_path / f"q.{suffix}", "--json").stdout)
        assert [row["query"] for row in found] == ["natural", "line\nend", [1, 2], [3]]
        counts = [index.count("natural"), index.count("line\nend"), index.count([1, 2]), index.count([3])]
        assert [row["count"] for row in found] == counts


@pytest.mark.parametrize(
    "line", ["{", "7", "[true]", '["a"]', '{"text": "a"}', "null", "[1.0]", "[9999999]", '{"query": [-1]}', "\ud800"]
)
def test_an_invalid_line_is_named_and_nothing_is_printed(index_path: Path, tmp_path: Path, line: str) -> None:
    (tmp_path / "q.jsonl").write_bytes(b'"a"\n\n' + line.encode("utf-8", "surrogatepass") + b'\n"b"\n')
    outcome = run("count", index_path, "--queries", tmp_path / "q.jsonl", "--quiet")
    assert (outcome.code, outcome.stdout) == (3, "")
    assert is_one_error_line(outcome.stderr)
    assert "q.jsonl, line 3: " in outcome.stderr


def test_texts_of_an_index_without_a_tokenizer(token_index_path: Path, file: Path) -> None:
    outcome = run("count", token_index_path, "--queries", file)
    assert outcome.code == 3
    assert "queries.txt, line 1: " in outcome.stderr


def test_a_missing_file(index_path: Path) -> None:
    outcome = run("count", index_path, "--queries", "absent.txt")
    assert outcome.code == 3
    assert "absent.txt: cannot be read" in outcome.stderr


def test_by_a_field(tmp_path: Path) -> None:
    rows = [
        {"text": "a rose", "meta": {"year": 1990 + n % 3}, "mixed": [None, "x", 1.5, True, [1]][n]} for n in range(5)
    ]
    rows.append({"text": "rose rose rose", "meta": {"year": 1991}})
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with infgram.build(tmp_path / "c.jsonl", tokenizer="bytes") as index:
        by_year = [(row.value, row.count, row.document_count) for row in index.count_by("rose", "meta.year")]
        assert by_year == [(1991, 5, 3), (1990, 2, 2), (1992, 1, 1)]
        assert sum(row.count for row in index.count_by("rose", "mixed")) == index.count("rose")
        values = [(row.value, row.count) for row in index.count_by("rose", "mixed")]
        assert values == [(None, 4), (1.5, 1), (True, 1), ([1], 1), ("x", 1)]
        assert index.count_by("zzz", "mixed") == []
        with pytest.raises(infgram.QueryError, match="empty"):
            index.count_by("", "mixed")
    path = tmp_path / "c.infgram"
    found = run("count", path, "rose", "--by", "meta.year", "--csv").stdout
    assert found.splitlines() == [
        "query,meta.year,count,document_count", "rose,1991,5,3", "rose,1990,2,2", "rose,1992,1,1",
    ]  # fmt: skip
    table = run("count", path, "rose", "--by", "meta.year").stdout
    assert table.splitlines()[1].split() == ['"rose"', "1991", "5", "3"]
    assert run("count", path, "rose", "--by", "meta.year", "--json").json["by"][1] == {
        "value": 1990, "count": 2, "document_count": 2,
    }  # fmt: skip
    assert "(none)" in run("count", path, "rose", "--by", "nothing").stdout


def test_fields_are_those_of_where(tmp_path: Path) -> None:
    (tmp_path / "c" / "lang=en").mkdir(parents=True)
    mixed = [1, 1.0, True, "1", "[1]", [1], 1]
    lines = [json.dumps({"text": "rose", "mixed": value}) for value in mixed]
    (tmp_path / "c" / "lang=en" / "a.jsonl").write_text("\n".join(lines))
    with infgram.build(tmp_path / "c", tmp_path / "c.infgram", tokenizer="bytes") as index:
        rows = index.count_by("rose", "mixed")
        found = sorted((repr(row.value), row.count) for row in rows)
        assert found == [("'1'", 1), ("'[1]'", 1), ("1", 3), ("True", 1), ("[1]", 1)]
        for field in ("source", "line", "lang", "mixed"):
            for row in index.count_by("rose", field):
                if not isinstance(row.value, list | dict):
                    assert index.search("rose", where={field: row.value}).count == row.count
        assert [row.value for row in index.count_by("rose", "lang")] == ["en"]
        assert len(index.count_by("rose", "line")) == len(mixed)
        with pytest.raises(infgram.TimeLimitError):
            index.count_by("rose", "lang", timeout_s=1e-9)
    assert '"value": [' in run("count", tmp_path / "c.infgram", "rose", "--by", "mixed", "--json").stdout
    assert "rose,[1],1,1" in run("count", tmp_path / "c.infgram", "rose", "--by", "mixed", "--csv").stdout


@pytest.mark.parametrize("field", ["count", "document_count", "query", "line", "value", "by"])
def test_by_a_field_with_the_name_of_a_column(tmp_path: Path, field: str) -> None:
    (tmp_path / "c.jsonl").write_text(json.dumps({"text": "a rose", field: "seven"}))
    infgram.build(tmp_path / "c.jsonl", tokenizer="bytes").close()
    words = ("count", tmp_path / "c.infgram", "rose", "--by", field)
    row = {"value": "seven", "count": 1, "document_count": 1}
    assert run(*words, "--json").json == {"line": 1, "query": "rose", "by": [row]}
    heading = f"query,{field},count,document_count"
    assert run(*words, "--csv").stdout.splitlines() == [heading, "rose,seven,1,1"]
    assert run(*words).stdout.splitlines()[1].split() == ['"rose"', "seven", "1", "1"]


@pytest.mark.parametrize(
    "words",
    [
        ("x", "--queries", "-"),
        ("--queries", "-", "--token-ids", "3"),
        ("x", "--csv"),
        ("x", "--by", "f", "--csv", "--json"),
        ("x", "--by", "f", "--ignore-case"),
        ("--by", "f"),
        ("nowhere", "--by", "", "--json"),
    ],
)
def test_incompatible_options(index_path: Path, words: tuple[str, ...]) -> None:
    assert run("count", index_path, *words, stdin=b"").code == 2


def test_the_error_of_a_long_text_has_the_right_reason(index_path: Path) -> None:
    found = run("count", index_path, "ab" * 300, "--readings")
    assert "more than 500 characters" in found.stderr


def test_only_commands_with_a_text_suggest_a_double_dash() -> None:
    assert "infgram search INDEX -- -x" in run("search", "x", "--nonsense").stderr
    assert "INDEX -- -x" not in run("build", "--nonsense").stderr
