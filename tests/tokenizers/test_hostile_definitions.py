"""A tokenizer.json that asks for memory, panics or never ends is refused, or ends with a TokenizerError."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infgram.errors import TokenizerError
from infgram.tokenizers import HuggingFaceTokenizer, load_saved, resolve, train_bpe
from infgram.tokenizers.definition import LARGEST_DEFINITION
from infgram.tokenizers.native_errors import NativeErrors

GOOD = train_bpe([], 256)
assert isinstance(GOOD, HuggingFaceTokenizer)
DEFINITION = json.loads(GOOD.definition)
MEMORY_BYTES = 4 << 30  # address space of a child process


def definition(**parts: Any) -> str:
    return json.dumps({**copy.deepcopy(DEFINITION), **parts})


def with_id(token_id: object) -> str:
    model = copy.deepcopy(DEFINITION["model"])
    model["vocab"]["zz"] = token_id
    return definition(model=model)


def added(**fields: object) -> dict[str, object]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
    return {"id": 256, "content": "<x>", **flags, **fields}


def replace(pattern: dict[str, str], content: str) -> dict[str, object]:
    return {"type": "Replace", "pattern": pattern, "content": content}


def splits_by(regex: str) -> str:
    return definition(
        pre_tokenizer={"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}
    )


TWICE = {"type": "Sequence", "normalizers": [replace({"String": "a"}, "b" * 20), replace({"String": "b"}, "c" * 20)]}

REFUSED = {
    "an id of 2^31": (with_id(2**31), "the token id 2147483648 in a vocabulary of 257 entries"),
    "an id of 2^32 - 1": (with_id(2**32 - 1), "expected integers from 0 to at most 66049"),
    "an id of 2^63": (with_id(2**63), "the token id 9223372036854775808"),
    "an id with a gap": (with_id(70_000), "the token id 70000"),
    "a negative id": (with_id(-1), "-1"),
    "an id with a fraction": (with_id(1.5), r"1\.5"),
    "a number of a million digits": (with_id(0).replace('"zz": 0', '"zz": 1' + "0" * 1_000_000), "JSON|number"),
    "an added id of 2^31": (definition(added_tokens=[added(id=2**31)]), "the token id 2147483648"),
    "added tokens that are none": (definition(added_tokens=[5]), 'a list of objects in "added_tokens"|invalid type'),
    "replacements in a row": (definition(normalizer=TWICE), "up to 400 characters of one"),
    "a replacement of nothing": (definition(normalizer=replace({"Regex": ""}, "b" * 256)), "up to 257 characters"),
    "a long prefix": (definition(normalizer={"type": "Prepend", "prepend": "x" * 2000}), "2000 characters before"),
    "a decoder that grows": (definition(decoder=replace({"String": "a"}, "b" * 300)), "up to 300 characters of one"),
    "a table that is none": (
        definition(normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
        "Cannot parse precompiled_charsmap",
    ),
    "deep JSON": ('{"model":' + "[" * 1_000_000 + "]" * 1_000_000 + "}", "JSON|recursion limit"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_hostile_definition_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    """In a process with little memory, since a definition that is not refused may abort it."""
    path = tmp_path / "tokenizer.json"
    path.write_text(text, encoding="utf-8")
    code = (
        "import resource, sys\n"
        "from infgram.errors import TokenizerError\n"
        "from infgram.tokenizers import resolve\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_BYTES}, {MEMORY_BYTES}))\n"
        "try:\n    resolve(sys.argv[1])\nexcept TokenizerError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, path], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith(f"{path}: ")
    with pytest.raises(TokenizerError, match=reason):
        raise TokenizerError(done.stdout)


def test_the_definition_of_an_index_has_the_same_limits(tmp_path: Path) -> None:
    """Its manifest may be as hostile, so that a matching digest proves nothing."""
    for text in (with_id(2**31), definition(normalizer=TWICE)):
        (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
        with pytest.raises(TokenizerError, match=r"token id 2147483648|400 characters"):
            load_saved("huggingface", tmp_path)
        with pytest.raises(TokenizerError, match=r"token id 2147483648|400 characters"):
            HuggingFaceTokenizer.saved(text)


def test_a_definition_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    with path.open("wb") as file:
        file.truncate(LARGEST_DEFINITION + 1)
    with pytest.raises(TokenizerError, match=f"{LARGEST_DEFINITION + 1} bytes; expected a tokenizer.json of at most"):
        resolve(path)


def test_ids_with_gaps_and_usual_replacements_are_valid() -> None:
    assert HuggingFaceTokenizer(with_id(60_000)).vocab_size == 60_001
    usual = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, replace({"String": " "}, "▁")]}
    assert HuggingFaceTokenizer(definition(normalizer=usual)).vocab_size == 256
    empty = HuggingFaceTokenizer(definition(added_tokens=[added(content="")]))
    assert empty.encode("a rose").tolist() == GOOD.encode("a rose").tolist()


def test_fields_of_unexpected_types_are_malformed() -> None:
    """The package ignores them, and reads the definition."""
    wrong: dict[str, Any]
    for wrong in ({"type": []}, {"type": "Sequence", "normalizers": [{"type": ["NFC"]}]}):
        with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
            assert HuggingFaceTokenizer(definition(pre_tokenizer=None, normalizer=wrong)).fingerprint


PANICS = {
    "a regular expression that takes too long": (splits_by("(a+)+$"), "retry-limit-in-match"),
    "a replacement of nothing": (definition(normalizer=replace({"Regex": ""}, "xx")), "index out of bounds"),
    "pieces of no length": (definition(pre_tokenizer={"type": "FixedLength", "length": 0}), "chunk size"),
    "no unknown token": (
        definition(model={"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"a": 0}}),
        r"Missing \[UNK\]",
    ),
}


@pytest.mark.parametrize(("text", "reason"), PANICS.values(), ids=PANICS)
def test_what_panics_while_encoding_is_an_error_of_the_tokenizer(text: str, reason: str) -> None:
    tokenizer = HuggingFaceTokenizer(text)
    query = "a" * 40 + "b"
    message = f"cannot encode this text: .*{reason}"
    with pytest.raises(TokenizerError, match=message):
        tokenizer.encode(query)
    with pytest.raises(TokenizerError, match=message):
        tokenizer.encode_with_offsets(query)
    with pytest.raises(TokenizerError, match=message):
        tokenizer.encode_batch(["a", query])


class PanicException(BaseException):
    """As PyO3 calls a panic of Rust code."""


def test_an_interrupt_is_not_taken_for_a_failure() -> None:
    errors = NativeErrors(TokenizerError, "no encoding")
    for interrupt in (KeyboardInterrupt, SystemExit):
        with pytest.raises(interrupt), errors:
            raise interrupt
    with pytest.raises(TokenizerError, match="no encoding: PanicException: boom"), errors:
        raise PanicException("boom")
    with pytest.raises(TokenizerError, match="no encoding: boom"), errors:
        raise Exception("boom")
