"""API keys and request rates.

The key file has one line per key, with a hash instead of the key: a name, `sha256:` and the hash in hexadecimal, then
optionally `admin`, which permits reloads, `write`, which permits changes of the indexes, and `requests_per_s=5`, the
rate limit of this key. Empty lines and lines that begin with `#` are ignored::

    alice sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae admin requests_per_s=50

A key is 32 random bytes and cannot be guessed, so one round of SHA-256 suffices.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import os
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Final

import infgram

_NAME: Final = re.compile(r"[\w.@-]{1,64}")
_LINE: Final = re.compile(
    rf"(?P<name>{_NAME.pattern})\s+sha256:(?P<digest>[0-9a-f]{{64}})(?P<words>(?:\s+(?:admin|write|requests_per_s=\d+(?:\.\d+)?))*)"
)
_RATE: Final = re.compile(r"requests_per_s=(\S+)")
_FIRST_DIGITS: Final = 8


@dataclass(frozen=True)
class Key:
    """One API key.

    Attributes:
        name: the name of its holder, as logged.
        digest: SHA-256 of the key, in hexadecimal.
        is_admin: whether it permits reloads.
        may_write: whether it permits changes of the indexes.
        requests_per_s: its own rate limit; None for that of the service.
    """

    name: str
    digest: str
    is_admin: bool = False
    may_write: bool = False
    requests_per_s: float | None = None


class Keys:
    """The keys of a key file."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._by_first_digits: dict[str, list[Key]] = {}
        self._n = 0
        for key in keys:
            self._n += 1
            self._by_first_digits.setdefault(key.digest[:_FIRST_DIGITS], []).append(key)

    @classmethod
    def read(cls, path: Path) -> Keys:
        """Read a key file.

        Raises:
            StorageError: the file cannot be read.
            InputError: a line is malformed, or a key occurs twice.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise infgram.StorageError(f"{path}: cannot read the key file: {error}") from error
        numbered = [(number, line.strip()) for number, line in enumerate(lines, 1)]
        keys: dict[str, Key] = {}
        for number, line in numbered:
            if line and not line.startswith("#"):
                key = _key(path, number, line)
                if key.digest in keys:
                    raise infgram.InputError(f"{path}, line {number}: {keys[key.digest].name!r} has the same key")
                keys[key.digest] = key
        return cls(keys.values())

    def __len__(self) -> int:
        """Return the number of keys."""
        return self._n

    def find(self, presented: str) -> Key | None:
        """Return the key that a request presents, or None if it is unknown.

        Hashes are compared in constant time. The lookup by their first digits leaks nothing useful: nobody can choose
        a key by the digits of its hash.
        """
        digest = hashlib.sha256(presented.encode()).hexdigest()
        candidates = self._by_first_digits.get(digest[:_FIRST_DIGITS], [])
        return next((key for key in candidates if hmac.compare_digest(key.digest, digest)), None)


def add_key(
    path: Path, name: str, *, is_admin: bool = False, may_write: bool = False, requests_per_s: float | None = None
) -> str:
    """Create a key and append its line to a key file. A new file is readable by its owner only.

    Returns:
        The key, which is stored nowhere.

    Raises:
        InputError: the name is invalid or taken, or the rate is not above 0.
        StorageError: the file cannot be read or written.
    """
    key = f"infgram_{secrets.token_urlsafe(32)}"
    if not _NAME.fullmatch(name):
        raise infgram.InputError(f"{name!r} is not a valid name; expected up to 64 letters, digits, and . @ _ -")
    words = ["admin"] * is_admin + ["write"] * may_write
    if requests_per_s is not None:
        if not (math.isfinite(requests_per_s) and requests_per_s > 0):
            raise infgram.InputError(f"requests_per_s={requests_per_s}; expected a finite number above 0")
        words.append(f"requests_per_s={Decimal(repr(float(requests_per_s))).normalize():f}")  # never 1e+06
    line = " ".join([name, f"sha256:{hashlib.sha256(key.encode()).hexdigest()}", *words])
    try:
        with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+", encoding="utf-8") as file:
            if any(other.split()[:1] == [name] for other in file.read().splitlines()):
                raise infgram.InputError(f"{path} has a key named {name!r} already; choose another name")
            file.write(f"{line}\n")
    except OSError as error:
        raise infgram.StorageError(f"{path}: cannot write the key file: {error}") from error
    return key


def _key(path: Path, number: int, line: str) -> Key:
    found = _LINE.fullmatch(line)
    if found is None:
        raise infgram.InputError(
            f"{path}, line {number}: expected a name, sha256: with 64 hexadecimal digits, and optionally "
            "admin, write and requests_per_s=NUMBER; `infgram api-key` writes such lines"
        )
    rate = _RATE.search(found["words"])
    if rate and not float(rate[1]):
        raise infgram.InputError(
            f"{path}, line {number}: expected requests_per_s above 0; to revoke a key, remove its line"
        )
    words = found["words"].split()
    return Key(found["name"], found["digest"], "admin" in words, "write" in words, float(rate[1]) if rate else None)


MAX_CLIENTS: Final = 10_000
"""The clients that have been silent longest are forgotten first; their buckets are full by then."""


class Rates:
    """Token buckets by client, each one second deep. Used on one event loop."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # requests left, at a time

    def wait_s(self, client: str, requests_per_s: float) -> int:
        """Take one request from a client's bucket; return 0, or the seconds to wait if the bucket is empty."""
        now = monotonic()
        depth = max(1.0, requests_per_s)
        left, since = self._buckets.pop(client, (depth, now))
        left = min(depth, left + (now - since) * requests_per_s)
        self._buckets[client] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return 0 if left >= 1 else math.ceil((1 - left) / requests_per_s)
