"""Compressed JSON lines: all members and frames are read; truncated or altered files are errors."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import random
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from infgram.corpus import Corpus
from infgram.errors import InputError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Compress = Callable[[bytes], bytes]
COMPRESSORS: dict[str, Compress] = {
    "gz": gzip.compress,
    "zst": zstd.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
ZSTD_SKIPPABLE_FRAME = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"


def lines(n: int, seed: int = 1) -> bytes:
    random_bytes = random.Random(seed)
    rows = ({"text": f"text {i}", "id": i, "noise": random_bytes.randbytes(50).hex()} for i in range(n))
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def read(path: Path, data: bytes) -> list[str]:
    path.write_bytes(data)
    return [document.text for document in Corpus(path).documents()]


@pytest.fixture(params=COMPRESSORS)
def suffix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_compressed_lines_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.jsonl.{suffix}"
    assert read(path, COMPRESSORS[suffix](lines(1000))) == [f"text {i}" for i in range(1000)]
    assert [document.line for document in Corpus(path).documents()] == list(range(1, 1001))


@pytest.mark.parametrize("name", ["a.ndjson.{}", "A.JSONL.{}"])
def test_other_names(tmp_path: Path, suffix: str, name: str) -> None:
    assert read(tmp_path / name.format(suffix.upper()), COMPRESSORS[suffix](lines(2))) == ["text 0", "text 1"]


def test_all_members_and_frames_are_read_even_when_a_line_spans_two(tmp_path: Path, suffix: str) -> None:
    data, compress = lines(300), COMPRESSORS[suffix]
    parts = [data[start : start + 1111] for start in range(0, len(data), 1111)]
    assert len(read(tmp_path / f"a.jsonl.{suffix}", b"".join(compress(part) for part in [b"", *parts, b""]))) == 300


def test_skippable_frames_of_zstd_are_ignored(tmp_path: Path) -> None:
    data = ZSTD_SKIPPABLE_FRAME + zstd.compress(lines(1)) + ZSTD_SKIPPABLE_FRAME + zstd.compress(lines(2))
    assert read(tmp_path / "a.jsonl.zst", data) == ["text 0", "text 0", "text 1"]


def test_long_windows_of_zstd_are_read(tmp_path: Path) -> None:
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 28})
    assert read(tmp_path / "a.jsonl.zst", compressor.compress(lines(1)) + compressor.flush()) == ["text 0"]


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.3, 0.999, -1, -4, -8])
def test_a_truncated_file_is_an_error(tmp_path: Path, suffix: str, kept: float) -> None:
    whole = COMPRESSORS[suffix](lines(20_000))
    n_bytes = int(kept) + len(whole) if kept < 0 else int(kept * len(whole))
    path = tmp_path / f"a.jsonl.{suffix}"
    with pytest.raises(InputError) as caught:
        read(path, whole[:n_bytes])
    assert str(path) in str(caught.value)
    assert "cannot be read" in str(caught.value)


def test_the_rest_of_a_truncated_file_is_skipped(tmp_path: Path, suffix: str) -> None:
    n_lines = 10_000 if suffix == "xz" else 50_000  # several blocks of bzip2; xz is slow
    whole = COMPRESSORS[suffix](lines(n_lines))
    (tmp_path / f"a.jsonl.{suffix}").write_bytes(whole[: len(whole) * 2 // 3])
    (tmp_path / "b.jsonl").write_bytes(lines(1))
    corpus = Corpus(tmp_path, on_error="skip")
    texts = [document.text for document in corpus.documents()]
    n_before = len(texts) - 1
    assert 0 < n_before < n_lines
    assert texts == [*(f"text {i}" for i in range(n_before)), "text 0"]
    (skipped,) = corpus.skipped
    assert (skipped.source, skipped.line) == (f"a.jsonl.{suffix}", None)
    assert f"cannot be read after line {n_before}: truncated or damaged" in skipped.reason
    assert corpus.bytes_read == corpus.n_bytes


def test_an_altered_gzip_file_is_an_error(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(lines(1000)))
    for place in (0, 2, len(whole) // 2, len(whole) - 6, len(whole) - 1):
        altered = bytearray(whole)
        altered[place] ^= 0x55
        with pytest.raises(InputError, match="truncated or damaged gzip"):
            read(tmp_path / "a.jsonl.gz", bytes(altered))


def test_an_altered_zstd_file_is_an_error(tmp_path: Path) -> None:
    options: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}
    whole = bytearray(zstd.compress(lines(1000), options=options))
    for place in (0, 1, len(whole) // 2, len(whole) - 1):
        altered = bytearray(whole)
        altered[place] ^= 0x55
        with pytest.raises(InputError, match="truncated or damaged zstd"):
            read(tmp_path / "a.jsonl.zst", bytes(altered))


@pytest.mark.parametrize("data", [b"", b"\x01junk", zlib.compress(b"{}")])
def test_an_uncompressed_file_with_a_compressed_suffix_is_an_error(tmp_path: Path, suffix: str, data: bytes) -> None:
    with pytest.raises(InputError, match="truncated or damaged"):
        read(tmp_path / f"a.jsonl.{suffix}", data)


def test_decompressed_files_with_a_compressed_suffix_are_read(tmp_path: Path, suffix: str) -> None:
    assert read(tmp_path / f"a.jsonl.{suffix}", lines(2)) == ["text 0", "text 1"]


@pytest.mark.parametrize("name", ["a.txt.{}", "a.{}", "a.txt", "a"])
def test_compressed_text_is_one_document_under_any_name(tmp_path: Path, suffix: str, name: str) -> None:
    assert read(tmp_path / name.format(suffix), COMPRESSORS[suffix](b"hello\n")) == ["hello\n"]


def test_every_whole_line_before_the_damage_is_kept(tmp_path: Path, suffix: str) -> None:
    """The reference is the output of the decompressor up to the truncation."""
    whole = COMPRESSORS[suffix](lines(10_007))
    for n_bytes in (len(whole) - 1, len(whole) - 9, len(whole) // 2, len(whole) // 3):
        plain = recovered(suffix, whole[:n_bytes])
        n_lines = plain.count(b"\n")
        path = tmp_path / f"a.jsonl.{suffix}"
        path.write_bytes(whole[:n_bytes])
        (tmp_path / "z.jsonl").write_bytes(b'{"text": "z"}\n')
        corpus = Corpus(tmp_path, on_error="skip")
        texts = [document.text for document in corpus.documents()]
        assert texts == [*(f"text {i}" for i in range(n_lines)), "z"]
        (skipped,) = corpus.skipped
        if n_lines:
            assert f"; {n_lines:,} documents before it kept, the rest of the file skipped" in skipped.reason


def recovered(suffix: str, data: bytes) -> bytes:
    one: Any = {
        "gz": lambda: zlib.decompressobj(wbits=31),
        "zst": zstd.ZstdDecompressor,
        "bz2": bz2.BZ2Decompressor,
        "xz": lzma.LZMADecompressor,
    }[suffix]()
    return b"".join(one.decompress(data[i : i + 1]) for i in range(len(data)))


def test_every_line_before_an_altered_byte_of_gzip_is_kept(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(lines(3000)))
    place = len(whole) // 2
    whole[place : place + 40] = b"\xff" * 40
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(whole)
    plain = bytearray()
    one = zlib.decompressobj(wbits=31)
    with suppress(zlib.error):
        for i in range(len(whole)):
            plain += one.decompress(whole[i : i + 1])
    corpus = Corpus(path, on_error="skip")
    found = [document.text for document in corpus.documents()]
    assert found[:1000] == [f"text {i}" for i in range(1000)]
    assert len(found) + len(corpus.skipped) - 1 == plain.count(b"\n")


def test_padding_between_members_is_ignored(tmp_path: Path) -> None:
    for suffix in ("gz", "xz", "bz2"):
        one = COMPRESSORS[suffix](lines(1))
        assert read(tmp_path / f"a.jsonl.{suffix}", one + bytes(8) + one + bytes(20_000)) == ["text 0"] * 2


def test_a_compressed_table_is_named_in_the_error(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match=r"a Parquet file inside .* data; decompress it first"):
        read(tmp_path / f"a.parquet.{suffix}", COMPRESSORS[suffix](b"PAR1 and so on"))
