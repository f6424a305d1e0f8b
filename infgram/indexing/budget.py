"""The memory of a build, shared out between its stages."""

from __future__ import annotations

from typing import Final

from infgram.errors import QueryError
from infgram.indexing.memory import available_bytes, give_back, size_bytes, used_bytes
from infgram.indexing.tokenize import IN_FLIGHT_BYTES
from infgram.tokenizers import BytesTokenizer

MIB: Final = 1 << 20

_TRAINING: Final = 192 * MIB  # the sample, and what the trainer makes of it
_ENCODER: Final = 112 * MIB  # tables of an encoder, besides the texts
_WRITING: Final = 48 * MIB  # tables of the open shard, and the least that sorting takes
_LEAST_IN_FLIGHT: Final = 16 * MIB
_THREAD: Final = 16 * MIB  # a thread's own, while it encodes


class Budget:
    """What a build may take in all.

    Attributes:
        total_bytes: anonymous and shared memory of the process at its peak.
        least_bytes: what this build takes at least.
    """

    def __init__(self, memory: int | str | None, *, trains: bool, kind: str | None) -> None:
        """Take what was asked for, or half of what the machine has left.

        Args:
            memory: bytes, or a string such as `"2GiB"`; None to choose.
            trains: whether a tokenizer is trained.
            kind: the kind of the tokenizer that encodes; None when nothing is encoded.

        Raises:
            QueryError: it is no size, or too small; names the least that will do.
        """
        self._encoder = 0 if kind in (None, BytesTokenizer.kind) else _ENCODER
        encoding = 0 if kind is None else self._encoder + 2 * _LEAST_IN_FLIGHT
        least = used_bytes() + _WRITING + max(encoding, _TRAINING * trains)
        self.least_bytes = least + -least % (16 * MIB)
        if memory is None:
            self.total_bytes = max(self.least_bytes, available_bytes() // 2)
            return
        self.total_bytes = size_bytes(memory)
        if self.total_bytes < self.least_bytes:
            found, expected = self.total_bytes / MIB, self.least_bytes / MIB
            raise QueryError(f"memory is {found:.0f}MiB; this build takes at least {expected:.0f}MiB")

    def tokenising(self, threads: int) -> tuple[int, int]:
        """How many threads `tokenise` may use, and how many bytes of texts and ids it may hold."""
        room = self.left_bytes() - _WRITING - self._encoder
        n_threads = max(1, min(threads, room // (2 * _THREAD)))
        return n_threads, max(_LEAST_IN_FLIGHT, min(IN_FLIGHT_BYTES, (room - n_threads * _THREAD) // 2))

    def left_bytes(self) -> int:
        """What is not yet taken; at least 1."""
        give_back()
        return max(1, self.total_bytes - used_bytes())
