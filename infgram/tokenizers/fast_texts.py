"""Select the texts for the fast encoder: those whose ids depend on pre-tokenization and byte-pair encoding only."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from typing import Any, Final

_KNOWN_NORMALIZERS: Final = frozenset({"NFC", "Prepend", "Replace"})

_PERHAPS_CHANGED_BY_NFC: Final = re.compile(
    "[^\u0000-\u02ff\u0391-\u03a1\u03a3-\u03ff\u0400-\u0482\u048a-\u052f\u05d0-\u05ea\u0621-\u063a\u0641-\u064a"
    "\u1e00-\u1eff\u2002-\u2064\u2066-\u2071\u2074-\u208e\u2090-\u209c\u20a0-\u20bf\u2100-\u2125\u2127-\u2129"
    "\u212c-\u218b\u2190-\u2328\u232b-\u2426\u2440-\u244a\u2460-\u27bf\u3001-\u3029\u3041-\u3096\u30a1-\u30fe"
    "\u4e00-\u9fef\uac00-\ud7a3\ufeff\uff01-\uff9f\ufffd\U0001f300-\U0001f64f]"
)
"""NFC does not change any sequence of the other characters: none of them is a mark, composes with a preceding one, or
is replaced by other characters. Unicode guarantees that these properties never change."""


class FastTexts:
    """Decides which texts the fast encoder encodes; the reference encodes the others.

    The reference encodes texts that contain the content of an added token, special or not, and texts that Unicode
    normalization might change, since Unicode versions differ. Added tokens that are plain runs of white space are an
    exception: half of all texts contain them, so the comparison with the reference covers them well.
    """

    def __init__(self, definition: dict[str, Any]) -> None:
        """Inspect a parsed `tokenizer.json`.

        Args:
            definition: the definition of any kind of tokenizer; `is_any` is False if the fast encoder must not be used.
        """
        added: list[dict[str, Any]] = definition.get("added_tokens") or []
        normalizers = _normalizers(definition.get("normalizer"))
        self._makes_nfc = "NFC" in normalizers
        # An added token may be matched in the normalized text, which is not available here.
        is_matched_later = any(token.get("normalized") and not token.get("special") for token in added)
        self.is_any = (
            definition["model"].get("type") == "BPE"
            and normalizers <= _KNOWN_NORMALIZERS
            and not (is_matched_later and normalizers - {"NFC"})
        )
        contents = [token["content"] for token in added if not _is_white_space(token)]
        matched = [unicodedata.normalize("NFC", content) for content in contents] if self._makes_nfc else []
        self._added_tokens = _by_beginning([*contents, *matched])

    def takes(self, text: str) -> bool:
        """Return whether the fast encoder may encode this text."""
        if self._makes_nfc and not is_nfc(text):
            return False
        return not any(
            beginning in text and any(content in text for content in contents)
            for beginning, contents in self._added_tokens
        )


def is_nfc(text: str) -> bool:
    """Return whether a text is known to be unchanged by Unicode normalization (NFC)."""
    return text.isascii() or _PERHAPS_CHANGED_BY_NFC.search(text) is None


def _is_white_space(token: dict[str, Any]) -> bool:
    altered = any(token.get(flag) for flag in ("special", "lstrip", "rstrip", "single_word"))
    return not altered and token["content"].isspace()


def _normalizers(normalizer: dict[str, Any] | None) -> frozenset[str]:
    if normalizer is None:
        return frozenset()
    if normalizer.get("type") == "Sequence":
        return frozenset[str]().union(*(_normalizers(part) for part in normalizer.get("normalizers") or []))
    return frozenset({str(normalizer.get("type"))})


def _by_beginning(contents: list[str]) -> list[tuple[str, list[str]]]:
    """Group contents by their first two characters: often hundreds begin with `<|`, which few texts contain."""
    shortest: list[str] = []
    for content in sorted(filter(None, contents), key=len):
        if not any(other in content for other in shortest):  # a text with `content` also contains `other`
            shortest.append(content)
    groups: dict[str, list[str]] = defaultdict(list)
    for content in shortest:
        groups[content[:2]].append(content)
    return list(groups.items())
