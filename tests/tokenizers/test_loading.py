"""Loading tokenizers from files, folders and names, and the errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import infgram
from infgram.errors import IndexDamagedError, TokenizerError
from infgram.tokenizers import BytesTokenizer, HuggingFaceTokenizer, load_saved, resolve, train_bpe
from infgram.tokenizers.byte_level import byte_of_letter

SAMPLE = ["the cat sat on the mat, the cats sat there " * 3]


@pytest.fixture(scope="module")
def trained() -> HuggingFaceTokenizer:
    tokenizer = train_bpe(SAMPLE, 300)
    assert isinstance(tokenizer, HuggingFaceTokenizer)
    return tokenizer


@pytest.fixture
def gpt2_style(trained: HuggingFaceTokenizer, tmp_path: Path) -> Path:
    """A folder with vocab.json and merges.txt, like that of GPT-2."""
    model = json.loads(trained._definition)["model"]
    merges = "".join(f"{left} {right}\n" for left, right in model["merges"])
    (tmp_path / "vocab.json").write_text(json.dumps(model["vocab"]), encoding="utf-8")
    (tmp_path / "merges.txt").write_text(f"#version: 0.2\n{merges}", encoding="utf-8")
    return tmp_path


def test_a_file_or_its_folder(trained: HuggingFaceTokenizer, tmp_path: Path) -> None:
    trained.save(tmp_path)
    (tmp_path / "tokenizer.json").rename(tmp_path / "other.json")
    trained.save(tmp_path)
    for spec in (tmp_path, tmp_path / "tokenizer.json", tmp_path / "other.json", f"{tmp_path}/"):
        assert resolve(spec).fingerprint == trained.fingerprint


def test_relative_paths_and_the_home_folder(
    trained: HuggingFaceTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bytes").mkdir()
    trained.save(tmp_path / "bytes")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for spec in ("./bytes", "~/bytes", "bytes/tokenizer.json"):
        assert resolve(spec).fingerprint == trained.fingerprint
    assert resolve("bytes").kind == "bytes"


def test_a_folder_like_that_of_gpt2(trained: HuggingFaceTokenizer, gpt2_style: Path) -> None:
    tokenizer = resolve(gpt2_style)
    assert tokenizer.fingerprint == trained.fingerprint
    assert tokenizer.encode(SAMPLE[0]).tolist() == trained.encode(SAMPLE[0]).tolist()
    (gpt2_style / "tokenizer_config.json").write_text('{"tokenizer_class": "GPT2Tokenizer"}')
    assert resolve(gpt2_style).fingerprint == trained.fingerprint


def test_the_same_two_files_of_another_family_are_refused(gpt2_style: Path) -> None:
    (gpt2_style / "tokenizer_config.json").write_text('{"tokenizer_class": "Qwen2Tokenizer"}')
    with pytest.raises(TokenizerError, match=r"names Qwen2Tokenizer, whose pre-tokenizer is unknown.*save_pretrained"):
        resolve(gpt2_style)


def test_added_tokens_beside_the_two_files_are_refused(gpt2_style: Path) -> None:
    (gpt2_style / "added_tokens.json").write_text('{"<x>": 300}')
    with pytest.raises(TokenizerError, match=r"added_tokens\.json is not supported"):
        resolve(gpt2_style)


@pytest.mark.parametrize(
    "vocab",
    [{"the": 0}, {**{letter: place for place, letter in enumerate(byte_of_letter())}, "a</w>": 256}],
    ids=["no bytes", "ends of words"],
)
def test_vocabularies_that_are_not_byte_level_are_refused(tmp_path: Path, vocab: dict[str, int]) -> None:
    (tmp_path / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    (tmp_path / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    with pytest.raises(TokenizerError, match="not a byte-level BPE"):
        resolve(tmp_path)


@pytest.mark.parametrize(("name", "content"), [("vocab.json", "{"), ("vocab.json", "[]"), ("merges.txt", "a b\n")])
def test_damaged_files_like_those_of_gpt2(gpt2_style: Path, name: str, content: str) -> None:
    (gpt2_style / name).write_text(f"#version: 0.2\nzz {content}" if name == "merges.txt" else content)
    with pytest.raises(TokenizerError, match=r"cannot be read|expected a JSON object"):
        resolve(gpt2_style)


@pytest.mark.parametrize(
    ("name", "kind"), [("tokenizer.model", "a sentencepiece model"), ("o200k_base.tiktoken", "a tiktoken rank file")]
)
def test_errors_of_other_formats_have_advice(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / name).write_bytes(b"\x0a\x0e")
    for spec in (tmp_path, tmp_path / name):
        with pytest.raises(TokenizerError, match=rf"{name}: this is {kind}, not a tokenizer\.json.*save_pretrained"):
            resolve(spec)


def test_a_folder_without_a_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"found neither tokenizer\.json nor vocab\.json with merges\.txt"):
        resolve(tmp_path)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe", b"not json"])
def test_a_file_that_is_not_a_tokenizer_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(data)
    with pytest.raises(TokenizerError) as caught:
        resolve(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "spec", ["missing.json", "./missing", "/no/such/folder", "a/b/c", "~/missing/x", "../x", "x.model", "two words"]
)
def test_missing_paths_are_not_looked_up_on_the_hub(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TokenizerError, match="no such file or folder; expected"):
        resolve(spec)


@pytest.mark.parametrize("spec", ["bpe", "bpe:32000"])
def test_bpe_needs_a_corpus(spec: str) -> None:
    with pytest.raises(TokenizerError, match="trained on a corpus"):
        resolve(spec)


def test_an_empty_name() -> None:
    with pytest.raises(TokenizerError, match="name is empty"):
        resolve("")


@pytest.mark.parametrize("name", ["no-such-tokenizer", "nobody/no-such-tokenizer"])
def test_the_error_of_a_hub_name_without_a_network_has_advice(name: str, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom infgram.errors import TokenizerError\nfrom infgram.tokenizers import resolve\n"
        "try:\n    resolve(sys.argv[1])\nexcept TokenizerError as error:\n    print(error)"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-I", "-c", code, name], check=True, capture_output=True, text=True, env=environment
    )
    assert result.stdout.startswith(f"{name}: no such file or folder, and no tokenizer.json of that name")
    assert "without a network, pass the path of a tokenizer.json" in result.stdout


def test_a_damaged_tokenizer_of_an_index(trained: HuggingFaceTokenizer, tmp_path: Path) -> None:
    with pytest.raises(IndexDamagedError, match=r"tokenizer\.json: the saved tokenizer cannot be read"):
        load_saved("huggingface", tmp_path)
    with pytest.raises(TokenizerError, match="of kind 'future'; this version supports"):
        load_saved("future", tmp_path)
    (tmp_path / "tokenizer.json").write_bytes(b"\xff")
    with pytest.raises(IndexDamagedError, match="cannot be read"):
        load_saved("huggingface", tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(TokenizerError, match=r"tokenizer\.json: invalid tokenizer\.json"):
        load_saved("huggingface", tmp_path)


def test_a_tokenizer_object(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("a rose is a rose")
    for tokenizer in (BytesTokenizer(), train_bpe(["a rose is a rose"], 300)):
        with infgram.build(tmp_path / "c.txt", tmp_path / "x", tokenizer=tokenizer, overwrite=True) as index:
            assert index.tokenizer.fingerprint == tokenizer.fingerprint
    wrong: Any
    for wrong in (5, None):
        with pytest.raises((infgram.InfgramError, TypeError), match="tokenizer"):
            infgram.build(tmp_path / "c.txt", tmp_path / "y", tokenizer=wrong)
