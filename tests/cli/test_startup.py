"""The imports of each command, which determine its start-up time and, unlike times, do not vary."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import infgram
from infgram.cli.app import COMMANDS

PARTS = {"infgram.analysis", "infgram.client", "infgram.cluster", "infgram.corpus", "infgram.indexing", "infgram.lm"}
HEAVY = {
    *PARTS,
    *("rich", "pydantic", "fastokens", "huggingface_hub", "pyarrow", "fsspec", "ray", "torch", "transformers"),
    *("fastapi", "uvicorn", "httpx2", "asyncio", "multiprocessing", "email", "ssl", "http.client", "unittest"),
}

CODE = """
import json, sys
sys.argv = ["infgram", *sys.argv[1:]]
from infgram.cli.app import main
try:
    main()
except SystemExit as end:
    assert end.code in (0, None), end.code
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def modules_of(*words: str | Path, folder: Path) -> set[str]:
    """Return the modules that a command has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", CODE, *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.fixture(scope="module")
def bytes_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("startup")
    (folder / "corpus.txt").write_text("natural language")
    infgram.build(folder / "corpus.txt", tokenizer="bytes").close()
    return folder / "corpus.infgram"


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("count", "--help"), ("info", "-h")])
def test_the_help_imports_neither_numpy_nor_the_library(words: tuple[str, ...], tmp_path: Path) -> None:
    modules = modules_of(*words, folder=tmp_path)
    assert modules & {*HEAVY, "numpy", "tokenizers", "infgram.index"} == set()


def test_a_count_imports_only_what_it_needs(bytes_index: Path, tmp_path: Path) -> None:
    for words in (("natural",), ("--token-ids", "3"), ("natural", "--json", "--ignore-case"), ("a", "--by", "path")):
        modules = modules_of("count", bytes_index, *words, folder=tmp_path)
        wanted = {"rich"} if "--by" in words else set()
        assert modules & {*HEAVY, "tokenizers"} <= wanted, words


def test_token_ids_load_no_tokenizer(index_path: Path, tmp_path: Path) -> None:
    assert "tokenizers" not in modules_of("count", index_path, "--token-ids", "3", folder=tmp_path)
    assert modules_of("count", index_path, "natural", folder=tmp_path) & HEAVY == set()


def test_info_loads_no_tokenizer(index_path: Path, tmp_path: Path) -> None:
    assert modules_of("info", index_path, folder=tmp_path) & {*HEAVY, "tokenizers"} <= {"rich"}


def test_the_summaries_match_the_commands() -> None:
    for entry in COMMANDS.values():
        module = import_module(f"infgram.cli.{entry.module}")
        text = inspect.getdoc(getattr(module, entry.module)) or ""
        assert text.split("\n\n")[0].replace("\n", " ") == entry.summary
