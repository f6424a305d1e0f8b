"""The one process that changes an index, and the publication of a new state.

A state of an index is its manifest, with the files that it names. None of these files ever changes. A change writes
files of other names, then replaces the manifest atomically, and then removes the files that only the state before it
named. What a killed process leaves is in no manifest, and the next change removes it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from infgram import _core
from infgram.arguments import path as checked_path, unsigned
from infgram.errors import IndexChangedError, InfgramError, QueryError
from infgram.files.disk import UNFINISHED, storage_errors
from infgram.files.manifest import (
    CHANGED_FORMAT_VERSION,
    MOST_GENERATIONS,
    Manifest,
    Removals,
    ShardEntry,
    SkippedEntry,
    removal_names,
)
from infgram.files.sections import entry_of
from infgram.index import StrPath
from infgram.indexing.checkpoint import Checkpoint, Plan
from infgram.indexing.output import begin, drop_unusable, keep_finished, locked, partial_of, target_of
from infgram.indexing.stages import Progress, checking
from infgram.infini_gram import is_infini_gram
from infgram.shards import open_shards, state_of
from infgram.types import Int64Array

_STATE: Final = "state"  # the field of a plan
_SHARD: Final = re.compile(r"shard-\d+(-\d+)?")
_REMOVALS: Final = re.compile(r"removed_(documents|ranks)\.\d+\.bin(\.tmp)?")


class Writer:
    """Changes an index once, while no other process can.

    Attributes:
        folder: the index.
        manifest: the state before the change.
        generation: the generation of the new state.
    """

    def __init__(self, folder: Path, partial: Path) -> None:
        """Use `writing`."""
        self.folder, self._partial = folder, partial
        self.manifest = Manifest.read(folder)
        self.generation = self.manifest.generation + 1
        if self.generation > MOST_GENERATIONS:
            raise QueryError(f"{folder} cannot be changed more than {MOST_GENERATIONS} times; build it again")

    @property
    def state(self) -> Plan:
        """The part of a plan that is the state before the change."""
        return {"generation": self.manifest.generation, "fingerprint": self.manifest.fingerprint}

    @property
    def shard_prefix(self) -> str:
        """The beginning of the names of new shards, which no other generation uses."""
        return f"shard-{self.generation:05d}-"

    def place(self, shard: ShardEntry) -> tuple[Path, ShardEntry]:
        """Return the folder of a shard of the index, and the shard."""
        return self.folder / shard.folder, shard

    @contextmanager
    def unfinished_shards(self, plan: Plan | None, report: Progress) -> Iterator[Checkpoint]:
        """Provide a folder for new shards, with the finished ones of an interrupted change of the same plan and state.

        If the block fails, finished shards are kept, and all other files are removed.

        Args:
            plan: everything that determines the new shards besides the state; None if the change cannot be resumed.
            report: the progress.
        """
        try:
            yield begin(self._partial, plan and {**plan, _STATE: self.state}, checking(report))
        except BaseException as error:
            keep_finished(self._partial, error)
            raise
        shutil.rmtree(self._partial, ignore_errors=True)

    def remove(self, folder: Path, shard: ShardEntry, documents: Int64Array, report: Progress) -> ShardEntry:
        """Write which documents of a shard are removed.

        Args:
            folder: the folder of the shard.
            shard: its entry.
            documents: all removed documents, by their place in the shard; ascending.
            report: the progress.

        Returns:
            The entry of the shard in the new state.

        Raises:
            StorageError: the files cannot be written.
        """
        counts = _core.write_removals(state_of(folder, shard), documents, self.generation)
        _core.sync_folder(folder)
        names = removal_names(self.generation)
        return replace(
            shard, removals=Removals(self.generation, *counts, {name: entry_of(folder / name) for name in names})
        )

    def publish(
        self,
        shards: Sequence[ShardEntry],
        unfinished: Checkpoint | None = None,
        *,
        skipped: Sequence[SkippedEntry] = (),
    ) -> Manifest:
        """Replace the manifest, and remove the files that the new one does not name.

        Args:
            shards: all shards of the new state, in any order; `next_document` increases by those after it.
            unfinished: the folder that new shards are moved from.
            skipped: more skipped input.

        Returns:
            The new state.

        Raises:
            IndexDamagedError: the new shards are inconsistent; the old state remains.
            StorageError: a file cannot be written or removed.
        """
        shards = sorted(shards, key=lambda shard: shard.first_document)
        if unfinished is not None:
            with storage_errors(f"move {unfinished.folder} to {self.folder}"):
                for shard in unfinished.shards:
                    (unfinished.folder / shard.folder).rename(self.folder / shard.folder)
            _core.sync_folder(self.folder)
        new = [shard for shard in shards if shard not in self.manifest.shards]
        if new:
            open_shards([self.place(shard) for shard in new])  # are their files consistent?
        manifest = replace(
            self.manifest,
            builder_version=_core.__version__,
            shards=tuple(shards),
            skipped=(*self.manifest.skipped, *skipped),
            format_version=CHANGED_FORMAT_VERSION,
            generation=self.generation,
            next_document=max(self.manifest.next_document, shards[-1].first_document + shards[-1].n_documents),
        )
        manifest.write(self.folder)
        remove_orphans(self.folder, manifest)
        return manifest


def local_index(index_path: StrPath) -> Path:
    """Return the folder of an index; that behind a link, so that the link stays.

    Raises:
        QueryError: the index is behind a URL, or was made by infini-gram.
    """
    path = checked_path(index_path, "the path of an index")
    if "://" in path:
        raise QueryError(
            f"{path} cannot be changed in place, because it is not a local folder; change a local copy of the index "
            "and upload it again"
        )
    folder = target_of(Path(path).absolute())
    if is_infini_gram(folder):
        raise QueryError(f"{path} was made by infini-gram and cannot be changed; convert it first: infgram convert")
    return folder


@contextmanager
def writing(folder: Path, if_generation: int | None = None) -> Iterator[Writer]:
    """Lock an index for a change, and remove what a killed process left in it.

    Args:
        folder: the index.
        if_generation: the generation that it must be at; None for any.

    Raises:
        IndexChangedError: it is at another generation.
        IndexNotFoundError, IndexDamagedError, IndexVersionError: the index cannot be read.
        IndexExistsError: another process is writing.
        StorageError: a file cannot be written or removed.
    """
    expected = None if if_generation is None else unsigned(if_generation, "if_generation")
    if not partial_of(folder).exists():
        Manifest.read(folder)  # so that nothing is created beside what is not an index
    with locked(folder) as partial:
        try:
            writer = Writer(folder, partial)
            if expected not in (None, writer.manifest.generation):
                raise IndexChangedError(
                    f"{folder} is at generation {writer.manifest.generation}, expected {expected}; nothing was changed"
                )
            remove_orphans(folder, writer.manifest)
            drop_unusable(partial, lambda plan: plan.get(_STATE, writer.state) == writer.state)  # builds have no state
            try:
                yield writer
            except BaseException:
                _undo(writer)
                raise
        finally:
            with suppress(OSError):
                partial.rmdir()  # unless it holds finished stages


def remove_orphans(folder: Path, manifest: Manifest) -> None:
    """Remove the files of earlier states and of killed processes from an index.

    Raises:
        StorageError: a file cannot be removed.
    """
    with storage_errors(f"remove unused files of {folder}"):
        orphans = _orphans(folder, manifest)
        if not orphans:
            return
        _core.sync_folder(folder)  # the manifest must be on the disk before what an earlier one names is removed
        for path in orphans:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        for changed in {path.parent for path in orphans}:
            _core.sync_folder(changed)


def _orphans(folder: Path, manifest: Manifest) -> list[Path]:
    """Return the files and folders that only a change creates, and that the manifest does not name."""
    named = {shard.folder: shard for shard in manifest.shards}
    orphans = [
        entry
        for entry in folder.iterdir()
        if entry.name.startswith(UNFINISHED) or (_SHARD.fullmatch(entry.name) and entry.name not in named)
    ]
    for shard in manifest.shards:
        orphans += [
            entry
            for entry in (folder / shard.folder).iterdir()
            if _REMOVALS.fullmatch(entry.name) and entry.name not in shard.files
        ]
    return orphans


def _undo(writer: Writer) -> None:
    """Remove the files of a change that failed, unless its manifest may be on the disk already."""
    with suppress(OSError, InfgramError):
        if Manifest.read(writer.folder) == writer.manifest:
            remove_orphans(writer.folder, writer.manifest)
