"""The fingerprint of a tokenizer: the SHA-256 of the parts of its definition that determine the ids of a text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from infgram.tokenizers.byte_level import steps_of

_FOR_OFFSETS_ONLY: Final = "trim_offsets"
_FLAGS: Final = ("single_word", "lstrip", "rstrip", "normalized")
_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "ByteLevel": {"use_regex": True},
    "Metaspace": {"prepend_scheme": "always", "split": True},
}
"""The defaults of the package `tokenizers` for missing fields, unless they are null, false or empty."""


def encoding_fingerprint(definition: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the parts of a definition that determine token ids; equal for equivalent definitions.

    Included are the model, the normalizer, the pre-tokenizer and the added tokens that are not special. Excluded is
    everything that has no effect on the ids of a text, or that changes when other software saves the tokenizer again:
    the decoder and the post-processor, truncation, padding and dropout, special tokens (in a text they are plain text),
    fields that are null, false or empty, and the notation (the order of fields, a merge as `"a b"` or as a pair).

    Args:
        definition: a parsed `tokenizer.json`.
    """
    model = _set_fields({**definition["model"], "dropout": None})
    if "merges" in model:
        model["merges"] = [_pair(merge) for merge in model["merges"]]
    deciding = {
        "model": model,
        "normalizer": [_set_fields(step) for step in steps_of(definition.get("normalizer"))],
        "pre_tokenizer": [_set_fields(step) for step in steps_of(definition.get("pre_tokenizer"))],
        "added_tokens": sorted(
            [token.get("id"), token.get("content"), *(bool(token.get(flag)) for flag in _FLAGS)]
            for token in definition.get("added_tokens") or []
            if not token.get("special")
        ),
    }
    canonical = json.dumps(deciding, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def _set_fields(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that may change an id; null, false and empty fields are omitted like missing ones."""
    return {
        name: value
        for name, value in {**_DEFAULTS.get(part.get("type", ""), {}), **part}.items()
        if name != _FOR_OFFSETS_ONLY and value is not None and value is not False and value != ""
    }


def _pair(merge: str | list[str]) -> list[str]:
    return merge.split(" ") if isinstance(merge, str) else merge
