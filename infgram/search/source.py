"""The searched index, the matched documents, and the form of hits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from infgram.engine import Engine
from infgram.errors import IndexDamagedError
from infgram.provenance import Provenance
from infgram.snippets import DocumentText
from infgram.tokenizers import Tokenizer
from infgram.types import Int64Array, Query, SearchHit, SearchMatch


class SnippetOptions(NamedTuple):
    """What to show of each document.

    Attributes:
        n_matches: the number of matches.
        n_tokens_around: the number of tokens around each match.
        n_characters: the number of characters of the text; None for all of them.
    """

    n_matches: int
    n_tokens_around: int
    n_characters: int | None


@dataclass(frozen=True)
class Source:
    """The index to search.

    Attributes:
        core: the engine of the index.
        tokens: returns the token ids of a term.
        tokenizer: the tokenizer; None if the index has none.
        fingerprint: a value that is equal for equal indexes only.
    """

    core: Engine
    tokens: Callable[[Query], Any]
    tokenizer: Tokenizer | None
    fingerprint: str

    def text(self, document_id: int) -> DocumentText:
        """Return the text of a document, to be read in parts."""
        return DocumentText(self.core, document_id, self.tokenizer)


@dataclass(frozen=True)
class MatchedDocuments:
    """The documents that match a query: all of them, or a sample.

    Attributes:
        document_ids: the document numbers, ascending.
        n_matches: the occurrences found in each document.
        has_first: 1 if the first occurrence in the document was found, else 0.
        n_examined: the sampled occurrences of the first clause; None if all were examined.
        clause_counts: the occurrences of each clause; empty unless the documents are a sample.
    """

    document_ids: Int64Array
    n_matches: Int64Array
    has_first: Int64Array
    n_examined: int | None = None
    clause_counts: tuple[int, ...] = ()


def hit_of(source: Source, document_id: int, text: str, match_count: int, matches: Sequence[SearchMatch]) -> SearchHit:
    """Return the hit of a document; its main match is the first match of the first clause.

    Raises:
        IndexDamagedError: there is no such match, so the suffix array found a document without the query.
    """
    first = next((match for match in matches if match.clause == 0), None)
    if first is None:
        raise IndexDamagedError(
            f"document {document_id} was found by the suffix array, but its tokens do not match the query; "
            "run `infgram verify` and rebuild the index"
        )
    (stored,) = source.core.document_metadata([document_id])
    metadata, file, line = Provenance.of(stored, document_id)
    return SearchHit(
        **vars(first),
        document_id=document_id,
        text=text,
        metadata=metadata,
        source=file,
        line=line,
        match_count=match_count,
        matches=tuple(matches),
    )
