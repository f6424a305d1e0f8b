"""Files at URLs, through fsspec: `s3://`, `gs://`, `https://`, `memory://`, `file://`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from infgram.corpus.readers.extras import REMOTE
from infgram.corpus.sources.files import CountingStream, InputFile
from infgram.corpus.sources.listing import Pattern, is_index
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
"""The fields in which file systems report the version of a file, equal in a listing and in the info of the file."""


@dataclass(frozen=True)
class RemoteLocation:
    """A file of a remote file system.

    Attributes:
        file_system: the `fsspec.AbstractFileSystem`.
        path: the path in that file system.
    """

    file_system: Any
    path: str

    def __str__(self) -> str:
        return str(self.file_system.unstrip_protocol(self.path))

    def version(self) -> str:
        """Return the version of the content: a tag or a modification time, if the file system reports one.

        Raises:
            OSError: the file system does not answer.
        """
        with _os_errors():
            info = self.file_system.info(self.path)
            tags = [f"{info['size']} {info[tag]}" for tag in _TAGS if info.get(tag) is not None]
            return tags[0] if tags else str(self.file_system.ukey(self.path))

    @contextmanager
    def open(self) -> Iterator[CountingStream]:
        """Open the file.

        Raises:
            OSError: the file cannot be opened or read, whatever error the file system raised.
        """
        with _os_errors():
            inner = self.file_system.open(self.path, "rb")
        with inner, CountingStream(_RemoteFile(inner)) as raw:
            yield raw


class _RemoteFile:
    """A remote file object that raises all errors as OSError."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.seekable, self.tell = inner.seekable, inner.tell

    def read(self, n_bytes: int) -> bytes:
        with _os_errors():
            return bytes(self._inner.read(n_bytes))

    def seek(self, offset: int, whence: int) -> int:
        with _os_errors():
            return int(self._inner.seek(offset, whence))


def list_remote(url: str) -> tuple[str, list[InputFile], list[str], bool]:
    """List the files of a folder, of a pattern, or the single file at a URL.

    Names that begin with `.` below the folder are excluded.

    Returns:
        The URL of the folder, its files sorted by relative path, the links in it, which are not followed, and whether
        the URL is a single file.

    Raises:
        InputError: there is no such file or folder, or the file system cannot be reached.
        MissingExtraError: fsspec, or its package for this protocol, is not installed.
    """
    pattern = Pattern(url) if "*" in url else None  # `?` and `[` are ordinary characters of URLs
    core = REMOTE.load()
    try:
        with _os_errors():
            file_system, path = core.url_to_fs(pattern.folder if pattern else url)
            if not pattern and not file_system.isdir(path):
                folder, _, name = path.rpartition("/")
                size_bytes = file_system.info(path)["size"] or 0
                return (
                    _url(file_system, folder),
                    [InputFile(RemoteLocation(file_system, path), name, size_bytes)],
                    [],
                    True,
                )
            files, links = _files_below(file_system, path)
            base = _url(file_system, path)
    except ImportError as error:
        raise MissingExtraError(f"{url}: {error}; pip install 'infgram[{REMOTE.name}]' and that package") from error
    except FileNotFoundError as error:
        raise InputError(f"{url}: no such file or folder") from error
    except OSError as error:
        raise InputError(f"{url}: cannot be read: {error.strerror or error}") from error
    if pattern is not None:
        files = [file for file in files if pattern.matches(file.source)]
        links = [link for link in links if pattern.matches(link)]
    return base, files, links, False


def _files_below(file_system: Any, folder: str) -> tuple[list[InputFile], list[str]]:
    """Return the files below a folder, and the links, which only local file systems have and do not follow."""
    prefix = folder.rstrip("/") + "/"
    entries = file_system.find(folder, detail=True)
    paths = {path.removeprefix(prefix).lstrip("/"): path for path in entries}
    names = sorted(name for name in paths if name and not any(part.startswith(".") for part in name.split("/")))
    files = [
        InputFile(RemoteLocation(file_system, paths[name]), name, entries[paths[name]]["size"] or 0)
        for name in names
        if entries[paths[name]]["type"] == "file"
    ]
    return files, [name for name in names if entries[paths[name]].get("islink") and not is_index(paths[name])]


def _url(file_system: Any, path: str) -> str:
    return str(file_system.unstrip_protocol(path)).rstrip("/")


@contextmanager
def _os_errors() -> Iterator[None]:
    """Raise other errors of a file system, such as those of its client library, as OSError."""
    try:
        yield
    except (OSError, ImportError):
        raise
    except Exception as error:
        raise OSError(0, f"{type(error).__name__}: {error}") from error


def remote_location(url: str) -> RemoteLocation:
    """Return the location for a URL from `str(location)`, without cached listings.

    Raises:
        OSError: the file system cannot be reached.
        MissingExtraError: as `list_remote`.
    """
    with _os_errors():
        return RemoteLocation(*REMOTE.load().url_to_fs(url, use_listings_cache=False))
