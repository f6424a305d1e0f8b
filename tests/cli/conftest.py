"""One small index for all tests of the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import infgram

TEXTS = (
    "the natural language of the natural world",
    "a natural language model models natural language",
    "",
    "the end of the natural language",
    "caf\u00e9 \u221e \U0001f600 na\u00efve",
)


@pytest.fixture(scope="session")
def index_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of `TEXTS` with a trained tokenizer; the metadata of a document have its number."""
    folder = tmp_path_factory.mktemp("cli")
    rows = [json.dumps({"text": text, "number": number}) for number, text in enumerate(TEXTS)]
    (folder / "corpus.jsonl").write_text("\n".join(rows), encoding="utf-8")
    infgram.build(folder / "corpus.jsonl", tokenizer="bpe:300").close()
    return folder / "corpus.infgram"


@pytest.fixture
def index(index_path: Path) -> Iterator[infgram.Index]:
    """The same index, open."""
    with infgram.open(index_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def token_index_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of token ids, without a tokenizer."""
    path = tmp_path_factory.mktemp("cli") / "tokens.infgram"
    infgram.build_from_tokens([[1, 2, 3], [2, 3]], path, vocab_size=10).close()
    return path
