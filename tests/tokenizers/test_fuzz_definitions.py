"""Altered definitions of tokenizers: a tokenizer, or a TokenizerError."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, Final

import pytest

from infgram.errors import TokenizerError
from infgram.tokenizers import HuggingFaceTokenizer, train_bpe
from tests.fuzzing import altered_json, fuzz

SAMPLE: Final = ["a rose is a rose is a rose, natural language " * 3]
TEXTS: Final = ("a rose", "caf\u00e9 \U0001f600\n\n", "", "a" * 40 + "b")
FLAGS: Final = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)


def definitions() -> list[dict[str, Any]]:
    trained = train_bpe(SAMPLE, 300)
    assert isinstance(trained, HuggingFaceTokenizer)
    bpe: dict[str, Any] = json.loads(trained.definition)
    bpe["added_tokens"] = [{"id": 900, "content": "<x>", **FLAGS}]
    steps = [
        {"type": "NFC"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "_"},
        {"type": "Prepend", "prepend": "_"},
    ]
    normalizer = {"type": "Sequence", "normalizers": steps}
    split = {"type": "Split", "pattern": {"Regex": "a+|\\s"}, "behavior": "Isolated", "invert": False}
    words = {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 9,
        "vocab": {"[UNK]": 0, "a": 1, "##b": 2, "rose": 3},
    }
    cleanup = {"type": "WordPiece", "prefix": "##", "cleanup": True}
    pieces = [["<unk>", 0.0], ["a", -1.5], ["ro", -2.0]]
    unigram = {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False}
    fixed = {"type": "FixedLength", "length": 3}
    strip = {"type": "Strip", "content": "a", "start": 1, "stop": 1}
    return [
        bpe,
        {**bpe, "normalizer": normalizer, "pre_tokenizer": split},
        {**bpe, "model": words, "pre_tokenizer": {"type": "BertPreTokenizer"}, "decoder": cleanup},
        {**bpe, "model": unigram, "pre_tokenizer": fixed, "decoder": strip},
    ]


DEFINITIONS: Final = definitions()


def load_and_encode(numbers: random.Random) -> None:
    definition = altered_json(numbers.choice(DEFINITIONS), numbers)
    tokenizer = HuggingFaceTokenizer(definition.decode("utf-8", errors="replace"))
    for sample in TEXTS:
        token_ids = tokenizer.encode(sample)
        tokenizer.encode_with_offsets(sample)
        tokenizer.decode(token_ids)
        tokenizer.tokens(token_ids)
    tokenizer.encode_batch(TEXTS)
    tokenizer.token_bytes()
    assert tokenizer.fingerprint


def test_altered_definitions(record_property: Callable[[str, object], None]) -> None:
    record_property("tried", fuzz(load_and_encode, (TokenizerError,), n=1500))


@pytest.mark.torture
def test_altered_definitions_for_long(budget_s: float, record_property: Callable[[str, object], None]) -> None:
    record_property("tried", fuzz(load_and_encode, (TokenizerError,), seconds=budget_s))
