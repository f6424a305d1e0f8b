"""Files behind a URL, through fsspec: `s3://`, `gs://`, `https://`, `memory://`, `file://`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from infgram.corpus.readers.extras import REMOTE
from infgram.corpus.sources.files import CountingStream, Found
from infgram.corpus.sources.patterns import Pattern
from infgram.errors import InputError, MissingExtraError

_TAGS: Final = (
    "ETag",
    "etag",
    "generation",
    "md5Hash",
    "content_md5",
    "mtime",
    "LastModified",
    "last_modified",
    "created",
)
"""What file systems call that which changes with the content; the same in a listing and when a file is asked for."""


@dataclass(frozen=True)
class RemotePlace:
    """A file of a remote file system.

    Attributes:
        file_system: the `fsspec.AbstractFileSystem`.
        path: as that file system names it.
    """

    file_system: Any
    path: str

    def __str__(self) -> str:
        return str(self.file_system.unstrip_protocol(self.path))

    def version(self) -> str:
        """What the file system tells this content from another by: a tag, a time, or no more than the size.

        Raises:
            OSError: it cannot be asked.
        """
        with _os_errors():
            info = self.file_system.info(self.path)
            tags = [f"{info['size']} {info[tag]}" for tag in _TAGS if info.get(tag) is not None]
            return tags[0] if tags else str(self.file_system.ukey(self.path))

    @contextmanager
    def open(self) -> Iterator[CountingStream]:
        """The file for reading; what the file system raises, and it may be anything, becomes an OSError.

        Raises:
            OSError: it cannot be opened or read.
        """
        with _os_errors():
            inner = self.file_system.open(self.path, "rb")
        with inner, CountingStream(_Remote(inner)) as raw:
            yield raw


class _Remote:
    """A remote file object whose errors are all OSErrors."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.seekable, self.tell = inner.seekable, inner.tell

    def read(self, n_bytes: int) -> bytes:
        with _os_errors():
            return bytes(self._inner.read(n_bytes))

    def seek(self, offset: int, whence: int) -> int:
        with _os_errors():
            return int(self._inner.seek(offset, whence))


def list_remote(url: str) -> tuple[str, list[Found], bool]:
    """The files at a URL: of a folder, of a pattern, or the one file.

    Names beginning with `.` below the folder are left out.

    Returns:
        The URL of the folder, its files sorted by relative path, and whether the URL is that of the one file.

    Raises:
        InputError: there is none, or the place cannot be reached.
        MissingExtraError: fsspec, or the package that it needs for this protocol, is not installed.
    """
    pattern = Pattern(url) if "*" in url else None  # `?` and `[` are at home in URLs
    core = REMOTE.load()
    try:
        with _os_errors():
            file_system, path = core.url_to_fs(pattern.folder if pattern else url)
            if not pattern and not file_system.isdir(path):
                folder, _, name = path.rpartition("/")
                size_bytes = file_system.info(path)["size"] or 0
                return _url(file_system, folder), [Found(RemotePlace(file_system, path), name, size_bytes)], True
            found = _below(file_system, path)
            base = _url(file_system, path)
    except ImportError as error:
        raise MissingExtraError(f"{url}: {error}; install it beside: pip install 'infgram[{REMOTE.name}]'") from error
    except FileNotFoundError as error:
        raise InputError(f"{url}: no such file or folder") from error
    except OSError as error:
        raise InputError(f"{url}: cannot be read: {error.strerror or error}") from error
    return base, [file for file in found if pattern is None or pattern.matches(file.name)], False


def _below(file_system: Any, folder: str) -> list[Found]:
    prefix = folder.rstrip("/") + "/"
    entries = file_system.find(folder, detail=True)
    names = {path.removeprefix(prefix).lstrip("/"): path for path, info in entries.items() if info["type"] == "file"}
    return [
        Found(RemotePlace(file_system, names[name]), name, entries[names[name]]["size"] or 0)
        for name in sorted(names)
        if name and not any(part.startswith(".") for part in name.split("/"))
    ]


def _url(file_system: Any, path: str) -> str:
    return str(file_system.unstrip_protocol(path)).rstrip("/")


@contextmanager
def _os_errors() -> Iterator[None]:
    """What a file system raises beyond OSError (a client's own classes, mostly) as an OSError."""
    try:
        yield
    except (OSError, ImportError):
        raise
    except Exception as error:
        raise OSError(0, f"{type(error).__name__}: {error}") from error


def remote_place(url: str) -> RemotePlace:
    """The file at a URL that `str(place)` gave; what the file system has remembered of it is not asked for.

    Raises:
        OSError: the place cannot be reached.
        MissingExtraError: as `list_remote`.
    """
    with _os_errors():
        return RemotePlace(*REMOTE.load().url_to_fs(url, use_listings_cache=False))
