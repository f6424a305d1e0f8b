"""The keys of those who may ask: a file with a line for each, which holds a hash and not the key.

A line is a name, `sha256:` and the hash of the key in hexadecimal, and what more there is to say of it: `admin` may
reload, `requests_per_s=5` is a rate of its own. Empty lines and those that begin with `#` are passed over::

    alice sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae admin requests_per_s=50

A key is 32 random bytes, so one round of SHA-256 keeps it: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import infgram

_NAME: Final = re.compile(r"[\w.@-]{1,64}")
_LINE: Final = re.compile(
    rf"(?P<name>{_NAME.pattern})\s+sha256:(?P<digest>[0-9a-f]{{64}})(?P<words>(?:\s+(?:admin|requests_per_s=\d+(?:\.\d+)?))*)"
)
_RATE: Final = re.compile(r"requests_per_s=(\S+)")
_FIRST_DIGITS: Final = 8


@dataclass(frozen=True)
class Key:
    """Who may ask.

    Attributes:
        name: of its holder, as the log has it.
        digest: SHA-256 of the key, in hexadecimal.
        is_admin: whether it may reload.
        requests_per_s: its own rate; None for the service's.
    """

    name: str
    digest: str
    is_admin: bool = False
    requests_per_s: float | None = None


class Keys:
    """The keys of a file."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._by_first_digits: dict[str, list[Key]] = {}
        self._n = 0
        for key in keys:
            self._n += 1
            self._by_first_digits.setdefault(key.digest[:_FIRST_DIGITS], []).append(key)

    @classmethod
    def read(cls, path: Path) -> Keys:
        """The keys of a file.

        Raises:
            StorageError: it cannot be read.
            InputError: a line is none.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise infgram.StorageError(f"{path}: the file of keys cannot be read: {error}") from error
        numbered = [(number, line.strip()) for number, line in enumerate(lines, 1)]
        keys: dict[str, Key] = {}
        for number, line in numbered:
            if line and not line.startswith("#"):
                key = _key(path, number, line)
                if key.digest in keys:
                    raise infgram.InputError(f"{path}, line {number}: the key of {keys[key.digest].name!r} again")
                keys[key.digest] = key
        return cls(keys.values())

    def __len__(self) -> int:
        """How many there are."""
        return self._n

    def find(self, presented: str) -> Key | None:
        """The key that was presented, or None.

        Hashes are compared in constant time. That the first digits choose which ones are compared tells nothing:
        nobody can choose a key by the digits of its hash.
        """
        digest = hashlib.sha256(presented.encode()).hexdigest()
        alike = self._by_first_digits.get(digest[:_FIRST_DIGITS], [])
        return next((key for key in alike if hmac.compare_digest(key.digest, digest)), None)


def add_key(path: Path, name: str, *, is_admin: bool = False, requests_per_s: float | None = None) -> str:
    """Make a key and append its line to a file, which is made for its owner alone if there is none.

    Returns:
        The key, which nothing else knows.

    Raises:
        InputError: the name is none, or taken; or the rate is not above 0.
        StorageError: the file cannot be read or written.
    """
    key = f"infgram_{secrets.token_urlsafe(32)}"
    if not _NAME.fullmatch(name):
        raise infgram.InputError(f"{name!r} is no name for a key; expected up to 64 letters, digits, and . @ _ -")
    words = ["admin"] * is_admin
    if requests_per_s is not None:
        if not (math.isfinite(requests_per_s) and requests_per_s > 0):
            raise infgram.InputError(f"requests_per_s={requests_per_s} is no rate; expected a finite number above 0")
        words.append(f"requests_per_s={Decimal(repr(float(requests_per_s))).normalize():f}")  # never 1e+06
    line = " ".join([name, f"sha256:{hashlib.sha256(key.encode()).hexdigest()}", *words])
    try:
        with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+", encoding="utf-8") as file:
            if any(other.split()[:1] == [name] for other in file.read().splitlines()):
                raise infgram.InputError(f"{path} has a key of the name {name!r}; take another, or remove its line")
            file.write(f"{line}\n")
    except OSError as error:
        raise infgram.StorageError(f"{path}: the file of keys cannot be written: {error}") from error
    return key


def _key(path: Path, number: int, line: str) -> Key:
    found = _LINE.fullmatch(line)
    if found is None:
        raise infgram.InputError(
            f"{path}, line {number}: expected a name, sha256: with 64 hexadecimal digits, and perhaps admin and "
            "requests_per_s=NUMBER; `infgram api-key` writes such lines"
        )
    rate = _RATE.search(found["words"])
    if rate and not float(rate[1]):
        raise infgram.InputError(
            f"{path}, line {number}: expected requests_per_s above 0; to take a key back, remove it"
        )
    return Key(found["name"], found["digest"], "admin" in found["words"].split(), float(rate[1]) if rate else None)
