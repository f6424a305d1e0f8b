"""Add, delete, compact and purge: what they publish, refuse and leave on the disk."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import infgram
from infgram.changes import selection, writer
from infgram.files import manifest as manifests
from infgram.files.manifest import FILE_NAME, Manifest
from infgram.provenance import StoredMetadata
from tests.building import temporary_folder
from tests.changes.fresh import check_intact, files_of, sections_of
from tests.indexing.resuming import content
from tests.infini_gram_folders import write_folder

GOLDEN = Path(__file__).parents[1] / "golden"
SECRET = "the secret is out"


def rows_of(begin: int, end: int) -> list[dict[str, Any]]:
    return [
        {"text": f"document {number}: to be or not to be", "id": f"d{number}", "n": number, "of": {"id": "inner"}}
        for number in range(begin, end)
    ]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder(0) as path:
        yield path


@pytest.fixture
def path(folder: Path) -> Path:
    """An index of 12 documents in three shards."""
    corpus = write_rows(folder / "a.jsonl", rows_of(0, 12))
    infgram.build(corpus, folder / "x", tokenizer="bpe:300", shard_tokens=60).close()
    return folder / "x"


def test_adding_uses_the_tokenizer_and_the_reader_options(path: Path, folder: Path) -> None:
    before = content(path)
    more = folder / "more"
    more.mkdir()
    write_rows(more / "b.jsonl", [{"body": "to be added", "id": "b"}, {"body": None}])
    (more / "left-out.txt").write_text("to be left out")
    added = infgram.add(path, more, text_field="body", on_error="skip", include="*.jsonl", shard_tokens=10, threads=1)
    assert (added.generation, added.first_document, added.n_documents) == (1, 12, 1)
    assert [(entry.source, entry.line) for entry in added.skipped] == [("b.jsonl", 2)]
    with infgram.open(path) as index:
        assert index.skipped == added.skipped
        assert index.document(12).text == "to be added"
        assert index.document(12).metadata == {"id": "b"}
        assert (index.document(12).source, index.document(12).line) == ("b.jsonl", 1)
        assert index.count("to be") == 1
        assert index.count(" to be") == 24
        assert index.info()["generation"] == 1
        assert index.info()["format_version"] == 4
    after = content(path)
    assert {name: after[name] for name in before if name != FILE_NAME} == {
        name: data for name, data in before.items() if name != FILE_NAME
    }
    check_intact(path)


def test_adding_twice_numbers_documents_on(path: Path, folder: Path) -> None:
    for number in range(12, 15):
        corpus = write_rows(folder / "b.jsonl", rows_of(number, number + 1))
        assert infgram.add(path, corpus).first_document == number
    infgram.delete(path, documents=[14])
    assert infgram.add(path, write_rows(folder / "b.jsonl", rows_of(15, 16))).first_document == 15
    with infgram.open(path) as index:
        assert [index.document(number).metadata["n"] for number in index.document_ids()] == [*range(14), 15]


def test_token_ids_are_added_to_an_index_of_token_ids(folder: Path) -> None:
    infgram.build_from_tokens([[1, 2], [3]], folder / "x", vocab_size=5).close()
    assert infgram.add_from_tokens(folder / "x", [[1, 2, 3]]).first_document == 2
    with infgram.open(folder / "x") as index:
        assert index.count([1, 2]) == 2
    with pytest.raises(infgram.QueryError, match="add_from_tokens"):
        infgram.add(folder / "x", write_rows(folder / "b.jsonl", rows_of(0, 1)))
    with pytest.raises(infgram.QueryError, match="expected 0 to 4"):
        infgram.add_from_tokens(folder / "x", [[5]])
    with pytest.raises(infgram.InputError, match="no document"):
        infgram.add_from_tokens(folder / "x", [])
    check_intact(folder / "x")
    assert Manifest.read(folder / "x").generation == 1


def test_deleting_by_id(path: Path) -> None:
    deleted = infgram.delete(path, ids=["d3", "d11", "absent", "inner"])
    assert (deleted.n_documents, deleted.not_found, deleted.is_purged) == (2, ("absent", "inner"), False)
    with infgram.open(path) as index:
        assert [*index.document_ids()] == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]
        assert (index.n_documents, index.count(" to be")) == (10, 20)
        assert index.info()["n_removed_documents"] == 2
        assert index.info()["n_removed_tokens"] == deleted.n_tokens
        for question in (index.document, index.document_text, index.document_metadata, index.document_length):
            with pytest.raises(infgram.QueryError, match="document 3 was deleted"):
                question(3)
    check_intact(path)


@pytest.mark.parametrize(
    ("stored", "given"),
    [("7", 7), (7, "7"), ("é\n\"'", "é\n\"'"), ("\U0001f600", "\U0001f600"), (-7, -7), (2**70, 2**70), ("", "")],
)
def test_an_id_is_found_in_any_form(folder: Path, stored: str | int, given: str | int) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "a", "id": stored},
        {"text": "b", "id": "other"},
        {"text": "c", "other": stored},
    ]
    infgram.build(write_rows(folder / "a.jsonl", rows), folder / "x", tokenizer="bytes").close()
    infgram.delete(folder / "x", ids=[given])
    with infgram.open(folder / "x") as index:
        assert [*index.document_ids()] == [1, 2]


@pytest.mark.parametrize(
    ("stored", "given"),
    [
        ('{"id": "x"}', "x"),
        ('{ "id"\t:\n"x" }', "x"),
        ('{"id" : 7, "n": 1}', 7),
        ('{"id":-0}', 0),
        ('{"id": "é"}', "é"),
        (r'{"id": "\u00E9"}', "é"),
        (r'{"id": "a\/b"}', "a/b"),
        (r'{"id": "\u0078"}', "x"),
        (r'{"\u0069d": "x"}', "x"),
        (r'{"i\u0064": "x"}', "x"),
        (r'{"\"id": "y", "id": "x"}', "x"),
    ],
)
def test_an_id_is_found_in_any_json(path: Path, monkeypatch: pytest.MonkeyPatch, stored: str, given: str | int) -> None:
    """Indexes that were converted, or built by other versions, may hold any JSON that denotes the id."""
    others = {0: '{"id": "other"}', 5: '{"note": "id", "of": {"id": "a\\\\b"}}'}

    def all_metadata(core: object, report: object) -> Iterator[list[tuple[int, StoredMetadata]]]:
        yield [(number, ({**others, 3: stored}.get(number, "{}").encode(), b"", 0)) for number in range(12)]
        yield [(number, (b"{}", b"", 0)) for number in range(12, 14)]

    monkeypatch.setattr(selection, "_all_metadata", all_metadata)
    infgram.delete(path, ids=[given])
    with infgram.open(path) as index:
        assert [*index.document_ids()] == [0, 1, 2, *range(4, 12)]


@pytest.mark.parametrize("name", ["id=9", "%69d=9", "i%64=9"])
def test_an_id_may_be_in_the_name_of_a_folder(folder: Path, name: str) -> None:
    for part in (name, "id=8"):
        (folder / "in" / part).mkdir(parents=True)
        (folder / "in" / part / "a.txt").write_text("a text")
        write_rows(folder / "in" / part / "b.jsonl", [{"text": "b"}, {"text": "c", "id": "own"}])
    infgram.build(folder / "in", folder / "x", tokenizer="bytes").close()
    assert infgram.delete(folder / "x", ids=["9"]).n_documents == 2
    with infgram.open(folder / "x") as index:
        assert all(index.document_metadata(number)["id"] in (8, "own") for number in index.document_ids())


def test_not_an_id(folder: Path) -> None:
    """Other values than texts and integers, and values of other fields, are no ids."""
    rows = [{"text": "a", "id": value} for value in (1.0, True, None, [1], {"id": 1}, "1 ")]
    rows += [{"text": 'the key "id":1 in a text', "note": '"id":1'}, {"text": "b", "of": {"id": 1}}]
    infgram.build(write_rows(folder / "a.jsonl", rows), folder / "x", tokenizer="bytes").close()
    with pytest.raises(infgram.InputError, match=r"no document of .* has the id 1; nothing was deleted"):
        infgram.delete(folder / "x", ids=[1])


def test_deleting_by_metadata(path: Path) -> None:
    assert infgram.delete(path, where={"n": 4.0}).n_documents == 1
    assert infgram.delete(path, where={"source": "a.jsonl", "of.id": "inner", "line": 2}).n_documents == 1
    with infgram.open(path) as index:
        assert [*index.document_ids()] == [0, 2, 3, *range(5, 12)]
    with pytest.raises(infgram.InputError, match="has n=4 and id='d1'; nothing was deleted"):
        infgram.delete(path, where={"n": 4, "id": "d1"})


def test_a_document_is_deleted_once(path: Path) -> None:
    infgram.delete(path, documents=[5])
    with pytest.raises(infgram.InputError, match="has the number 5, 12; nothing was deleted"):
        infgram.delete(path, documents=[12, 5])
    with pytest.raises(infgram.InputError, match="the id d5; nothing"):
        infgram.delete(path, ids=["d5"])
    assert infgram.delete(path, documents=[4, 5, 6, 99]).not_found == (5, 99)
    assert Manifest.read(path).generation == 2
    with infgram.open(path) as index:
        assert [*index.document_ids()] == [0, 1, 2, 3, *range(7, 12)]
    check_intact(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "exactly one of documents, ids and where"),
        ({"documents": [1], "ids": ["d1"]}, "exactly one of documents, ids and where"),
        ({"documents": "1"}, "documents is '1'; expected a sequence of document numbers"),
        ({"documents": [-1]}, "a document is -1"),
        ({"documents": [True]}, "a document is True"),
        ({"ids": "d1"}, "ids is 'd1'; expected a sequence of texts or integers"),
        ({"ids": [1.5]}, "an id is 1.5"),
        ({"ids": [True]}, "an id is True"),
        ({"where": {}}, "where is empty"),
        ({"where": {"n": [1]}}, "where holds 'n'"),
        ({"documents": [1], "purge": 1}, "purge is 1"),
        ({"documents": [1], "purge": True, "memory": 1}, "this build takes at least"),
    ],
)
def test_invalid_deletions(path: Path, options: dict[str, Any], message: str) -> None:
    before = content(path)
    with pytest.raises(infgram.QueryError, match=message):
        infgram.delete(path, **options)
    assert content(path) == before


def test_all_documents_can_be_deleted(path: Path, folder: Path) -> None:
    infgram.delete(path, documents=range(12))
    for change in (lambda: None, lambda: infgram.compact(path)):
        change()
        check_intact(path)
        with infgram.open(path) as index:
            assert (index.n_documents, index.n_tokens, index.count("to")) == (0, 0, 0)
            assert [*index.document_ids()] == []
            assert index.score("to be").log_probs.tolist() == [float("-inf")] * len(index.tokenizer.encode("to be"))
            assert len(index.search("to")) == 0
            assert index.infgram_distribution("to").context_count == 0
            assert infgram.dedup(index, min_tokens=2).totals.n_tokens == 0
    assert Manifest.read(path).shards[0].n_tokens == 0
    assert infgram.add(path, write_rows(folder / "b.jsonl", rows_of(12, 14))).first_document == 12
    infgram.delete(path, documents=[12, 13], purge=True)
    check_intact(path)
    assert len(Manifest.read(path).shards) == 1


def test_compacting_gives_the_files_of_a_build(folder: Path) -> None:
    """The same documents, sources and metadata, to the byte, and every document keeps its number."""
    lines = [json.dumps(row) for row in rows_of(0, 40)]
    (folder / "in").mkdir()
    (folder / "in" / "a.jsonl").write_text("\n".join(lines))
    (folder / "in" / "b.txt").write_text("a whole file to be one document")
    for number in range(3):
        (folder / "in" / f"lang={number}").mkdir()
        write_rows(folder / "in" / f"lang={number}" / "c.jsonl", rows_of(number, number + 4))
    infgram.build(folder / "in", folder / "x", tokenizer="bytes", shard_tokens=300).close()
    kept = folder / "in" / "lang=1"
    for name in ("a.jsonl", "b.txt", "lang=0/c.jsonl", "lang=2/c.jsonl"):
        infgram.delete(folder / "x", where={"source": name})
    infgram.add(folder / "x", folder / "in", exclude="c.jsonl")
    infgram.delete(folder / "x", where={"lang": 1})
    infgram.compact(folder / "x", shard_tokens=300)
    shutil.rmtree(kept)
    shutil.rmtree(folder / "in" / "lang=0")
    shutil.rmtree(folder / "in" / "lang=2")
    infgram.build(folder / "in", folder / "y", tokenizer="bytes", shard_tokens=300).close()
    assert sections_of(folder / "x") == sections_of(folder / "y")
    assert len(sections_of(folder / "y")) > 3
    with infgram.open(folder / "x") as compacted, infgram.open(folder / "y") as built:
        numbers = [*compacted.document_ids()]
        assert numbers[0] == 53
        for number, place in zip(numbers, range(built.n_documents), strict=True):
            found, expected = compacted.document(number), built.document(place)
            assert (found.document_id, found.text, found.metadata) == (number, expected.text, expected.metadata)
            assert (found.source, found.line) == (expected.source, expected.line)
    check_intact(folder / "x")


def test_a_change_of_another_generation_is_refused(path: Path, folder: Path) -> None:
    """So whoever does not know whether a change was published may repeat it."""
    more = write_rows(folder / "b.jsonl", rows_of(12, 14))
    changes: list[Callable[[int], object]] = [
        lambda generation: infgram.add(path, more, if_generation=generation),
        lambda generation: infgram.add_from_tokens(path, [[1, 2]], if_generation=generation),
        lambda generation: infgram.delete(path, documents=[0], if_generation=generation),
        lambda generation: infgram.delete(path, documents=[1], purge=True, if_generation=generation),
        lambda generation: infgram.compact(path, if_generation=generation),
    ]
    for generation, change in enumerate(changes):
        before = content(path)
        for other in {generation - 1, generation + 1, 2**62} - {-1}:
            with pytest.raises(infgram.IndexChangedError, match=f"at generation {generation}, expected {other};"):
                change(other)
        assert content(path) == before
        change(generation)
        assert Manifest.read(path).generation == generation + 1
    for wrong in (-1, 1.5, True, "1"):
        with pytest.raises(infgram.QueryError, match="if_generation"):
            changes[0](wrong)  # type: ignore[arg-type]
    check_intact(path)


@pytest.mark.parametrize("shard_tokens", [1, 30, 10**9])
def test_a_compact_index_is_left_as_it_is(path: Path, shard_tokens: int) -> None:
    """Nothing is written where the files would be the same, and nothing of an unfinished change stays."""
    infgram.delete(path, documents=[3])
    first = infgram.compact(path, shard_tokens=shard_tokens)
    before = content(path)
    again = infgram.compact(path, shard_tokens=shard_tokens)
    assert again == replace(first, freed_bytes=0, is_changed=False)
    assert content(path) == before
    for other in {1, 30, 10**9} - {shard_tokens}:
        assert infgram.compact(path, shard_tokens=other).is_changed
    check_intact(path)


def test_compacting_an_index_of_an_earlier_version_writes_the_newest(tmp_path: Path) -> None:
    for version in ("v1", "v2", "v3"):
        shutil.copytree(GOLDEN / version, tmp_path / version)
        assert infgram.compact(tmp_path / version, shard_tokens=50).is_changed == (version != "v3")
        names = [sorted(files) for files in sections_of(tmp_path / version)]
        assert names == [sorted(files) for files in sections_of(GOLDEN / "v3")]
    assert content(tmp_path / "v3") == content(GOLDEN / "v3")


def test_gaps_in_the_numbers_are_kept(path: Path) -> None:
    infgram.delete(path, documents=[0, 3, 4, 11])
    compacted = infgram.compact(path, memory="1GiB", threads=1)
    assert (compacted.n_documents, compacted.n_shards) == (8, 1)
    assert compacted.freed_bytes > 0
    (shard,) = Manifest.read(path).shards
    assert shard.first_document == 1
    assert "document_numbers.bin" in shard.sections
    infgram.delete(path, documents=[5, 10])
    with infgram.open(path) as index:
        assert [*index.document_ids()] == [1, 2, 6, 7, 8, 9]
        assert [index.document_metadata(number)["n"] for number in (1, 2, 6, 9)] == [1, 2, 6, 9]
    infgram.compact(path)
    check_intact(path)
    with infgram.open(path) as index:
        assert [*index.document_ids()] == [1, 2, 6, 7, 8, 9]
    with infgram.open([path, path]) as union:
        assert [*union.document_ids()] == [1, 2, 6, 7, 8, 9, *(12 + number for number in (1, 2, 6, 7, 8, 9))]
        assert union.document_metadata(12 + 7)["n"] == 7
        assert union.count(" to be") == 24


def test_purging_rewrites_only_the_shards_of_the_documents(path: Path, folder: Path) -> None:
    infgram.add(path, write_rows(folder / "b.jsonl", [{"text": SECRET, "id": "secret"}, *rows_of(13, 15)]))
    before = Manifest.read(path)
    assert contains(path, SECRET)
    deleted = infgram.delete(path, ids=["secret"], purge=True)
    assert (deleted.n_documents, deleted.is_purged) == (1, True)
    assert not contains(path, SECRET)
    after = Manifest.read(path)
    assert after.shards[:-1] == before.shards[:-1]
    assert after.shards[-1].folder == "shard-00002-00000"
    assert after.n_documents == 14
    check_intact(path)
    infgram.delete(path, documents=[13, 14], purge=True)
    assert Manifest.read(path).shards == before.shards[:-1]


def test_the_text_is_gone_after_compacting(path: Path, folder: Path) -> None:
    infgram.add(path, write_rows(folder / "b.jsonl", [{"text": SECRET, "id": "secret"}]))
    infgram.delete(path, ids=["secret"])
    assert contains(path, SECRET)
    infgram.compact(path)
    assert not contains(path, SECRET)
    assert not contains(path, "secret")


def contains(path: Path, text: str) -> bool:
    """Return whether the files of an index contain a text: as bytes, or as its tokens of 16 bits."""
    with infgram.open(path) as index:
        tokens = index.tokenizer.encode(text).astype("<u2").tobytes()
    return any(text.encode() in data or tokens in data for data in content(path).values())


def test_readers_keep_their_state_until_they_reload(path: Path, folder: Path) -> None:
    with infgram.open(path) as index, infgram.open(path) as other:
        assert not index.reload()
        infgram.delete(path, documents=[0])
        infgram.add(path, write_rows(folder / "b.jsonl", rows_of(12, 13)))
        infgram.compact(path)
        index.check_files()
        assert (index.n_documents, index.document(0).metadata["n"]) == (12, 0)
        session = index.session(" to be")
        assert index.reload()
        assert not index.reload()
        assert [*index.document_ids()] == [*range(1, 13)]
        assert session.distribution().context_count == 24
        assert other.n_documents == 12
        other.verify()
    with pytest.raises(infgram.IndexClosedError):
        index.reload()


def test_an_index_that_cannot_be_reloaded_stays_open(path: Path) -> None:
    with infgram.open(path) as index:
        (path / FILE_NAME).write_text("{}")
        with pytest.raises(infgram.IndexDamagedError):
            index.reload()
        assert index.count(" to be") == 24


def test_a_pickled_index_is_the_same_state_or_an_error(path: Path) -> None:
    infgram.delete(path, documents=[0])
    with infgram.open(path) as index:
        pickled = pickle.dumps(index)
        with pickle.loads(pickled) as other:  # noqa: S301
            assert other.count(" to be") == 22
        infgram.delete(path, documents=[1])
        with pytest.raises(infgram.IndexDamagedError, match="was changed"):
            pickle.loads(pickled)  # noqa: S301


@pytest.mark.parametrize("change", ["compact", "purge"])
def test_opening_during_a_compaction_opens_the_new_state(
    path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest is read before the change, the files after it."""
    read = Manifest.read.__func__  # type: ignore[attr-defined]
    changes: list[Callable[[], object]] = [
        lambda: infgram.compact(path) if change == "compact" else infgram.delete(path, documents=[0], purge=True)
    ]

    def read_then_change(cls: type[Manifest], folder: Path) -> Manifest:
        manifest: Manifest = read(cls, folder)
        if changes:
            changes.pop()()
        return manifest

    monkeypatch.setattr(Manifest, "read", classmethod(read_then_change))
    with infgram.open(path) as index:
        assert index.info()["generation"] == 1
        index.verify()


def test_a_missing_file_of_an_unchanged_index_is_damage(path: Path) -> None:
    infgram.delete(path, documents=[0])
    (path / "shard-00000" / "removed_ranks.1.bin").unlink()
    with pytest.raises(infgram.IndexDamagedError, match=r"removed_ranks\.1\.bin is missing"):
        infgram.open(path)


def test_what_a_killed_process_left_is_removed(path: Path) -> None:
    before = files_of(path)
    for name in (
        "shard-00001-00000/tokens.bin",
        "shard-00000/removed_ranks.1.bin.tmp",
        "shard-00000/removed_documents.9.bin",
    ):
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(b"left")
    (path / ".unfinished-0123").write_bytes(b"{")
    (path / "notes.txt").write_text("of the user")
    infgram.delete(path, documents=[0])
    removals = {f"shard-00000/removed_{what}.1.bin" for what in ("documents", "ranks")}
    assert files_of(path) == before | removals | {"notes.txt"}


def test_only_one_process_changes_an_index(path: Path, folder: Path) -> None:
    with writer.writing(path):
        for change in (
            lambda: infgram.add(path, folder / "a.jsonl"),
            lambda: infgram.delete(path, documents=[0]),
            lambda: infgram.compact(path),
            lambda: infgram.build(folder / "a.jsonl", path, tokenizer="bytes", overwrite=True),
        ):
            with pytest.raises(infgram.IndexExistsError, match="another process is writing"):
                change()
    check_intact(path)


class Stopped(Exception):
    """Raised by a callback, as an interruption."""


def stop_before_sorting(progress: infgram.BuildProgress) -> None:
    if progress.stage == "sort":
        raise Stopped


def test_an_unfinished_build_survives_a_deletion(path: Path, folder: Path) -> None:
    """The stages of an interrupted overwrite are kept, though not by an addition, which needs their folder."""
    with pytest.raises(Stopped):
        infgram.build(
            folder / "a.jsonl", path, tokenizer="bytes", overwrite=True, threads=1, progress=stop_before_sorting
        )
    partial = folder / "x.partial"
    kept = files_of(partial)
    assert "build.json" in kept
    infgram.delete(path, documents=[0])
    assert files_of(partial) == kept


@pytest.mark.parametrize("url", ["s3://bucket/index", "memory://index", "ray:///index"])
def test_an_index_behind_a_url_is_not_changed(url: str) -> None:
    for change in (
        lambda: infgram.add(url, "a.jsonl"),
        lambda: infgram.add_from_tokens(url, [[1]]),
        lambda: infgram.delete(url, documents=[0]),
        lambda: infgram.compact(url),
    ):
        with pytest.raises(infgram.QueryError, match=r"cannot be changed in place.*local copy"):
            change()


def test_no_index(folder: Path) -> None:
    with pytest.raises(infgram.IndexNotFoundError):
        infgram.delete(folder / "nothing", documents=[0])
    with pytest.raises(infgram.IndexNotFoundError):
        infgram.compact(folder)
    assert list(folder.iterdir()) == []


def test_a_link_to_an_index_stays(path: Path, folder: Path) -> None:
    (folder / "link").symlink_to(path)
    infgram.delete(folder / "link", documents=[0])
    infgram.compact(folder / "link")
    assert (folder / "link").is_symlink()
    check_intact(path)


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_an_old_index_can_be_changed(version: str, folder: Path) -> None:
    golden = Path(__file__).parents[1] / "golden"
    shutil.copytree(golden / version, folder / "x")
    infgram.add(folder / "x", golden / "corpus.jsonl")
    infgram.delete(folder / "x", documents=[0, 5])
    check_intact(folder / "x")
    with infgram.open(folder / "x") as index:
        assert (index.n_documents, index.info()["format_version"]) == (6, 4)
        expected = index.count("the cat")
    infgram.compact(folder / "x")
    check_intact(folder / "x")
    with infgram.open(folder / "x") as index:
        assert index.count("the cat") == expected


@pytest.mark.parametrize("change", ["add", "compact", "purge"])
def test_an_interrupted_change_leaves_the_index_and_is_resumed(path: Path, folder: Path, change: str) -> None:
    """Finished shards are kept, but not for another state of the index."""
    corpus = write_rows(folder / "b.jsonl", rows_of(12, 18))
    stages: list[str] = []

    def run(report: Callable[[infgram.BuildProgress], None]) -> None:
        if change == "add":
            infgram.add(path, corpus, shard_tokens=30, threads=1, progress=report)
        elif change == "compact":
            infgram.compact(path, shard_tokens=30, threads=1, progress=report)
        else:
            infgram.delete(path, documents=[1, 2, 11], purge=True, threads=1, progress=report)

    before = content(path)
    for _ in range(2):
        with pytest.raises(Stopped):
            run(stop_before_sorting)
        assert content(path) == before
        assert (folder / "x.partial" / "build.json").exists()
    run(lambda progress: stages.append(progress.stage))
    assert "check" in stages
    assert not {"tokenize", "copy"} & {*stages}
    check_intact(path)
    assert content(path) != before


def test_copying_continues_after_the_finished_shards(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("infgram.changes.compact"), "_BATCH_DOCUMENTS", 2)

    def stop_in_the_middle(progress: infgram.BuildProgress) -> None:
        if progress.stage == "copy" and len(list((folder / "x.partial" / "index").glob("shard-*"))) > 2:
            raise Stopped

    infgram.delete(path, documents=[0, 5])
    shutil.copytree(path, folder / "y")
    with pytest.raises(Stopped):
        infgram.compact(path, shard_tokens=20, threads=1, progress=stop_in_the_middle)
    infgram.compact(path, shard_tokens=20, threads=1)
    infgram.compact(folder / "y", shard_tokens=20, threads=1)
    assert content(path) == content(folder / "y")


def test_an_interrupted_change_of_another_state_is_not_resumed(path: Path, folder: Path) -> None:
    corpus = write_rows(folder / "b.jsonl", rows_of(12, 18))
    with pytest.raises(Stopped):
        infgram.add(path, corpus, threads=1, progress=stop_before_sorting)
    infgram.delete(path, documents=[0])
    assert (folder / "x.partial" / "build.json").exists()
    infgram.delete(path, documents=[1])  # removes what can never be resumed
    assert not (folder / "x.partial").exists()
    with pytest.raises(Stopped):
        infgram.add(path, corpus, threads=1, progress=stop_before_sorting)
    infgram.delete(path, documents=[2])
    stages: list[str] = []
    infgram.add(path, corpus, threads=1, progress=lambda progress: stages.append(progress.stage))
    assert "check" not in stages
    assert "tokenize" in stages
    check_intact(path)


def test_a_failed_publication_leaves_the_index(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(path)

    def fail(*_: Any) -> None:
        raise infgram.StorageError(28, "no space")

    monkeypatch.setattr(manifests, "write_signed", fail)
    for change in (
        lambda: infgram.delete(path, documents=[0]),
        lambda: infgram.delete(path, documents=[0], purge=True),
        lambda: infgram.compact(path),
        lambda: infgram.add(path, folder / "a.jsonl"),
    ):
        with pytest.raises(infgram.StorageError, match="no space"):
            change()
        assert content(path) == before


def test_an_index_of_infini_gram_is_not_changed(tmp_path: Path) -> None:
    write_folder(tmp_path / "theirs", [[1, 2]], 16)
    for change in (
        lambda: infgram.delete(tmp_path / "theirs", documents=[0]),
        lambda: infgram.add_from_tokens(tmp_path / "theirs", [[1]]),
        lambda: infgram.compact(tmp_path / "theirs"),
    ):
        with pytest.raises(infgram.QueryError, match="convert it first"):
            change()


@pytest.mark.parametrize("number", [2**63, 2**64, 10**5000, -1], ids=["63 bits", "64 bits", "many bits", "negative"])
def test_a_number_beyond_64_bits_is_refused_as_it_is(path: Path, number: int) -> None:
    for arguments in ({"documents": [number]}, {"documents": [1], "if_generation": number}):
        with pytest.raises(infgram.QueryError, match=r"expected an integer from 0 to 2\^63 - 1"):
            infgram.delete(path, **arguments)
    if number > 2**64:
        with pytest.raises(infgram.QueryError, match=r"an id is an integer of [\d,]+ bits; expected an integer of at"):
            infgram.delete(path, ids=[number])


def test_numbers_below_the_first_document_were_deleted(path: Path) -> None:
    infgram.delete(path, documents=[0])
    infgram.compact(path)
    with infgram.open(path) as index:
        with pytest.raises(infgram.QueryError, match="document 0 was deleted"):
            index.document(0)
        with pytest.raises(infgram.QueryError, match="there is no document 12; the index holds 1 to 11"):
            index.document(12)
    infgram.delete(path, documents=range(1, 12))
    infgram.compact(path)
    with infgram.open(path) as index, pytest.raises(infgram.QueryError, match="the index holds none"):
        index.document(12)


def test_a_linked_shard_is_removed_without_its_target(path: Path, folder: Path) -> None:
    shard = min(path.glob("shard-*"))
    outside = shard.rename(folder / "outside")
    shard.symlink_to(outside)
    (path / "shard-77").symlink_to(folder)
    infgram.delete(path, documents=[0])
    infgram.compact(path)
    assert not shard.is_symlink()
    assert [*outside.iterdir()]
    check_intact(path)


def test_the_last_generation(path: Path) -> None:
    """A state that no reader accepts is not published."""
    infgram.delete(path, documents=[0])
    manifest = Manifest.read(path)
    replace(manifest, generation=manifests.MOST_GENERATIONS).write(path)
    with pytest.raises(infgram.QueryError, match="cannot be changed more than"):
        infgram.delete(path, documents=[1])
    infgram.open(path).close()
