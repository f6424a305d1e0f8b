"""Byte-level tokenizers: the bytes of each token, and whether the tokenizer is lossless."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import AddedToken

_CUTS = frozenset({"Digits", "Split"})


@cache
def byte_of_letter() -> dict[str, int]:
    """Return the byte of each letter of GPT-2's byte-level alphabet, which has one printable letter per byte.

    Printable Latin-1 characters represent their own byte; the other bytes are mapped to U+0100 and following, in order.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {chr(byte): byte for byte in printable}
    letters.update({chr(0x100 + number): byte for number, byte in enumerate(others)})
    return letters


def bytes_of_entry(entry: str) -> bytes:
    """Return the bytes of a vocabulary entry; its UTF-8 if it has letters outside the byte-level alphabet."""
    try:
        return entry.translate(_bytes_as_latin_1()).encode("latin-1")
    except UnicodeEncodeError:
        return entry.encode("utf-8")


@cache
def _bytes_as_latin_1() -> dict[int, int]:
    """Map each letter of the alphabet to its byte, and other Latin-1 characters to one that is not in Latin-1."""
    letters = {ord(letter): byte for letter, byte in byte_of_letter().items()}
    return {**dict.fromkeys(range(256), 0x100), **letters}


def bytes_of_added_token(content: str, *, is_special: bool, is_entry: bool) -> tuple[bytes, ...]:
    """Return the bytes of an added token; several values if they are ambiguous, the one to display first.

    An added token is matched in the text itself, before bytes are mapped to letters, so its bytes are the UTF-8 of its
    content: "ö" is two bytes, although the package `tokenizers` decodes it as the byte 0xF6. If the vocabulary of the
    model has an entry with the same content, both have the same id, and the model may also produce this id for the
    bytes of the entry. A special token is never matched in a text, so only the model produces its id.

    Args:
        content: the content of the added token.
        is_special: whether it is a special token.
        is_entry: whether the model's vocabulary has the same content under the same id.
    """
    text, data = content.encode("utf-8"), bytes_of_entry(content)
    if data == text or not is_entry or not _occurs_in_utf8(data):
        return (text,)
    return (data,) if is_special else (text, data)


def is_lossless(definition: Mapping[str, Any], added_tokens: Mapping[int, AddedToken]) -> bool:
    """Return whether a tokenizer is a byte-level BPE that does not change the text before or after the model.

    True for GPT-2 and similar tokenizers; False if the definition does not prove it.

    Args:
        definition: a parsed `tokenizer.json`.
        added_tokens: the added tokens by id, as assigned by the package `tokenizers`.
    """
    model = definition["model"]
    return (
        not steps_of(definition.get("normalizer"))
        and _cuts_only(definition.get("pre_tokenizer"))
        and is_made_of_bytes(definition.get("decoder"))
        and model.get("type") == "BPE"
        and not model.get("continuing_subword_prefix")
        and not model.get("end_of_word_suffix")
        and _letters_of_utf8() <= model.get("vocab", {}).keys()
        and _ids_are_unambiguous(model["vocab"], added_tokens)
        and all(token.special or not (token.lstrip or token.rstrip) for token in added_tokens.values())
    )


def is_lossless_in_nfc(definition: Mapping[str, Any], added_tokens: Mapping[int, AddedToken]) -> bool:
    """Return whether a tokenizer's only normalization is NFC, and it is lossless for every text in NFC.

    The contents of added tokens may be normalized before they are matched, so each must be in NFC.
    """
    return (
        [step.get("type") for step in steps_of(definition.get("normalizer"))] == ["NFC"]
        and is_lossless({**definition, "normalizer": None}, added_tokens)
        and all(unicodedata.is_normalized("NFC", token.content) for token in added_tokens.values())
    )


def is_made_of_bytes(decoder: Mapping[str, Any] | None) -> bool:
    """Return whether a decoder only concatenates the bytes of the tokens."""
    return [step.get("type") for step in steps_of(decoder) if step.get("type") != "Fuse"] == ["ByteLevel"]


def steps_of(part: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return the steps of a normalizer, a pre-tokenizer or a decoder, in order; nested sequences are flattened."""
    return [*_steps_of(part)]


def _steps_of(part: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    if part is None:
        return
    if part.get("type") != "Sequence":
        yield part
        return
    for name in ("normalizers", "pretokenizers", "decoders"):
        for inner in part.get(name) or []:
            yield from _steps_of(inner)


def _occurs_in_utf8(data: bytes) -> bool:
    """Return whether the bytes can be a part of valid UTF-8, which may begin and end inside a character."""
    rest = data.lstrip(bytes(range(0x80, 0xC0)))
    if len(data) - len(rest) > 3:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(rest, final=False)
    except UnicodeDecodeError:
        return False
    return True


def _letters_of_utf8() -> set[str]:
    """Return the letters of all bytes that occur in UTF-8; some vocabularies lack the other thirteen."""
    return {letter for letter, byte in byte_of_letter().items() if byte < 0xF5 and byte not in (0xC0, 0xC1)}


def _ids_are_unambiguous(vocabulary: Mapping[str, int], added_tokens: Mapping[int, AddedToken]) -> bool:
    """Return whether each id has one text; the package may assign the id of a vocabulary entry to an added token."""
    entries = {token_id: entry for entry, token_id in vocabulary.items()}
    return len(entries) == len(vocabulary) and all(
        entries.get(token_id, token.content) == token.content
        and len(bytes_of_added_token(token.content, is_special=token.special, is_entry=token_id in entries)) == 1
        for token_id, token in added_tokens.items()
    )


def _cuts_only(pre_tokenizer: Mapping[str, Any] | None) -> bool:
    """Return whether a pre-tokenizer only splits the text, and finally maps it to the byte-level alphabet."""
    steps = steps_of(pre_tokenizer)
    return (
        bool(steps)
        and steps[-1].get("type") == "ByteLevel"
        and not steps[-1].get("add_prefix_space")
        and all(cut.get("type") in _CUTS and cut.get("behavior") != "Removed" for cut in steps[:-1])
    )
