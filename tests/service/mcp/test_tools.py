"""Every tool over every transport, with the SDK's client: answers as in the reference, and errors with advice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import jsonschema
import pytest
from infgram.service.mcp.tools import MAX_SNIPPET, TOOLS, _snippet
from infgram.service.schemas import requests

import infgram
from tests.client.loopback import loopback
from tests.reference import ReferenceIndex, text_places
from tests.service.conftest import LIMITS, TEXTS
from tests.service.mcp.sessions import TRANSPORTS, Call, Outcome, Session, over_http, over_stdio

TRACED = "the rose is a rose! Zzz, natural light"


class Truth:
    """The texts of an index, and the reference over its tokens."""

    def __init__(self, name: str, index: infgram.Index) -> None:
        self.name, self._tokenizer = name, index.tokenizer
        self.reference = ReferenceIndex([self.encode(text) for text in TEXTS], index.vocab_size)

    def encode(self, text: str) -> list[int]:
        tokens: list[int] = self._tokenizer.encode(text).tolist()
        return tokens

    def decode(self, tokens: list[int]) -> str:
        return self._tokenizer.decode(tokens)

    def counts(self, text: str) -> dict[str, Any]:
        n, n_any_case = (len(text_places(TEXTS, text, ignore_case=any_case)) for any_case in (False, True))
        tokens = self.encode(text)
        return {
            "string_count": n,
            "count": self.reference.count(tokens),
            "other_case_count": n_any_case - n,
            "n_tokens": len(tokens),
        }

    def distribution(self, text: str, top_k: int, suffix_length: int | None = None) -> dict[str, Any]:
        tokens = self.encode(text)
        context = tokens if suffix_length is None else tokens[len(tokens) - suffix_length :]
        found = self.reference.next_token_distribution(context)
        rows = sorted(zip(found.token_ids, found.counts, strict=True), key=lambda row: (-row[1], row[0]))
        return {
            "context_count": found.context_count,
            "n_distinct": found.n_distinct,
            "rows": [[token, count, count / found.context_count] for token, count in rows[:top_k]],
            "n_omitted_rows": max(0, found.n_distinct - top_k),
        }

    def infgram(self, text: str, top_k: int, min_count: int) -> dict[str, Any]:
        tokens = self.encode(text)
        length = self.reference.longest_suffix(tokens, min_count=min_count).length
        suffix = self.decode(tokens[len(tokens) - length :])
        facts = {"suffix_length": length, "n_tokens": len(tokens), "suffix": suffix}
        return {**self.distribution(text, top_k, length), **facts}

    def search(self, *clauses: str, limit: int) -> dict[str, Any]:
        found = self.reference.search([[self.encode(text)] for text in clauses], max_distance=100, limit=100)
        shown = [
            [document, len(offsets), clauses[0], len(self.decode(self.reference.tokens_of[document][: offsets[0]]))]
            for document, offsets in found.items()
        ]
        return {
            "count": sum(map(len, found.values())),
            "document_count": len(found),
            "is_exact": True,
            "documents": shown[:limit],
            "has_more": len(found) > limit,
        }

    def trace(self, text: str, min_length: int) -> dict[str, Any]:
        tokens = self.encode(text)
        spans = self.reference.maximal_spans(tokens, min_length=min_length)
        return {
            "n_tokens": len(tokens),
            "n_covered": len({position for start, end in spans for position in range(start, end)}),
            "n_omitted_spans": 0,
            "spans": [
                [self.decode(tokens[start:end]), end - start, self.reference.count(tokens[start:end])]
                for start, end in spans
            ],
        }

    def overlap(self, text: str, n: int) -> dict[str, Any]:
        tokens = self.encode(text)
        seen = self.reference.seen_n_grams(tokens, n)
        longest = max(match.length for match in self.reference.longest_matches(tokens))
        sizes = [{"n": n, "n_grams": len(seen), "n_seen": sum(seen), "share": sum(seen) / len(seen)}]
        facts = {"is_contaminated": any(seen), "is_short": False, "n_tokens": len(tokens), "longest_length": longest}
        return {**facts, "sizes": sizes, "has_evidence": any(seen)}


def of_distribution(result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "rows": [[row["token_id"], row["count"], row["probability"]] for row in result["rows"]]}


def of_search(result: dict[str, Any]) -> dict[str, Any]:
    names = ("document_id", "match_count", "match", "match_start")
    shown = [[document[name] for name in names] for document in result["documents"]]
    assert all(document["match"] in document["snippet"] for document in result["documents"])
    return {**result, "documents": shown, "has_more": result["cursor"] is not None}


def of_trace(result: dict[str, Any]) -> dict[str, Any]:
    spans = [[span["text"], span["n_tokens"], span["count"]] for span in result["spans"]]
    assert all(span["text"] in document["snippet"] for span in result["spans"] for document in span["documents"])
    assert all(len(span["documents"]) == 1 for span in result["spans"])
    return {**result, "spans": spans}


def of_overlap(result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "has_evidence": result["evidence"] is not None}


class Right(NamedTuple):
    """A call that is answered: what must be in the result, after a reduction of it."""

    tool: str
    arguments: Mapping[str, Any]
    expected: Callable[[Truth], dict[str, Any]]
    reduced: Callable[[dict[str, Any]], dict[str, Any]] = dict


TOKENS = {"any_tokenization": False}
RIGHT = (
    Right("count", {"query": "rose"}, lambda truth: truth.counts("rose")),
    Right("count", {"query": "ROSE"}, lambda truth: truth.counts("ROSE")),
    Right("count", {"query": "natural l"}, lambda truth: truth.counts("natural l")),
    Right("count", {"query": "😀"}, lambda truth: truth.counts("😀")),
    Right("count", {"query": "absent"}, lambda truth: truth.counts("absent")),
    Right("next_tokens", {"query": "a", **TOKENS}, lambda truth: truth.distribution("a", 10), of_distribution),
    Right(
        "next_tokens",
        {"query": " a", "top_k": 1, **TOKENS},
        lambda truth: truth.distribution(" a", 1),
        of_distribution,
    ),
    Right("infgram", {"query": "zzz a rose"}, lambda truth: truth.infgram("zzz a rose", 10, 1), of_distribution),
    Right(
        "infgram",
        {"query": "the natural rose is", "min_count": 2, "top_k": 3},
        lambda truth: truth.infgram("the natural rose is", 3, 2),
        of_distribution,
    ),
    Right("search", {"query": " rose", **TOKENS}, lambda truth: truth.search(" rose", limit=5), of_search),
    Right("search", {"query": " rose", "limit": 1, **TOKENS}, lambda truth: truth.search(" rose", limit=1), of_search),
    Right(
        "search",
        {"query": '" rose" AND " after"', **TOKENS},
        lambda truth: truth.search(" rose", " after", limit=5),
        of_search,
    ),
    Right(
        "search",
        {"query": "ose", "limit": 0},
        lambda _: {"count": len(text_places(TEXTS, "ose")), "document_count": 3, "documents": []},
    ),
    Right("search", {"query": "rose", "where": {"number": 3}}, lambda _: {"count": 1, "document_count": 1}),
    Right(
        "document",
        {"document_id": 3, "start": 7, "n_characters": 5},
        lambda truth: {
            "text": TEXTS[3][7:12],
            "start": 7,
            "next_start": 12,
            "n_tokens": len(truth.encode(TEXTS[3])),
            "source": "texts.jsonl",
            "line": 4,
            "metadata": {"number": 3, "tags": ["x", None, 1.5]},
        },
    ),
    Right("document", {"document_id": 0}, lambda _: {"text": TEXTS[0], "next_start": None}),
    Right("document", {"document_id": 4, "start": 100}, lambda _: {"text": "", "next_start": None}),
    Right(
        "trace",
        {"query": TRACED, "min_length": 2, "max_spans": 20},
        lambda truth: truth.trace(TRACED, 2),
        of_trace,
    ),
    Right(
        "trace",
        {"query": TRACED, "max_spans": 1, "min_length": 2},
        lambda truth: {"n_omitted_spans": len(truth.trace(TRACED, 2)["spans"]) - 1},
    ),
    Right("overlap", {"query": TRACED, "n": 3}, lambda truth: truth.overlap(TRACED, 3), of_overlap),
    Right("overlap", {"query": "x y z", "n": 3}, lambda truth: truth.overlap("x y z", 3), of_overlap),
)


class Wrong(NamedTuple):
    """A call that is refused: what the error must contain."""

    tool: str
    arguments: Mapping[str, Any]
    words: tuple[str, ...]


ANY: dict[str, Any] = {"index": "bytes", "query": "rose"}
WRONG = (
    *(
        Wrong(tool, {**arguments, "index": "nothing"}, ("unknown_index", "bytes, bpe, ids"))
        for tool, arguments in (
            *((tool, ANY) for tool in TOOLS if tool not in ("list_indexes", "document")),
            ("document", {"document_id": 0}),
        )
    ),
    Wrong("list_indexes", {"index": "bytes"}, ("invalid_request", "Unknown field", "takes: no arguments")),
    Wrong("count", {"query": "rose"}, ("invalid_request", "- index: Field required", "takes: index, query", "Example")),
    Wrong("count", {**ANY, "query": 3}, ("invalid_request", "- query: Input should be a valid string")),
    Wrong("count", {**ANY, "query": ""}, ("invalid_request", "- query: String should have at least 1 character")),
    Wrong("count", {**ANY, "query": ["rose"]}, ("invalid_request", "- query: Input should be a valid string")),
    Wrong("count", {**ANY, "index": None}, ("invalid_request", "- index: Input should be a valid string")),
    Wrong("count", {**ANY, "limit": 3}, ("invalid_request", "Unknown field", "count takes: index, query.")),
    Wrong("count", {**ANY, "query": "x" * 2001}, ("limit_exceeded", "- query: Expected at most 2000 characters")),
    Wrong("count", {**ANY, "index": "ids"}, ("no_tokenizer", "built from token ids")),
    Wrong("next_tokens", {**ANY, "top_k": 101}, ("invalid_request", "- top_k: Input should be less than or")),
    Wrong("next_tokens", {**ANY, "top_k": 60}, ("limit_exceeded", "- top_k: Expected at most 50")),
    Wrong("next_tokens", {**ANY, "top_k": "5"}, ("invalid_request", "- top_k: Input should be a valid integer")),
    Wrong("infgram", {**ANY, "min_count": 0}, ("invalid_request", "- min_count: Input should be greater than")),
    Wrong("infgram", {**ANY, "min_count": 1.5}, ("invalid_request", "- min_count: Input should be a valid integer")),
    Wrong("search", {**ANY, "limit": 21}, ("invalid_request", "- limit: Input should be less than or equal to 20")),
    Wrong("search", {**ANY, "limit": 11}, ("limit_exceeded", "- limit: Expected at most 10")),
    Wrong("search", {**ANY, "cursor": "abc"}, ("invalid_cursor", "leave the cursor out for the first page")),
    Wrong("search", {**ANY, "query": "rose AND"}, ("malformed_query", "rock AND (roll OR")),
    Wrong("search", {**ANY, "query": "x" * 1500}, ("limit_exceeded", "- query: Expected at most 1000 tokens")),
    Wrong("search", {**ANY, "scope": "page"}, ("invalid_request", "- scope: Input should be 'window' or 'document'")),
    Wrong("search", {**ANY, "where": [1]}, ("invalid_request", "- where: Input should be a valid dictionary")),
    Wrong("document", {"index": "bytes", "document_id": 99}, ("unknown_document", "search, trace and overlap")),
    Wrong("document", {"index": "bytes", "document_id": -1}, ("invalid_request", "- document_id")),
    Wrong("document", {"index": "ids", "document_id": 0}, ("no_tokenizer",)),
    Wrong("trace", {**ANY, "max_spans": 21}, ("invalid_request", "- max_spans")),
    Wrong("overlap", {**ANY, "rule": "gpt"}, ("invalid_request", "- rule: Input should be 'palm' or 'llama-2'")),
    Wrong("overlap", {**ANY, "threshold": 2}, ("invalid_request", "- threshold")),
    Wrong("delete", ANY, ("unknown_tool", "The tools are: list_indexes, count,")),
)

NAMES = ("bytes", "bpe")
CALLS: list[Call] = [
    ("list_indexes", {}),
    *((right.tool, {"index": name, **right.arguments}) for right in RIGHT for name in NAMES),
    *((wrong.tool, wrong.arguments) for wrong in WRONG),
]


@pytest.fixture(scope="session")
def truths(folders: dict[str, Path]) -> Iterator[dict[str, Truth]]:
    with infgram.open(folders["bytes"]) as first, infgram.open(folders["bpe"]) as second:
        yield {"bytes": Truth("bytes", first), "bpe": Truth("bpe", second)}


@pytest.fixture(scope="session")
def config(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of the service of these tests, as a file for the command."""
    lines = ["[indexes]", *(f"{name} = {json.dumps(str(folder))}" for name, folder in folders.items())]
    lines += ["[limits]", *(f"{name} = {limit}" for name, limit in LIMITS.model_dump().items())]
    file = tmp_path_factory.mktemp("mcp") / "settings.toml"
    file.write_text("\n".join(lines))
    return file


@pytest.fixture(scope="session", params=TRANSPORTS)
def session(request: pytest.FixtureRequest, folders: dict[str, Path], config: Path) -> tuple[str, Session]:
    """All calls in one session over each transport."""
    transport, _, generation = request.param.partition(" ")
    mode = generation or "auto"
    if transport == "stdio":
        return request.param, over_stdio(config, CALLS, mode=mode)
    with loopback(indexes=folders, limits=LIMITS) as service:
        return request.param, over_http(service.url, CALLS, mode=mode)


def outcome_of(session: Session, tool: str, arguments: Mapping[str, Any]) -> Outcome:
    return session.outcomes[CALLS.index((tool, arguments))]


Record = Callable[[str, object], None]


def test_list_indexes(session: tuple[str, Session], truths: dict[str, Truth], record_property: Record) -> None:
    record_property("tool", ("list_indexes", session[0], "answered"))
    outcome = outcome_of(session[1], "list_indexes", {})
    found = {each["name"]: each for each in outcome.result["indexes"]}
    assert [*found] == ["bytes", "bpe", "ids"]
    for name, truth in truths.items():
        assert (found[name]["n_documents"], found[name]["n_tokens"]) == (len(TEXTS), truth.reference.n_tokens)
    assert [each["tokenizer"] for each in found.values()] == ["bytes", "huggingface", None]
    assert len({each["tokenizer_fingerprint"] for each in found.values()}) == 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("right", RIGHT, ids=lambda right: f"{right.tool}-{RIGHT.index(right)}")
def test_a_call_is_answered(
    session: tuple[str, Session], truths: dict[str, Truth], right: Right, name: str, record_property: Record
) -> None:
    record_property("tool", (right.tool, session[0], "answered"))
    outcome = outcome_of(session[1], right.tool, {"index": name, **right.arguments})
    assert not outcome.is_error, outcome.text
    assert json.loads(outcome.text) == outcome.result
    jsonschema.validate(outcome.result, session[1].tools[right.tool].output_schema or {})
    expected, found = right.expected(truths[name]), right.reduced(outcome.result)
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong.tool}-{WRONG.index(wrong)}")
def test_a_wrong_call_gets_advice(session: tuple[str, Session], wrong: Wrong, record_property: Record) -> None:
    record_property("tool", (wrong.tool if wrong.tool in TOOLS else "(unknown)", session[0], "refused"))
    outcome = outcome_of(session[1], wrong.tool, wrong.arguments)
    assert outcome.is_error
    assert outcome.result is None
    assert [words for words in wrong.words if words not in outcome.text] == [], outcome.text


def test_pages_of_a_search(folders: dict[str, Path], truths: dict[str, Truth]) -> None:
    asked = {"index": "bytes", "query": "e", "limit": 2}
    found: list[int] = []
    with loopback(indexes=folders) as service:
        cursor = None
        for _ in TEXTS:
            (page,) = over_http(service.url, [("search", {**asked, "cursor": cursor})]).outcomes
            found += [document["document_id"] for document in page.result["documents"]]
            cursor = page.result["cursor"]
            if cursor is None:
                break
        (other,) = over_http(service.url, [("search", {**asked, "query": "o", "cursor": page.text})]).outcomes
        assert other.is_error
    assert found == sorted(truths["bytes"].reference.search([[[ord("e")]]], limit=100))


# What a client sees before it calls


def test_the_tools_are_described(session: tuple[str, Session]) -> None:
    tools = session[1].tools
    assert [*tools] == [*TOOLS]
    assert session[1].instructions is not None
    assert "list_indexes" in session[1].instructions
    for name, tool in tools.items():
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint
        assert tool.description is not None
        assert "Example arguments: {" in tool.description
        for schema in (tool.input_schema, tool.output_schema):
            assert schema is not None
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
        fields = tool.input_schema["properties"]
        assert [field for field, described in fields.items() if not described.get("description")] == []
        jsonschema.validate(
            {**tool.input_schema["examples"][0], **({"index": "bytes"} if fields else {})}, tool.input_schema
        )
        if name != "list_indexes":
            assert fields["index"]["enum"] == ["bytes", "bpe", "ids"]
        if "query" in fields:
            assert fields["query"]["maxLength"] == LIMITS.query_characters


def test_the_arguments_are_fields_of_the_questions() -> None:
    questions: dict[str, Any] = {
        "count": requests.CountRequest,
        "next_tokens": requests.NextTokenRequest,
        "infgram": requests.InfgramRequest,
        "search": requests.SearchRequest,
        "trace": requests.TraceRequest,
        "overlap": requests.OverlapRequest,
    }
    assert {*questions, "list_indexes", "document"} == TOOLS.keys()
    for name, question in questions.items():
        assert TOOLS[name].arguments.model_fields.keys() - {"index"} <= question.model_fields.keys()


def test_results_suit_a_context_window(tmp_path: Path) -> None:
    """Long fields of metadata, tokens and snippets are left out or cut, and the result says so."""
    long = "rose " * 20_000
    record = {"text": long, "title": "t", "body": "b" * 10_000, **{f"field {n}": n for n in range(100)}}
    (tmp_path / "x.jsonl").write_text("".join(f"{json.dumps(record)}\n" for _ in range(30)), encoding="utf-8")
    infgram.build(tmp_path / "x.jsonl", tmp_path / "x.infgram", tokenizer="bytes").close()
    asked = {"index": "x", "query": long[:2_000]}
    calls: list[Call] = [
        ("search", {**asked, "query": "rose", "limit": 20, "snippet_tokens": 100}),
        ("trace", {**asked, "max_spans": 20, "documents_per_span": 3, "snippet_tokens": 100}),
        ("overlap", asked),
        ("count", {**asked, "query": long[:400]}),
        ("infgram", asked),
        ("document", {"index": "x", "document_id": 0, "n_characters": 20_000}),
    ]
    with loopback(indexes={"x": tmp_path / "x.infgram"}) as service:
        outcomes = over_http(service.url, calls).outcomes
    assert [outcome.text for outcome in outcomes if outcome.is_error] == []
    assert max(len(outcome.text) for outcome in outcomes) < 30_000
    first = outcomes[0].result["documents"][0]
    assert first["metadata"] == {"title": "t", **{f"field {n}": n for n in range(19)}}
    assert first["omitted_metadata"][:2] == ["body", "field 19"]
    assert len(outcomes[0].result["documents"]) == 20
    assert outcomes[0].result["cursor"] is not None
    assert (len(outcomes[3].result["tokens"]), outcomes[3].result["n_tokens"]) == (50, 400)
    assert outcomes[5].result["next_start"] == 20_000


@pytest.mark.parametrize("n_before", [0, 300, 5_000])
@pytest.mark.parametrize("n_after", [0, 300, 5_000])
@pytest.mark.parametrize("n_match", [1, 500, 3_000])
def test_a_snippet_is_cut_around_its_match(n_before: int, n_match: int, n_after: int) -> None:
    text = "b" * n_before + "m" * n_match + "a" * n_after
    found = SimpleNamespace(snippet=text, snippet_match_start=n_before, snippet_match_end=n_before + n_match)
    cut = _snippet(found)
    assert cut in text
    assert len(cut) == min(len(text), MAX_SNIPPET)
    assert cut.count("m") >= min(n_match, MAX_SNIPPET // 2)
