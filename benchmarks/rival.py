"""Run the package infini-gram as its manual describes, in the Python environment where it is installed."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

import infgram
from benchmarks.corpora import SEPARATOR, Tokens
from benchmarks.measuring import Measured, run

_GPT2_FILES: Final = ("tokenizer.json", "vocab.json", "merges.txt")
_COUNTER: Final = Path(__file__).with_name("theirs.py")


@dataclass(frozen=True)
class Rival:
    """A Python interpreter with infini-gram.

    Attributes:
        python: the interpreter.
        version: the version of the package.
        memory_gib: the memory for its sorting; that of the whole machine, which is its fastest setting.
    """

    python: str
    version: str
    memory_gib: int

    @classmethod
    def find(cls, python: str, memory_bytes: int) -> Rival:
        """Return the rival, with the version of its package.

        Raises:
            SystemExit: the package is not installed.
        """
        code = "import importlib.metadata, infini_gram.engine; print(importlib.metadata.version('infini-gram'))"
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{python} cannot import infini-gram: {done.stderr.strip()[-500:]}")
        return cls(python, done.stdout.strip(), max(1, memory_bytes >> 30))

    def copy(self, index: infgram.Index, folder: Path) -> Path:
        """Build its index of the tokens of ours in the folder, unless it exists."""
        path = folder / f"infini-gram-{index.n_tokens}"
        if not (path / "table.0").exists():
            self.sort(_tokens(index), path, 2)
        return path

    def sort(self, tokens: Tokens, folder: Path, threads: int) -> tuple[float, Measured]:
        """Run its sorting steps (2.1 to 2.3) on tokens; return the seconds that it reports, and the run."""
        folder.mkdir(parents=True)
        ends = np.flatnonzero(tokens == SEPARATOR)
        with open(folder / "tokenized.0", "wb") as file:
            np.array([SEPARATOR], dtype="<u2").tofile(file)  # it writes one before each document
            tokens[: ends[-1]].astype("<u2", copy=False).tofile(file)
        (2 * np.append(0, ends[:-1] + 1)).astype("<u8").tofile(folder / "offset.0")
        measured = self._index(folder, folder, threads, folder)
        line = next(line for _, line in measured.lines if line.startswith("Step 2 (build_sa): Done. Took"))
        return float(line.split()[-2]), measured

    def tokenize(self, texts: Path, tokenizer: Path, folder: Path, threads: int) -> tuple[float, Tokens]:
        """Run its tokenizing step on a folder of JSON lines; return the seconds, and the tokens in our format.

        It loads the tokenizer `gpt2`; a folder of that name in its working directory replaces the download.
        """
        folder.mkdir(parents=True)
        (folder / "gpt2").mkdir()
        for name in _GPT2_FILES:
            shutil.copyfile(tokenizer / name, folder / "gpt2" / name)
        measured = self._index(texts, folder / "index", threads, folder, "--tokenizer", "gpt2")
        tokens = np.fromfile(folder / "index" / "tokenized.0", dtype="<u2")
        seconds = measured.at("Step 2 (build_sa): Starting") - measured.at("Step 1 (tokenize): Starting")
        return seconds, np.append(tokens[1:], np.uint16(SEPARATOR))

    def counts(self, folder: Path, queries: Sequence[Sequence[int]]) -> list[int]:
        """Return its count of each query."""
        done = subprocess.run(
            [self.python, str(_COUNTER), str(folder)],
            input=json.dumps(queries),
            capture_output=True,
            text=True,
            check=True,
        )
        return [int(count) for count in json.loads(done.stdout.splitlines()[-1])]

    def _index(self, data: Path, save: Path, threads: int, working_folder: Path, *options: str) -> Measured:
        files = min(1 << 20, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        command = [self.python, "-m", "infini_gram.indexing", "--data_dir", str(data), "--save_dir", str(save)]
        command += ["--token_dtype", "u16", "--cpus", str(threads), "--mem", str(self.memory_gib)]
        return run([*command, "--ulimit", str(files), *options], save, {"HF_HUB_OFFLINE": "1"}, working_folder)


def _tokens(index: infgram.Index) -> Tokens:
    """Return the tokens of all documents, each followed by a separator."""
    tokens = np.full(index.n_tokens + index.n_documents, SEPARATOR, dtype=np.uint16)
    end = 0
    for document_id in range(index.n_documents):
        document = index.document_tokens(document_id)
        tokens[end : end + len(document)] = document
        end += len(document) + 1
    return tokens
