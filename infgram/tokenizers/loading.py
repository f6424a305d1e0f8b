"""Load a Hugging Face tokenizer from a file, a folder or the hub."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from infgram.errors import TokenizerError
from infgram.tokenizers.byte_level import byte_of_letter
from infgram.tokenizers.definition import check_ids, check_size
from infgram.tokenizers.huggingface import FILE_NAME, HuggingFaceTokenizer, parse
from infgram.tokenizers.native_errors import NativeErrors

_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)
_GPT2_STYLE_CLASSES = ("GPT2Tokenizer", "GPT2TokenizerFast", "RobertaTokenizer", "RobertaTokenizerFast")
_HOW_TO_CONVERT = (
    "infgram reads the tokenizer.json of the package tokenizers; if transformers supports this tokenizer, "
    "AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) writes one"
)


def load(spec: str) -> HuggingFaceTokenizer:
    """Load the tokenizer from a `tokenizer.json` or a folder, or by its name on the Hugging Face hub.

    A folder contains `tokenizer.json`, or the `vocab.json` and `merges.txt` of a byte-level BPE in the format of GPT-2.

    Raises:
        TokenizerError: there is no such tokenizer, its format is not supported, or the hub is not available.
    """
    path = Path(spec).expanduser()
    if path.is_dir():
        return _from_folder(path)
    if path.exists():
        return _from_file(path)
    if _is_hub_name(spec):
        return _from_hub(spec)
    raise TokenizerError(
        f"{spec}: no such file or folder; expected a tokenizer.json, a folder with one, a hub name, 'bytes' or 'bpe'"
    )


def _is_hub_name(spec: str) -> bool:
    return _HUB_NAME.fullmatch(spec) is not None and not spec.endswith((".json", ".model", ".tiktoken"))


def _from_folder(folder: Path) -> HuggingFaceTokenizer:
    if (folder / FILE_NAME).exists():
        return _from_file(folder / FILE_NAME)
    if (folder / "vocab.json").exists() and (folder / "merges.txt").exists():
        return _from_vocab_and_merges(folder)
    found = sorted(name for name in os.listdir(folder) if name.endswith((".model", ".tiktoken")))
    if found:
        raise _not_converted(folder / found[0])
    raise TokenizerError(f"{folder}: found neither tokenizer.json nor vocab.json with merges.txt; {_HOW_TO_CONVERT}")


def _from_file(path: Path) -> HuggingFaceTokenizer:
    if path.suffix in (".model", ".tiktoken"):
        raise _not_converted(path)
    try:
        check_size(path.stat().st_size)
        return HuggingFaceTokenizer.wrap(parse(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, TokenizerError) as error:
        raise TokenizerError(f"{path}: {error}") from error


def _not_converted(path: Path) -> TokenizerError:
    kind = "a sentencepiece model" if path.suffix == ".model" else "a tiktoken rank file"
    return TokenizerError(f"{path}: this is {kind}, not a tokenizer.json; {_HOW_TO_CONVERT}")


def _from_vocab_and_merges(folder: Path) -> HuggingFaceTokenizer:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    _check_gpt2_style(folder)
    with NativeErrors(TokenizerError, f"{folder}: vocab.json with merges.txt cannot be read"):
        model = models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt"))
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return HuggingFaceTokenizer.wrap(tokenizer)


def _check_gpt2_style(folder: Path) -> None:
    """Check for GPT-2's format: other families use the same two files with another pre-tokenizer, and so other ids."""
    vocab = _json_object(folder / "vocab.json")
    try:
        check_ids({"model": {"vocab": vocab}})
    except TokenizerError as error:
        raise TokenizerError(f"{folder / 'vocab.json'}: {error}") from error
    if any(letter not in vocab for letter in byte_of_letter()) or "a</w>" in vocab:
        raise TokenizerError(f"{folder}: vocab.json is not a byte-level BPE in the format of GPT-2; {_HOW_TO_CONVERT}")
    config = folder / "tokenizer_config.json"
    name = _json_object(config).get("tokenizer_class", _GPT2_STYLE_CLASSES[0]) if config.exists() else None
    if name is not None and name not in _GPT2_STYLE_CLASSES:
        raise TokenizerError(
            f"{folder}: tokenizer_config.json names {name}, whose pre-tokenizer is unknown; vocab.json and merges.txt "
            f"do not define it; {_HOW_TO_CONVERT}"
        )
    if (folder / "added_tokens.json").exists():
        raise TokenizerError(f"{folder}: added_tokens.json is not supported; {_HOW_TO_CONVERT}")


def _json_object(path: Path) -> dict[str, object]:
    try:
        check_size(path.stat().st_size)
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TokenizerError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise TokenizerError(f"{path}: expected a JSON object, found {type(parsed).__name__}")
    return parsed


def _from_hub(name: str) -> HuggingFaceTokenizer:
    from tokenizers import Tokenizer

    with NativeErrors(  # anything from "no such repository" to "no network"
        TokenizerError,
        f"{name}: no such file or folder, and no tokenizer.json of that name was loaded from the Hugging Face hub; "
        "without a network, pass the path of a tokenizer.json or of its folder",
    ):
        tokenizer = Tokenizer.from_pretrained(name)
    return HuggingFaceTokenizer.wrap(tokenizer)
