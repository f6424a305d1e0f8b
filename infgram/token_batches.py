"""Batches of token ids for training, read from the mapped text of an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from infgram.engine import StreamEngine
from infgram.errors import QueryError
from infgram.reprs import ShortRepr
from infgram.types import Int64Array

_ROUNDS: Final = 4
_MASK: Final = 2**64 - 1


@dataclass(frozen=True)
class BatchOptions:
    """The arguments of `Index.token_batches`, checked."""

    batch_size: int
    sequence_length: int
    seed: int
    epoch: int
    rank: int
    world_size: int
    end_of_text: int
    drop_last: bool

    def __post_init__(self) -> None:
        if self.rank >= self.world_size:
            raise QueryError(
                f"rank is {self.rank}; expected 0 to {self.world_size - 1} for a world_size of {self.world_size}"
            )


class TokenBatches(ShortRepr):
    """The batches of one epoch for one process: the result of `Index.token_batches`.

    A sequence: `batches[step]` reads one batch, so that training resumes at any step, and the workers of a PyTorch
    `DataLoader(batches, batch_size=None)` can share the steps. Immutable, so that each epoch has its own. Thread-safe.

    It reads the state that the index was in, also after `Index.reload`. The pickle has the paths of the index;
    unpickling raises `IndexDamagedError` if the index was changed since.

    Attributes:
        n_sequences: the number of sequences of an epoch, over all processes.
        end_of_text: the id after each document.
    """

    __slots__ = ("_options", "_reopening", "_stream", "end_of_text", "n_sequences")
    _repr_fields = ("n_sequences", "end_of_text")

    def __init__(self, stream: StreamEngine, reopening: tuple[Any, ...], options: BatchOptions) -> None:
        """Use `Index.token_batches`; `reopening` is a function and its arguments, which open the same state again."""
        self._stream, self._reopening, self._options = stream, reopening, options
        self.n_sequences = -(-len(stream) // options.sequence_length)
        self.end_of_text = options.end_of_text

    def __len__(self) -> int:
        """Return the number of steps, which is equal for all processes."""
        n_full, n_left = divmod(self.n_sequences, self._options.batch_size * self._options.world_size)
        return n_full + (n_left > 0 and not self._options.drop_last)

    def __getitem__(self, step: int) -> Int64Array:
        """Read the batch of a step: int64 of shape (batch_size, sequence_length), fewer rows in the last step."""
        if not 0 <= step < len(self):
            raise IndexError(f"step is {step}; expected 0 to {len(self) - 1}")
        how = self._options
        n_at_once = how.batch_size * how.world_size
        first = step * n_at_once
        n_rows = min(n_at_once, self.n_sequences - first)
        begin, end = (first + n_rows * rank // how.world_size for rank in (how.rank, how.rank + 1))
        numbers = shuffled(np.arange(begin, end, dtype=np.int64), self.n_sequences, how.seed, how.epoch)
        return self._stream.read_rows(numbers * how.sequence_length, how.sequence_length, how.end_of_text)

    def __iter__(self) -> Iterator[Int64Array]:
        return (self[step] for step in range(len(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (*self._reopening, asdict(self._options))


def _again(open_index: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    return open_index(*arguments).token_batches(**options)


def shuffled(numbers: Int64Array, n: int, seed: int, epoch: int) -> Int64Array:
    """Apply a pseudorandom permutation of [0, n), which seed and epoch determine, to some numbers of that range.

    A Feistel network permutes an even number of bits; a result outside [0, n) is permuted again (cycle walking: Black
    and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002). So no memory holds the permutation, and it does
    not depend on the version of NumPy. Cost: some 200 ns per number.
    """
    half = np.uint64(((n - 1).bit_length() + 1) // 2 or 1)
    low = (np.uint64(1) << half) - np.uint64(1)
    key = _mixed(_mixed(np.array(seed & _MASK, dtype=np.uint64)) ^ np.uint64(epoch & _MASK))
    keys = [_mixed(key ^ np.uint64(i)) for i in range(_ROUNDS)]
    result = numbers.astype(np.uint64)
    outside = np.arange(len(result))
    while len(outside):
        left, right = result[outside] >> half, result[outside] & low
        for each in keys:
            left, right = right, left ^ (_mixed(right ^ each) & low)
        result[outside] = (left << half) | right
        outside = outside[result[outside] >= np.uint64(n)]
    return result.astype(np.int64)


def _mixed(values: Any) -> Any:
    """Hash 64-bit integers: the finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    with np.errstate(over="ignore"):  # modulo 2^64
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))
