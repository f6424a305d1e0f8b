"""Builds on disks of every size that is too small; run by `test_full_disk.py` if it may mount a file system.

    python full_disk.py CORPUS EXPECTED FOLDER STEP

mounts a file system in memory at FOLDER. For each size, STEP apart, the build must raise the right error. After
space is freed, the same command must give exactly the index EXPECTED. Prints how often the disk was full in each
stage.
"""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import infgram
from infgram.types import BuildProgress
from tests.indexing.resuming import OPTIONS, content

LARGEST = 64 << 20
PAGE = 4096
"""What the smallest file takes."""


def main(corpus: Path, expected: Path, folder: Path, step: int) -> None:
    stages: dict[str, int] = {}
    needed = sum(len(data) + -len(data) % PAGE for data in content(expected).values())
    for size in range(step, 2 * needed, step):
        mount(folder, size)
        stage = fill(corpus, folder / "x")
        if stage is None:
            break
        stages[stage] = stages.get(stage, 0) + 1
        mount(folder, LARGEST, "remount")
        infgram.build(corpus, folder / "x", **OPTIONS).close()
        assert content(folder / "x") == content(expected), size
        assert [path.name for path in folder.iterdir()] == ["x"], size
        subprocess.run(["umount", "--lazy", folder], check=True)
    sys.stdout.write(json.dumps(stages))


def fill(corpus: Path, output: Path) -> str | None:
    """Build on a disk; return the stage in which it was full, or None."""
    seen = ["begin"]

    def note_stage(progress: BuildProgress) -> None:
        if progress.stage != seen[-1]:
            seen.append(progress.stage)

    try:
        infgram.build(corpus, output, **OPTIONS, progress=note_stage).close()
    except infgram.StorageError as error:
        is_clear = error.errno == errno.ENOSPC and not output.exists()
        return seen[-1] if is_clear else f"{seen[-1]}: {error}"
    return None


def mount(folder: Path, size: int, *how: str) -> None:
    options = ",".join([*how, f"size={size}"])
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "infgram-test", folder], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
