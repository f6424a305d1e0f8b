"""Indexes that infini-gram made, opened in place: every question, compared with the reference; and refusals."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import infgram
from infgram.lm import InfgramLM
from infgram.lm.models.infgram_lm import SMOOTHINGS
from tests.analysis.test_dedup import check as check_duplicates
from tests.building import temporary_folder, token_index, width_of
from tests.fuzzing import altered, fuzz
from tests.index.test_oracle import NAMED, check_answers
from tests.infini_gram_folders import write_folder, write_shard
from tests.lm.test_smoothing import check_model, keeping, keepings, orders, sequences
from tests.reference import ReferenceIndex
from tests.strategies import Asked, Layout, TokenCorpus, Tokens, asked_corpora, usual_queries

layouts = st.builds(Layout, st.sampled_from((8, 16, 32)), st.integers(1, 3), st.just(1))
versions = st.sampled_from((4, 6))

LAST_DOCUMENTS = {
    "the start of another": [[1, 2, 3, 4], [1, 2, 3]],
    "inside another": [[1, 2, 3, 4], [2, 3]],
    "of one token that occurs": [[1, 1, 2, 1, 3, 1], [1]],
    "periodic": [[1] * 20, [], [2, *[1] * 7, 2], [1] * 9],
    "periodic, two tokens": [[1, 2] * 9, [2, 1, 2, 1, 2, 1], [3, 1, 2, 1, 2]],
    "a copy": [[1, 2, 1, 3], [1, 2, 1, 3], [2, 1, 2, 1, 3]],
    "with ends that overlap": [[256, 1, 256, 1, 1], [1, 256, 2], [256, 1, 256, 1]],
    "empty": [[1, 2, 1], [1], []],
}
"""Where infini-gram compares with the end of the file, a shorter suffix comes first."""


@contextlib.contextmanager
def opened(
    documents: list[Tokens], width: int, vocab_size: int | None = None, n_shards: int = 1, version: int = 4
) -> Iterator[infgram.Index]:
    with temporary_folder(sum(map(len, documents))) as folder:
        write_folder(folder / "theirs", documents, width, n_shards, version)
        with infgram.open(folder / "theirs", vocab_size=vocab_size) as index:
            yield index


def check_places(index: infgram.Index, reference: ReferenceIndex, queries: list[Tokens]) -> None:
    """Check all occurrences, and that a limit returns the first of these."""
    for query in queries:
        found = [tuple(place) for place in index.locate(query)]
        assert sorted(found) == sorted(map(tuple, reference.locate(query))), query
        assert [tuple(place) for place in index.locate(query, limit=3)] == found[:3], query
        suffixes = [reference.documents[document][offset:] for document, offset in found]
        width = index.token_width_bits // 8
        end = [b"\xff" * width]
        keys = [[token.to_bytes(width, "little") for token in suffix] + end for suffix in suffixes]
        assert index.n_shards > 1 or keys == sorted(keys), query


def check_all(corpus: TokenCorpus, layout: Layout, version: int, queries: list[Tokens], load: Any = "map") -> None:
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    width = width_of(corpus.vocab_size, layout)
    with opened(corpus.documents, width, corpus.vocab_size, layout.shards, version) as index:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tests.index.test_oracle.check_locate", check_places)
            check_answers(index, corpus, reference, layout, queries)
        index.verify()
        for tokens in (1, 2, 5):
            check_duplicates(corpus.documents, index, tokens)


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("name", NAMED)
def test_named_corpora(name: str, shards: int) -> None:
    corpus = NAMED[name]
    check_all(corpus, Layout(16, shards, 1), 4, usual_queries(corpus))


@given(asked_corpora(), layouts, versions)
def test_any_corpus(asked: Asked, layout: Layout, version: int) -> None:
    check_all(asked.corpus, layout, version, asked.queries)


@pytest.mark.parametrize("width", [8, 16, 32])
@pytest.mark.parametrize("name", LAST_DOCUMENTS)
def test_the_end_of_the_file(name: str, width: int) -> None:
    documents = [[token if width > 8 else token % 255 for token in document] for document in LAST_DOCUMENTS[name]]
    ids = sorted({token for document in documents for token in document})
    corpus = TokenCorpus(documents, ids[-1] + 2, tuple(ids))
    queries = [document[begin:] for document in documents for begin in range(len(document))]
    check_all(corpus, Layout(width, 1, 1), 4, [[], *queries, [ids[-1] + 1]])


def long_last_documents() -> dict[str, list[Tokens]]:
    rng = random.Random(11)
    words = [[1], [1, 2]]
    while len(words[-1]) < 900:
        words.append(words[-1] + words[-2])
    text = [rng.choice((1, 2, 3, 4)) for _ in range(700)]
    other = [*text[:350], 5, *text[351:]]
    return {
        "one token": [[1] * 900 + [2], [1] * 900],
        "one token, then a smaller one": [[2] * 900 + [1], [2] * 900],
        "one token, then another": [[1] * 900 + [2, 3], [1] * 450 + [2, 1, 1], [2] + [1] * 900 + [2]],
        "a long period": [[*text[:150] * 5, 6], text[:150] * 4],
        "Fibonacci words": [[*words[-1], 3], [*words[-2], 3, *words[-1]], words[-1]],
        "a truncated copy": [text, other, text, other[:650], text[:650]],
        "a copy in pieces": [[*text[:300], 7, *text[200:], 7, *text], [*text[:300], *text[:300], *text[100:400]]],
    }


@pytest.mark.parametrize("name", long_last_documents())
def test_long_last_documents(name: str) -> None:
    """Their displaced suffixes are found with what is known of shorter ones."""
    documents = long_last_documents()[name]
    with opened(documents, 8) as index:
        index.verify()
        for n_tokens in (1, 2, 64, 65, 149, 150, 151, 300, 449, 600, 640):
            query = documents[-1][-n_tokens:]
            expected = [
                (number, offset)
                for number, document in enumerate(documents)
                for offset in range(len(document))
                if document[offset : offset + len(query)] == query
            ]
            assert sorted(map(tuple, index.locate(query))) == expected


@given(asked_corpora(), layouts, keepings, orders, st.sampled_from(SMOOTHINGS))
def test_language_models(
    asked: Asked, layout: Layout, kept: tuple[int, int], order: int | None, smoothing: Any
) -> None:
    corpus = asked.corpus
    reference = ReferenceIndex(corpus.documents, corpus.vocab_size)
    width = width_of(corpus.vocab_size, layout)
    with keeping(*kept), opened(corpus.documents, width, corpus.vocab_size, layout.shards) as index:
        model = InfgramLM(index, smoothing, n=order)
        check_model(index, reference, sequences(asked), model)


def test_long_passages_and_searches() -> None:
    """The same answers as from an index of infgram, on documents that share long passages."""
    rng = random.Random(7)
    ids = [1, 2, 255, 256, 257, 511, 512, 65_280, 65_534]
    block = [rng.choice(ids) for _ in range(1_500)]
    documents: list[Tokens] = []
    for _ in range(40):
        begin, length = rng.randrange(1_000), rng.randrange(800)
        documents.append([*(rng.choice(ids) for _ in range(30)), *block[begin : begin + length]])
    documents += [block[600:1_400], block[1_100:1_390]]
    text = [*block[:900], 1, 2, *block[300:1_200], *documents[3], *documents[5][::-1]]
    clauses = [[[256]], [[1, 255], [257]], [[511]]]
    with (
        token_index(documents, vocab_size=65_535, layout=Layout(16, 3, 1)) as ours,
        opened(documents, 16, 65_535, 3, version=6) as theirs,
    ):
        for index in (ours, theirs):
            assert index.n_shards == 3
        for ask in (
            lambda index: index.score(text, end=True).continuation_counts.tolist(),
            lambda index: index.score(text, min_count=3).suffix_lengths.tolist(),
            lambda index: [part.tolist() for part in vars(index.longest_matches(text)).values()],
            lambda index: index.search(infgram.Cnf(clauses), max_distance=20, limit=50, seed=1).document_count,
            lambda index: sorted(hit.document_id for hit in index.search(block[700:720], limit=99).documents),
            lambda index: infgram.novelty(index, text, max_n=40).n_novel.tolist(),
            lambda index: [(one.document_id, one.spans.tolist()) for one in infgram.dedup(index, min_tokens=50)],
            lambda index: sorted(map(tuple, index.locate(block[1_200:1_240]))),
        ):
            assert ask(theirs) == ask(ours)


METADATA = [{"year": 2024, "title": "é"}, {}, {"year": 2025, "nested": {"a": [1]}}]


@pytest.mark.parametrize("version", [4, 6])
def test_metadata_and_origin(tmp_path: Path, version: int) -> None:
    write_folder(tmp_path / "x", [[1, 2], [], [2, 1]], 16, 2, version, METADATA)
    with infgram.open(tmp_path / "x") as index:
        for number, fields in enumerate(METADATA):
            document = index.document(number)
            assert document.metadata == fields
            assert document.source == "a.jsonl"
        assert [index.provenance(number).line for number in range(3)] == [1, 1, 2]  # each shard has its own file
        assert index.count_by([2], "year") == infgram.open(tmp_path / "x").count_by([2], "year")
        index.verify()


@pytest.mark.parametrize("linenum", [-5, -1, 2**63 - 1, 10**30])
def test_impossible_lines(tmp_path: Path, linenum: int) -> None:
    """Lines that infgram cannot store are refused where they are met, with their file and document."""
    write_shard(tmp_path / "x", [[1], [2]], 16, ".0", [{}, {}])
    write_shard(tmp_path / "x", [[1], [2], [3]], 16, ".1", [{}, {}, {}])
    lines = (tmp_path / "x" / "metadata.1").read_text().splitlines()
    lines[2] = json.dumps({"path": "a.jsonl", "linenum": linenum})
    (tmp_path / "x" / "metadata.1").write_text("\n".join([*lines, ""]))
    message = f"metadata.1: the linenum {linenum} of document 4 is not from 0"
    with infgram.open(tmp_path / "x") as index:
        assert index.provenance(3).line == 2
        with pytest.raises(infgram.IndexDamagedError, match=message):
            index.verify()
    with pytest.raises(infgram.IndexDamagedError, match=message):
        infgram.convert(tmp_path / "x", tmp_path / "y")


def test_starts_of_metadata_in_characters(tmp_path: Path) -> None:
    """Some versions of infini-gram count characters, and write others than ASCII as they are."""
    write_shard(tmp_path, [[1], [2], [3]], 16, ".0", METADATA)
    lines = [
        json.dumps({"path": "é.jsonl", "linenum": n, "metadata": fields}, ensure_ascii=False) + "\n"
        for n, fields in enumerate(METADATA)
    ]
    (tmp_path / "metadata.0").write_text("".join(lines), encoding="utf-8")
    starts = np.cumsum([0, *map(len, lines[:-1])]).astype("<u8")
    (tmp_path / "metaoff.0").write_bytes(starts.tobytes())
    with infgram.open(tmp_path) as index:
        assert [index.document_metadata(number) for number in range(3)] == METADATA
        assert index.provenance(2).source == "é.jsonl"
        index.verify()
    (tmp_path / "metadata.0").write_text("".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(infgram.IndexDamagedError, match="holds 2 lines, expected one for each of 3 documents"):
        infgram.open(tmp_path)


TEXTS = ["the cat sat on the mat, and the dog sat on the cat", "", "a dog and a cat", "the end of the mat – naïve"] * 3


MIRRORED = [text[::-1] for text in TEXTS[:3]] * 4


def write_texts(folder: Path, tokenizer: Any, texts: list[str] = TEXTS, *, step: int = 1, **options: Any) -> None:
    write_folder(folder, [tokenizer.encode(text).tolist()[::step] for text in texts], **options)


@pytest.fixture(scope="module")
def bpe() -> Any:
    from infgram.tokenizers import train_bpe

    return train_bpe(TEXTS, 300)


@pytest.mark.parametrize(("kind", "width"), [("bytes", 8), ("bpe", 16)])
def test_texts(tmp_path: Path, bpe: Any, kind: str, width: int) -> None:
    tokenizer = infgram.tokenizers.resolve("bytes") if kind == "bytes" else bpe
    write_texts(tmp_path / "x", tokenizer, width=width, n_shards=2)
    bpe.save(tmp_path)
    spec: Any = "bytes" if kind == "bytes" else tmp_path
    with infgram.open(tmp_path / "x", tokenizer=spec) as index:
        assert index.count("the cat") == infgram.open(tmp_path / "x", tokenizer=tokenizer).count("the cat") > 0
        assert index.vocab_size == tokenizer.vocab_size
        assert [index.document(number).text for number in range(len(TEXTS))] == TEXTS
        assert index.search(infgram.Cnf([[" dog"], [" mat"]]), limit=5).document_count == 3
        assert index.count("SAT ON", ignore_case=True) == 6
        assert index.info()["tokenizer"] == {"kind": tokenizer.kind, "fingerprint": tokenizer.fingerprint}
        assert index.info()["builder_version"] == "infini-gram"
        with pickle.loads(pickle.dumps(index)) as again:  # noqa: S301  # our own pickle
            assert again.count("dog") == index.count("dog")


def test_reload(tmp_path: Path) -> None:
    write_folder(tmp_path / "x", [[1, 2, 1]], 16)
    with infgram.open(tmp_path / "x") as index:
        assert not index.reload()
        shutil.rmtree(tmp_path / "x")
        write_folder(tmp_path / "x", [[1, 2, 1], [1]], 16)
        assert index.count([1]) == 2
        assert index.reload()
        assert index.count([1]) == 3


def test_convert(tmp_path: Path, bpe: Any) -> None:
    write_texts(tmp_path / "x", bpe, width=16, n_shards=2, metadata=[{"n": n} for n in range(len(TEXTS))])
    with (
        infgram.open(tmp_path / "x", tokenizer=bpe) as theirs,
        infgram.convert(tmp_path / "x", tmp_path / "ours", tokenizer=bpe) as ours,
    ):
        ours.verify()
        assert ours.n_tokens == theirs.n_tokens
        assert ours.count("the cat") == theirs.count("the cat")
        for number in range(len(TEXTS)):
            assert ours.document(number).text == TEXTS[number]
            assert ours.provenance(number) == theirs.provenance(number)
    with pytest.raises(infgram.IndexExistsError):
        infgram.convert(tmp_path / "x", tmp_path / "ours", tokenizer=bpe)
    with pytest.raises(infgram.InputError, match="holds no index of infini-gram"):
        infgram.convert(tmp_path / "ours", tmp_path / "again")
    with pytest.raises(infgram.InputError, match="absent does not exist; expected the folder of an index of infini"):
        infgram.convert(tmp_path / "absent", tmp_path / "again")
    with pytest.raises(infgram.QueryError, match="was made by infini-gram and cannot be part of a union"):
        infgram.open([tmp_path / "ours", tmp_path / "x"])


def test_metadata_are_converted_as_built(tmp_path: Path) -> None:
    """The bytes are those of a build, and documents can be deleted by their ids."""
    fields: list[dict[str, Any]] = [{"id": "x", "tags": ["a", 1]}, {"id": "é/\n"}, {"id": 7}, {}]
    write_folder(tmp_path / "x", [[97], [98], [99], [100]], 8, metadata=fields)
    rows = [json.dumps({"text": text, **own}) for text, own in zip("abcd", fields, strict=True)]
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    infgram.build(tmp_path / "a.jsonl", tmp_path / "built", tokenizer="bytes").close()
    infgram.convert(tmp_path / "x", tmp_path / "ours", tokenizer="bytes").close()
    stored = [next((tmp_path / name).rglob("metadata.bin")).read_bytes() for name in ("built", "ours")]
    assert stored[0] == stored[1]
    assert infgram.delete(tmp_path / "ours", ids=["x", "é/\n", 7]).n_documents == 3


def test_converting_without_a_tokenizer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    write_folder(tmp_path / "x", [[1, 2], [3]], 16, n_shards=2, version=6)
    for name, options, last in (("a", {}, "3, the largest that occurs"), ("b", {"vocab_size": 100}, "99")):
        caplog.clear()
        with infgram.convert(tmp_path / "x", tmp_path / name, **options) as index:  # type: ignore[arg-type]
            assert index.vocab_size == options.get("vocab_size", 4)
            assert index.count([index.vocab_size - 1]) == (not options)
        assert caplog.messages == [
            "one index of 2 shards: 00, 01",
            f"without a tokenizer, the new index accepts token ids only, from 0 to {last}",
        ]
    with pytest.raises(infgram.TokenizerError, match="holds token 3, but the given vocabulary has 3 tokens"):
        infgram.convert(tmp_path / "x", tmp_path / "c", vocab_size=3)


DOCUMENTS = [[1, 2, 3, 1, 2], [], [2, 3], [300, 1, 2, 300], [1, 2]]

Damage = Callable[[Path], object]


def cut(name: str, n_bytes: int) -> Damage:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-n_bytes])


def put(name: str, at: int, value: bytes) -> Damage:
    def change(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[at : at + len(value)] = value
        (folder / name).write_bytes(content)

    return change


def replaced(name: str, make: Damage) -> Damage:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return change


def swap_pointers(folder: Path) -> None:
    table = bytearray((folder / "table.0").read_bytes())
    table[0], table[5] = table[5], table[0]
    (folder / "table.0").write_bytes(table)


DAMAGES: dict[str, tuple[Damage, type[Exception], str]] = {
    "a truncated table": (cut("table.0", 3), infgram.IndexDamagedError, "table.0 has 15 bytes; expected"),
    "an empty table": (cut("table.0", 18), infgram.IndexDamagedError, "table.0 has 0 bytes; expected"),
    "a truncated text": (cut("tokenized.0", 2), infgram.IndexDamagedError, "table.0 has 18 bytes; expected"),
    "truncated offsets": (cut("offset.0", 3), infgram.IndexDamagedError, "expected 8 for each document"),
    "an offset too few": (cut("offset.0", 8), infgram.IndexDamagedError, "does not end with the separators of 4"),
    "no offsets": (cut("offset.0", 40), infgram.IndexDamagedError, "expected 8 for each document"),
    "a wrong offset": (put("offset.0", 8, b"\x02"), infgram.IndexDamagedError, "document 1 does not begin with a sep"),
    "swapped pointers": (swap_pointers, infgram.IndexDamagedError, "are not in order"),
    "a table with a tail of zeros": (put("table.0", 8, bytes(10)), infgram.IndexDamagedError, "table.0"),
    "a pointer beyond the text": (put("table.0", 3, b"\xf0"), infgram.IndexDamagedError, "beyond the text"),
    "no table": (lambda folder: (folder / "table.0").unlink(), infgram.IndexDamagedError, "table.0 is missing"),
    "no offset": (lambda folder: (folder / "offset.0").unlink(), infgram.IndexDamagedError, "offset.0 is missing"),
    "no starts of metadata": (
        lambda folder: (folder / "metaoff.0").unlink(),
        infgram.IndexDamagedError,
        "metaoff.0 is missing",
    ),
    "no metadata": (
        lambda folder: (folder / "metadata.0").unlink(),
        infgram.IndexDamagedError,
        "metadata.0 is missing",
    ),
    "metadata behind a dangling link": (
        replaced("metadata.0", lambda path: path.symlink_to("nowhere")),
        infgram.IndexDamagedError,
        "metadata.0 is a link that leads to no file",
    ),
    "metadata behind a loop": (
        replaced("metadata.0", lambda path: path.symlink_to(path)),
        infgram.IndexDamagedError,
        "metadata.0 is a link that leads to no file",
    ),
    "a folder of metadata": (
        replaced("metadata.0", Path.mkdir),
        infgram.IndexDamagedError,
        "metadata.0 is a folder",
    ),
    "a pipe of metadata": (replaced("metadata.0", os.mkfifo), infgram.IndexDamagedError, "metadata.0 is a pipe"),
    "a device": (
        replaced("table.0", lambda path: path.symlink_to("/dev/zero")),
        infgram.IndexDamagedError,
        "table.0 is a device, not a regular file",
    ),
    "a pipe of tokens": (replaced("tokenized.0", os.mkfifo), infgram.IndexDamagedError, "tokenized.0 is a pipe"),
    "a missing shard": (
        lambda folder: write_shard(folder, DOCUMENTS, 16, ".2"),
        infgram.InputError,
        "holds the shards 0, 2; expected all from 0 on",
    ),
    "shards of two widths": (
        lambda folder: write_shard(folder, DOCUMENTS, 32, ".1"),
        infgram.InputError,
        r"tokenized\.1 stores tokens in 32 bits and .*tokenized\.0 in 16; expected shards of one index",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_refused(tmp_path: Path, name: str) -> None:
    damage, kind, message = DAMAGES[name]
    write_shard(tmp_path, DOCUMENTS, 16, ".0", [{}] * len(DOCUMENTS))
    infgram.open(tmp_path).close()
    damage(tmp_path)
    with pytest.raises(kind, match=message):
        infgram.open(tmp_path)


@pytest.mark.parametrize("suffix", [".00", ".٠", ".01", ".x"])
def test_other_files_beside_shards(tmp_path: Path, suffix: str) -> None:
    """Shards have the numbers 0, 1, … as infini-gram writes them."""
    write_shard(tmp_path, DOCUMENTS, 16, ".0")
    write_shard(tmp_path, DOCUMENTS, 32, suffix)
    with infgram.open(tmp_path) as index:
        assert index.n_shards == 1
    for path in tmp_path.glob("*.0"):
        path.unlink()
    with pytest.raises(infgram.IndexNotFoundError):
        infgram.open(tmp_path)


FILES = ("tokenized.0", "table.0", "offset.0", "metadata.0", "metaoff.0")


def ask_altered(folder: Path) -> Callable[[random.Random], None]:
    """Return a target that opens altered files, asks everything, and converts them."""
    documents = [[token % 250 for token in document] for document in [*DOCUMENTS, [1, 2] * 90, [2, 1, 2, 1, 2]]]
    metadata = [{"n": n} for n in range(len(documents))]

    def target(numbers: random.Random) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        width = numbers.choice((8, 16, 32))
        write_folder(folder / "x", documents, width, numbers.randint(1, 2), metadata=metadata)
        for name in numbers.sample(FILES, numbers.randint(1, 2)):
            path = folder / "x" / name
            content = path.read_bytes()
            changed = altered(content, numbers)
            keeps_size = numbers.random() < 0.8
            path.write_bytes(changed[: len(content)].ljust(len(content), b"\0") if keeps_size else changed)
        vocab_size = numbers.choice((None, 252))
        with infgram.open(folder / "x", load=numbers.choice(("map", "ram")), vocab_size=vocab_size) as index:
            for ask in (
                lambda: index.count([1, 2]),
                lambda: index.locate([1]),
                lambda: index.next_token_distribution([2]),
                lambda: index.score([1, 2, 1, 3, 50], end=True),
                lambda: index.longest_matches([1, 2] * 150),
                lambda: index.search(infgram.Cnf([[[1]], [[2]]])),
                lambda: [index.document(number) for number in range(index.n_documents)],
                lambda: infgram.dedup(index, min_tokens=3),
                lambda: InfgramLM(index, "kneser_ney").score([1, 2, 1, 3]),
                index.verify,
                lambda: infgram.convert(folder / "x", folder / "converted", threads=1).close(),
            ):
                with contextlib.suppress(infgram.InfgramError):
                    ask()

    return target


def test_altered_files(record_property: Callable[[str, object], None]) -> None:
    """Any bytes give answers or errors of this package."""
    with temporary_folder(500) as folder:
        record_property("tried", fuzz(ask_altered(folder / "altered"), (infgram.InfgramError,), n=1000))


@pytest.mark.torture
def test_altered_files_for_long(budget_s: float, record_property: Callable[[str, object], None]) -> None:
    with temporary_folder(500) as folder:
        record_property("tried", fuzz(ask_altered(folder / "altered"), (infgram.InfgramError,), seconds=budget_s))


def test_a_token_that_would_take_memory(tmp_path: Path) -> None:
    """The vocabulary that tokens imply is limited; 32 bits hold ids for which it would take many gigabytes."""
    write_folder(tmp_path, [[1, 2**20]], 32)
    with pytest.raises(infgram.TokenizerError, match="holds token 1048576; expected a token below 1048576, unless"):
        infgram.open(tmp_path)
    with infgram.open(tmp_path, vocab_size=2**20 + 1) as index:
        assert index.count([2**20]) == 1


def test_what_only_verify_finds(tmp_path: Path) -> None:
    """A table that is sorted by the first tokens of every 64th suffix."""
    rng = random.Random(1)
    documents = [[rng.choice((1, 2, 256)) for _ in range(200)] for _ in range(10)]
    write_shard(tmp_path, documents, 16, ".0")
    table = np.fromfile(tmp_path / "table.0", dtype="<u2")
    rank = next(rank for rank in range(65, 120) if rank % 64 not in (0, 63))
    table[[rank, rank + 1]] = table[[rank + 1, rank]]
    table.tofile(tmp_path / "table.0")
    with infgram.open(tmp_path) as index, pytest.raises(infgram.IndexDamagedError, match="not in order"):
        index.verify()
    table[[rank, rank + 1]] = table[[rank + 1, rank]]
    table[rank] += 1
    table.tofile(tmp_path / "table.0")
    with infgram.open(tmp_path) as index, pytest.raises(infgram.IndexDamagedError, match="inside a token"):
        index.verify()


def test_wrong_tokenizers(tmp_path: Path, bpe: Any) -> None:
    from infgram.tokenizers import train_bpe

    write_texts(tmp_path / "x", bpe, width=16)
    write_texts(tmp_path / "forward", bpe, MIRRORED, width=16)
    infgram.open(tmp_path / "forward", tokenizer=bpe).close()
    write_texts(tmp_path / "reversed", bpe, MIRRORED, step=-1, width=16)
    with pytest.raises(infgram.InputError, match="tokens in reverse order"):
        infgram.open(tmp_path / "reversed", tokenizer=bpe)
    other = train_bpe([*MIRRORED, *TEXTS], 400)  # joins what is in pieces there, in either direction
    with pytest.raises(infgram.TokenizerError, match="is not the one that the index was built with"):
        infgram.open(tmp_path / "forward", tokenizer=other)
    with pytest.raises(infgram.TokenizerError, match="but the given vocabulary has 255 tokens; give the one"):
        infgram.open(tmp_path / "x", tokenizer="bytes")
    write_texts(tmp_path / "narrow", infgram.tokenizers.resolve("bytes"), width=8)
    with pytest.raises(infgram.TokenizerError, match="stores tokens in 8 bits"):
        infgram.open(tmp_path / "narrow", tokenizer=bpe)
    with pytest.raises(infgram.TokenizerError, match="holds token"):
        infgram.open(tmp_path / "x", vocab_size=10)
    with pytest.raises(infgram.QueryError, match="too few for 70000 token ids"):
        infgram.open(tmp_path / "x", vocab_size=70_000)
    with infgram.open(tmp_path / "x") as index, pytest.raises(infgram.QueryError, match="token ids"):
        index.count("the")


def test_a_tokenizer_for_an_index_that_has_one(tmp_path: Path, bpe: Any) -> None:
    (tmp_path / "a.txt").write_text("a cat")
    infgram.build(tmp_path / "a.txt", tmp_path / "x", tokenizer=bpe).close()
    infgram.open(tmp_path / "x", tokenizer=bpe).close()
    with pytest.raises(infgram.TokenizerError, match="was built with another tokenizer"):
        infgram.open(tmp_path / "x", tokenizer="bytes")


def test_a_folder_that_holds_both(tmp_path: Path) -> None:
    write_shard(tmp_path, DOCUMENTS, 16, ".0")
    write_shard(tmp_path, DOCUMENTS, 16)
    with pytest.raises(infgram.InputError, match="holds both tokenized and"):
        infgram.open(tmp_path)
    shutil.rmtree(tmp_path)
    with pytest.raises(infgram.IndexNotFoundError):
        infgram.open(tmp_path)


def test_folders_that_are_not_shards(tmp_path: Path) -> None:
    """Only subfolders that all hold one shard are one index."""
    write_shard(tmp_path / "a", DOCUMENTS, 16)
    write_shard(tmp_path / "b", DOCUMENTS, 16)
    (tmp_path / ".cache").mkdir()
    with infgram.open(tmp_path) as index:
        assert (index.n_shards, index.n_documents) == (2, 2 * len(DOCUMENTS))
    write_shard(tmp_path / "numbered", DOCUMENTS, 16, ".0")
    infgram.build_from_tokens([[1]], tmp_path / "ours", vocab_size=2).close()
    for opener in (infgram.open, lambda folder: infgram.convert(folder, tmp_path / "converted")):
        with pytest.raises(infgram.InputError, match="not shards of one index: numbered, ours; give the folder of one"):
            opener(tmp_path)
    shutil.rmtree(tmp_path / "a")
    shutil.rmtree(tmp_path / "b")
    with pytest.raises(infgram.InputError, match="not shards of one index: numbered, ours"):
        infgram.open(tmp_path)
