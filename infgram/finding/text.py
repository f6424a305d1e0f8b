"""The search for the characters of a text, in whatever tokens: which documents hold it, and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final

import numpy as np

from infgram.arguments import at_least, checked_seed
from infgram.arguments import text as text_argument
from infgram.finding.pages import Cursors, order_of, page_of
from infgram.finding.search import Source
from infgram.finding.where import checked, fulfilling
from infgram.spelling import Spellings, fold
from infgram.types import Int64Array, JsonScalar, SearchHit, SearchMatch, SearchResult
from infgram.watch import Progress, Watch

_ADVICE: Final = "or ask for a longer text"


def find_text(
    source: Source,
    text: str,
    spellings: Iterable[Spellings],
    *,
    ignore_case: bool,
    limit: int,
    seed: int | None,
    snippet_tokens: int,
    where: Mapping[str, JsonScalar] | None,
    cursor: str | None,
    matches_per_document: int,
    timeout_s: float | None,
    progress: Progress | None,
) -> SearchResult:
    """What `Index.search_text` documents.

    `spellings` are those of the text in the index.
    """
    watch = Watch(timeout_s, progress, advice=_ADVICE)
    seed = None if seed is None else checked_seed(seed)
    limit = at_least(limit, 0, "limit")
    n_shown = at_least(matches_per_document, 1, "matches_per_document")
    n_around = at_least(snippet_tokens, 0, "snippet_tokens")
    filters = {} if where is None else checked(where)
    cursors = Cursors((source.fingerprint, "text", text, ignore_case, seed, sorted(filters.items())))
    after = None if cursor is None else cursors.read(text_argument(cursor, "cursor"))

    count = 0
    sequences: list[tuple[int, ...]] = []
    for found in spellings:
        count += int(found.counts.sum())
        sequences += [(*found.prefix, last) for last in found.last_tokens.tolist()]
        watch.report("spell", len(sequences), 0, "token sequences")
    document_ids = _holders(source, sequences, watch)
    scan = _Scan(source, text, ignore_case=ignore_case, n_shown=n_shown, n_around=n_around)
    if filters:
        document_ids = document_ids[fulfilling(source.core, document_ids, filters, watch)]
        count = 0
        for n_counted, document_id in enumerate(document_ids.tolist()):
            watch.report("count", n_counted, len(document_ids), "documents")
            count += scan.count(document_id)

    keys = order_of(document_ids, seed)
    places, has_more = page_of(keys, after, limit)
    hits: list[SearchHit] = []
    for document_id in document_ids[places].tolist():
        watch.report("show", len(hits), len(places), "documents")
        hits.append(scan.hit(document_id))
    return SearchResult(
        count=count,
        document_count=len(document_ids),
        is_exact=True,
        documents=tuple(hits),
        cursor=cursors.write(int(keys[places[-1]])) if has_more and hits else None,
    )


def _holders(source: Source, sequences: list[tuple[int, ...]], watch: Watch) -> Int64Array:
    """The documents that hold any one of the sequences, ascending."""
    if not sequences:
        return np.empty(0, dtype=np.int64)
    found = source.core.conjunction([sequences], None)
    documents, _, _ = found.documents(partial(watch.report, "search", total=0, unit="places"))
    return documents


class _Scan:
    """Finds one text in documents that hold it."""

    def __init__(self, source: Source, text: str, *, ignore_case: bool, n_shown: int, n_around: int) -> None:
        vocabulary = None if source.tokenizer is None else source.tokenizer.token_bytes()
        assert vocabulary is not None, "a text that has spellings has them in bytes"
        self._source, self._vocabulary = source, vocabulary
        self._text, self._ignore_case = fold(text) if ignore_case else text, ignore_case
        self._n_shown, self._n_around = n_shown, n_around

    def count(self, document_id: int) -> int:
        """How often a document holds the text."""
        return len([*self._places(self._characters(self._source.core.document_tokens(document_id)))])

    def hit(self, document_id: int) -> SearchHit:
        """The document with its first matches."""
        document = self._source.document(document_id)
        characters = self._characters(document.token_ids)
        places = [*self._places(characters)]
        ends = np.concatenate(([0], np.cumsum(self._vocabulary.lengths[document.token_ids])))
        matches = tuple(self._match(document.text, characters, ends, place) for place in places[: self._n_shown])
        return SearchHit(
            **vars(matches[0]),
            document_id=document_id,
            text=document.text,
            metadata=document.metadata,
            match_count=len(places),
            matches=matches,
        )

    def _characters(self, token_ids: Int64Array) -> str:
        """A document's text, each byte that is no valid UTF-8 as a surrogate, which no text that is asked holds."""
        return self._vocabulary.join(token_ids).decode("utf-8", errors="surrogateescape")

    def _places(self, characters: str) -> Iterator[int]:
        """Where the characters hold the text, overlapping or not."""
        characters = fold(characters) if self._ignore_case else characters
        place = characters.find(self._text)
        while place >= 0:
            yield place
            place = characters.find(self._text, place + 1)

    def _match(self, shown: str, characters: str, ends: Int64Array, place: int) -> SearchMatch:
        """The match at a place; `ends` says how many bytes the first tokens are, from none to all."""
        first_byte = len(_bytes(characters[:place]))
        matched = _bytes(characters[place : place + len(self._text)])
        offset = int(np.searchsorted(ends, first_byte, side="right")) - 1
        end = int(np.searchsorted(ends, first_byte + len(matched), side="left"))
        data = _bytes(characters)

        def character_of(token: int) -> int:
            """How many characters of the text that is shown the first tokens make up, one cut in two among them."""
            return len(data[: ends[min(max(token, 0), len(ends) - 1)]].decode("utf-8", errors="replace"))

        start = len(data[:first_byte].decode("utf-8", errors="replace"))
        snippet_start = min(start, character_of(offset - self._n_around // 2))
        snippet_end = max(start + len(self._text), character_of(end + self._n_around - self._n_around // 2))
        return SearchMatch(
            clause=0,
            offset=offset,
            length=end - offset,
            match_start=start,
            match_end=start + len(self._text),
            snippet=shown[snippet_start:snippet_end],
            snippet_match_start=start - snippet_start,
            snippet_match_end=start - snippet_start + len(self._text),
        )


def _bytes(characters: str) -> bytes:
    return characters.encode("utf-8", errors="surrogateescape")
