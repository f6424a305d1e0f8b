"""The sample: the whole corpus if it fits, otherwise a fair and reproducible part."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings, strategies as st

from infgram.corpus import Corpus
from infgram.corpus.sampling import spread_sample


def n_bytes(texts: list[str]) -> int:
    return sum(len(text.encode()) for text in texts)


def test_a_small_corpus_is_its_own_sample() -> None:
    assert spread_sample(["a", "", "bc", "é"], 1000) == ["a", "bc", "é"]
    long = "x" * 40_000
    assert "".join(spread_sample([long, "y"], 1_000_000)) == long + "y"


@settings(deadline=None)
@given(texts=st.lists(st.text()), max_bytes=st.integers(0, 100))
def test_a_sample_never_exceeds_its_size_and_keeps_the_order(texts: list[str], max_bytes: int) -> None:
    sample = spread_sample(texts, max_bytes)
    assert n_bytes(sample) <= max_bytes
    rest = "".join(texts)
    for piece in sample:
        assert piece in rest
        rest = rest[rest.index(piece) + len(piece) :]
    assert sample == spread_sample(texts, max_bytes)


def test_a_sample_nearly_fills_its_size() -> None:
    texts = [f"document number {i} with a few words" for i in range(10_000)]
    assert 49_000 < n_bytes(spread_sample(texts, 50_000)) <= 50_000


def test_a_sample_is_spread_over_one_long_text() -> None:
    text = "".join(chr(0x4E00 + i // 10_000) for i in range(200_000))  # twenty parts of one letter each
    sample = spread_sample([text], 100_000)
    assert len(set("".join(sample))) >= 18


def test_a_sample_is_spread_over_the_files_by_their_size(tmp_path: Path) -> None:
    for name, n in (("a", 3000), ("b", 300), ("c", 30_000)):
        row = json.dumps({"text": f"{name} " * 10}) + "\n"
        (tmp_path / f"{name}.jsonl").write_text(row * n)
    sample = "".join(Corpus(tmp_path).sample_texts(100_000))
    shares = {name: sample.count(name) / (sample.count(" ")) for name in "abc"}
    assert abs(shares["a"] - 0.09) < 0.03
    assert abs(shares["b"] - 0.009) < 0.009
    assert abs(shares["c"] - 0.9) < 0.03
    assert sample == "".join(Corpus(tmp_path).sample_texts(100_000))
