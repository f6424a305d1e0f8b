"""Representations of results: short reprs, tables for pandas and Arrow, HTML for notebooks."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow
import pytest

import infgram
from infgram import lm
from infgram.errors import MissingExtraError, QueryError
from infgram.lm.evaluation import evaluate, read_text
from infgram.reprs import MOST_CHARACTERS
from infgram.tables import Table
from tests.building import text_index

HOSTILE = "<script>alert('x')</script> <img src=x onerror=alert(1)> \"&amp;'\u202e\x00</mark></td>"
TEXTS = (f"to be {HOSTILE} or not to be {HOSTILE}", "to be or not " * 400, "be " * 100_000)
METADATA = {"<b>key</b>": "</td><script>1</script>", "nested": {"a": [1, "<i>"]}}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[infgram.Index]:
    folder = tmp_path_factory.mktemp("results")
    rows = [json.dumps({"text": text, **METADATA}) + "\n" for text in TEXTS]
    (folder / "corpus.jsonl").write_text("".join(rows))
    with infgram.build(folder / "corpus.jsonl", tokenizer="bytes") as opened:
        yield opened


def results(index: infgram.Index, folder: Path) -> dict[str, Any]:
    """Return one result of every kind, most of them large."""
    folder.mkdir(exist_ok=True)
    (folder / "test.jsonl").write_text(json.dumps({"text": "to be or not to be"}) + "\n")
    (folder / "tune.jsonl").write_text(json.dumps({"text": "or not to be, that is it"}) + "\n")
    text = read_text(index, folder / "test.jsonl")
    evaluation = evaluate(index, text, tune=read_text(index, folder / "tune.jsonl"), text_name=HOSTILE)
    model = lm.InfgramLM(index, "witten_bell")
    traced = infgram.trace(index, f"so to be {HOSTILE} it is")
    duplicates = infgram.dedup(index, min_tokens=20)
    overlap = infgram.overlap(index, ["to be or not to be, is it"] * 3, n=5)
    next(overlap)
    item = next(overlap)
    found = index.search("to be")
    session = index.session("to be or")
    infgram.build_from_tokens([[1], [2]], folder / "changed", vocab_size=5, overwrite=True).close()
    return {
        "addition": infgram.add_from_tokens(folder / "changed", [[3]]),
        "deletion": infgram.delete(folder / "changed", documents=range(1, 10_000)),
        "compaction": infgram.compact(folder / "changed"),
        "exported": infgram.export(index, folder / f"{'x' * 200}.jsonl"),
        "job": infgram.Job("x" * 200, "add", "failed", error={"detail": "y" * 5000}),
        "next_token": index.next_token_distribution("o"),
        "infgram": index.infgram_distribution("to be"),
        "log_prob": index.infgram_log_prob("to b", ord("e")),
        "score": index.score(TEXTS[0], end=True),
        "longest_matches": index.longest_matches(TEXTS[0]),
        "longest_suffix": index.longest_suffix("to be"),
        "search": found,
        "hit": found[0],
        "match": found[0].matches[0],
        "document": index.document(2),
        "range": index.find("to")[0],
        "location": index.locate("to", limit=1)[0],
        "spellings": next(index.spellings("be")),
        "trace": traced,
        "span": traced.spans[0],
        "span_document": traced.spans[0].documents[0],
        "traced_document": traced.documents[0],
        "novelty": infgram.novelty(index, TEXTS[1]),
        "overlap": overlap,
        "overlap_item": item,
        "overlap_evidence": item.evidence,
        "overlap_rule": overlap.rule,
        "overlap_total": overlap.total,
        "overlap_size": item.sizes[0],
        "duplicates": duplicates,
        "document_duplicates": next(iter(duplicates)),
        "totals": duplicates.totals,
        "field_count": index.count_by("to be", "key")[0],
        "long_field_count": infgram.FieldCount("x" * 5000, 1, 1),
        "readings": index.readings("be"),
        "reading": index.readings("be").as_typed,
        "estimate": infgram.estimate_build(folder / "test.jsonl", tokenizer="bytes"),
        "evaluation": evaluation,
        "model_result": evaluation.models[0],
        "gain": evaluation.mixtures[0].gains[0],
        "text": text,
        "positions": model.evaluate(TEXTS[:1]),
        "features": lm.suffix_features(index, TEXTS[:1]),
        "cache": lm.DocumentCache(index.vocab_size).evaluate([index.tokenizer.encode(TEXTS[0])]),
        "cnf": infgram.Cnf([[TEXTS[2], "b"], [list(range(200))]]),
        "index": index,
        "session": session,
        "model": model,
        "model_session": model.session("to"),
        "tokenizer": index.tokenizer,
        "client": infgram.Client("http://127.0.0.1:1", index="x" * 500),
        "async_client": infgram.AsyncClient("http://127.0.0.1:1"),
    }


@pytest.fixture(scope="module")
def every(index: infgram.Index, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return results(index, tmp_path_factory.mktemp("every"))


def tables(every: dict[str, Any]) -> dict[str, Table]:
    return {name: value for name, value in every.items() if isinstance(value, Table) and name != "overlap"}


def test_every_repr_is_short_and_names_its_class(every: dict[str, Any]) -> None:
    long = {name: repr(value) for name, value in every.items() if len(repr(value)) > MOST_CHARACTERS}
    assert long == {}
    nameless = {
        name: repr(value)
        for name, value in every.items()
        if type(value).__name__ not in repr(value) and not isinstance(value, float)
    }
    assert nameless == {}
    assert [name for name, value in every.items() if " object at 0x" in repr(value)] == []


def test_every_public_class_of_results_is_among_them(every: dict[str, Any]) -> None:
    seen = {type(value).__name__ for value in every.values()}
    public = {
        name
        for module in (infgram, lm)
        for name in module.__all__
        if is_dataclass(getattr(module, name)) or hasattr(getattr(module, name), "_fields")
    }
    others = {"Guesses", "MixtureInputs", "BuildProgress"}  # parts of the others, or a callback's
    assert public - seen - others == set()


def test_a_repr_shows_what_it_omits() -> None:
    ids = np.arange(1000)
    found = infgram.NextTokenDistribution(ids, ids + 1, context_count=500_500, n_distinct=1000)
    assert repr(found) == (
        "NextTokenDistribution(token_ids=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … 990 more], "
        "counts=[1, 2, 3, 4, 5, 6, 7, 8, 9, … 991 more], context_count=500500, n_distinct=1000)"
    )
    short = infgram.LongestMatches(ids[:2], ids[:2])
    assert repr(short) == "LongestMatches(lengths=[0, 1], counts=[0, 1])"
    document = infgram.Document(7, "x" * 1_000_000, ids, {"path": "a.txt"})
    assert len(repr(document)) <= MOST_CHARACTERS
    assert "document_id=7, text='xxx" in repr(document)
    assert "path" in repr(document)


def test_columns_have_one_length_and_both_libraries_take_them(every: dict[str, Any]) -> None:
    kinds = tables(every)
    assert {type(value).__name__ for value in kinds.values()} >= {
        *("NextTokenDistribution", "InfgramDistribution", "SequenceScore", "LongestMatches", "SearchResult", "Trace"),
        *("Novelty", "ItemOverlap", "TotalOverlap", "Duplicates", "Evaluation", "PositionScores", "SuffixFeatures"),
    }
    for name, value in kinds.items():
        columns = value.columns()
        frame, table = value.to_pandas(), value.to_arrow()
        assert isinstance(frame, pandas.DataFrame)
        assert isinstance(table, pyarrow.Table)
        assert len({len(column) for column in columns.values()}) == 1, name
        assert list(frame.columns) == table.column_names == list(columns), name
        assert len(frame) == table.num_rows == len(next(iter(columns.values()))), name


def test_the_numbers_are_those_of_the_results(index: infgram.Index) -> None:
    found = index.infgram_distribution("to be")
    frame = found.to_pandas(index.tokenizer)
    assert list(frame.columns) == ["token_id", "token", "count", "log_prob"]
    assert frame["token_id"].tolist() == found.token_ids.tolist()
    assert frame["count"].tolist() == found.counts.tolist()
    texts = [None if i < 0 else index.tokenizer.tokens([i])[0] for i in found.token_ids.tolist()]
    assert found.to_arrow(index.tokenizer)["token"].to_pylist() == texts
    score = index.score("to be", end=True).to_pandas(index.tokenizer)
    assert score["token"].tolist()[:5] == list("to be")
    assert pandas.isna(score["token"].iloc[5])
    searched = index.search("or not", limit=2)
    hits = searched.to_pandas()
    assert hits["document_id"].tolist() == [hit.document_id for hit in searched]
    assert [json.loads(row) for row in hits["metadata"]] == [dict(hit.metadata) for hit in searched]
    of_hit = {field.name for field in fields(infgram.SearchHit)} - {"matches", "clause"}
    assert of_hit <= {*hits.columns}
    assert hits["line"].tolist() == [hit.line for hit in searched]
    assert hits["source"].tolist() == [hit.source for hit in searched]
    duplicates = infgram.dedup(index, min_tokens=20)
    spans = [(found.document_id, *span) for found in duplicates for span in found.spans.tolist()]
    assert list(duplicates.to_pandas().itertuples(index=False, name=None)) == spans
    overlap = infgram.overlap(index, ["to be or not to be", "xyz"], n=5)
    assert overlap.to_pandas()[["item", "is_contaminated", "share_5"]].values.tolist() == [
        [0, True, 1.0],
        [1, False, 0.0],
    ]
    assert overlap.total.n_items == 2


def test_tables_without_rows_keep_their_types(index: infgram.Index) -> None:
    empty = index.search("absent").to_arrow()
    assert empty.schema == index.search("to").to_arrow().schema
    traced = infgram.trace(index, "\x01").to_arrow()
    assert traced.num_rows == 0
    assert traced.schema.field("text").type == pyarrow.string()


def test_characters_that_are_not_known_are_missing_values(tmp_path: Path) -> None:
    with infgram.build_from_tokens([[1, 2, 3]], tmp_path / "x", vocab_size=5) as tokens:
        traced = infgram.trace(tokens, [1, 2])
        assert traced.to_arrow()["text_start"].to_pylist() == [None]
        assert traced.to_pandas()["text_start"].isna().all()
        html = tokens.next_token_distribution([1])._repr_html_()
        assert "token_id" in html
        assert '<th scope="col" style="text-align:left">token</th>' not in html


def test_a_tokenizer_needs_token_ids(index: infgram.Index) -> None:
    with pytest.raises(QueryError, match="has no token ids"):
        index.longest_matches("to").to_pandas(index.tokenizer)
    with pytest.raises(TypeError, match=r"expected a tokenizer like index\.tokenizer"):
        index.score("to").to_arrow("bytes")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("package", "method", "extra"), [("pandas", "to_pandas", "pandas"), ("pyarrow", "to_arrow", "parquet")]
)
def test_a_missing_package_names_the_extra(
    index: infgram.Index, monkeypatch: pytest.MonkeyPatch, package: str, method: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"{method} needs .* pip install 'infgram\[{extra}\]'"):
        getattr(index.score("to"), method)()


class Strict(HTMLParser):
    """Collects tags, and fails on unbalanced or forbidden ones."""

    ALLOWED = frozenset({"div", "table", "thead", "tbody", "tr", "th", "td", "mark", "b", "span"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.ALLOWED
        assert {name for name, _ in attrs} <= {"style", "scope"}
        assert not any("url(" in (value or "") for _, value in attrs)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> str:
    """Check a page and return its text."""
    parser = Strict()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser.text


def test_html_is_escaped_for_any_text(every: dict[str, Any]) -> None:
    shown = {name: value for name, value in every.items() if hasattr(value, "_repr_html_")}
    assert {"search", "hit", "document", "next_token", "score", "trace", "evaluation", "overlap"} <= set(shown)
    for name, value in shown.items():
        html = value._repr_html_()
        assert len(html) < 100_000, name
        assert "<script" not in html.lower()
        assert "http" not in html
        read(html)
    assert "<script>alert('x')</script>" in read(infgram.Document(0, HOSTILE, np.arange(3), METADATA)._repr_html_())
    assert "<script>1</script>" in read(every["hit"]._repr_html_())


def test_html_of_a_distribution_has_tokens_and_bars_while_the_index_lives() -> None:
    with text_index(["to be\nto bo\nto be"]) as index:
        found = index.infgram_distribution("to b")
        html = found._repr_html_()
        assert '"e"' in read(html)
        assert "width:66.7%" in html
        assert "66.67%" in html
        assert '"\\n"' in read(index.next_token_distribution("be")._repr_html_())
        assert "(end of document)" in read(index.next_token_distribution("be")._repr_html_())
        for other in (pickle.loads(pickle.dumps(found)), copy.copy(found)):  # noqa: S301
            assert other.token_ids.tolist() == found.token_ids.tolist()
            assert "token_id" in other._repr_html_()
    del index
    gc.collect()
    assert "66.67%" in found._repr_html_()


def test_html_of_a_search_marks_the_matches(index: infgram.Index) -> None:
    html = index.search("or not", limit=1)._repr_html_()
    assert html.count("<mark ") == 1
    assert ">or not</mark>" in html
    assert "401 occurrences in 2 documents, 1 shown" in read(html)
    assert "<b>key</b>=" in read(html)


def test_displaying_an_overlap_consumes_no_items(index: infgram.Index) -> None:
    overlap = infgram.overlap(index, ["to be or not to be"], n=5)
    assert "token_share" in overlap._repr_html_()
    assert "TotalOverlap" in repr(overlap)
    assert len(list(overlap)) == 1


def test_results_of_fields_only_have_equal_reprs(index: infgram.Index) -> None:
    one, two = index.longest_suffix("to"), index.longest_suffix("to")
    assert one == two
    assert repr(one) == repr(two) == f"LongestSuffix(length=2, count={one.count})"
    assert [field.name for field in fields(one)] == ["length", "count"]
