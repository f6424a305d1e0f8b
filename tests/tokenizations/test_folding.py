"""Simple case folding, one character to one, compared with the reference for every character of Unicode."""

from __future__ import annotations

import sys
from collections import defaultdict

from infgram.tokenizations import fold
from infgram.tokenizations.folding import variants
from tests import reference


def test_every_character_of_unicode() -> None:
    letters = defaultdict(set)
    for code in range(sys.maxunicode + 1):
        folded = reference.fold(chr(code))
        letters[folded].add(chr(code))
        assert fold(chr(code)) == folded
        assert fold(folded) == folded
    for folded, alike in letters.items():
        if len(alike) > 1 or folded.isalpha():
            assert all(set(variants(letter)) == alike and len(variants(letter)) == len(alike) for letter in alike)


def test_well_known_letters() -> None:
    for alike in ("kK\u212a", "sS\u017f", "σΣς", "ßẞ", "éÉ", "дД", "ǆǅǄ", "𐐀𐐨", "\uab70Ꭰ"):
        assert {fold(letter) for letter in alike} == {fold(alike[0])}
    for different in ("ßs", "iİ", "iı", "eé", "ﬁf", "1!"):
        assert len({fold(letter) for letter in different}) == 2


def test_folding_keeps_positions() -> None:
    text = "Die STRAẞE von İstanbul, \ud83d\ude00 ﬁn".encode("utf-16", "surrogatepass").decode("utf-16")
    assert len(fold(text)) == len(text)
    assert fold(text) == "die straße von İstanbul, \U0001f600 ﬁn"
