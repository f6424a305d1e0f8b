"""Search for terms by their characters, in any tokenization.

A place is a character position at which a term of a clause begins; it counts once. The distance of two places is the
distance, in tokens, of the tokens with their first bytes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from infgram.errors import QueryError
from infgram.query_language import Cnf
from infgram.search.source import MatchedDocuments, SnippetOptions, Source, hit_of
from infgram.snippets import DocumentText, first_bytes
from infgram.tokenizations import Spellings, fold
from infgram.types import SearchHit, SearchMatch
from infgram.watch import Watch

_ANYWHERE: Final = 2**63 - 1  # a distance


class StringMatcher(NamedTuple):
    """The search for a text in any tokenization: its token sequences, and whether to ignore case."""

    spellings: Callable[[Any], Iterable[Spellings]]
    ignore_case: bool


class InCharacters:
    """The occurrences of a query whose terms are texts."""

    def __init__(
        self,
        source: Source,
        cnf: Cnf,
        distance: int | None,
        matcher: StringMatcher,
        shown: SnippetOptions,
        watch: Watch,
    ) -> None:
        self._source, self._distance, self._shown = source, distance if len(cnf.clauses) > 1 else None, shown
        self.identity = ("text", cnf.clauses, matcher.ignore_case, distance)
        self._clauses = [_Clause.of(terms, matcher, watch) for terms in cnf.clauses]
        self._scan = _Scan(source, cnf, shown, ignore_case=matcher.ignore_case)

    def documents(self, watch: Watch) -> MatchedDocuments:
        """Return the documents, from one conjunction per byte offset in a token at which the first clause begins."""
        first, *others = self._clauses
        parts = []
        if all(clause.by_begin for clause in self._clauses):
            for sequences in first.by_begin.values():
                conjunction = self._conjunction([sequences, *(clause.sequences for clause in others)])
                parts.append(conjunction.documents(watch.poll("search", "occurrences"))[:2])
        none = np.empty(0, dtype=np.int64)
        document_ids, n_matches = map(np.concatenate, zip((none, none), *parts, strict=True))
        distinct, numbers = np.unique(document_ids, return_inverse=True)
        sums = np.zeros(len(distinct), dtype=np.int64)
        np.add.at(sums, numbers, n_matches)
        return MatchedDocuments(distinct, sums, np.ones(len(distinct), dtype=np.int64))

    def hit(self, document_id: int, match_count: int, watch: Watch) -> SearchHit:
        """Return the hit of a document with its first matches."""
        document = self._source.text(document_id)
        chosen: dict[tuple[int, int], SearchMatch] = {}
        distance = _ANYWHERE if self._distance is None else self._distance
        n_shown = 0
        for text in self._stretches(document, self._first_offsets(document_id, watch)):
            for number in range(len(text.places[0])):
                completion = _completion(text.offsets, number, distance)
                if completion is None:
                    continue
                for clause, place in enumerate(completion):
                    match = text.match(clause, place, self._shown.n_tokens_around)
                    chosen.setdefault((match.match_start, clause), match)
                n_shown += 1
                if n_shown == self._shown.n_matches:
                    break
            if n_shown == self._shown.n_matches:
                break
        matches = sorted(chosen.values(), key=lambda match: (match.match_start, match.clause))
        return hit_of(self._source, document_id, document.head(self._shown.n_characters), match_count, matches)

    def _first_offsets(self, document_id: int, watch: Watch) -> list[int]:
        """Return the token offsets of the first clause in the first matches, ascending, and perhaps some more."""
        first, *others = self._clauses
        offsets = {
            offset
            for sequences in first.by_begin.values()
            for clause, offset, _ in self._conjunction([sequences, *(clause.sequences for clause in others)]).matches(
                document_id, self._shown.n_matches, watch.poll("search", "occurrences")
            )[1]
            if clause == 0
        }
        return sorted(offsets)

    def _stretches(self, document: DocumentText, offsets: list[int]) -> Iterator[_Text]:
        """Yield the stretches of a document that contain the matches at these offsets, ascending, with all snippets."""
        around, distance = self._shown.n_tokens_around, self._distance
        if len(self._clauses) > 1 and distance is None:
            yield _Text(self._scan, document, 0, document.n_tokens)
            return
        before, after = (distance or 0) + around, (distance or 0) + around + self._scan.most_bytes
        begin, end = 0, -1
        for offset in offsets:
            if offset - before > end >= 0:
                yield _Text(self._scan, document, begin, end)
            if offset - before > end or end < 0:
                begin = max(0, offset - before)
            end = min(document.n_tokens, offset + after)
        yield _Text(self._scan, document, begin, end)

    def _conjunction(self, clauses: list[_Sequences]) -> Any:
        return self._source.core.conjunction(clauses, self._distance)


_Sequences: TypeAlias = list[list[int]]


class _Clause(NamedTuple):
    """The token sequences in which a clause occurs, grouped by `begin`, the bytes of the first token before the text.

    Sequences with equal begins that occur at one token begin at the same character; with different begins they do not.
    """

    by_begin: dict[int, _Sequences]

    @classmethod
    def of(cls, terms: Iterable[Any], matcher: StringMatcher, watch: Watch) -> _Clause:
        by_begin: dict[int, _Sequences] = {}
        n_sequences = 0
        for term in terms:
            if not isinstance(term, str):
                raise QueryError("ignore_case and any_tokenization need texts; token ids have no case")
            for found in matcher.spellings(term):
                for begin in np.unique(found.begins).tolist():
                    by_begin.setdefault(begin, []).extend(found.tokens[found.begins == begin].tolist())
                n_sequences += len(found.counts)
                watch.report("spell", n_sequences, 0, "token sequences")
        return cls(by_begin)

    @property
    def sequences(self) -> _Sequences:
        return [sequence for group in self.by_begin.values() for sequence in group]


class _Scan:
    """Finds the terms of a query in texts."""

    def __init__(self, source: Source, cnf: Cnf, shown: SnippetOptions, *, ignore_case: bool) -> None:
        vocabulary = None if source.tokenizer is None else source.tokenizer.token_bytes()
        assert vocabulary is not None, "spellings exist only if tokens have bytes"
        self.vocabulary, self._ignore_case = vocabulary, ignore_case
        self._clauses = [[self._folded(term) for term in terms] for terms in cnf.clauses]
        self.most_bytes = 4 * (1 + max(len(term) for terms in self._clauses for term in terms))

    def places(self, characters: str) -> list[dict[int, int]]:
        """Map, for each clause, the places of its terms (ascending) to the length of the shortest term there."""
        characters = self._folded(characters)
        of_clauses = []
        for terms in self._clauses:
            pairs = ((place, len(term)) for term in terms for place in _places(characters, term))
            lengths: dict[int, int] = {}
            for place, length in sorted(pairs, reverse=True):
                lengths[place] = length
            of_clauses.append(dict(sorted(lengths.items())))
        return of_clauses

    def _folded(self, text: Any) -> str:
        return fold(text) if self._ignore_case else str(text)


class _Text:
    """The text of a stretch of a document, with the token of each character.

    Attributes:
        places: for each clause, its places and the length of the match at each, in the stretch.
        offsets: for each clause, the token offsets of its places, in the stretch.
    """

    def __init__(self, scan: _Scan, document: DocumentText, begin: int, end: int) -> None:
        self._begin, end = document.cut_before(begin), document.cut_after(end)
        self._n_before = document.n_characters(self._begin)
        token_ids = document.tokens(self._begin, end)
        self._data = scan.vocabulary.join(token_ids)
        self._shown = self._data.decode("utf-8", errors="replace")
        # Each byte that is not valid UTF-8 becomes a surrogate, which queries cannot contain.
        self._characters = self._data.decode("utf-8", errors="surrogateescape")
        self._ends = np.concatenate(([0], np.cumsum(scan.vocabulary.lengths[token_ids])))
        self._first_bytes = first_bytes(self._characters)
        self.places = scan.places(self._characters)
        starts = [self._first_bytes[np.array([*places], dtype=np.int64)] for places in self.places]
        self._place_lists = [[*places] for places in self.places]
        self.offsets = [(np.searchsorted(self._ends, of_clause, side="right") - 1).tolist() for of_clause in starts]

    def match(self, clause: int, number: int, n_around: int) -> SearchMatch:
        """Return the match at a place of a clause, in the displayed text of the document."""
        place = self._place_lists[clause][number]
        length = self.places[clause][place]
        first_byte, end_byte = self._first_bytes[place], self._first_bytes[place + length]
        offset = self.offsets[clause][number]
        end = int(np.searchsorted(self._ends, end_byte, side="left"))
        start = self._n_shown(int(first_byte))
        snippet_start = min(start, self._n_shown_to(offset - n_around // 2))
        snippet_end = max(start + length, self._n_shown_to(end + n_around - n_around // 2))
        return SearchMatch(
            clause=clause,
            offset=self._begin + offset,
            length=end - offset,
            match_start=self._n_before + start,
            match_end=self._n_before + start + length,
            snippet=self._shown[snippet_start:snippet_end],
            snippet_match_start=start - snippet_start,
            snippet_match_end=start - snippet_start + length,
        )

    def _n_shown_to(self, token: int) -> int:
        """Return the number of displayed characters up to a token, including a character that is split."""
        return self._n_shown(int(self._ends[min(max(token, 0), len(self._ends) - 1)]))

    def _n_shown(self, n_bytes: int) -> int:
        return len(self._data[:n_bytes].decode("utf-8", errors="replace"))


def _completion(offsets: list[list[int]], number: int, distance: int) -> list[int] | None:
    """Choose a place of each clause within `distance` of place `number` of the first clause; the last such window.

    `offsets` are the token offsets of the places of each clause. The result has one place number per clause; None if
    there is no such window.
    """
    position = offsets[0][number]
    chosen = [number] * len(offsets)
    x = position
    while True:
        is_complete, before = True, -1
        for clause in range(1, len(offsets)):
            after = bisect_left(offsets[clause], x)
            is_complete = is_complete and after < len(offsets[clause]) and offsets[clause][after] - x <= distance
            chosen[clause] = after
            if after > 0:
                before = max(before, offsets[clause][after - 1])
        if is_complete:
            return chosen
        if before < 0 or position - before > distance:
            return None
        x = before


def _places(characters: str, text: str) -> Iterator[int]:
    """Yield all positions of a text, including overlapping ones."""
    place = characters.find(text)
    while place >= 0:
        yield place
        place = characters.find(text, place + 1)
