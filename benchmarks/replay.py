"""Compare the responses of `POST /` to the documented requests of the public API with infini-gram's own engine.

    python benchmarks/replay.py CORPUS.infgram --rival rival/bin/python --folder DISK
    python benchmarks/replay.py --golden tests/golden/public_api.json --rival rival/bin/python

Each request is sent to `infgram serve`. The engine gets the token ids of the response, without sampling, on an index of
the same tokens. The second form writes the engine's results for a few short texts, which the tests use. CORPUS.infgram
requires a tokenizer with ids below 65,535.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # last on the path, so that the installed infgram is imported

import infgram
from benchmarks.machine import memory_bytes
from benchmarks.rival import Rival
from benchmarks.serving import NAME, ours

Body = dict[str, Any]

_NLP: Final = "natural language processing"
_AND: Final = f"{_NLP} AND deep learning"
_CNF: Final = f"{_NLP} OR artificial intelligence AND deep learning OR machine learning"
REQUESTS: Final[Sequence[Body]] = (
    *[{"query_type": "count", "query": query} for query in ("University of Washington", _NLP, "", _AND, _CNF, "a")],
    {"query_type": "count", "query": _CNF, "max_diff_tokens": 5},
    *[{"query_type": "prob", "query": query} for query in (_NLP, "natural language", "xyzzy plugh")],
    *[{"query_type": "ntd", "query": query} for query in ("natural language", "deep", "xyzzy plugh", "")],
    *[{"query_type": "infgram_prob", "query": f"{start}{_NLP}"} for start in ("I love ", "", "xyzzy ")],
    *[{"query_type": "infgram_ntd", "query": query} for query in ("I love natural language", "xyzzy", "")],
    *[{"query_type": "find", "query": query} for query in (_NLP, "natural language", "xyzzy plugh")],
    *[{"query_type": "find_cnf", "query": query} for query in (_AND, _CNF)],
    *[{"query_type": "search_docs", "query": query, "maxnum": 10} for query in (_NLP, _AND, "xyzzy plugh")],
    {"query_type": "search_docs", "query": "natural language", "maxnum": 3, "max_disp_len": 20},
    *[{"query_type": "creativity", "query": f"I love {query}"} for query in (_NLP, "xyzzy and deep learning")],
)
"""Return the examples of the API documentation, queries that do not occur, and the empty query."""

TEXTS: Final = (
    "I love natural language processing, and natural language processing loves deep learning.",
    "Artificial intelligence is not natural language.",
    "",
    "At the University of Washington: machine learning, deep learning, artificial intelligence.",
    "natural language processing",
    "A natural language has a grammar; natural language processing has machine learning and a deep end.",
)
"""The texts of the golden results."""

UNSAMPLED: Final = {"max_clause_freq": 10**9}
_THEIRS: Final = Path(__file__).with_name("theirs_replay.py")
_POINTER_BYTES: Final = 2  # for so small a corpus
SHOWN: Final = ("doc_ix", "doc_len", "disp_len", "needle_offset", "token_ids")


def main() -> None:
    """Replay the requests, or write the golden results.

    Raises:
        SystemExit: a response differs from the engine's result.
    """
    options = _options()
    rival = Rival.find(options.rival, memory_bytes())
    with tempfile.TemporaryDirectory(prefix="infgram-replay-") as folder:
        path = options.index or _built(Path(folder))
        with infgram.open(path) as index:
            theirs = rival.copy(index, options.folder) if options.index else _sorted(index, Path(folder, "theirs"))
        requests = [body for body in REQUESTS if options.golden or not _is_of_everything(body)]
        with ours(path, 1) as url:
            answers = [_posted(url, body) for body in requests]
        end_of_text_id = 0 if options.golden else options.end_of_text_id
        expected = _asked(rival, theirs, end_of_text_id, list(zip(requests, answers, strict=True)))
    for body, answer, wanted in zip(requests, answers, expected, strict=True):
        if not agrees(answer, wanted):
            raise SystemExit(f"{body}: {answer}, expected {wanted}")
    if options.golden:
        pairs = [{"request": body, "answer": wanted} for body, wanted in zip(requests, expected, strict=True)]
        golden = {"infini_gram": rival.version, "texts": TEXTS, "asked": pairs}
        options.golden.write_text(json.dumps(golden, ensure_ascii=False).replace('{"request"', '\n{"request"') + "\n")
    print(f"{len(requests)} requests, all responses equal to infini-gram {rival.version}")


def agrees(answer: Body, wanted: Body) -> bool:
    """Return whether a response has all expected fields; its documents are a sample."""
    found = {
        **answer,
        "counts": {token_id: row["cont_cnt"] for token_id, row in answer.get("result_by_token_id", {}).items()},
        "documents": wanted.get("documents"),
    }
    sample = [{name: document[name] for name in SHOWN} for document in answer.get("documents", [])]
    return all(found[name] == value for name, value in wanted.items()) and all(
        document in wanted["documents"] for document in sample
    )


def _question(body: Body, answer: Body) -> tuple[str, Body]:
    """Return the call of the engine for the tokens of a response, without sampling."""
    query_type, token_ids = body["query_type"], answer["token_ids"]
    is_cnf = bool(token_ids) and isinstance(token_ids[0], list)
    near = {"max_diff_tokens": body["max_diff_tokens"]} if "max_diff_tokens" in body else {}
    shown = {"max_disp_len": body.get("max_disp_len", 1000)}
    if query_type == "search_docs":
        if is_cnf:
            return "documents_cnf", {"cnf": token_ids, "options": {**UNSAMPLED, **near}, **shown}
        return "documents", {"input_ids": token_ids, **shown}
    if query_type in ("prob", "infgram_prob"):
        return query_type, {"prompt_ids": token_ids[:-1], "cont_id": token_ids[-1]}
    if query_type in ("ntd", "infgram_ntd"):
        return query_type, {"prompt_ids": token_ids, "max_support": 10**9}
    if is_cnf:
        return query_type.removesuffix("_cnf") + "_cnf", {"cnf": token_ids, **UNSAMPLED, **near}
    return query_type, {"input_ids": token_ids}


def _wanted(raw: Any) -> Body:
    """Return the fields of the engine's result that the response must have."""
    if isinstance(raw, list):
        return {"cnt": len(raw), "documents": [{name: document[name] for name in SHOWN} for document in raw]}
    compared = {name: value for name, value in raw.items() if not name.endswith("_by_shard")}
    if "result_by_token_id" in compared:
        rows = compared.pop("result_by_token_id")
        compared["counts"] = {token_id: row["cont_cnt"] for token_id, row in rows.items()}
    return compared


def _asked(rival: Rival, path: Path, end_of_text_id: int, pairs: list[tuple[Body, Body]]) -> list[Body]:
    questions = [_question(body, answer) for body, answer in pairs]
    command = [rival.python, str(_THEIRS), str(path), str(end_of_text_id)]
    done = subprocess.run(command, input=json.dumps(questions), capture_output=True, text=True, check=True)
    return [_wanted(raw) for raw in json.loads(done.stdout.splitlines()[-1])]


def _posted(url: str, body: Body) -> Body:
    content = json.dumps({"index": NAME, **body}).encode()
    request = urllib.request.Request(f"{url}/", content, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: Body = json.load(answer)
    if "error" in found:
        raise SystemExit(f"{body}: {found}")
    return found


def _is_of_everything(body: Body) -> bool:
    """Skip distributions of all tokens of a large corpus, because the engine starts a thread for every few tokens."""
    return body["query_type"] in ("ntd", "infgram_ntd") and not body["query"]


def _built(folder: Path) -> Path:
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    infgram.build(folder / "texts.jsonl", folder / "texts.infgram", tokenizer="bytes").close()
    return folder / "texts.infgram"


def _sorted(index: infgram.Index, folder: Path) -> Path:
    """Write infini-gram's files of a small index, because its own sorter omits suffixes of short texts."""
    documents = [index.document_tokens(number).astype("<u2") for number in range(index.n_documents)]
    content = b"".join(b"\xff\xff" + document.tobytes() for document in documents)
    starts = np.cumsum([0, *(2 + 2 * len(document) for document in documents[:-1])], dtype="<u8")
    pointers = sorted(range(0, len(content), 2), key=lambda start: content[start:])
    folder.mkdir()
    (folder / "tokenized.0").write_bytes(content)
    (folder / "table.0").write_bytes(b"".join(pointer.to_bytes(_POINTER_BYTES, "little") for pointer in pointers))
    (folder / "offset.0").write_bytes(starts.tobytes())
    return folder


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("index", type=Path, nargs="?", help="an index with a tokenizer")
    add("--rival", metavar="PYTHON", required=True, help="a Python interpreter with infini-gram installed")
    add("--folder", type=Path, default=Path(), help="a folder for infini-gram's index, 15 bytes per token")
    add("--end-of-text-id", type=int, default=50256, help="end-of-text id of the tokenizer (default: GPT-2's)")
    add("--golden", type=Path, metavar="FILE", help="write its results for a few short texts to this file")
    options = parser.parse_args()
    if (options.index is None) == (options.golden is None):
        parser.error("expected an index or --golden FILE")
    return options


if __name__ == "__main__":
    main()
