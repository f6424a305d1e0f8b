"""The bounded encoder: the same ids, with a limit on the text that is encoded at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import sleep

import numpy as np
import pytest

from infgram.tokenizers import BytesTokenizer, limited, train_bpe
from infgram.tokenizers.limited import Encoded, LimitedEncoder

TIMES = 80


class Watched:
    """Encodes a text as its length; records the maximum number of characters at a time."""

    def __init__(self) -> None:
        self.most = self.now = 0
        self._lock = Lock()

    def encode_batch(self, texts: Sequence[str]) -> Encoded:
        size = max(map(len, texts), default=0)
        with self._lock:
            self.now += size
            self.most = max(self.most, self.now)
        sleep(0.001)
        with self._lock:
            self.now -= size
        if "fail" in texts:
            raise ValueError("fail")
        return np.array([len(text) for text in texts], dtype=np.uint32), np.ones(len(texts), dtype=np.int64)


@pytest.mark.parametrize("room", [100, 1000])
def test_the_limit(room: int) -> None:
    watched = Watched()
    encode = LimitedEncoder(watched.encode_batch, room * TIMES).encode_batch
    batches = [["x" * (7 * number % 90), "y"] for number in range(60)]
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(encode, batches))
    assert [ids.tolist() for ids, _ in results] == [list(map(len, batch)) for batch in batches]
    assert 89 <= watched.most <= room


def test_a_text_that_is_too_long_is_encoded_alone() -> None:
    watched = Watched()
    encode = LimitedEncoder(watched.encode_batch, 10 * TIMES).encode_batch
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(encode, [["x" * 500], ["y" * 500], ["z"] * 3, [], ["x" * 300_000]]))
    assert watched.most == 300_000


def test_a_failure_releases_its_share() -> None:
    encode = LimitedEncoder(Watched().encode_batch, TIMES).encode_batch
    for _ in range(3):
        with pytest.raises(ValueError, match="fail"):
            encode(["fail"])
    assert encode(["a"])[0].tolist() == [1]


def test_only_tokenizers_of_the_package_are_limited() -> None:
    plain, trained = BytesTokenizer(), train_bpe(["the cat"], 300)
    assert limited(plain, 1) == plain.encode_batch
    bounded = limited(trained, 1)
    assert bounded != trained.encode_batch
    assert bounded(["a cat", ""])[0].tolist() == trained.encode_batch(["a cat", ""])[0].tolist()
