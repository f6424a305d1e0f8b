"""The names, layouts and compressions of three dozen published corpora are read correctly."""

from __future__ import annotations

import bz2
import gzip
import importlib
import json
import lzma
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infgram.corpus import Corpus
from infgram.errors import InputError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pa: Any = importlib.import_module("pyarrow")
pq: Any = importlib.import_module("pyarrow.parquet")

Write = Callable[[Path], None]


@dataclass(frozen=True)
class Published:
    """A corpus: its files, the expected texts, the text field, and the expected messages."""

    files: Mapping[str, bytes | Write]
    texts: list[str]
    said: str
    field: str = "text"


def lines(*texts: str, field: str = "text", **others: Any) -> bytes:
    return "".join(json.dumps({field: text, **others}) + "\n" for text in texts).encode()


def parquet(*texts: str, field: str = "text", **options: Any) -> Write:
    return lambda path: pq.write_table(pa.table({"id": [*range(len(texts))], field: [*texts]}), path, **options)


def gz(data: bytes) -> bytes:
    return gzip.compress(data)


def zst(data: bytes) -> bytes:
    return zstd.compress(data)


CARD = b"---\nlicense: apache-2.0\n---\n# A data set\n"
INFOS = json.dumps({"default": {"features": {"text": {"dtype": "string"}}}}, indent=2).encode()
CRC = b"crc\0\0\0\2\0\x12\x34"

PUBLISHED: dict[str, Published] = {
    "C4": Published(
        {
            "en/c4-train.00000-of-01024.json.gz": gz(lines("a", "b", url="http://a", timestamp="2019")),
            "en/c4-train.00001-of-01024.json.gz": gz(lines("c")),
            "README.md": CARD,
            ".gitattributes": b"*.json.gz filter=lfs",
        },
        ["a", "b", "c"],
        "read 2 files as JSON (gzip); left out 1: README.md",
    ),
    "C4 with its checkout's script and card": Published(
        {"c4-validation.00000-of-00008.json.gz": gz(lines("a")), "LICENSE": b"ODC-BY", "README.md": CARD},
        ["a"],
        "read 1 file as JSON (gzip); left out 2: LICENSE, README.md",
    ),
    "mC4": Published(
        {"multilingual/c4-af.tfrecord-00000-of-00064.json.gz": gz(lines("a", "b"))},
        ["a", "b"],
        "read 1 file as JSON (gzip)",
    ),
    "Dolma": Published(
        {"books-0000.json.gz": gz(lines("a", id="x", added="2023", source="gutenberg", metadata={"y": 1}))},
        ["a"],
        "read 1 file as JSON (gzip)",
    ),
    "Dolma 3": Published(
        {"data/common_crawl/shard_00000000.jsonl.zst": zst(lines("a", "b"))},
        ["a", "b"],
        "read 1 file as JSON lines (zstd)",
    ),
    "Dolma as zstd": Published(
        {"documents/0000.json.zst": zst(lines("a", "b"))}, ["a", "b"], "read 1 file as JSON (zstd)"
    ),
    "RedPajama arXiv": Published(
        {"arxiv/arxiv_023827cd-7ee8-42e6-aa7b-661731f4c70f.jsonl": lines("a", meta={"language": "en"})},
        ["a"],
        "read 1 file as JSON lines",
    ),
    "RedPajama arXiv as zstd": Published(
        {"arxiv_0.jsonl.zst": zst(lines("a")), "urls.md5": b"0123  arxiv_0.jsonl.zst\n"},
        ["a"],
        "read 1 file as JSON lines (zstd); left out 1: urls.md5",
    ),
    "RedPajama 2": Published(
        {"documents/2023-06/0000/en_head.json.gz": gz(lines("a", "b", field="raw_content"))},
        ["a", "b"],
        "read 1 file as JSON (gzip)",
        field="raw_content",
    ),
    "Pile": Published(
        {"train/00.jsonl.zst": zst(lines("a", meta={"pile_set_name": "Pile-CC"})), "val.jsonl.zst": zst(lines("b"))},
        ["a", "b"],
        "read 2 files as JSON lines (zstd)",
    ),
    "FineWeb": Published(
        {"data/CC-MAIN-2024-10/000_00000.parquet": parquet("a", "b"), "README.md": CARD},
        ["a", "b"],
        "read 1 file as Parquet; left out 1: README.md",
    ),
    "StarCoder": Published(
        {"data/python/train-00000-of-00059.parquet": parquet("print(1)", field="content")},
        ["print(1)"],
        "read 1 file as Parquet",
        field="content",
    ),
    "OSCAR 22": Published(
        {"en_meta/en_meta_part_1.jsonl.gz": gz(lines("a", field="content")), "en_meta/checksum.sha256": b"0 a"},
        ["a"],
        "read 1 file as JSON lines (gzip); left out 1: en_meta/checksum.sha256",
        field="content",
    ),
    "OSCAR 23": Published(
        {"en_meta/en_meta_part_1.jsonl.zst": zst(lines("a", field="content"))},
        ["a"],
        "read 1 file as JSON lines (zstd)",
        field="content",
    ),
    "OSCAR 2019": Published(
        {"en_part_1.txt.gz": gz(b"one line\n\nanother\n")}, ["one line\n\nanother\n"], "read 1 file as text (gzip)"
    ),
    "WikiExtractor": Published(
        {"AA/wiki_00": lines("a", "b", id="1", title="A"), "AB/wiki_00": lines("c")},
        ["a", "b", "c"],
        "read 2 files as JSON lines",
    ),
    "WikiExtractor, compressed": Published(
        {"AA/wiki_00.bz2": bz2.compress(lines("a", "b"))}, ["a", "b"], "read 1 file as JSON lines (bzip2)"
    ),
    "Wikipedia of the hub": Published(
        {
            "20231101.en/train-00000-of-00041.parquet": parquet("a"),
            "20231101.de/train-00000-of-00020.parquet": parquet("b"),
            "README.md": CARD,
        },
        ["b", "a"],
        "read 2 files as Parquet; left out 1: README.md",
    ),
    "Spark Parquet": Published(
        {
            "part-00000-1ab2.c000.snappy.parquet": parquet("a", compression="snappy"),
            "part-00001-1ab2.c000.snappy.parquet": parquet(),
            ".part-00000-1ab2.c000.snappy.parquet.crc": CRC,
            "_SUCCESS": b"",
            "_committed_123": b"{}",
        },
        ["a"],
        "read 2 files as Parquet; left out 2: _SUCCESS, _committed_123",
    ),
    "Spark JSON": Published(
        {"part-00000.json": lines("a", "b"), "part-00001.json": b"", "_SUCCESS": b"", ".part-00000.json.crc": CRC},
        ["a", "b"],
        "read 2 files as JSON; left out 1: _SUCCESS",
    ),
    "Spark text": Published(
        {"part-00000": b"one\ntwo\n", "part-00001": b"three\n", "_SUCCESS": b"", "part-00000.crc": CRC},
        ["one\ntwo\n", "three\n"],
        "read 2 files as text; left out 2: _SUCCESS, part-00000.crc",
    ),
    "Spark JSON lines as text": Published(
        {"part-00000.gz": gz(lines("a", "b")), "_SUCCESS": b""},
        ["a", "b"],
        "read 1 file as JSON lines (gzip); left out 1: _SUCCESS",
    ),
    "Delta": Published(
        {"part-0.parquet": parquet("a"), "_delta_log/00000.json": b'{"commitInfo": {}}\n{"add": {}}\n'},
        ["a"],
        "read 1 file as Parquet; left out 1: _delta_log/00000.json",
    ),
    "hub checkout of JSON": Published(
        {
            "README.md": CARD,
            "dataset_infos.json": INFOS,
            "LICENSE.txt": b"MIT",
            "train.json": lines("a", "b"),
            "test.json": b'[{"text": "c"},\n {"text": "d"}]',
        },
        ["c", "d", "a", "b"],
        "read 2 files as JSON; left out 3: LICENSE.txt, README.md, dataset_infos.json",
    ),
    "hub checkout of CSV": Published(
        {"README.md": CARD, "data/train.csv": b'text,label\n"a, b",1\n', "data/test.tsv.gz": gz(b"text\tn\nc\t1\n")},
        ["c", "a, b"],
        "read 1 file as CSV, 1 as TSV (gzip); left out 1: README.md",
    ),
    "OpenWebText": Published(
        {"urlsf_subset00-1_data.xz": lzma.compress(b"a page\n"), "0002.txt.xz": lzma.compress(b"b")},
        ["b", "a page\n"],
        "read 2 files as text (xz)",
    ),
    "OpenWebText 2": Published(
        {"2005-12.jsonl.zst": zst(lines("a", meta={}))}, ["a"], "read 1 file as JSON lines (zstd)"
    ),
    "CC-News": Published(
        {"plain_text/train-00000-of-00005.parquet": parquet("a"), "README.md": CARD},
        ["a"],
        "read 1 file as Parquet; left out 1: README.md",
    ),
    "peS2o": Published(
        {"data/v2/train-00000-of-00020.json.gz": gz(lines("a")), "data/v2/LICENSE": b"x"},
        ["a"],
        "read 1 file as JSON (gzip); left out 1: data/v2/LICENSE",
    ),
    "S2ORC": Published(
        {"s2orc/20230101_0.gz": gz(lines("a", field="abstract", corpusid=1)), "README.txt": b"the data"},
        ["a"],
        "read 1 file as JSON lines (gzip); left out 1: README.txt",
        field="abstract",
    ),
    "SlimPajama": Published(
        {"train/chunk1/example_train_0.jsonl.zst": zst(lines("a", "b"))}, ["a", "b"], "read 1 file as JSON lines (zstd)"
    ),
    "Books3": Published(
        {"books/a/Some Book.epub.txt": "\ufeffChapter 1\r\n".encode()}, ["Chapter 1\r\n"], "read 1 file as text"
    ),
    "Gutenberg": Published(
        {"1342-0.txt": b"Pride\n", "84-0.txt.gz": gz(b"Frankenstein\n")},
        ["Pride\n", "Frankenstein\n"],
        "read 1 file as text, 1 as text (gzip)",
    ),
    "one JSON object": Published(
        {"paper.json": b'{\n  "title": "t",\n  "text": "a"\n}\n'}, ["a"], "read 1 file as JSON"
    ),
    "tweets": Published(
        {"2020/01/00.ndjson.bz2": bz2.compress(lines("a", "b", lang="en"))},
        ["a", "b"],
        "read 1 file as JSON lines (bzip2)",
    ),
    "tweets of the archive": Published(
        {"twitter_stream/00/00.json.bz2": bz2.compress(lines("a", "b"))}, ["a", "b"], "read 1 file as JSON (bzip2)"
    ),
    "prodigy": Published({"reviews.jsonlines": lines("a")}, ["a"], "read 1 file as JSON lines"),
    "array of a REST service": Published(
        {"dump.json": json.dumps([{"text": "a"}, {"text": "b"}]).encode()}, ["a", "b"], "read 1 file as JSON"
    ),
    "source code": Published(
        {
            "README.md": b"# Program\n",
            "package.json": b'{\n  "name": "program"\n}\n',
            "src/main.py": b"print(1)\n",
            "src/__init__.py": b"",
        },
        ["# Program\n", '{\n  "name": "program"\n}\n', "", "print(1)\n"],
        "read 4 files as text; text: README.md, package.json, src/__init__.py and 1 more",
    ),
}
assert len(PUBLISHED) >= 30


def publish(folder: Path, files: Mapping[str, bytes | Write]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(path)
        else:
            path.write_bytes(content)
    return folder


@pytest.mark.parametrize("published", PUBLISHED.values(), ids=PUBLISHED)
def test_a_published_corpus_is_read_correctly(tmp_path: Path, published: Published) -> None:
    folder = publish(tmp_path / "corpus", published.files)
    corpus = Corpus(folder, text_field=published.field)
    assert [document.text for document in corpus.documents()] == published.texts
    assert corpus.summary() == published.said
    assert corpus.bytes_read == corpus.n_bytes


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "a Wikipedia dump": (
        "enwiki-20240101-pages-articles.xml.bz2",
        bz2.compress(b'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/">\n  <page>'),
        "this is a MediaWiki dump, .* for instance with WikiExtractor, or index the file unchanged with --format text",
    ),
    "a WARC archive": ("CC-NEWS-2020.warc.gz", gz(b"WARC/1.0\r\nWARC-Type: response\r\n"), "this is a WARC archive"),
    "SQuAD": (
        "train-v2.0.json",
        b'{"version": "v2.0", "data": [{"title": "A", "paragraphs": []}]}',
        "a JSON file with a single value and without the field 'text'; found the fields 'version', .*--format text",
    ),
    "a list of strings": ("words.json", b'["a", "b"]', "a JSON file with a single value and without the field 'text'"),
    "a hub checkout without its data": (
        "train-00000-of-00001.parquet",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "this is a Git LFS pointer, not the data; fetch the data first: git lfs pull",
    ),
    "a paper": ("paper.pdf", b"%PDF-1.7\n", "this is a PDF document"),
}


@pytest.mark.parametrize(("name", "content", "reason"), REFUSED.values(), ids=REFUSED)
def test_other_files_are_reported(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=reason):
        list(Corpus(tmp_path).documents())
