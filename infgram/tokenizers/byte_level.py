"""Which Hugging Face tokenizers are certain to give back every text: those of bytes, with nothing around them."""

from __future__ import annotations

from typing import Any

from infgram.tokenizers.display import byte_of_letter, bytes_of_byte_level_token


def is_lossless(definition: dict[str, Any]) -> bool:
    """Whether a parsed `tokenizer.json` is a byte-level BPE that changes no text before or after.

    True for GPT-2 and its kin; False for whatever cannot be told from the definition alone.
    """
    model = definition["model"]
    return (
        definition.get("normalizer") is None
        and _cuts_only(definition.get("pre_tokenizer"))
        and (definition.get("decoder") or {}).get("type") == "ByteLevel"
        and model.get("type") == "BPE"
        and not model.get("continuing_subword_prefix")
        and not model.get("end_of_word_suffix")
        and _letters_of_utf8() <= model.get("vocab", {}).keys()
        and all(_stands_for_itself(added) for added in definition.get("added_tokens") or [])
    )


def _letters_of_utf8() -> set[str]:
    """The letters of all bytes that occur in UTF-8; some vocabularies leave out the thirteen others."""
    return {letter for letter, byte in byte_of_letter().items() if byte < 0xF5 and byte not in (0xC0, 0xC1)}


def _stands_for_itself(added_token: dict[str, Any]) -> bool:
    """Whether an added token swallows no space and comes back as it is written.

    The decoder takes the letters of an added token for bytes where it can: "café" comes back with a broken é.
    """
    content = added_token["content"]
    comes_back = bytes_of_byte_level_token(content) == content.encode("utf-8")
    return comes_back and not added_token.get("lstrip") and not added_token.get("rstrip")


def _cuts_only(pre_tokenizer: dict[str, Any] | None) -> bool:
    """Whether the text is mapped to byte letters in the end, and until then only cut into pieces."""
    parts = (pre_tokenizer or {}).get("pretokenizers") or [pre_tokenizer or {}]
    *cuts, last = parts
    return (
        last.get("type") == "ByteLevel"
        and not last.get("add_prefix_space")
        and all(
            cut.get("type") == "Digits" or (cut.get("type") == "Split" and cut.get("behavior") != "Removed")
            for cut in cuts
        )
    )
