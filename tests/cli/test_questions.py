"""count, next, score, search and document print the results of the library."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest

import infgram
from tests.cli.conftest import TEXTS
from tests.cli.running import run

QUERIES = ("natural", " natural language", "the", "zebra", "", "\u221e", "caf\u00e9", "\U0001f600", "e\n")


@pytest.mark.parametrize("query", QUERIES)
def test_count(index: infgram.Index, index_path: Path, query: str) -> None:
    token_ids = index.tokenizer.encode(query).tolist()
    expected = {
        "count": index.count(query),
        "token_ids": token_ids,
        "tokens": index.tokenizer.tokens(token_ids),
    }
    assert run("count", index_path, query, "--json").json == expected
    assert run("count", index_path, "-", "--json", stdin=query.encode()).json == expected
    ids = ",".join(map(str, token_ids))
    assert run("count", index_path, "--token-ids", ids, "--json").json == expected
    assert run("count", index_path, query).stdout == f"{expected['count']}\n"


@pytest.mark.parametrize("query", ["natural", "NATURAL", "e n", "al l", "zebra", "\u00c9"])
@pytest.mark.parametrize(
    "options", [["--ignore-case"], ["--any-tokenization"], ["--ignore-case", "--any-tokenization"]]
)
def test_count_a_string(index: infgram.Index, index_path: Path, query: str, options: list[str]) -> None:
    expected = index.count(query, any_tokenization=True, ignore_case="--ignore-case" in options)
    assert run("count", index_path, query, *options).stdout == f"{expected}\n"
    answer = run("count", index_path, query, *options, "--json").json
    assert (answer["count"], answer["token_ids"]) == (expected, index.tokenizer.encode(query).tolist())


@pytest.mark.parametrize("query", ["natural", " natural", "a", "zebra"])
def test_count_notes_that_the_string_occurs_more_often(index: infgram.Index, index_path: Path, query: str) -> None:
    found = index.readings(query)
    assert found.string_count is not None
    ran = run("count", index_path, query)
    assert ran.stdout == f"{index.count(query)}\n"
    if found.string_count == index.count(query):
        assert ran.stderr == ""
    else:
        assert f"the text occurs {found.string_count:,} time" in ran.stderr
        assert "--any-tokenization counts all" in ran.stderr
        spaced = found.after_space.count if found.after_space else 0
        assert ("after a space" in ran.stderr) == (spaced > 0)
    for quiet in (["--json"], ["--any-tokenization"], ["--documents"]):
        assert run("count", index_path, query, *quiet).stderr == ""
    assert "readings" not in run("count", index_path, query, "--json").json
    answer = run("count", index_path, query, "--json", "--readings").json
    assert answer["readings"] == json.loads(json.dumps(asdict(found)))
    shown = run("count", index_path, query, "--readings").stdout
    assert shown.startswith(f'"{query}" as a string: {found.string_count:,}\n')
    for other in (["--documents"], ["--ignore-case"]):
        assert run("count", index_path, query, "--readings", *other).code == 2
    assert run("count", index_path, "--token-ids", "1", "--readings").code == 2


def test_next_after_a_string(index: infgram.Index, index_path: Path) -> None:
    found = run("next", index_path, "atural", "--whole", "--any-tokenization", "--json").json
    expected = index.next_token_distribution("atural", any_tokenization=True, top_k=10)
    assert [row["count"] for row in found["rows"]] == expected.counts.tolist()
    assert found["context_count"] == expected.context_count > 0
    assert run("next", index_path, "NATURAL", "--whole", "--ignore-case", "--json").json["context_count"] > 0
    refused = run("next", index_path, "natural", "--any-tokenization")
    assert refused.code == 2
    assert "--whole" in refused.stderr


def test_a_text_that_begins_with_a_dash(index_path: Path) -> None:
    assert run("count", index_path, "--", "-x").stdout == "0\n"
    refused = run("count", index_path, "-x")
    assert refused.code == 2
    assert "put -- before a text" in refused.stderr


@pytest.mark.parametrize("query", [*QUERIES, "zebra natural", TEXTS[3]])
@pytest.mark.parametrize("options", [(), ("--min-count", 2), ("--top-k", 1), ("--whole",)])
def test_next(index: infgram.Index, index_path: Path, query: str, options: tuple[str | int, ...]) -> None:
    found = run("next", index_path, query, "--json", *options).json
    top_k = 1 if "--top-k" in options else 10
    expected: infgram.NextTokenDistribution
    if "--whole" in options:
        expected = index.next_token_distribution(query, top_k=top_k)
        assert found["suffix_length"] == len(found["token_ids"])
    else:
        infgram_rows = index.infgram_distribution(
            query, min_count=2 if options[:1] == ("--min-count",) else 1, top_k=top_k
        )
        assert found["suffix_length"] == infgram_rows.suffix_length
        expected = infgram_rows
    assert found["effective_n"] == found["suffix_length"] + 1
    assert found["token_ids"] == index.tokenizer.encode(query).tolist()
    used = found["token_ids"][len(found["token_ids"]) - found["suffix_length"] :]
    assert found["suffix"] == index.tokenizer.decode(used)
    for name in ("context_count", "is_sparse", "n_distinct"):
        assert found[name] == getattr(expected, name)
    assert [row["token_id"] for row in found["rows"]] == expected.token_ids.tolist()
    assert [row["count"] for row in found["rows"]] == expected.counts.tolist()
    assert [row["log_prob"] for row in found["rows"]] == expected.log_probs.tolist()
    for row in found["rows"]:
        assert row["token"] == (None if row["token_id"] == -1 else index.tokenizer.tokens([row["token_id"]])[0])


def test_next_prints_the_suffix(index_path: Path) -> None:
    assert 'the longest suffix that occurs: " natural", 1 of ' in run("next", index_path, "zz natural").stdout
    assert "the whole text, " in run("next", index_path, "the natural").stdout
    assert "no suffix that occurs" in run("next", index_path, "\u4e2d").stdout
    assert "never occurs" in run("next", index_path, "zebra natural", "--whole").stdout
    assert "end of document" in run("next", index_path, TEXTS[3]).stdout


@pytest.mark.parametrize("query", [*QUERIES, "a natural zebra"])
@pytest.mark.parametrize("options", [(), ("--end",), ("--min-count", 2)])
def test_score(index: infgram.Index, index_path: Path, query: str, options: tuple[str | int, ...]) -> None:
    found = run("score", index_path, query, "--json", *options).json
    expected = index.score(query, end="--end" in options, min_count=2 if "--min-count" in options else 1)
    for name in ("token_ids", "suffix_lengths", "context_counts", "continuation_counts"):
        assert found[name] == getattr(expected, name).tolist()
    log_probs = [value if math.isfinite(value) else None for value in expected.log_probs.tolist()]
    assert found["log_probs"] == log_probs
    possible = [value for value in log_probs if value is not None]
    total = found["total"]
    assert total["n_positions"] == len(log_probs)
    assert total["n_impossible"] == len(log_probs) - len(possible)
    assert total["possible_log_prob"] == pytest.approx(sum(possible))
    assert total["log_prob"] == (None if None in log_probs else total["possible_log_prob"])
    assert (total["mean_log_prob"] is None) == (not log_probs or None in log_probs)
    if "--end" in options:
        assert found["tokens"][-1] is None


def test_score_as_text(index_path: Path) -> None:
    shown = run("score", index_path, "a natural zebra", "--end").stdout
    assert "end of document" in shown
    assert "-inf" in shown
    assert "impossible" in shown
    assert "nothing to score" in run("score", index_path, "").stdout


@pytest.mark.parametrize("query", [" natural", "language", "zebra", "\u221e"])
@pytest.mark.parametrize("seed", [None, 7])
def test_search(index: infgram.Index, index_path: Path, query: str, seed: int | None) -> None:
    options = () if seed is None else ("--seed", seed)
    found = run("search", index_path, query, "--limit", 2, "--snippet-tokens", 3, "--json", *options).json
    expected = index.search(query, limit=2, seed=seed, snippet_tokens=3)
    assert found["count"] == expected.count
    assert len(found["documents"]) == len(expected)
    for fields, hit in zip(found["documents"], expected, strict=True):
        matches = fields.pop("matches")
        assert fields == {name: value for name, value in vars(hit).items() if name not in ("clause", "matches")}
        assert matches == [vars(match) for match in hit.matches]
    shown = run("search", index_path, query, "--limit", 2, *options).stdout
    assert shown.startswith(f"{expected.count} occurrence")
    assert all(
        f"document {hit.document_id}  {hit.source}:{hit.line}  number={hit.metadata['number']}\n" in shown
        for hit in expected
    )


def test_search_with_operators(index: infgram.Index, index_path: Path) -> None:
    query = '" natural" AND ("language" OR " language")'
    found = run("search", index_path, query, "--scope", "document", "--json").json
    expected = index.search(query, scope="document")
    for name in ("count", "document_count", "is_exact", "count_interval", "document_count_interval", "cursor"):
        assert found[name] == getattr(expected, name)
    assert (found["count"], found["document_count"], found["is_exact"]) == (5, 3, True)
    assert [len(terms) for terms in found["clauses"]] == [1, 2]
    assert found["clauses"][0][0]["token_ids"] == index.tokenizer.encode(" natural").tolist()
    assert {match["clause"] for document in found["documents"] for match in document["matches"]} == {0, 1}
    shown = run("search", index_path, query).stdout
    assert shown.startswith("5 occurrences in 3 documents\n")
    near = run("search", index_path, query, "--max-distance", 0, "--json").json
    assert (near["count"], near["documents"]) == (0, [])


def test_pages_and_filters_of_a_search(index: infgram.Index, index_path: Path) -> None:
    first = run("search", index_path, " natural", "--limit", 1, "--json").json
    assert [document["document_id"] for document in first["documents"]] == [0]
    second = run("search", index_path, " natural", "--limit", 1, "--cursor", first["cursor"], "--json").json
    assert [document["document_id"] for document in second["documents"]] == [1]
    shown = run("search", index_path, " natural", "--limit", 1)
    assert shown.stdout.startswith("5 occurrences in 3 documents; 1 shown\n")
    assert f"--cursor {first['cursor']}" in shown.stderr
    for condition, documents in (("number=1", [1]), ('number="1"', []), ("number=x", []), ("missing=1", [])):
        found = run("search", index_path, " natural", "--where", condition, "--json").json
        assert [document["document_id"] for document in found["documents"]] == documents
        assert found["document_count"] == len(documents)
    both = ("--where", "number=1", "--where", "missing=2")
    assert run("search", index_path, " natural", *both, "--json").json["documents"] == []


def test_an_estimated_search(index: infgram.Index, index_path: Path) -> None:
    options = ("--max-matches", 3, "--seed", 1)
    found = run("search", index_path, " natural", *options, "--json").json
    expected = index.search(" natural", max_matches=3, seed=1)
    assert (found["is_exact"], found["count"]) == (False, 5)
    assert found["document_count_interval"] == list(expected.document_count_interval or ())
    shown = run("search", index_path, " natural", *options).stdout
    assert shown.startswith("5 occurrences in about ")
    assert "with 95% confidence" in shown


def test_count_of_documents(index: infgram.Index, index_path: Path) -> None:
    found = run("count", index_path, " natural", "--documents", "--json").json
    assert (found["count"], found["document_count"]) == (index.count(" natural"), index.document_count(" natural"))
    assert run("count", index_path, " natural", "--documents").stdout == "3\n"


@pytest.mark.parametrize("query", ["NATURAL", "l lang", "\u00c9", "x AND y", "(NATURAL OR x) AND lang"])
@pytest.mark.parametrize("option", ["--ignore-case", "--any-tokenization"])
def test_search_for_a_string(index: infgram.Index, index_path: Path, query: str, option: str) -> None:
    ignore_case = option == "--ignore-case"
    expected = index.search_text(query, ignore_case=ignore_case, limit=2, snippet_tokens=6, where={"number": 1})
    words: list[str | int] = [option, "--limit", 2, "--snippet-tokens", 6, "--where", "number=1"]
    found = run("search", index_path, query, *words, "--json").json
    for name in ("count", "document_count", "is_exact", "cursor"):
        assert found[name] == getattr(expected, name)
    assert [hit["matches"] for hit in found["documents"]] == [[*map(vars, hit.matches)] for hit in expected]
    assert run("search", index_path, query, *words).stdout.startswith(f"{expected.count} occurrence")
    assert run("count", index_path, query, option, "--documents").stdout == (
        f"{index.document_count(query, ignore_case=ignore_case, any_tokenization=True)}\n"
    )
    in_document = index.search_text(query, ignore_case=ignore_case, scope="document").count
    assert run("search", index_path, query, option, "--scope", "document", "--json").json["count"] == in_document
    assert run("search", index_path, query, option, "--max-matches", "5").code == 2
    assert run("search", index_path, "--token-ids", "1", option).code == 2


def test_document(index: infgram.Index, index_path: Path) -> None:
    for number, text in enumerate(TEXTS):
        found = run("document", index_path, number, "--json").json
        token_ids = index.document(number).token_ids.tolist()
        assert found == {
            "document_id": number,
            "metadata": {"number": number},
            "source": "corpus.jsonl",
            "line": number + 1,
            "n_tokens": len(token_ids),
            "text": text,
            "token_ids": token_ids,
            "tokens": index.tokenizer.tokens(token_ids),
        }
        plain = run("document", index_path, number)
        assert plain.stdout == text
        assert f"number={number}" in plain.stderr


def test_info(index: infgram.Index, index_path: Path) -> None:
    assert run("info", index_path, "--json").json == index.info()
    shown = run("info", index_path).stdout
    for part in ("documents       5", "suffix_array", f"{index.n_tokens:,}"):
        assert part in shown


def test_verify(index: infgram.Index, index_path: Path) -> None:
    found = run("verify", index_path, "--json").json
    assert found == {"is_intact": True, "n_tokens": index.n_tokens, "n_documents": 5, "n_shards": 1}
    assert run("verify", index_path).stdout.startswith("intact: ")


def test_an_index_without_a_tokenizer(token_index_path: Path) -> None:
    assert run("count", token_index_path, "--token-ids", "2 3", "--json").json == {
        "count": 2,
        "token_ids": [2, 3],
        "tokens": None,
    }
    found = run("next", token_index_path, "--token-ids", "9,2,3", "--json").json
    assert (found["suffix"], found["rows"]) == ("2,3", [{"token_id": -1, "token": None, "count": 2, "log_prob": 0.0}])
    assert run("score", token_index_path, "--token-ids", "1,2", "--json").json["tokens"] is None
    assert run("document", token_index_path, 1).stdout == "2,3"
    for name in ("next", "score", "search"):
        assert run(name, token_index_path, "--token-ids", "2").code == 0
    assert run("info", token_index_path).code == 0
    refused = run("count", token_index_path, "text")
    assert refused.code == 3
    assert "--token-ids" in refused.stderr
