"""What may be left on a disk after a power loss, from the log of `system_calls.cpp`.

POSIX promises little: the data of a file are on the disk after `fsync` of the file, the entries of a folder after
`fsync` of the folder. Everything else may be there or not. The model keeps two versions of each file and folder, the
current one and the one at its last `fsync`, and combines them in four ways.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias


class Call(NamedTuple):
    """One system call: its name, its paths, an offset or size, and data."""

    name: str
    path: Path
    other: Path
    offset: int
    data: bytes


class File:
    def __init__(self) -> None:
        self.data = bytearray()
        self.synced = b""

    def sync(self) -> None:
        self.synced = bytes(self.data)


class Folder:
    def __init__(self) -> None:
        self.entries: dict[str, Node] = {}
        self.synced: dict[str, Node] = {}

    def sync(self) -> None:
        self.synced = dict(self.entries)


Node: TypeAlias = "File | Folder"


class Lost(enum.Enum):
    """What the disk had not written yet."""

    NOTHING = "nothing"
    DATA = "data without fsync"
    ENTRIES = "entries without fsync"
    BOTH = "data and entries without fsync"


def read_log(path: Path) -> Iterator[Call]:
    """Yield the calls of a log, in order."""
    log = path.read_bytes()
    at = 0

    def text() -> bytes:
        nonlocal at
        (size,) = struct.unpack_from("<Q", log, at)
        at += 8 + size
        return log[at - size : at]

    while at < len(log):
        name, first, second = text().decode(), text().decode(), text().decode()
        (offset,) = struct.unpack_from("<Q", log, at)
        at += 8
        yield Call(name, Path(first), Path(second), offset, text())


class Disk:
    """A folder and everything below it, as calls change it."""

    def __init__(self, root: Path) -> None:
        self._root_path = root
        self._root = Folder()

    def add(self, source: Path) -> None:
        """Add a copy of a folder, all of it on the disk."""
        self._root.entries[source.name] = _copy(source)
        self._root.sync()

    def apply(self, call: Call) -> None:
        """Carry out a call."""
        folder, name = self._locate(call.path) if call.path != self._root_path else (Folder(), "")
        match call.name:
            case "create":
                folder.entries[name] = File()
            case "folder":
                folder.entries[name] = Folder()
            case "truncate":
                self._file(call.path).data.clear()
            case "resize":
                data = self._file(call.path).data
                data[:] = data[: call.offset].ljust(call.offset, b"\0")
            case "write":
                data = self._file(call.path).data
                data.extend(bytes(max(0, call.offset - len(data))))
                data[call.offset : call.offset + len(call.data)] = call.data
            case "sync":
                node = self._root if call.path == self._root_path else folder.entries[name]
                node.sync()
            case "rename":
                target, new_name = self._locate(call.other)
                target.entries[new_name] = folder.entries.pop(name)
            case "exchange":
                target, new_name = self._locate(call.other)
                old = target.entries[new_name]
                target.entries[new_name] = folder.entries[name]
                folder.entries[name] = old
            case "remove":
                del folder.entries[name]
            case _:
                raise ValueError(f"unknown call {call.name}")

    def write_to(self, target: Path, lost: Lost) -> None:
        """Write what is left after a power loss into an empty folder."""
        _write(self._root, target, lost)

    def _locate(self, path: Path) -> tuple[Folder, str]:
        node: Node = self._root
        *parents, name = path.relative_to(self._root_path).parts
        for part in parents:
            if not isinstance(node, Folder):
                raise NotADirectoryError(path)
            node = node.entries[part]
        if not isinstance(node, Folder):
            raise NotADirectoryError(path)
        return node, name

    def _file(self, path: Path) -> File:
        folder, name = self._locate(path)
        node = folder.entries[name]
        if not isinstance(node, File):
            raise IsADirectoryError(path)
        return node


def _copy(source: Path) -> Node:
    if source.is_dir():
        folder = Folder()
        folder.entries = {entry.name: _copy(entry) for entry in source.iterdir()}
        folder.sync()
        return folder
    file = File()
    file.data = bytearray(source.read_bytes())
    file.sync()
    return file


def _write(folder: Folder, target: Path, lost: Lost) -> None:
    entries = folder.synced if lost in (Lost.ENTRIES, Lost.BOTH) else folder.entries
    for name, node in entries.items():
        if isinstance(node, Folder):
            (target / name).mkdir()
            _write(node, target / name, lost)
        else:
            (target / name).write_bytes(node.synced if lost in (Lost.DATA, Lost.BOTH) else bytes(node.data))
