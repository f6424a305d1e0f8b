"""Corpora large enough to use the directory, the stored continuations and the interleaving."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest

import infgram
from infgram import _core
from infgram.types import Load
from tests.building import build_tokens, temporary_folder, token_index, union_index
from tests.damage.faults import forge_section
from tests.golden.test_golden import GOLDEN
from tests.index import test_oracle as oracle
from tests.reference import END_OF_DOCUMENT, ReferenceIndex
from tests.strategies import Layout, TokenCorpus, Tokens

FOLLOWERS = 600
VERSION_2 = ("continuations.bin", "directory.bin", "stored_contexts.bin")


def _zipf(seed: int, size: int, ids: Tokens) -> Tokens:
    """Draw random tokens with a Zipf distribution."""
    rng = random.Random(seed)
    return [ids[min(int(rng.paretovariate(0.8)) - 1, len(ids) - 1)] for _ in range(size)]


def _copied(seed: int) -> list[Tokens]:
    """Return documents that share long passages, and end at every offset of one."""
    rng = random.Random(seed)
    passage = _zipf(seed, 300, list(range(12)))
    copies = [[rng.randrange(12), *passage[: rng.randrange(300)], rng.randrange(12)] for _ in range(30)]
    return [*copies, *([*passage, 3] for _ in range(3)), [5] * 400, [5, 6] * 200]


LARGE = {
    "one letter in four": TokenCorpus([_zipf(0, 1500, [0, 1, 2, 3]), _zipf(1, 900, [0, 1, 2, 3])], 6, (0, 1, 2, 3)),
    "frequent and rare": TokenCorpus([_zipf(seed, 500, list(range(60))) for seed in range(6)], 255, (0, 1, 5, 59)),
    "edges of 16 bits": TokenCorpus(
        [_zipf(seed, 700, [65_535, 0, 256, 255, 65_280, 1]) for seed in range(4)], 65_536, (0, 255, 256, 65_535)
    ),
    "the separator's neighbor": TokenCorpus([_zipf(2, 1800, [254, 0, 253])], 255, (0, 253, 254)),
    "copies": TokenCorpus(_copied(3), 13, (0, 3, 5, 11)),
}


def _queries(corpus: TokenCorpus, seed: int) -> list[Tokens]:
    """Draw pieces of 1 to 24 tokens from the corpus, unchanged and with one token altered."""
    rng = random.Random(seed)
    cuts = []
    for length in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 24):
        for _ in range(4):
            document = rng.choice(corpus.documents)
            start = rng.randrange(max(1, len(document) - length))
            cuts.append(document[start : start + length])
    altered = [list(cut) for cut in cuts]
    for cut in altered:
        cut[rng.randrange(len(cut))] = rng.choice(corpus.alphabet)
    return [[], [corpus.absent], *cuts, *altered]


@pytest.fixture(scope="module")
def references() -> dict[str, ReferenceIndex]:
    return {name: ReferenceIndex(corpus.documents, corpus.vocab_size) for name, corpus in LARGE.items()}


@pytest.mark.parametrize("layout", [Layout(8, 1, 1), Layout(16, 3, 2), Layout(32, 1, 2)], ids=str)
@pytest.mark.parametrize("name", LARGE)
def test_answers(name: str, layout: Layout, references: dict[str, ReferenceIndex]) -> None:
    corpus, reference = LARGE[name], references[name]
    queries = _queries(corpus, 0)
    long = [[*queries[-1], *document[5:40], corpus.alphabet[0], *document[-30:]] for document in corpus.documents[:2]]
    with token_index(corpus.documents, vocab_size=corpus.vocab_size, layout=layout) as index:
        oracle.check_counts(index, reference, queries)
        oracle.check_find(index, reference, queries)
        oracle.check_longest_suffix(index, reference, [*queries, *long])
        for context in queries:
            found = index.next_token_distribution(context)
            oracle.assert_same_rows(found, reference.next_token_distribution(context), context)
        oracle.check_infgram_distribution(index, reference, [*queries[-20:], *long])
        oracle.check_infgram_log_prob(index, reference, queries[-10:], (*corpus.alphabet, END_OF_DOCUMENT))
        oracle.check_score(index, reference, long)
        oracle.check_longest_matches(index, reference, long)
        oracle.check_sessions(index, reference, [*queries[-4:], long[0][:30]])
        index.verify()


def _many_followers() -> list[Tokens]:
    """Return documents with 600 different tokens, some frequent, after [7], [3, 7] and sixteen times 1."""
    plain = [token for follower in range(FOLLOWERS) for token in (7, 1000 + follower)]
    pairs = [token for follower in range(FOLLOWERS) for token in (3, 7, 1000 + 2 * follower) * (1 + follower % 20)]
    deep = [token for follower in range(FOLLOWERS) for token in (*[1] * 16, 1000 + follower)]
    return [[0] * 40_000, plain, pairs, deep, [2, 3, 7], [40_000], [7, 60_000], [0] * 25_000]


@pytest.mark.parametrize("layout", [Layout(16, 1, 1), Layout(16, 1, 8), Layout(32, 2, 2)], ids=str)
def test_stored_continuations(layout: Layout) -> None:
    documents = _many_followers()
    reference = ReferenceIndex(documents, 65_535)
    contexts = [[7], [3, 7], [1] * 16, [1] * 15, [1] * 17, [1] * 3, [2, 3, 7], [1000], [3], [0], [9], [0] * 9, [1, 7]]
    with token_index(documents, vocab_size=65_535, layout=layout) as index:
        assert index.info()["sections"]["stored_contexts.bin"]["size_bytes"] > 128 * index.n_shards, "none is stored"
        oracle.check_next_token_distribution(index, reference, contexts)
        oracle.check_infgram_distribution(index, reference, [[9, *context] for context in contexts])
        index.verify()


def test_the_directory_has_a_maximum_size() -> None:
    with token_index(_many_followers(), vocab_size=65_535, layout=Layout(16, 1, 1)) as index:
        sections = index.info()["sections"]
        n_keys = -(-index.n_tokens // 64)
        assert sections["directory.bin"]["size_bytes"] == 128 + 8 * (n_keys + -(-n_keys // 64))
        n_elements = index.n_tokens + index.n_documents
        assert 128 < sections["continuations.bin"]["size_bytes"] <= 128 + n_elements // 27
        names = ("first_token_starts.bin", *VERSION_2)
        assert index.info()["directory_bytes"] == sum(sections[name]["size_bytes"] for name in names)


@pytest.mark.parametrize("load", get_args(Load))
def test_results_do_not_depend_on_load(load: Load, references: dict[str, ReferenceIndex]) -> None:
    corpus = LARGE["copies"]
    with temporary_folder(10_000) as folder:
        build_tokens(corpus.documents, folder / "x", vocab_size=corpus.vocab_size, layout=Layout(16, 2, 1)).close()
        with infgram.open(folder / "x", load=load) as index:
            queries = _queries(corpus, 1)
            oracle.check_counts(index, references["copies"], queries)
            oracle.check_score(index, references["copies"], queries[-3:])
            oracle.check_documents(index, references["copies"])


def test_an_unknown_load_is_rejected(tmp_path: Path) -> None:
    build_tokens([[1]], tmp_path / "x", vocab_size=2).close()
    other: Any = "disk"
    with pytest.raises(infgram.QueryError, match="expected 'map', 'warm' or 'ram'"):
        infgram.open(tmp_path / "x", load=other)


def test_version_1_without_a_directory() -> None:
    """Query it alone, and in a union with a new index."""
    texts = [document.text for document in _documents(GOLDEN / "v1")]
    reference = ReferenceIndex([list(text.encode()) for text in texts], 255)
    queries = [list(query) for query in (b"", b"t", b"the", b"the cat sat on the mat", b"cat", b"zebra", b" ", b"at")]
    with infgram.open(GOLDEN / "v1") as index:
        assert not set(VERSION_2) & set(index.info()["sections"])
        oracle.check_counts(index, reference, queries)
        oracle.check_next_token_distribution(index, reference, queries)
        oracle.check_longest_suffix(index, reference, queries)
        oracle.check_score(index, reference, queries)
        oracle.check_longest_matches(index, reference, queries)
    with union_index([texts[:1], texts[1:]]) as index:
        oracle.check_counts(index, reference, queries)


def _documents(path: Path) -> Iterator[infgram.Document]:
    with infgram.open(path) as index:
        yield from (index.document(number) for number in range(index.n_documents))


@pytest.mark.parametrize("name", VERSION_2)
def test_verify_detects_a_wrong_directory_with_valid_checksums(tmp_path: Path, name: str) -> None:
    build_tokens(_many_followers(), tmp_path / "x", vocab_size=65_535, layout=Layout(16, 1, 1)).close()
    folder = tmp_path / "x" / "shard-00000"
    _core.verify_shard(folder)

    def flip(payload: bytearray, place: float) -> None:
        payload[int(place * len(payload))] ^= 1

    for place in (0, 0.5):
        forge_section(folder / name, partial(flip, place=place))
        with pytest.raises(infgram.IndexDamagedError, match=rf"{name}: does not match the suffix array"):
            _core.verify_shard(folder)
        forge_section(folder / name, partial(flip, place=place))
    _core.verify_shard(folder)


def _encoded(gaps: list[int], counts: list[int]) -> bytes:
    """Encode next tokens as docs/index-format.md describes, "continuations.bin"."""
    out = bytearray()

    def append_varint(value: int) -> None:
        while value >= 0x80:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        out.append(value)

    for gap, count in zip(gaps, counts, strict=True):
        out.append((gap if gap < 32 else 0) << 3 | (count if count < 8 else 0))
        if gap >= 32:
            append_varint(gap - 32)
        if count >= 8:
            append_varint(count - 8)
    return bytes(out)


def _add(values: list[int], *changes: tuple[int, int]) -> None:
    for place, added in changes:
        values[place] += added


@pytest.mark.parametrize(
    "alter",
    [
        lambda gaps, counts: _add(counts, (0, 1)),
        lambda gaps, counts: _add(counts, (-1, -1)),
        lambda gaps, counts: _add(counts, (0, 2**63), (1, 2**63)),
        lambda gaps, counts: _add(counts, (0, 2**64 - 9), (1, 9)),
        lambda gaps, counts: _add(gaps, (-1, 1)),
        lambda gaps, counts: _add(gaps, (0, 2**63), (1, 2**63)),
        lambda gaps, counts: (gaps.pop(), counts.pop()),
        lambda gaps, counts: (gaps.append(1), counts.append(1)),
    ],
    ids=[
        "one more",
        "one less",
        "counts wrap",
        "one count wraps",
        "next code",
        "gaps wrap",
        "one left out",
        "one added",
    ],
)
def test_stored_continuations_that_do_not_add_up(
    tmp_path: Path, alter: Callable[[list[int], list[int]], object]
) -> None:
    """The counts are those of the context, and no code is outside the vocabulary: sums that overflow included."""
    counts = [2 + follower % 9 for follower in range(FOLLOWERS)]
    documents = [[0] * 40_000, [token for follower, n in enumerate(counts) for token in (7, 1000 + follower) * n]]
    path = tmp_path / "x"
    build_tokens(documents, path, vocab_size=1000 + FOLLOWERS, layout=Layout(16, 1, 1)).close()
    gaps = [1002, *[1] * (FOLLOWERS - 1)]
    section = path / "shard-00000" / "continuations.bin"
    assert _encoded(gaps, counts) == section.read_bytes()[64:-64], "only the context [7] is stored"
    alter(gaps, counts)

    def replace(payload: bytearray) -> None:
        payload[:] = _encoded(gaps, counts)

    forge_section(section, replace)
    with infgram.open(path) as index:
        assert index.count([7]) == sum(2 + follower % 9 for follower in range(FOLLOWERS))
        with pytest.raises(infgram.IndexDamagedError, match=r"stored continuations are truncated or invalid"):
            index.next_token_distribution([7])


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_directory_gives_an_error_or_a_result(tmp_path: Path, seed: int) -> None:
    """Alter random bytes and fix the checksums; nothing is read outside the files."""
    rng = random.Random(seed)
    build_tokens(_many_followers(), tmp_path / "x", vocab_size=65_535, layout=Layout(16, 1, 1)).close()
    folder = tmp_path / "x" / "shard-00000"

    def alter(payload: bytearray) -> None:
        for _ in range(200):
            payload[rng.randrange(len(payload))] = rng.randrange(256)

    for name in (*VERSION_2, "first_token_starts.bin", "suffix_array.bin"):
        forge_section(folder / name, alter)
    index = _core.Index([_core.ShardState(folder)])
    contexts: list[Tokens] = [[7], [3, 7], [1] * 16, [2, 3, 7], [0] * 30, [1000, 7], [7, 60_000]]
    asks = (index.count, index.next_tokens, index.longest_suffix, index.infgram, index.score, index.longest_matches)
    for ask, context in itertools.product(asks, contexts):
        try:
            ask(context)
        except infgram.IndexDamagedError:
            continue
