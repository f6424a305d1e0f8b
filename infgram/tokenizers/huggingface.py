"""Hugging Face tokenizers, configured to encode a text exactly as given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from infgram.caching import cached_property
from infgram.errors import TokenizerError
from infgram.reprs import ShortRepr
from infgram.tokenizers.byte_level import (
    bytes_of_added_token,
    bytes_of_entry,
    is_lossless,
    is_lossless_in_nfc,
    is_made_of_bytes,
    steps_of,
)
from infgram.tokenizers.checks import utf8, valid_token_ids
from infgram.tokenizers.definition import check_ids, check_size, check_steps, malformed_fields, may_have_large_ids
from infgram.tokenizers.display import byte_of_fallback_token, show_bytes
from infgram.tokenizers.fast_texts import FastTexts, is_nfc
from infgram.tokenizers.fingerprint import encoding_fingerprint
from infgram.tokenizers.native_errors import NativeErrors
from infgram.tokenizers.segments import Segments
from infgram.tokenizers.token_bytes import PIECE, TokenBytes
from infgram.types import Int64Array

if TYPE_CHECKING:  # the package `tokenizers` is imported only when such a tokenizer is created
    from tokenizers import Encoding, Tokenizer
    from tokenizers.processors import PostProcessor

FILE_NAME: Final = "tokenizer.json"

_END_OF_TEXT_NAMES: Final = ("<|endoftext|>", "</s>", "<|end_of_text|>", "<eos>", "[SEP]")

_LONG_TEXT: Final = 1024
"""Texts longer than this, in characters, are encoded without the GIL, which is slower for short texts."""

_ENCODING: Final = NativeErrors(TokenizerError, "the package tokenizers cannot encode this text")
_DECODING: Final = NativeErrors(TokenizerError, "the package tokenizers cannot decode these token ids")


class HuggingFaceTokenizer(ShortRepr):
    """A tokenizer of the package `tokenizers`.

    Its token ids are those of `Tokenizer.encode(text, add_special_tokens=False)`, except that truncation, padding and
    dropout are disabled, and text that looks like a special token is encoded as plain text. Everything else in the
    definition, such as Unicode normalization or a space in front, is applied, because language models with this
    tokenizer were trained in that way; such a tokenizer is not lossless.
    """

    kind = "huggingface"

    _repr_fields = ("vocab_size", "fingerprint")

    def __init__(self, definition: str) -> None:
        """Create the tokenizer from the text of a `tokenizer.json`.

        Raises:
            TokenizerError: the text is not the definition of a tokenizer, or the vocabulary is empty.
        """
        canonical, parsed = _canonical(definition)
        self._initialize(canonical)
        with malformed_fields():
            self._properties = self._properties_of(parsed)

    @classmethod
    def saved(cls, definition: str) -> HuggingFaceTokenizer:
        """Return the tokenizer with a definition written by `save`; the definition is parsed when first needed.

        REQUIRES that the definition is known to be unchanged.

        Raises:
            TokenizerError: this version of the package `tokenizers` cannot read the definition.
        """
        tokenizer = cls.__new__(cls)
        tokenizer._initialize(definition)
        return tokenizer

    def _initialize(self, definition: str) -> None:
        self._definition = definition
        self._tokenizer = parse(definition)
        if self._tokenizer.get_vocab_size(with_added_tokens=True) == 0:
            raise TokenizerError("the vocabulary of this tokenizer is empty; expected at least one token")
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.post_processor = _no_post_processor()  # it would trim spaces from the offsets
        normalizer, decoder = self._tokenizer.normalizer, self._tokenizer.decoder
        self._decoder = None if decoder is None else json.loads(decoder.__getstate__())
        check_steps(None if normalizer is None else json.loads(normalizer.__getstate__()))
        check_steps(self._decoder)
        types = [step.get("type") for step in steps_of(self._decoder)]
        self._is_byte_level, self._has_byte_fallback = "ByteLevel" in types, "ByteFallback" in types
        self._is_made_of_bytes = is_made_of_bytes(self._decoder)
        self._bytes = _TokenBytes(self._tokenizer)
        self._token_bytes: TokenBytes | None = None

    @cached_property
    def _properties(self) -> _Properties:
        with malformed_fields():
            return self._properties_of(json.loads(self._definition))

    def _properties_of(self, parsed: dict[str, Any]) -> _Properties:
        added_tokens = self._tokenizer.get_added_tokens_decoder()
        return _Properties(
            is_lossless(parsed, added_tokens),
            is_lossless_in_nfc(parsed, added_tokens),
            parsed.get("added_tokens") or [],
            FastTexts(parsed),
        )

    @cached_property
    def vocab_size(self) -> int:
        return 1 + max(self._tokenizer.get_vocab(with_added_tokens=True).values())

    @property
    def is_lossless(self) -> bool:
        return self._properties.is_lossless

    @property
    def end_of_text_id(self) -> int | None:
        ids = {token["content"]: int(token["id"]) for token in self.added_tokens}
        added = next((ids[name] for name in _END_OF_TEXT_NAMES if name in ids), None)
        if added is not None:
            return added
        listed = map(self._tokenizer.token_to_id, _END_OF_TEXT_NAMES)  # GPT-2's original vocabulary has no added tokens
        return next((number for number in listed if number is not None), None)

    @property
    def added_tokens(self) -> list[dict[str, Any]]:
        """The added tokens of the definition."""
        return self._properties.added_tokens

    @property
    def fast_texts(self) -> FastTexts:
        """The texts that the fast encoder may encode."""
        return self._properties.fast_texts

    @classmethod
    def wrap(cls, tokenizer: Tokenizer) -> HuggingFaceTokenizer:
        """Return an equivalent tokenizer with this class's configuration; the given one is not modified."""
        return cls(tokenizer.to_str())

    @cached_property
    def fingerprint(self) -> str:
        with malformed_fields():
            return encoding_fingerprint(json.loads(self._definition))

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self._definition.encode("utf-8")).hexdigest()

    @property
    def definition(self) -> str:
        """The canonical text of the `tokenizer.json`."""
        return self._definition

    def encode(self, text: str) -> Int64Array:
        utf8(text)
        if len(text) > _LONG_TEXT:
            return np.array(self._encode_one(text), dtype=np.int64)
        with _ENCODING:
            encoding: Encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return np.array(encoding.ids, dtype=np.int64)

    def encode_with_offsets(self, text: str) -> tuple[Int64Array, Int64Array]:
        utf8(text)
        with _ENCODING:
            encoding: Encoding = self._tokenizer.encode(text, add_special_tokens=False)
        offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        return np.array(encoding.ids, dtype=np.int64), np.maximum.accumulate(offsets, axis=0)

    def encode_batch(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], Int64Array]:
        """Return the token ids of all texts, see the protocol; the texts are encoded one after the other.

        Given several texts at once, the package would use every core, and keep all attributes of each token in memory.
        """
        for number, text in enumerate(texts):
            utf8(text, f"text {number} of the batch")
        parts = [np.array(self._encode_one(text), dtype=np.uint32) for text in texts]
        lengths = np.array([part.size for part in parts], dtype=np.int64)
        return np.concatenate([np.empty(0, dtype=np.uint32), *parts]), lengths

    def decode(self, token_ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> str:
        """Return the text of token ids, see the protocol; unassigned ids below `vocab_size` decode to nothing."""
        checked = valid_token_ids(token_ids, self.vocab_size)
        if not self._is_made_of_bytes:
            return self._decode(checked.tolist())
        pieces = (checked[start : start + PIECE].tolist() for start in range(0, len(checked), PIECE))
        return b"".join(b"".join(map(self._bytes.__getitem__, piece)) for piece in pieces).decode(
            "utf-8", errors="replace"
        )

    def keeps(self, text: str) -> bool:
        """Return whether `decode(encode(text)) == text` is known to hold for this text."""
        return self.is_lossless or (self._properties.is_lossless_in_nfc and is_nfc(text))

    def tokens(self, token_ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> list[str]:
        return [self._show(token_id) for token_id in valid_token_ids(token_ids, self.vocab_size).tolist()]

    def token_bytes(self) -> TokenBytes | None:
        """Return the bytes of each vocabulary entry, see the protocol; computed on first use."""
        if self._is_made_of_bytes and self._token_bytes is None:
            self._token_bytes = TokenBytes(self._bytes.first(self.vocab_size))
        return self._token_bytes

    def segments(self) -> Segments | None:
        """Return the decoder of segments, see the protocol; computed on first use, in up to a second."""
        return self._segments

    @cached_property
    def _segments(self) -> Segments | None:
        vocabulary = self.token_bytes()
        if vocabulary is not None:
            return Segments.of_bytes(vocabulary, self.decode)
        decode_batch = partial(self._tokenizer.decode_batch, skip_special_tokens=False)
        return Segments.of_decoder(self._decoder, decode_batch, self._tokenizer.get_vocab(with_added_tokens=True))

    def save(self, folder: Path) -> None:
        """Write `tokenizer.json`: the canonical definition, whose SHA-256 is the digest."""
        (folder / FILE_NAME).write_bytes(self._definition.encode("utf-8"))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._definition,)

    def _encode_one(self, text: str) -> list[int]:
        """Encode a text as a batch of one, which releases the GIL."""
        with _ENCODING:
            encoding: Encoding = self._tokenizer.encode_batch_fast([text], add_special_tokens=False)[0]
        return encoding.ids

    def _decode(self, token_ids: list[int]) -> str:
        with _DECODING:
            return self._tokenizer.decode(token_ids, skip_special_tokens=False)

    def _show(self, token_id: int) -> str:
        if self._is_byte_level:
            return show_bytes(self._bytes[token_id])
        token = self._tokenizer.id_to_token(token_id)
        if token is None:
            return ""
        byte = byte_of_fallback_token(token) if self._has_byte_fallback else None
        return show_bytes(byte) if byte is not None else self._show_after_another(token_id)

    def _show_after_another(self, token_id: int) -> str:
        """Return the text of a token inside a sentence: many decoders drop the space of the first token."""
        alone, twice = self._decode([token_id]), self._decode([token_id, token_id])
        return twice.removeprefix(alone) or alone


class _Properties(NamedTuple):
    """Properties that are derived from a definition."""

    is_lossless: bool
    is_lossless_in_nfc: bool
    added_tokens: list[dict[str, Any]]
    fast_texts: FastTexts


class _TokenBytes(dict[int, bytes]):
    """The bytes of each id of a byte-level tokenizer, cached on first use; decoding concatenates them."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Store the added tokens, whose contents are not in the byte-level alphabet."""
        model = tokenizer.model
        for token_id, token in tokenizer.get_added_tokens_decoder().items():
            is_entry = model.token_to_id(token.content) == token_id
            self[token_id] = bytes_of_added_token(token.content, is_special=token.special, is_entry=is_entry)[0]
        self._tokenizer = tokenizer
        self._added = dict(self)

    def first(self, n_ids: int) -> list[bytes]:
        """Return the bytes of each of the first ids, without caching them."""
        tokens = map(self._tokenizer.id_to_token, range(n_ids))
        entries = [b"" if token is None else bytes_of_entry(token) for token in tokens]
        for token_id, entry in self._added.items():
            entries[token_id] = entry
        return entries

    def __missing__(self, token_id: int) -> bytes:
        token = self._tokenizer.id_to_token(token_id)
        self[token_id] = b"" if token is None else bytes_of_entry(token)
        return self[token_id]


def parse(definition: str) -> Tokenizer:
    """Parse the text of a `tokenizer.json` with the package `tokenizers`, once its size and its ids are checked.

    Raises:
        TokenizerError: the package cannot read the text, or a limit is exceeded.
    """
    import tokenizers

    check_size(len(definition))
    if may_have_large_ids(definition):
        check_ids(_parsed(definition))
    with NativeErrors(
        TokenizerError, f"invalid tokenizer.json: the package tokenizers {tokenizers.__version__} cannot read it"
    ):
        return tokenizers.Tokenizer.from_str(definition)


def _no_post_processor() -> PostProcessor:
    """Return a post-processor that does nothing."""
    from tokenizers.processors import Sequence as Steps

    return Steps([])


def _canonical(definition: str) -> tuple[str, dict[str, Any]]:
    """Return the canonical text of a definition, and the parsed definition.

    Keys are sorted, spaces are removed, and truncation, padding and dropout are disabled.
    """
    parsed = _parsed(definition)
    check_ids(parsed)
    parsed["truncation"] = parsed["padding"] = None
    if "dropout" in parsed["model"]:
        parsed["model"]["dropout"] = None
    return json.dumps(parsed, sort_keys=True, ensure_ascii=False, separators=(",", ":")), parsed


def _parsed(definition: str) -> dict[str, Any]:
    """Parse the JSON of a definition.

    Raises:
        TokenizerError: it is not a JSON object with a model.
    """
    try:
        parsed = json.loads(definition)
    except (ValueError, RecursionError) as error:
        raise TokenizerError(f"invalid tokenizer.json: not valid JSON ({error})") from error
    if not isinstance(parsed, dict) or not isinstance(parsed.get("model"), dict):
        raise TokenizerError('invalid tokenizer.json: expected an object with the field "model"')
    return parsed
