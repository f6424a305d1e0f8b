"""Texts on which two implementations of one tokenizer are most likely to differ."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

_SPACES: Final = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2007\u200a\u2028\u2029\u202f\u205f\u3000"
_ALMOST_SPACES: Final = "\u180e\u200b\u200c\u200d\u2060\ufeff\u00ad"
_CONTRACTIONS: Final = (
    "I'm we're it's don't she'd they'll I've I'M WE'RE IT'S DON'T SHE'D THEY'LL I'VE ''s 's 't'll' x'lL y'rE 'ſ 'S's "
    "l’été it’s 12's 1'm $'s _'t \n'll \t've 're'd"
)
_LOOK_ALIKES: Final = (
    "<|endoftext|> <|endoftext|<|endoftext|> <|im_start|>user <s>a</s> [CLS] x [SEP][PAD][MASK] <unk><pad> <0x41> "
    "<0xE2><0x82> ▁▁a ▁ Ġthe ĠĠ Ċ Âł ##s </w> <|startoftext|>x<|fim_prefix|> |||EMAIL||| <extra_id_0>"
)
_RUNS: Final = (
    "a",
    "A",
    "é",
    "日",
    "7",
    "٣",
    "-",
    "=",
    "*",
    ".",
    " ",
    "\n",
    "\t",
    "\r\n",
    "\xa0",
    "\u0301",
    "😀",
    "ab1 ",
)
_RUN_LENGTHS: Final = (2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 255, 257, 1025)
_CHARACTERS_PER_CATEGORY: Final = 48
_PREFIX_CHARACTERS: Final = 5000  # more than the prefix of its last text that an encoder caches


def hard_texts(added_tokens: Sequence[str] = ()) -> list[str]:
    """Return the texts, about a quarter of a megabyte; they depend only on the Python version.

    Args:
        added_tokens: the contents of the tokenizer's added tokens; the texts contain them and near matches.
    """
    return [*_texts_for_all(), *_around(added_tokens)]


@cache
def _texts_for_all() -> tuple[str, ...]:
    return (
        *_categories(),
        *_white_space(),
        *(unit * length for unit in _RUNS for length in _RUN_LENGTHS),
        *("x" + unit * length + "y" for unit in _RUNS for length in (2, 3, 17)),
        _CONTRACTIONS,
        _LOOK_ALIKES,
        "1 12 123 1234 12345 1,234.56 0x1F 1e-9 ½ ² ³ Ⅳ 一二三 ١٢٣ a1b22c333 3rd 2nd",
        "\x00 a\x00b\x00\x00 " + "".join(map(chr, range(0x20))) + "".join(map(chr, range(0x7F, 0xA0))),
        "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd \U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7",
        "e\u0301\u0323 \uff76\uff9e \uac01 \uac00\u11a8 \u1100\u1161\u11a8 \u212b \u00c5 A\u030a \u212a\u2126",
        "नमस्ते ไทย مرحبا שלום",
        *_shared_beginnings(),
    )


def _categories() -> Iterator[str]:
    """Yield texts with some characters of every Unicode category between letters, digits, spaces and line ends."""
    by_category: dict[str, list[str]] = defaultdict(list)
    for code in (*range(0x3000), *range(0x3000, 0x110000, 61)):
        if not 0xD800 <= code < 0xE000:
            by_category[unicodedata.category(chr(code))].append(chr(code))
    for _, characters in sorted(by_category.items()):
        chosen = characters[:: max(1, len(characters) // _CHARACTERS_PER_CATEGORY)]
        yield "".join(f"a{letter}b {letter} 1{letter}2  {letter}\u0301{letter}{letter}\n{letter}" for letter in chosen)


def _white_space() -> Iterator[str]:
    every = _SPACES + _ALMOST_SPACES
    for first in every:
        yield "".join(f"a{first}{second}b {first}{second}{first} 1{second}{first}\n" for second in every)
        yield f"{first}a"
        yield f"a{first}"
    yield "a\r\nb\n\rc\rd\n\ne\r\r\n f \n g\n \nh\t\n\ti\r\n\r\n  j  \r\n  "


def _shared_beginnings() -> Iterator[str]:
    """Yield texts with one long common prefix and different ends, for an encoder that caches its last text."""
    words = 'of the many words that a long beginning may have, 17 are here; it\'s "quoted" (twice).\n\n  '
    beginning = (words * (1 + _PREFIX_CHARACTERS // len(words)))[:_PREFIX_CHARACTERS] + "q"
    for run in (" " * 700, "z" * 700):
        for end in ("x tail", " ", "\n", "x tail", "\tx", "y", "", "x tail", "\n\n", "'s", "z", "x tail", "1"):
            yield beginning + run + end


def _around(added_tokens: Sequence[str]) -> Iterator[str]:
    for content in added_tokens[:200]:
        yield f"{content[:-1]} {content[1:]} a{content[:-1]}b {content[1:]}{content[:-1]}"
        yield f"{content} a{content}b {content}{content}\n{content}"
