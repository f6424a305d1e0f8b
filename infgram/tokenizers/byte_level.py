"""Byte-level tokenizers: which bytes each token stands for, and whether every text comes back from them."""

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
    """The alphabet of byte-level BPE: one printable letter for each of the 256 bytes, as GPT-2 defined it.

    Printable Latin-1 characters stand for themselves; the others follow from U+0100 on, in order.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {chr(byte): byte for byte in printable}
    letters.update({chr(0x100 + place): byte for place, byte in enumerate(others)})
    return letters


def bytes_of_entry(entry: str) -> bytes:
    """The bytes of a vocabulary entry; one that is written in other letters is its own UTF-8."""
    try:
        return entry.translate(_bytes_as_latin_1()).encode("latin-1")
    except UnicodeEncodeError:
        return entry.encode("utf-8")


@cache
def _bytes_as_latin_1() -> dict[int, int]:
    """For each letter of the alphabet its byte; for what else Latin-1 has, what Latin-1 has not."""
    letters = {ord(letter): byte for letter, byte in byte_of_letter().items()}
    return {**dict.fromkeys(range(256), 0x100), **letters}


def bytes_of_added_token(content: str, *, is_special: bool, is_entry: bool) -> tuple[bytes, ...]:
    """What the id of an added token stands for; more than one text if it is ambiguous, the one to show first.

    An added token is matched in the text itself, before bytes are written as letters, so that it stands for its
    content, verbatim: "ö" is the two bytes of that letter. The package `tokenizers` decodes it as the byte 0xF6.
    But where the content is an entry of the model's vocabulary too, both share the id, and the model may give it
    to a text with these bytes. A special token is never matched in a text, so that only the model gives its id.

    Args:
        content: of the added token.
        is_special: whether it is a special token.
        is_entry: whether the model's vocabulary has the same content under the same id.
    """
    text, data = content.encode("utf-8"), bytes_of_entry(content)
    if data == text or not is_entry or not _occurs_in_utf8(data):
        return (text,)
    return (data,) if is_special else (text, data)


def is_lossless(definition: Mapping[str, Any], added_tokens: Mapping[int, AddedToken]) -> bool:
    """Whether a tokenizer is a byte-level BPE that changes no text before or after.

    True for GPT-2 and its kin; False for whatever cannot be told from the definition.

    Args:
        definition: a parsed `tokenizer.json`.
        added_tokens: by their ids, as the package `tokenizers` assigns them.
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
    """Whether a tokenizer that normalises texts (NFC) and is otherwise lossless gives back every normalised text.

    The contents of added tokens may be normalised before they are matched; each must be what it matches.
    """
    return (
        [step.get("type") for step in steps_of(definition.get("normalizer"))] == ["NFC"]
        and is_lossless({**definition, "normalizer": None}, added_tokens)
        and all(unicodedata.is_normalized("NFC", token.content) for token in added_tokens.values())
    )


def is_made_of_bytes(decoder: Mapping[str, Any] | None) -> bool:
    """Whether a decoder joins the bytes of the tokens and does nothing else."""
    return [step.get("type") for step in steps_of(decoder) if step.get("type") != "Fuse"] == ["ByteLevel"]


def steps_of(part: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The steps of a normalizer, a pre-tokenizer or a decoder, in order; sequences in sequences are taken apart."""
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
    """Whether the bytes can be a piece of valid UTF-8, which may begin and end inside a character."""
    rest = data.lstrip(bytes(range(0x80, 0xC0)))
    if len(data) - len(rest) > 3:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(rest, final=False)
    except UnicodeDecodeError:
        return False
    return True


def _letters_of_utf8() -> set[str]:
    """The letters of all bytes that occur in UTF-8; some vocabularies leave out the thirteen others."""
    return {letter for letter, byte in byte_of_letter().items() if byte < 0xF5 and byte not in (0xC0, 0xC1)}


def _ids_are_unambiguous(vocabulary: Mapping[str, int], added_tokens: Mapping[int, AddedToken]) -> bool:
    """Whether each id stands for one text; the package may give an added token the id of an entry, or refuse none."""
    entries = {token_id: entry for entry, token_id in vocabulary.items()}
    return len(entries) == len(vocabulary) and all(
        entries.get(token_id, token.content) == token.content
        and len(bytes_of_added_token(token.content, is_special=token.special, is_entry=token_id in entries)) == 1
        for token_id, token in added_tokens.items()
    )


def _cuts_only(pre_tokenizer: Mapping[str, Any] | None) -> bool:
    """Whether the text is mapped to byte letters in the end, and until then only cut into pieces."""
    steps = steps_of(pre_tokenizer)
    return (
        bool(steps)
        and steps[-1].get("type") == "ByteLevel"
        and not steps[-1].get("add_prefix_space")
        and all(cut.get("type") in _CUTS and cut.get("behavior") != "Removed" for cut in steps[:-1])
    )
