"""Folders that the package infini-gram built, with its answers and ours.

Its sorter takes 32 GiB of memory for tokens of 32 bits, so that those folders are written by the tests.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import random
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import infgram
from tests.infini_gram_folders import write_shard

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("infini_gram") is None,
    reason="the package infini-gram is not installed: pip install infini-gram transformers zstandard tqdm",
)

N_QUERIES = 2_000
DTYPES = {8: "u8", 16: "u16", 32: "u32"}


def texts_of(rng: random.Random, n: int) -> list[str]:
    words = ["".join(rng.choice("abcdeé") for _ in range(rng.randint(1, 7))) for _ in range(300)]
    texts = [" ".join(rng.choice(words) for _ in range(rng.randint(0, 60))) for _ in range(n)]
    return [*texts, *texts[5:40], "the end", *texts[-1:]]


def build_folder(folder: Path, width: int, shards: int, rng: random.Random) -> list[list[int]]:
    """Build an index with the package; return the documents in the order in which it stores them."""
    data, output = folder / "data", folder / "theirs"
    data.mkdir()
    output.mkdir()
    texts = texts_of(rng, 100 if width == 32 else 1_500 * shards)  # it needs 100,000 bytes in each shard
    if width == 8:
        lines = [json.dumps({"text": text, "number": number}) + "\n" for number, text in enumerate(texts)]
        (data / "a.jsonl").write_text("".join(lines))
        ids = list(range(256))
    else:  # the files of its tokenizing step, which would load a tokenizer from the network
        ids = [rng.randrange(2**16 - 1 if width == 16 else 150_000) for _ in range(256)]
    documents = [[ids[byte] for byte in text.encode()] for text in texts]
    parts = [documents[shard::shards] for shard in range(shards)]
    if width > 8:
        for shard, part in enumerate(parts):
            write_shard(output, part, width, f".{shard}", [{"number": 0}] * len(part), is_sorted=width == 32)
    if width < 32:
        _run_sorter(data, output, width, shards)
    return [document for part in parts for document in part]


def _run_sorter(data: Path, output: Path, width: int, shards: int) -> None:
    command = [sys.executable, "-m", "infini_gram.indexing", "--data_dir", str(data), "--save_dir", str(output)]
    command += ["--token_dtype", DTYPES[width], "--shards", str(shards), "--cpus", "1", "--mem", "4", "--add_metadata"]
    command += ["--ulimit", str(resource.getrlimit(resource.RLIMIT_NOFILE)[1])]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("width", [8, 16, 32])
def test_equal_answers(tmp_path: Path, width: int, shards: int) -> None:
    rng = random.Random(shards)
    documents = build_folder(tmp_path, width, shards, rng)
    vocab_size = {8: 255, 16: 65_535, 32: 150_000}[width]
    engine = importlib.import_module("infini_gram.engine").InfiniGramEngine(
        index_dir=str(tmp_path / "theirs"), eos_token_id=0, vocab_size=vocab_size, token_dtype=DTYPES[width]
    )
    tokenizer = "bytes" if width == 8 else None
    with infgram.open(tmp_path / "theirs", tokenizer=tokenizer, vocab_size=vocab_size) as index:
        assert (index.n_shards, index.n_documents) == (shards, len(documents))
        assert index.token_width_bits == width
        index.verify()
        for document in range(0, len(documents), 97):
            assert index.document_tokens(document).tolist() == documents[document]
        assert "number" in index.document_metadata(3)
        for _ in range(N_QUERIES):
            check_query(index, engine, query_of(rng, documents), rng)


def query_of(rng: random.Random, documents: list[list[int]]) -> list[int]:
    document = rng.choice([document for document in documents[:500] if document])
    begin = rng.randrange(len(document))
    query = document[begin : begin + rng.randint(1, 12)]
    if rng.random() < 0.3:
        query[rng.randrange(len(query))] = document[0]
    return query


def check_query(index: infgram.Index, engine: Any, query: list[int], rng: random.Random) -> None:
    """Compare counts, and the next token; infini-gram merges the end of a document with the token 0."""
    assert index.count(query) == engine.count(query)["count"], query
    token = query[rng.randrange(len(query))]
    theirs = engine.infgram_prob(query, token)
    ours = index.infgram_log_prob(query, token)
    assert (ours.suffix_length, ours.context_count, ours.continuation_count) == (
        theirs["suffix_len"],
        theirs["prompt_cnt"],
        theirs["cont_cnt"],
    ), (query, token)
