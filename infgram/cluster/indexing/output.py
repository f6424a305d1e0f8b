"""The output of a build, and the folder beside it for unfinished builds."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infgram.cluster.indexing.plan import Plan
from infgram.cluster.storage.storage import Storage, storage_at
from infgram.errors import IndexExistsError, StorageError
from infgram.files import manifest
from infgram.files.manifest import Manifest
from infgram.files.signed_json import read_signed, signed
from infgram.indexing.output import PLAN_NAME, changed_in_words

_PARTIAL: Final = ".partial"

_logger = logging.getLogger("infgram.cluster")


@dataclass(frozen=True)
class BuildStorage:
    """The storage that a build writes to.

    Attributes:
        output: the index; its manifest is written last.
        partial: the plan, the task records, and the parts.
    """

    output: Storage
    partial: Storage

    @classmethod
    def of(cls, output: str) -> BuildStorage:
        """Return the storage of an output.

        Raises:
            StorageError: the location is not a folder or URL, or is a whole bucket.
            MissingExtraError: a package for its protocol is not installed.
        """
        location = output.rstrip("/")
        if "://" not in location:
            location = os.path.abspath(location)  # tasks have other working directories
        if "://" in location and "/" not in location.partition("://")[2]:
            raise StorageError(
                f"the output {output} is a whole bucket; expected a folder in it, such as {location}/index"
            )
        return cls(storage_at(location), storage_at(f"{location}{_PARTIAL}"))

    def begin(self, plan: Plan) -> bool:
        """Write the plan, or resume an earlier build with the same plan. Remove an unfinished build with another plan.

        Returns:
            Whether the index is complete, and only the clean-up is left.

        Raises:
            IndexExistsError: the output exists.
            StorageError: the storage cannot be read or written.
        """
        earlier = self._plan()
        is_index = self.output.exists(manifest.FILE_NAME)
        changed = "" if earlier is None else changed_in_words(earlier, _as_read(plan))
        if is_index and (earlier is None or changed):
            raise IndexExistsError(
                f"{self.output.location} is already an index; choose another output, or remove it first"
            )
        if earlier is not None and not changed:
            _logger.info("resuming the unfinished build in %s", self.partial.location)
            return is_index
        if earlier is None and self.output.names():
            raise IndexExistsError(
                f"{self.output.location} exists and is not an index, so it is not replaced; choose another output"
            )
        if earlier is not None:
            _logger.info("%s has an unfinished build with another %s; starting over", self.partial.location, changed)
        self.discard()
        self.partial.write(PLAN_NAME, signed(plan.content).encode("ascii"))
        return False

    def manifest(self) -> Manifest:
        """Read the manifest of the finished index.

        Raises:
            IndexDamagedError, StorageError: the manifest cannot be read.
        """
        with tempfile.TemporaryDirectory() as folder:
            self.output.download(manifest.FILE_NAME, Path(folder, manifest.FILE_NAME))
            return Manifest.read(Path(folder))

    def discard(self) -> None:
        """Remove the unfinished build, its plan last, because the plan shows that the output belongs to the build."""
        for storage in (self.output, self.partial):
            storage.sweep()
            for name in sorted({name.partition("/")[0] for name in storage.names()} - {PLAN_NAME}):
                storage.remove(name)
        self.partial.remove(PLAN_NAME)

    def clean(self) -> None:
        """Remove everything that a finished build leaves beside its output."""
        self.output.sweep()
        self.partial.sweep()
        for name in sorted({name.partition("/")[0] for name in self.partial.names()} - {PLAN_NAME}):
            self.partial.remove(name)
        self.partial.remove(PLAN_NAME)
        if self.partial.folder is not None:
            shutil.rmtree(self.partial.folder, ignore_errors=True)

    def _plan(self) -> dict[str, Any] | None:
        try:
            return read_signed(self.partial.read(PLAN_NAME))
        except FileNotFoundError:
            return None


def _as_read(plan: Plan) -> dict[str, Any]:
    content = read_signed(signed(plan.content).encode("ascii"))
    return {} if content is None else content
