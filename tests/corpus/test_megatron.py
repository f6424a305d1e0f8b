"""Megatron's `.bin` and `.idx`: documents as in the index; files that contradict each other are errors."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from infgram.corpus import TokenCorpus
from infgram.errors import InputError
from tests.corpus.test_token_arrays import documents

CODES = {"u1": 1, "i1": 2, "i2": 3, "i4": 4, "i8": 5, "u2": 8}
HEADER_BYTES = 34


def write(folder: Path, texts: list[list[list[int]]], dtype: str = "u2", *, modes: bool = False) -> Path:
    """Write documents of sequences in the layout of Megatron's builder."""
    sequences = [sequence for text in texts for sequence in text]
    lengths = np.array([len(sequence) for sequence in sequences], dtype="<i4")
    width = np.dtype(dtype).itemsize
    offsets = (np.cumsum(lengths, dtype="<i8") - lengths) * width
    entries = np.cumsum([0, *(len(text) for text in texts)], dtype="<i8")
    tokens = np.array([token for sequence in sequences for token in sequence], dtype=np.dtype(dtype).newbyteorder("<"))
    header = struct.pack("<9sQBQQ", b"MMIDIDX\x00\x00", 1, CODES[dtype], len(sequences), len(entries))
    (folder / "a.bin").write_bytes(tokens.tobytes())
    mode = np.zeros(len(sequences), dtype="i1").tobytes() if modes else b""
    (folder / "a.idx").write_bytes(header + lengths.tobytes() + offsets.tobytes() + entries.tobytes() + mode)
    return folder / "a.bin"


def without_end(text: list[list[int]], end: int | None) -> list[int]:
    tokens = [token for sequence in text for token in sequence]
    return tokens[:-1] if tokens and tokens[-1] == end else tokens


sequences = st.lists(st.sampled_from([0, 1, 9]), max_size=4)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.lists(sequences, max_size=3), min_size=1, max_size=6),
    dtype=st.sampled_from(sorted(CODES)),
    modes=st.booleans(),
    end=st.sampled_from([None, 9]),
    batch_tokens=st.integers(1, 8),
    whole=st.booleans(),
)
def test_documents_are_those_of_the_index(
    tmp_path: Path,
    texts: list[list[list[int]]],
    dtype: str,
    modes: bool,
    end: int | None,
    batch_tokens: int,
    whole: bool,
) -> None:
    corpus = TokenCorpus(write(tmp_path, texts, dtype, modes=modes), vocab_size=10, end_of_text=end)
    assert documents(corpus, batch_tokens, whole=whole) == [without_end(text, end) for text in texts]


def test_a_folder_an_index_and_both(tmp_path: Path) -> None:
    path = write(tmp_path, [[[1, 2]], [[3]]])
    for inputs in (tmp_path, path, path.with_suffix(".idx"), [path, path.with_suffix(".idx")]):
        corpus = TokenCorpus(inputs, vocab_size=9)
        assert documents(corpus, 10) == [[1, 2], [3]]
        assert (corpus.n_files, corpus.n_bytes, corpus.bytes_read) == (1, 6, 6)
    path.unlink()
    with pytest.raises(InputError, match=r"a\.bin: no such file; expected it beside its index"):
        TokenCorpus(tmp_path, vocab_size=9)


def test_an_id_outside_the_vocabulary(tmp_path: Path) -> None:
    path = write(tmp_path, [[[1, 9]], [[2, 7, 9]]])
    for batch_tokens in (1, 3, 10):
        with pytest.raises(InputError, match=r"a\.bin: the token id at position 3 is 7, expected 0 to 6"):
            documents(TokenCorpus(path, vocab_size=7, end_of_text=9), batch_tokens)
        with pytest.raises(InputError, match=r"position 1 is 9"):
            documents(TokenCorpus(path, vocab_size=7), batch_tokens)


def test_a_contradicting_token_type(tmp_path: Path) -> None:
    path = write(tmp_path, [[[1]]])
    assert documents(TokenCorpus(path, vocab_size=9, dtype="uint16"), 10) == [[1]]
    with pytest.raises(InputError, match=r"expected uint32, as given by dtype; found uint16"):
        documents(TokenCorpus(path, vocab_size=9, dtype="uint32"), 10)


def refused(path: Path, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        documents(TokenCorpus(path, vocab_size=100), 10)


def test_a_bin_of_another_size(tmp_path: Path) -> None:
    path = write(tmp_path, [[[1, 2]], [[3]]])
    for content in (b"", b"\x01\x00\x02\x00", path.read_bytes() + b"\x00"):
        path.write_bytes(content)
        refused(path, rf"a\.bin: the file has {len(content)} bytes, but its index expects 6")


def test_a_truncated_index(tmp_path: Path) -> None:
    path = write(tmp_path, [[[1, 2]], [[3]]])
    whole = path.with_suffix(".idx").read_bytes()
    for n_bytes in range(len(whole)):
        path.with_suffix(".idx").write_bytes(whole[:n_bytes])
        refused(path, r"a\.idx: expected")


@pytest.mark.parametrize(
    ("offset", "content", "reason"),
    [
        (0, b"X", "the magic MMIDIDX"),
        (9, b"\x02", "version 2"),
        (17, b"\x07", "code 7"),  # floats
        (17, b"\x04", r"a\.idx: expected sequence 1 at byte 8"),  # too wide
        (18, b"\xff" * 8, "sequences"),
        (26, b"\xff" * 8, "document entries"),
        (HEADER_BYTES, b"\xff\xff\xff\xff", r"sequence 0 at byte 0.*found -1 tokens"),
        (HEADER_BYTES, b"\x03", "expected sequence 1 at byte 6"),
        (HEADER_BYTES + 8, b"\x04", "expected sequence 0 at byte 0"),
        (HEADER_BYTES + 24, b"\x01", "a document list from 0 to 2"),
        (HEADER_BYTES + 24 + 8, b"\x03", "an ascending document list"),
        (HEADER_BYTES + 24 + 16, b"\x01", "a document list from 0 to 2"),
    ],
)
def test_an_altered_index(tmp_path: Path, offset: int, content: bytes, reason: str) -> None:
    path = write(tmp_path, [[[1, 2]], [[3]]])
    altered = bytearray(path.with_suffix(".idx").read_bytes())
    altered[offset : offset + len(content)] = content
    path.with_suffix(".idx").write_bytes(altered)
    refused(path, reason)
