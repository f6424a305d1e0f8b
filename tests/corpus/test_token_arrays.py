"""Arrays of token ids: the documents do not depend on the file format or the batch size; errors are named."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from infgram.corpus import TokenCorpus
from infgram.errors import InputError, QueryError

END = 9


def write(folder: Path, tokens: Any, kind: str) -> dict[str, Any]:
    """Write one file; return the arguments of `TokenCorpus`."""
    path = folder / ("a.npy" if kind.startswith("npy") else "a.bin")
    dtype = np.dtype(kind.removeprefix("npy-").removeprefix("raw-"))
    array = np.asarray(tokens, dtype=dtype)
    if path.suffix == ".npy":
        np.save(path, array)
        return {"path": path}
    path.write_bytes(array.astype(dtype.newbyteorder("<")).tobytes())
    return {"path": path, "dtype": dtype.name}


def documents(corpus: TokenCorpus, batch_tokens: int, *, whole: bool = False) -> list[list[int]]:
    """Return all documents, with their pieces joined."""
    found: list[list[int]] = []
    for batch in corpus.batches(batch_tokens, whole_documents=whole):
        assert batch.token_ids.dtype == np.uint32
        assert batch.lengths.dtype == np.int64
        assert int(batch.lengths.sum()) == len(batch.token_ids)
        assert whole or len(batch.token_ids) <= batch_tokens
        ids, begin = batch.token_ids.tolist(), 0
        for i, length in enumerate(batch.lengths.tolist()):
            part = ids[begin : begin + length]
            begin += length
            if batch.continues:
                assert i == 0
                assert len(batch.lengths) == 1
                assert not whole
                found[-1] += part
            else:
                found.append(part)
    assert corpus.bytes_read <= corpus.n_bytes
    return found


def expected(tokens: list[int], end: int | None) -> list[list[int]]:
    """Split at separators; drop empty documents."""
    if end is None:
        return [tokens]
    split: list[list[int]] = [[]]
    for token in tokens:
        if token == end:
            split.append([])
        else:
            split[-1].append(token)
    return [document for document in split if document]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tokens=st.lists(st.sampled_from([0, 1, 8, END, END]), max_size=20),
    kind=st.sampled_from(["npy-u1", "npy-u2", "npy->u2", "npy-i4", "npy-i8", "raw-u2", "raw-u4"]),
    end=st.sampled_from([None, END]),
    batch_tokens=st.integers(1, 8),
    whole=st.booleans(),
)
def test_documents_between_separators(
    tmp_path: Path, tokens: list[int], kind: str, end: int | None, batch_tokens: int, whole: bool
) -> None:
    corpus = TokenCorpus(**write(tmp_path, tokens, kind), vocab_size=10, end_of_text=end)
    if not expected(tokens, end):
        with pytest.raises(InputError, match="no document found"):
            documents(corpus, batch_tokens, whole=whole)
        return
    for _ in range(2):
        assert documents(corpus, batch_tokens, whole=whole) == expected(tokens, end)


def test_the_separator_need_not_be_in_the_vocabulary(tmp_path: Path) -> None:
    told = write(tmp_path, [1, END, 2], "raw-u2")
    assert documents(TokenCorpus(**told, vocab_size=3, end_of_text=END), 10) == [[1], [2]]
    with pytest.raises(InputError, match=r"a\.bin: the token id at position 1 is 9, expected 0 to 2"):
        documents(TokenCorpus(**told, vocab_size=3), 10)
    with pytest.raises(InputError, match=r"position 2 is 2"):
        documents(TokenCorpus(**told, vocab_size=2, end_of_text=END), 2)


def test_negative_and_large_ids_are_rejected(tmp_path: Path) -> None:
    for token in (-1, 2**40):
        with pytest.raises(InputError, match=f"position 3 is {token}"):
            documents(TokenCorpus(**write(tmp_path, [0, 0, 0, token], "npy-i8"), vocab_size=10), 2)


def test_a_wrong_type_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, range(100), "raw-u2")["path"]
    with pytest.raises(InputError, match=r"position 0 is 65536.*the integer type uint32"):
        documents(TokenCorpus(path, vocab_size=50_257, dtype="uint32"), 10)
    with pytest.raises(InputError, match="the integer type of a raw token file is unknown"):
        documents(TokenCorpus(path, vocab_size=50_257), 10)
    path = write(tmp_path, range(10), "npy-u2")["path"]
    with pytest.raises(InputError, match="the type in its header is uint16, but dtype is 'uint32'"):
        documents(TokenCorpus(path, vocab_size=10, dtype="uint32"), 10)


def test_truncated_files(tmp_path: Path) -> None:
    for kind, reason in (("raw-u4", "expected a multiple of 4"), ("npy-u4", "not a complete .npy")):
        told = write(tmp_path, range(9), kind)
        whole = told["path"].read_bytes()
        told["path"].write_bytes(whole[:-3])
        with pytest.raises(InputError, match=reason):
            documents(TokenCorpus(**told, vocab_size=9), 10)
        told["path"].unlink()


def test_invalid_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    arrays: list[Any] = [np.zeros((2, 2), np.uint16), np.zeros(3), np.array(["a"])]
    for array in arrays:
        np.save(path, array)
        with pytest.raises(InputError, match="expected one row of integers"):
            documents(TokenCorpus(path, vocab_size=9), 10)
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"not a complete \.npy"):
        documents(TokenCorpus(path, vocab_size=9), 10)
    path.write_bytes(b"\x93NUMPYjunk")
    with pytest.raises(InputError, match=r"not a complete \.npy"):
        documents(TokenCorpus(path, vocab_size=9), 10)
    np.save(path, np.zeros(3, np.uint16))
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(InputError, match="expected 134 by its header"):
        documents(TokenCorpus(path, vocab_size=9), 10)


def test_several_files_and_other_files(tmp_path: Path) -> None:
    write(tmp_path, [1, 2], "npy-u2")
    told = write(tmp_path, [3], "raw-u2")
    corpus = TokenCorpus([told["path"], tmp_path / "*.npy"], vocab_size=9, dtype=None)
    assert corpus.n_files == 2
    assert corpus.n_bytes == 2 + (tmp_path / "a.npy").stat().st_size
    (tmp_path / "b.txt").write_text("x")
    with pytest.raises(InputError, match=r"b\.txt: expected a token file"):
        TokenCorpus(tmp_path, vocab_size=9)


def test_arguments_out_of_range(tmp_path: Path) -> None:
    told = write(tmp_path, [1], "npy-u2")
    for wrong in ({"vocab_size": 0}, {"vocab_size": 9, "end_of_text": -1}, {"vocab_size": 9, "dtype": "float32"}):
        with pytest.raises((InputError, QueryError), match="expected"):
            TokenCorpus(**told, **wrong)
    with pytest.raises(QueryError, match="batch_tokens is 0"):
        TokenCorpus(**told, vocab_size=9).batches(0)


def test_files_are_mapped_and_streamed(tmp_path: Path) -> None:
    """Only one batch of a large, sparse file is in memory at a time."""
    path = tmp_path / "a.bin"
    n_bytes = 64 << 20
    with path.open("wb") as file:
        file.truncate(n_bytes)
    batches = TokenCorpus(path, vocab_size=9, dtype="uint16").batches(1000)
    batch = next(batches)
    assert batch.token_ids.nbytes <= max(4000, mmap.PAGESIZE)
    assert not batch.continues
    assert next(batches).continues


@pytest.mark.parametrize("kind", ["raw-u2", "npy-u2"])
def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path, kind: str) -> None:
    told = write(tmp_path, [1, 2] * 1000, kind)
    batches = TokenCorpus(**told, vocab_size=9).batches(10)
    next(batches)
    with told["path"].open("r+b") as file:
        file.truncate(100)
    with pytest.raises(InputError, match="the file has become shorter while it was read"):
        list(batches)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["a.npy", "a.bin", "a.idx"])
def test_a_named_pipe_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, [1], "raw-u2")["path"].rename(tmp_path / "a.bin")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match=r"regular file|no such file"):
        documents(TokenCorpus(tmp_path / name, vocab_size=9, dtype="uint16"), 10)


def header(text: str) -> bytes:
    """Return a .npy file of version 1 with this header and no data."""
    return b"\x93NUMPY\x01\x00v\x00" + text.encode().ljust(117) + b"\n"


def test_the_error_of_raw_token_ids_named_npy_has_advice(tmp_path: Path) -> None:
    path = tmp_path / "train.npy"
    for content in (np.arange(1000, dtype=np.uint16).tobytes(), b"", b"\x93NUM"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"rename it to train\.bin and give dtype=.* \(--dtype") as refused:
            documents(TokenCorpus(path, vocab_size=2000), 10)
        assert "pickle" not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x00" + b" " * 200,
        b"\x93NUMPY\x01\x00\x05\x00{'a':",
        header("x" * 100),
        header("(" * 100),
        b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65_535,
        header("{'descr': 'zzz', 'fortran_order': False, 'shape': (5,)}"),
        header("{'descr': '<u2', 'fortran_order': False, 'shape': (-5,)}"),
        header("{'descr': '<u2', 'fortran_order': False, 'shape': (99999999999999999999999,)}"),
        header("{'descr': '<u2', 'fortran_order': False, 'shape': (500,)}"),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (5,)}"),
    ],
)
def test_the_error_of_a_wrong_header_has_advice(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npy: not a complete \.npy .* with numpy\.save") as refused:
        documents(TokenCorpus(path, vocab_size=10), 10)
    assert "pickle" not in str(refused.value)
