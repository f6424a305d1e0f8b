"""The output of a build, and the folder beside it where the build keeps what is finished."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infgram.cluster.indexing.plan import PLAN_NAME, Plan
from infgram.cluster.storage.storage import Storage, storage_at
from infgram.errors import IndexExistsError, StorageError
from infgram.files import manifest
from infgram.files.manifest import Manifest
from infgram.files.signed_json import read_signed, signed
from infgram.indexing.output import changed_in_words

_PARTIAL: Final = ".partial"

_logger = logging.getLogger("infgram.cluster")


@dataclass(frozen=True)
class Places:
    """Where a build writes.

    Attributes:
        output: the index; its manifest comes last.
        partial: the plan, the records and the parts.
    """

    output: Storage
    partial: Storage

    @classmethod
    def of(cls, output: str) -> Places:
        """The places of an output.

        Raises:
            StorageError: it is none, or has no place beside it.
            MissingExtraError: a package that it needs is not installed.
        """
        location = output.rstrip("/")
        if "://" not in location:
            location = os.path.abspath(location)  # tasks work elsewhere
        if "://" in location and "/" not in location.partition("://")[2]:
            raise StorageError(f"the output {output} is all of a bucket; expected a folder in it")
        return cls(storage_at(location), storage_at(f"{location}{_PARTIAL}"))

    def begin(self, plan: Plan) -> bool:
        """Put down the plan, unless an earlier build by the same plan has done so; one by another plan is removed.

        Returns:
            Whether that build had finished, but for removing what it leaves.

        Raises:
            IndexExistsError: the output is taken.
            StorageError: it cannot be read or written.
        """
        earlier = self._plan()
        is_index = self.output.exists(manifest.FILE_NAME)
        changed = "" if earlier is None else changed_in_words(earlier, _as_read(plan))
        if is_index and (earlier is None or changed):
            raise IndexExistsError(
                f"{self.output.location} is an index already; choose another output, or remove it first"
            )
        if earlier is not None and not changed:
            _logger.info("going on with the unfinished build in %s", self.partial.location)
            return is_index
        if earlier is None and self.output.names():
            raise IndexExistsError(
                f"{self.output.location} exists and is no index, so it is not replaced; choose another output"
            )
        if earlier is not None:
            _logger.info("%s holds an unfinished build with another %s; starting anew", self.partial.location, changed)
        self.discard()
        self.partial.write(PLAN_NAME, signed(plan.content).encode("ascii"))
        return False

    def manifest(self) -> Manifest:
        """Of the finished index.

        Raises:
            IndexDamagedError, StorageError: it cannot be read.
        """
        with tempfile.TemporaryDirectory() as folder:
            self.output.download(manifest.FILE_NAME, Path(folder, manifest.FILE_NAME))
            return Manifest.read(Path(folder))

    def discard(self) -> None:
        """Take away the unfinished build; its plan goes last, since it says whose the output is."""
        for storage in (self.output, self.partial):
            storage.sweep()
            for name in sorted({name.partition("/")[0] for name in storage.names()} - {PLAN_NAME}):
                storage.remove(name)
        self.partial.remove(PLAN_NAME)

    def clean(self) -> None:
        """Take away all that a finished build leaves beside its output."""
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
