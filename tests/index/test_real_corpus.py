"""Compare an index of Python's standard library, with the tokenizer `bytes`, with plain search.

Half of the queries are substrings, also of parts of characters; the others are altered, joined or random.
Expected counts come from `bytes.find` over the files' bytes, kept apart by 0xFF, which UTF-8 never contains.
"""

from __future__ import annotations

import math
import random
import sysconfig
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import infgram
from infgram import END_OF_DOCUMENT

APART = b"\xff"
N_QUERIES = 2_000
SIZES = {"one empty document": 0, "1 byte": 1, "100 KB": 100_000, "1 MB": 1_000_000}
LIBRARY_BYTES = 2_000_000


class Sample(NamedTuple):
    """A corpus, queries, and the expected counts."""

    documents: list[bytes]
    queries: list[bytes]
    counts: list[int]

    @property
    def haystack(self) -> bytes:
        return APART.join(self.documents)


@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("shards", [1, 4])
@pytest.mark.parametrize("size", SIZES)
def test_counts_equal_plain_search(size: str, shards: int, threads: int, tmp_path: Path) -> None:
    sample = sample_of(SIZES[size])
    with build(sample.documents, tmp_path, shards=shards, threads=threads) as index:
        assert index.n_shards >= min(shards, len(sample.documents))
        assert_counts(index, sample)


@pytest.mark.torture
@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("shards", [1, 4])
def test_counts_in_twenty_megabytes(shards: int, threads: int, tmp_path: Path) -> None:
    sample = sample_of(20_000_000)
    with build(sample.documents, tmp_path, shards=shards, threads=threads) as index:
        assert_counts(index, sample)
        index.verify()


@pytest.fixture(scope="module", params=[1, 4], ids=["1 shard", "4 shards"])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[infgram.Index]:
    """An index of a few megabytes of the library."""
    documents = sample_of(LIBRARY_BYTES).documents
    with build(documents, tmp_path_factory.mktemp("library"), shards=request.param, threads=2) as index:
        yield index


def test_counts_in_the_library(library: infgram.Index) -> None:
    sample = sample_of(LIBRARY_BYTES)
    assert library.n_documents == len(sample.documents) > 100
    assert library.n_tokens == sum(map(len, sample.documents))
    assert_counts(library, sample)


def test_text_is_equivalent_to_its_bytes(library: infgram.Index) -> None:
    sample = sample_of(LIBRARY_BYTES)
    asked = 0
    for query, expected in zip(sample.queries, sample.counts, strict=True):
        try:
            text = query.decode()
        except UnicodeDecodeError:
            continue
        assert library.count(text) == expected, query
        asked += 1
    assert asked > N_QUERIES // 2


def test_next_tokens_in_the_library(library: infgram.Index) -> None:
    sample = sample_of(LIBRARY_BYTES)
    haystack = sample.haystack + APART
    for query in sample.queries[:150]:
        if not query:
            continue
        after = Counter(haystack[place + len(query)] for place in occurrences(haystack, query))
        ends = after.pop(APART[0], 0)
        rows = library.next_token_distribution(list(query))
        expected = {END_OF_DOCUMENT: ends, **after} if ends else dict(after)
        assert dict(zip(rows.token_ids.tolist(), rows.counts.tolist(), strict=True)) == expected, query
        assert rows.context_count == sum(expected.values()), query


def test_longest_suffixes_in_the_library(library: infgram.Index) -> None:
    """Compare suffixes and counts with plain search, at positions of text that partly occurs."""
    sample = sample_of(LIBRARY_BYTES)
    text = b"def natural_language(corpus):\n" + sample.documents[3][100:220] + b"\xc3\xa9 import numpy" + b"    \n" * 9
    score = library.score(list(text))
    haystack = sample.haystack
    length = 0
    for position in range(len(text)):
        context = text[:position]
        length = min(length + 1, position)
        while length and context[position - length :] not in haystack:
            length -= 1
        if not length:
            continue
        suffix = context[position - length :]
        assert score.suffix_lengths[position] == length, position
        assert score.context_counts[position] == count_of(haystack, suffix), position
        continued = count_of(haystack, suffix + text[position : position + 1])
        assert score.continuation_counts[position] == continued, position
        log_prob = math.log(continued / score.context_counts[position]) if continued else -math.inf
        assert math.isclose(score.log_probs[position], log_prob, abs_tol=1e-12), position


def test_plain_search_counts_overlaps_within_documents() -> None:
    assert count_of(b"aaaa", b"aa") == 3
    assert count_of(APART.join([b"aa", b"aa", b""]), b"aa") == 2
    assert count_of(b"", b"a") == 0


def assert_counts(index: infgram.Index, sample: Sample) -> None:
    assert index.count([]) == index.n_tokens == sum(map(len, sample.documents))
    found = index.count_batch([list(query) for query in sample.queries])
    wrong = np.flatnonzero(found != np.array(sample.counts))
    assert len(wrong) == 0, [(sample.queries[i], int(found[i]), sample.counts[i]) for i in wrong[:5]]
    for query, expected in list(zip(sample.queries, sample.counts, strict=True))[:100]:
        assert index.count(np.frombuffer(query, dtype=np.uint8)) == expected, query


def build(documents: list[bytes], folder: Path, *, shards: int, threads: int) -> infgram.Index:
    """Write one file per document and build an index."""
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, document in enumerate(documents):
        (corpus / f"{number:06}.txt").write_bytes(document)
    shard_tokens = max(1, -(-sum(map(len, documents)) // shards))
    return infgram.build(
        corpus, folder / "corpus.infgram", tokenizer="bytes", threads=threads, shard_tokens=shard_tokens
    )


@lru_cache(maxsize=4)
def sample_of(n_bytes: int) -> Sample:
    documents = library_documents(n_bytes)
    haystack = APART.join(documents)
    queries = list(draw_queries(documents, random.Random(n_bytes)))
    assert len(queries) >= N_QUERIES
    return Sample(documents, queries, [count_of(haystack, query) if query else n_bytes for query in queries])


def library_documents(n_bytes: int) -> list[bytes]:
    """Return files of the library in a fixed random order, repeated if necessary, with `n_bytes` in total."""
    if n_bytes == 0:
        return [b""]
    documents: list[bytes] = []
    longest = max(1, n_bytes // 32)  # so that four shards find enough documents
    while (missing := n_bytes - sum(map(len, documents))) > 0:
        for path in library_files():
            if not is_plain_utf8(whole := path.read_bytes()):
                continue
            document = whole_characters(whole[: min(missing, longest)])
            documents.append(document)
            missing -= len(document)
            if missing <= 0:
                break
            if missing < 8:
                documents.append(b"x" * missing)
                break
    return documents


@lru_cache(maxsize=1)
def library_files() -> list[Path]:
    root = Path(sysconfig.get_path("stdlib"))
    paths = [path for path in root.rglob("*.py") if not {"site-packages", "dist-packages"} & set(path.parts)]
    paths = sorted(path for path in paths if path.stat().st_size)
    random.Random(0).shuffle(paths)
    return paths


def is_plain_utf8(data: bytes) -> bool:
    """Whether the bytes are UTF-8 without a byte order mark, which the reader would remove."""
    try:
        return not data.decode().startswith("\ufeff")
    except UnicodeDecodeError:
        return False


def whole_characters(data: bytes) -> bytes:
    """Return `data` without an incomplete character at its end."""
    return data.decode(errors="ignore").encode()


def draw_queries(documents: list[bytes], rng: random.Random) -> Iterator[bytes]:
    """Draw substrings of 1 byte to 2 KB, and as many similar strings."""
    yield b""
    filled = [document for document in documents if document] or [b"no text at all"]
    weights = [len(document) for document in filled]
    for _ in range(N_QUERIES // 2):
        document, other = rng.choices(filled, weights, k=2)
        start = rng.randrange(len(document))
        length = int(2 ** rng.uniform(1, rng.choice((5, 11)))) - 1  # the short ones occur often
        cut = document[start : start + length]
        yield cut
        at = rng.randrange(len(cut))
        yield rng.choice(
            [
                cut[:at] + bytes([rng.randrange(255)]) + cut[at + 1 :],
                cut[:at] + other[:at],
                document[-length:] + other[:length],
                document[-length:] + bytes([rng.randrange(255)]),
                cut[::-1],
                rng.randbytes(length).replace(APART, b"\xfe"),
            ]
        )


def count_of(haystack: bytes, needle: bytes) -> int:
    return sum(1 for _ in occurrences(haystack, needle))


def occurrences(haystack: bytes, needle: bytes) -> Iterator[int]:
    """Return the positions of `needle`, including overlapping ones."""
    place = haystack.find(needle)
    while place >= 0:
        yield place
        place = haystack.find(needle, place + 1)
