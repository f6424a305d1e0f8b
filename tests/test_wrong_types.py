"""Every public entry point rejects arguments of a wrong type with a clear error.

The entry points are found by looking at the public names, their parameters by their signatures. `PARAMETERS` says what
kind of argument a parameter takes; a new name must be added there. Everything in `VALUES` that a kind does not allow
must raise an error of ours (or a TypeError that says what was expected), before it fails somewhere inside.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

import infgram
from infgram import cluster, lm
from infgram.errors import InfgramError, QueryError
from infgram.lm import evaluation, transformers as neural
from tests.building import build_texts
from tests.client.loopback import NAME, loopback
from tests.infini_gram_folders import write_folder
from tests.lm.test_transformers import tiny_llama

TEXTS = ("to be or not to be", "that is the question", "whether it is nobler")

VALUES: dict[str, Any] = {
    "none": None,
    "int": 3,
    "negative": -3,
    "huge": 2**70,
    "float": 2.5,
    "nan": math.nan,
    "bool": True,
    "text": "abc",
    "surrogate": "\ud800",
    "null": "a\0b",
    "bytes": b"abc",
    "bytearray": bytearray(b"abc"),
    "texts": ["a", "b"],
    "nones": [None, None],
    "floats": [1.5, 2.5],
    "lists": [[1], [2]],
    "dict": {"a": 1},
    "set": {"a", "b"},
    "object": object(),
    "float array": np.array([1.0, 2.0]),
    "int array": np.array([97, 98]),
    "table": np.array([[97, 98], [99, 100]]),
    "bool array": np.array([True, False]),
    "object array": np.array([None, "a"], dtype=object),
}

ANY_TEXT = {"text", "null"}
NUMBERS = {"int", "huge", "float"}
RIGHT: dict[str, set[str]] = {
    "query": {*ANY_TEXT, "int array"},
    "queries": {"texts", "lists", "table"},
    "token ids": {"int array"},
    "documents of ids": {"lists", "table"},
    "text": ANY_TEXT,
    "text or none": {*ANY_TEXT, "none"},
    "nothing": {"none"},
    "count": {"int", "huge"},
    "count or none": {"int", "huge", "none"},
    "small": {"int"},
    "small or none": {"int", "none"},
    "number": NUMBERS,
    "number or none": {*NUMBERS, "none"},
    "flag": {"bool"},
    "callback": {"none"},
    "where": {"dict", "none"},
    "mapping": set(),
    "never": set(),
    "sizes": {"int array"},
    "strings": {"texts"},
    "strings or none": {"texts", "none"},
    "weights": {"dict"},
    "delimiters": {"texts", "int array"},
    "memory": {"none", "huge"},
    "path": {"text"},
    "path or none": {"text", "none"},
    "tokenizer": {*ANY_TEXT, "surrogate"},  # names on the hub, perhaps
    "tokenizer or none": {*ANY_TEXT, "surrogate", "none"},
    "count or negative": {"int", "huge", "negative"},
    "clauses": set(),
    "patterns": {*ANY_TEXT, "texts"},
}


class Parameter(NamedTuple):
    """The kind of a parameter, and a valid value."""

    kind: str
    right: Any


PARAMETERS: dict[str, Parameter] = {
    "query": Parameter("query", "to be"),
    "context": Parameter("query", "to be"),
    "tokens": Parameter("query", "to be"),
    "queries": Parameter("queries", ["to be", "or"]),
    "contexts": Parameter("queries", ["to be", "or"]),
    "sequences": Parameter("queries", ["to be", "or"]),
    "items": Parameter("queries", ["to be", "or"]),
    "documents": Parameter("queries", ["to be", "or"]),
    "text": Parameter("text", "be"),
    "token_ids": Parameter("token ids", [97, 98]),
    "token": Parameter("small", 97),
    "ignore_case": Parameter("flag", False),
    "any_tokenization": Parameter("flag", False),
    "other_case": Parameter("flag", True),
    "field": Parameter("text", "path"),
    "rule": Parameter("nothing", None),
    "format": Parameter("never", "auto"),
    "include": Parameter("patterns", ()),
    "exclude": Parameter("patterns", ()),
    "follow_links": Parameter("flag", False),
    "end": Parameter("flag", False),
    "entropies": Parameter("flag", False),
    "overwrite": Parameter("flag", True),
    "purge": Parameter("flag", True),
    "if_generation": Parameter("count or none", None),
    "whole_words": Parameter("flag", False),
    "whole_documents": Parameter("flag", False),
    "local_files_only": Parameter("flag", True),
    "limit": Parameter("count", 2),
    "max_branches": Parameter("count", 1000),
    "shard": Parameter("never", 0),
    "rank": Parameter("small", 0),
    "top_k": Parameter("count or none", None),
    "min_count": Parameter("count", 1),
    "seed": Parameter("small", 0),
    "snippet_tokens": Parameter("count", 10),
    "scope": Parameter("never", "window"),
    "max_distance": Parameter("count", 10),
    "max_matches": Parameter("count or none", None),
    "where": Parameter("where", None),
    "cursor": Parameter("nothing", None),
    "matches_per_document": Parameter("count", 2),
    "text_characters": Parameter("count or none", 10),
    "n_characters": Parameter("count or none", 10),
    "timeout_s": Parameter("number or none", None),
    "progress": Parameter("callback", None),
    "document_id": Parameter("small", 0),
    "begin": Parameter("count", 0),
    "most_read": Parameter("count", 10),
    "begins": Parameter("sizes", np.array([0, 1])),
    "ends": Parameter("sizes", np.array([1, 2])),
    "min_tokens": Parameter("count", 3),
    "min_length": Parameter("count", 1),
    "max_count": Parameter("count or none", None),
    "max_spans": Parameter("count or none", None),
    "documents_per_span": Parameter("count", 2),
    "delimiters": Parameter("delimiters", ["."]),
    "max_n": Parameter("small", 3),
    "n": Parameter("small", 5),
    "threshold": Parameter("never", 0.5),
    "measure": Parameter("never", "n_grams"),
    "sizes": Parameter("sizes", [5]),
    "threads": Parameter("small or none", 1),
    "memory": Parameter("memory", None),
    "shard_tokens": Parameter("number", 1000),
    "vocab_size": Parameter("count or none", 255),
    "token_width_bits": Parameter("nothing", None),
    "text_field": Parameter("text", "text"),
    "on_error": Parameter("never", "fail"),
    "load": Parameter("never", "map"),
    "clauses": Parameter("clauses", [["a"]]),
    "smoothing": Parameter("never", "witten_bell"),
    "weights": Parameter("nothing", None),
    "end_token": Parameter("small or none", None),
    "max_tokens": Parameter("count or none", 5),
    "temperature": Parameter("number", 1.0),
    "rounds": Parameter("count", 1),
    "lengths": Parameter("sizes", (1, 2)),
    "order": Parameter("small", 2),
    "by": Parameter("never", "one"),
    "models": Parameter("never", None),
    "over": Parameter("never", "a"),
    "device": Parameter("never", "cpu"),
    "pad_token": Parameter("count or none", None),
    "context_length": Parameter("small or none", 8),
    "stride": Parameter("small or none", 2),
    "begin_token": Parameter("small or none", None),
    "text_name": Parameter("text", "text"),
    "neural_name": Parameter("text or none", None),
    "neural": Parameter("never", None),
    "dtype": Parameter("nothing", None),
    "end_of_text": Parameter("small or none", None),
    "batch_tokens": Parameter("count", 100),
    "batch_size": Parameter("count", 2),
    "sequence_length": Parameter("count", 3),
    "epoch": Parameter("count", 0),
    "world_size": Parameter("count", 1),
    "drop_last": Parameter("flag", False),
    "ids": Parameter("never", None),
    "job_id": Parameter("text", "unknown"),
    "job": Parameter("never", None),
    "api_key": Parameter("text or none", None),
    "retries": Parameter("count", 1),
}

PYTHONS_OWN = re.compile(
    r"object (is not|has no|of type)|has no attribute|unsupported operand|not supported between|argument must be|"
    r"incompatible|can't|cannot (convert|be interpreted)|must be (str|a|real|int)|bad operand|out of range|"
    r"broadcast|unhashable|not iterable|expected str, bytes|sequence item|not subscriptable"
)


class Entry(NamedTuple):
    """A call with valid arguments, by name; `kinds` are those that differ from `PARAMETERS`."""

    name: str
    call: Callable[..., Any]
    arguments: dict[str, Any]
    kinds: dict[str, str]


def entry(name: str, call: Callable[..., Any], /, kinds: dict[str, str] | None = None, **given: Any) -> Entry:
    """Take the parameters from the signature, and the values from `given` or `PARAMETERS`."""
    names = [
        parameter.name
        for parameter in inspect.signature(call).parameters.values()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    unknown = [each for each in names if each not in PARAMETERS and each not in given]
    assert not unknown, f"{name} takes {unknown}: say in PARAMETERS what that is"
    arguments = {each: given[each] if each in given else PARAMETERS[each].right for each in names}
    return Entry(name, call, arguments, kinds or {})


def methods_of(thing: Any, names: str, skip: tuple[str, ...] = ()) -> Iterator[tuple[str, Callable[..., Any]]]:
    kind = type(thing)
    for name in sorted({name for each in kind.__mro__ for name in vars(each)}):
        method = inspect.getattr_static(kind, name)
        if not name.startswith("_") and name not in skip and inspect.isfunction(method):
            yield f"{names}.{name}", getattr(thing, name)


SPECIAL: dict[str, dict[str, str]] = {
    "Index.document_tokens": {"end": "count or none"},
    "Index.locate": {"limit": "count or none"},
    "Index.search": {"seed": "small or none"},
    "Index.search_text": {"seed": "small or none"},
    "Index.infgram_log_prob": {"token": "small"},
    "Index.duplicates": {"threads": "count", "progress": "callback"},
    "Index.sample_documents": {"seed": "small"},
    "Index.token_batches": {"seed": "count", "end_of_text": "small"},
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[infgram.Index]:
    with build_texts(TEXTS * 3, tmp_path_factory.mktemp("types") / "x.infgram") as opened:
        yield opened


def entries_of_index(index: infgram.Index) -> Iterator[Entry]:
    for name, method in methods_of(index, "Index", ("close", "search_batch")):
        given: dict[str, Any] = {}
        if name == "Index.document_tokens":
            given = {"end": None}
        if name == "Index.duplicates":
            given = {"progress": lambda done: None}
        if name == "Index.locate":
            given = {"limit": 2}
        if name == "Index.token_batches":
            given = {"end_of_text": 0}
        yield entry(name, method, SPECIAL.get(name), **given)
    yield entry("Index.search_batch", index.search_batch)


def entries_of_client(client: infgram.Client) -> Iterator[Entry]:
    for name, method in methods_of(client, "Client", ("close",)):
        yield entry(name, method, SPECIAL.get(name.replace("Client", "Index")))


def entries_of_async_client(client: infgram.AsyncClient, loop: asyncio.AbstractEventLoop) -> Iterator[Entry]:
    def waiting(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            return loop.run_until_complete(method(**arguments))

        call.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
        return call

    for name, method in methods_of(client, "AsyncClient", ("close",)):
        yield entry(name, waiting(method), SPECIAL.get(name.replace("AsyncClient", "Index")))


def entries_of_sessions(index: infgram.Index) -> Iterator[Entry]:
    session = index.session("to")
    yield entry("Session.append", session.append)
    yield entry("Session.extend", session.extend, {"tokens": "token ids"}, tokens=[97])
    yield entry("Session.distribution", session.distribution)
    model = lm.InfgramLM(index, "witten_bell").session("to")
    yield entry("ModelSession.append", model.append)
    yield entry("ModelSession.extend", model.extend, {"tokens": "token ids"}, tokens=[97])
    distribution = index.next_token_distribution("to")
    yield entry("NextTokenDistribution.count_of", distribution.count_of, {"token_id": "count or negative"}, token_id=97)
    yield entry("to_pandas", distribution.to_pandas, {"tokenizer": "nothing"}, tokenizer=None)
    yield entry("to_arrow", distribution.to_arrow, {"tokenizer": "nothing"}, tokenizer=None)


def entries_of_library(index: infgram.Index, folder: Path) -> Iterator[Entry]:
    corpus, output = folder / "corpus.txt", folder / "made.infgram"
    corpus.write_text("to be or not")
    np.save(folder / "tokens.npy", np.array([97, 98, 97]))
    write_folder(folder / "theirs", [[97, 98, 97]], 8)
    tool = {"index": "never"}
    inputs = {"source": "never", "output": "path or none", "tokenizer": "tokenizer"}
    duplicates = infgram.dedup(index, min_tokens=3)
    yield entry("open", lambda path, load: infgram.open(path, load=load), {"path": "never"}, path=index.paths[0])
    building = {"source": corpus, "output": output, "tokenizer": "bytes", "shard_tokens": 1e9}
    yield entry("build", infgram.build, inputs, **building)
    yield entry(
        "build_from_tokens",
        infgram.build_from_tokens,
        {"documents": "documents of ids", "output": "path", "tokenizer": "tokenizer or none", "vocab_size": "never"},
        documents=[[97], [98]],
        output=output,
        tokenizer=None,
    )
    given = {"source": "never", "documents": "documents of ids", "index_path": "path", "ids": "never", "where": "never"}
    changed = folder / "changed.infgram"
    infgram.build(corpus, changed, tokenizer="bytes").close()
    yield entry("add", infgram.add, given, index_path=changed, source=corpus, shard_tokens=1e9)
    yield entry(
        "add_from_tokens", infgram.add_from_tokens, given, index_path=changed, documents=[[97]], shard_tokens=1e9
    )
    one = {"documents": [0], "ids": None, "where": None}
    yield entry(
        "delete",
        infgram.delete,
        {**given, **dict.fromkeys(one, "nothing"), "documents": "never"},
        index_path=changed,
        **one,
    )
    yield entry("compact", infgram.compact, given, index_path=changed, shard_tokens=1e9)
    yield entry(
        "convert",
        infgram.convert,
        {"folder": "path", "output": "path", "tokenizer": "tokenizer or none"},
        folder=folder / "theirs",
        output=folder / "converted.infgram",
        tokenizer=None,
    )
    yield entry("estimate_build", infgram.estimate_build, inputs, source=corpus, tokenizer="bytes")
    yield entry("trace", infgram.trace, tool, index=index)
    yield entry("novelty", infgram.novelty, tool, index=index)
    yield entry("novelty_batch", infgram.novelty_batch, tool, index=index)
    choices = {"rule": "nothing", "n": "count or none", "threshold": "nothing", "measure": "nothing"}
    yield entry("overlap", infgram.overlap, {**tool, **choices}, index=index)
    yield entry("dedup", infgram.dedup, tool, index=index)
    yield entry(
        "write_dedup",
        infgram.write_dedup,
        {**tool, "duplicates": "never", "output": "path", "content": "never", "text_field": "text or none"},
        index=index,
        duplicates=duplicates,
        output=folder / "out.jsonl",
        content="documents",
        text_field=None,
    )
    yield entry(
        "export",
        infgram.export,
        {
            **tool,
            "output": "never",
            "format": "nothing",
            "content": "nothing",
            "text_field": "text or none",
            "end_of_text": "nothing",
        },
        index=index,
        output=folder / "exported.jsonl",
        format=None,
        content=None,
        text_field=None,
    )
    yield entry("Cnf", infgram.Cnf, {"clauses": "clauses"})
    yield entry("Cnf.parse", infgram.Cnf.parse)
    files = {"path": "never", "vocab_size": "small"}
    yield entry("TokenCorpus", infgram.TokenCorpus, files, path=folder / "tokens.npy")
    tokens = infgram.TokenCorpus(folder / "tokens.npy", vocab_size=255)
    yield entry("TokenCorpus.batches", tokens.batches)
    client = {"url": "never", "index": "text or none", "timeout_s": "number"}
    for kind in (infgram.Client, infgram.AsyncClient):
        yield entry(kind.__name__, kind, client, url="http://127.0.0.1:1", index=None, timeout_s=1.0)


def entries_of_models(index: infgram.Index, folder: Path) -> Iterator[Entry]:
    tool = {"index": "never"}
    model = lm.InfgramLM(index, "witten_bell")
    yield entry("InfgramLM", lm.InfgramLM, {**tool, "n": "count or none"}, index=index)
    for name, method in methods_of(model, "InfgramLM"):
        yield entry(name, method, {"seed": "small or none"})
    yield entry("survey", lm.survey, tool, index=index)
    jelinek_mercer = {**tool, "n": "count or none", "rounds": "count"}
    yield entry("jelinek_mercer_weights", lm.jelinek_mercer_weights, jelinek_mercer, index=index, n=None)
    yield entry("suffix_features", lm.suffix_features, tool, index=index)
    yield entry(
        "evaluate_models",
        lm.evaluate_models,
        {"models": "never", "entropies": "never", "guesses": "nothing"},
        models={"a": model},
        entropies=(),
        guesses=None,
    )
    cache = lm.DocumentCache(255)
    yield entry("DocumentCache", lm.DocumentCache, {"vocab_size": "count", "order": "count"})
    ids = {"documents": "documents of ids", "context": "token ids"}
    yield entry("DocumentCache.evaluate", cache.evaluate, ids, documents=[[97, 98]])
    yield entry("DocumentCache.distribution", cache.distribution, ids, context=[97, 98])
    documents = [index.tokenizer.encode(text) for text in TEXTS]
    scores = {"a": model.evaluate(documents), "b": cache.evaluate(documents)}
    inputs = lm.MixtureInputs(scores, lm.suffix_features(index, documents))
    yield entry(
        "MixtureInputs", lm.MixtureInputs, {"scores": "never", "suffixes": "nothing"}, scores=scores, suffixes=None
    )
    yield entry("MixtureInputs.log_probs", inputs.log_probs, {"models": "strings"}, models=["a"])
    never = {"inputs": "never", "path": "never"}
    yield entry(
        "Interpolator.fit",
        lm.Interpolator.fit,
        {**never, "models": "strings or none"},
        inputs=inputs,
        models=None,
    )
    yield entry("Interpolator.fixed", lm.Interpolator.fixed, {"weights": "weights"}, weights={"a": 1.0})
    mixture = lm.Interpolator.fixed({"a": 0.5, "b": 0.5})
    yield entry("Interpolator.weights", mixture.weights, never, inputs=inputs)
    yield entry("Interpolator.log_probs", mixture.log_probs, never, inputs=inputs)
    yield entry("Interpolator.gains", mixture.gains, never, inputs=inputs)
    yield entry("Interpolator.save", mixture.save, {"path": "path"}, path=folder / "weights.json")
    mixture.save(folder / "weights.json")
    yield entry("Interpolator.load", lm.Interpolator.load, never, path=folder / "weights.json")
    guesses = np.array([[97, 98]] * inputs.n_positions)
    guessed = lm.evaluate_models({"a": model}, documents, guesses={"a": guesses})["a"]
    yield entry(
        "log_linear",
        lm.log_linear,
        {"first": "never", "second": "never", "tokens": "never"},
        first=guessed,
        second=guessed,
        tokens=np.concatenate([document[1:] for document in documents]),
    )


def entries_of_neural(index: infgram.Index, folder: Path) -> Iterator[Entry]:
    (folder / "text.txt").write_text("to be or not")
    text = evaluation.read_text(index, folder / "text.txt")
    tool = {"index": "never"}
    yield entry(
        "read_text",
        evaluation.read_text,
        {**tool, "inputs": "never", "max_tokens": "count or none"},
        index=index,
        inputs=folder / "text.txt",
    )
    yield entry(
        "evaluate",
        evaluation.evaluate,
        {**tool, "text": "never", "tune": "nothing", "neural": "nothing"},
        index=index,
        text=text,
        tune=None,
    )
    llama = tiny_llama(index.vocab_size)
    llama.save_pretrained(folder / "model")
    model = neural.TransformersLM(llama, index.vocab_size)
    yield entry("TransformersLM", neural.TransformersLM, {"model": "never", "vocab_size": "small"}, model=llama)
    yield entry(
        "TransformersLM.from_pretrained",
        neural.TransformersLM.from_pretrained,
        {**tool, "name": "never", "tokenizer": "tokenizer"},
        index=index,
        name=folder / "model",
        tokenizer="index",
    )
    ids = {"documents": "documents of ids", "context": "token ids"}
    yield entry("TransformersLM.evaluate", model.evaluate, ids, documents=[[97, 98]])
    yield entry("TransformersLM.distribution", model.distribution, ids, context=[97, 98])
    mixture = lm.Interpolator.fixed({"neural": 0.5, "witten_bell": 0.5})
    models = {"witten_bell": lm.InfgramLM(index, "witten_bell")}
    yield entry(
        "InfgramLogitsProcessor",
        neural.InfgramLogitsProcessor,
        {**tool, "models": "never", "interpolator": "never"},
        index=index,
        models=models,
        interpolator=mixture,
        neural="neural",
    )
    both = {**tool, "interpolator": "never", "neural": "never"}
    yield entry("InterpolatedLM", neural.InterpolatedLM, both, index=index, neural=model, interpolator=mixture)
    interpolated = neural.InterpolatedLM(model, index, mixture)
    yield entry("InterpolatedLM.distribution", interpolated.distribution)


def entries_of_cluster(folder: Path) -> Iterator[Entry]:
    (folder / "text.txt").write_text("to be or not")
    yield entry(
        "cluster.build",
        cluster.build,
        {
            "source": "never",
            "output": "path",
            "tokenizer": "tokenizer",
            "engine": "never",
            "scratch": "path or none",
            "split_bytes": "count",
            "dollars_per_cpu_hour": "number",
        },
        source=folder / "text.txt",
        output=folder / "cluster.infgram",
        tokenizer="bytes",
        engine="local",
        scratch=None,
        split_bytes=1000,
        dollars_per_cpu_hour=0.1,
        shard_tokens=1e9,
    )


def outcome(one: Entry, name: str, value: Any) -> str | None:
    """Return None if the value was rejected correctly, otherwise what happened."""
    try:
        result = one.call(**{**one.arguments, name: value})
        if isinstance(result, Iterator):
            list(result)
    except InfgramError as error:
        return None if len(str(error)) < 1000 else f"a message of {len(str(error))} characters"
    except TypeError as error:
        return None if not PYTHONS_OWN.search(str(error)) else f"TypeError: {error}"
    except Exception as error:  # noqa: BLE001  # that is what is looked for
        return f"{type(error).__name__}: {error}"
    return "it was taken"


def wrong(entries: Iterator[Entry], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(folder)  # a valid path may write here
    found = []
    for one in entries:
        for name in one.arguments:
            kind = one.kinds.get(name) or PARAMETERS[name].kind
            for which, value in VALUES.items():
                if which not in RIGHT[kind]:
                    happened = outcome(one, name, value)
                    if happened is not None:
                        found.append(f"{one.name}({name}={which}): {happened}"[:200])
    return found


def test_index(index: infgram.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(entries_of_index(index), tmp_path, monkeypatch) == []


def test_sessions(index: infgram.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(entries_of_sessions(index), tmp_path, monkeypatch) == []


def test_library(index: infgram.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(entries_of_library(index, tmp_path), tmp_path, monkeypatch) == []


def test_models(index: infgram.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(entries_of_models(index, tmp_path), tmp_path, monkeypatch) == []


def test_neural_models(index: infgram.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(entries_of_neural(index, tmp_path), tmp_path, monkeypatch) == []


def test_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(entries_of_cluster(tmp_path), tmp_path, monkeypatch) == []


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    with loopback() as service:
        service.put(build_texts(TEXTS, tmp_path / "x.infgram"))  # the service closes it
        if kind == "sync":
            with infgram.Client(service.url) as client:
                assert wrong(entries_of_client(client), tmp_path, monkeypatch) == []
        else:
            loop = asyncio.new_event_loop()
            asked = infgram.AsyncClient(service.url, index=NAME)
            assert wrong(entries_of_async_client(asked, loop), tmp_path, monkeypatch) == []
            loop.run_until_complete(asked.close())
            loop.close()


def test_every_entry_point_accepts_valid_arguments(index: infgram.Index, tmp_path: Path) -> None:
    """The other tests are meaningful only if each call works with valid arguments."""
    for number, entries in enumerate((entries_of_library, entries_of_models, entries_of_neural)):
        folder = tmp_path / str(number)
        folder.mkdir()
        for one in entries(index, folder):
            one.call(**one.arguments)
    for one in (*entries_of_index(index), *entries_of_sessions(index), *entries_of_cluster(tmp_path)):
        one.call(**one.arguments)


def test_every_public_function_is_in_the_table(index: infgram.Index, tmp_path: Path) -> None:
    checked = {one.name for one in entries_of_library(index, tmp_path)}
    for folder, entries in (("models", entries_of_models), ("neural", entries_of_neural)):
        (tmp_path / folder).mkdir()
        checked |= {one.name for one in entries(index, tmp_path / folder)}
    functions = {
        name for module in (infgram, lm) for name in module.__all__ if inspect.isfunction(getattr(module, name))
    }
    assert functions - checked - {"partial_answers"} == set()  # it takes no argument


# Reported cases


def test_a_text_is_not_several_texts(index: infgram.Index) -> None:
    with pytest.raises(
        QueryError, match=r"queries is 'abc'; expected a sequence of texts or .*; put a single item into a list"
    ):
        index.count_batch("abc")
    with pytest.raises(QueryError, match="items is 'text'; expected a sequence"):
        infgram.overlap(index, "text")
    with pytest.raises(QueryError, match="where is 'a=b'; expected a mapping"):
        index.search("to", where="a=b")  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="path is 42; expected a sequence of paths"):
        infgram.open(42)  # type: ignore[arg-type]


def test_a_model_of_another_tokenizer_is_rejected_during_generation(index: infgram.Index) -> None:
    mixture = lm.Interpolator.fixed({"neural": 0.5, "witten_bell": 0.5})
    models = {"witten_bell": lm.InfgramLM(index, "witten_bell")}
    with pytest.raises(TypeError, match=r"interpolator is 0\.5; expected an Interpolator"):
        neural.InfgramLogitsProcessor(index, models, 0.5)  # type: ignore[arg-type]
    processor = neural.InfgramLogitsProcessor(index, models, mixture)
    small = tiny_llama(100)
    with pytest.raises(QueryError, match="the model has 100 token ids, the index 255; expected a model with"):
        small.generate(torch.tensor([[1, 2]]), logits_processor=[processor], max_new_tokens=1, pad_token_id=0)
    large = tiny_llama(400)
    with pytest.raises(QueryError, match=r"token id 399 .* outside the vocabulary"):
        large.generate(torch.tensor([[399]]), logits_processor=[processor], max_new_tokens=1, pad_token_id=0)


def test_the_message_for_a_large_value_is_short(index: infgram.Index) -> None:
    with pytest.raises(QueryError) as refused:
        index.count_batch("x" * 1_000_000)
    assert len(str(refused.value)) < 300
    with pytest.raises(QueryError) as refused:
        infgram.Cnf.parse("a OR (" + "b" * 1_000_000)
    assert len(str(refused.value)) < 1000


def test_tools_reject_a_client() -> None:
    """They need too many queries for single requests."""
    client: Any = infgram.Client("http://127.0.0.1:9")
    for ask in (
        lambda: infgram.trace(client, "a"),
        lambda: infgram.novelty(client, "a"),
        lambda: list(infgram.novelty_batch(client, ["a"])),
        lambda: list(infgram.overlap(client, ["a"])),
        lambda: infgram.dedup(client),
    ):
        with pytest.raises(TypeError, match="index is of type Client; expected an open index"):
            ask()
