"""The BPE trained on a corpus: deterministic, lossless, and fast on unusual text."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest
from hypothesis import given, settings, strategies as st

from infgram.errors import QueryError, TokenizerError
from infgram.tokenizers import train_bpe
from infgram.tokenizers.display import show_bytes
from infgram.tokenizers.training import _pieces

TRAIN_IN_ANOTHER_PROCESS = """
import random
from infgram.tokenizers import train_bpe
letters = random.Random(1)
texts = ["".join(letters.choices("abcd é日", k=200)) for _ in range(500)]  # many pairs with equal counts
print(train_bpe(texts, 1000).fingerprint)
"""


def test_training_is_deterministic_over_processes_and_threads() -> None:
    fingerprints = set()
    for threads in ("1", "2", "2"):
        environment = {**os.environ, "RAYON_NUM_THREADS": threads}
        result = subprocess.run(
            [sys.executable, "-I", "-c", TRAIN_IN_ANOTHER_PROCESS],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
        )
        assert result.stderr == ""
        fingerprints.add(result.stdout)
    assert len(fingerprints) == 1


def test_an_empty_sample_gives_the_bytes() -> None:
    tokenizer = train_bpe([])
    assert tokenizer.vocab_size == 256
    assert sorted(tokenizer.tokens(range(256))) == sorted(show_bytes(bytes([byte])) for byte in range(256))


def test_frequent_words_become_tokens() -> None:
    tokenizer = train_bpe(["hello world " * 10], 1000)
    assert tokenizer.tokens(tokenizer.encode("hello world hello")) == ["hello", " world", " hello"]
    assert 256 < tokenizer.vocab_size < 1000


def test_pairs_that_occur_once_are_not_merged() -> None:
    assert train_bpe(["abcdefg"], 1000).vocab_size == 256


@pytest.mark.parametrize("vocab_size", [256, 257, 300])
def test_the_vocabulary_has_the_requested_size(vocab_size: int) -> None:
    letters = random.Random(1)
    texts = ["".join(letters.choices("abcdefgh ", k=2000))]
    assert train_bpe(iter(texts), vocab_size).vocab_size == vocab_size


@pytest.mark.parametrize("vocab_size", [255, 0, -1, 2**40])
def test_impossible_sizes(vocab_size: int) -> None:
    with pytest.raises(TokenizerError, match=f"invalid vocabulary size {vocab_size}; expected 256"):
        train_bpe([], vocab_size)


@pytest.mark.parametrize("text", ["\ud800", None, b"x"])
def test_samples_that_are_not_text(text: object) -> None:
    with pytest.raises(QueryError, match="text 1 of the sample"):
        train_bpe(["fine", text])  # type: ignore[list-item]


def test_no_special_tokens() -> None:
    tokenizer = train_bpe(["<|endoftext|> <s> </s> [UNK]"], 300)
    assert tokenizer.decode(tokenizer.encode("<|endoftext|><s>")) == "<|endoftext|><s>"


@settings(deadline=None)
@given(parts=st.lists(st.sampled_from(["a" * 70, "b", " ", "\n" * 80, "日" * 65, "c" * 64, "", "word "])))
def test_dividing_long_runs_keeps_the_text(parts: list[str]) -> None:
    text = "".join(parts)
    pieces = list(_pieces([text]))
    assert "".join(pieces) == text


def test_ordinary_text_is_not_divided() -> None:
    text = "words of ordinary length,\n    and a https://example.org/path " * 100
    assert list(_pieces([text, ""])) == [text, ""]


def test_very_long_words_are_learned() -> None:
    letters = random.Random(1)
    text = "".join(letters.choices("ab", k=300_000))  # one word if it is not divided
    assert train_bpe([text, "z" * 300_000], 1000).vocab_size == 1000
