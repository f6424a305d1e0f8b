"""The occurrences of a query whose terms are looked for by their characters, in whatever tokens.

A place is a character at which a term of a clause begins, and counts once. How far two places are apart is counted in
tokens, between the tokens that hold their first bytes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from infgram.errors import QueryError
from infgram.query_language import Cnf
from infgram.search.source import Found, Shown, Source, hit_of
from infgram.snippets import first_bytes
from infgram.tokenizations import Spellings, fold
from infgram.types import Int64Array, SearchHit, SearchMatch
from infgram.watch import Watch

_ANYWHERE: Final = 2**63 - 1  # a distance


class Spell(NamedTuple):
    """How a text is looked for: the sequences of tokens that hold it, and whether in any case."""

    spellings: Callable[[Any], Iterable[Spellings]]
    ignore_case: bool


class InCharacters:
    """The occurrences of terms that are texts."""

    def __init__(
        self, source: Source, cnf: Cnf, distance: int | None, spell: Spell, shown: Shown, watch: Watch
    ) -> None:
        self._source, self._distance, self._shown = source, distance if len(cnf.clauses) > 1 else None, shown
        self.identity = ("text", cnf.clauses, spell.ignore_case, distance)
        self._clauses = [_Clause.spelt(terms, spell, watch) for terms in cnf.clauses]
        self._scan = _Scan(source, cnf, shown, ignore_case=spell.ignore_case)

    def found(self, watch: Watch) -> Found:
        """The documents: for each byte of a token at which the first clause begins, those of a conjunction."""
        first, *others = self._clauses
        parts = []
        if all(clause.by_begin for clause in self._clauses):
            for sequences in first.by_begin.values():
                conjunction = self._conjunction([sequences, *(clause.sequences for clause in others)])
                parts.append(conjunction.documents(partial(watch.report, "search", total=0, unit="places"))[:2])
        none = np.empty(0, dtype=np.int64)
        document_ids, n_matches = map(np.concatenate, zip((none, none), *parts, strict=True))
        distinct, places = np.unique(document_ids, return_inverse=True)
        sums = np.zeros(len(distinct), dtype=np.int64)
        np.add.at(sums, places, n_matches)
        return Found(distinct, sums, np.ones(len(distinct), dtype=np.int64))

    def hit(self, document_id: int, match_count: int, watch: Watch) -> SearchHit:
        """The document with its first matches."""
        document = self._source.document(document_id)
        text = _Text(self._scan, document.token_ids)
        chosen: dict[tuple[int, int], SearchMatch] = {}
        distance = _ANYWHERE if self._distance is None else self._distance
        n_shown = 0
        for number in range(len(text.places[0])):
            completion = _completion(text.offsets, number, distance)
            if completion is None:
                continue
            for clause, place in enumerate(completion):
                if (place, clause) not in chosen:
                    chosen[place, clause] = text.match(document.text, clause, place, self._shown.n_tokens_around)
            n_shown += 1
            if n_shown == self._shown.n_matches:
                break
        matches = sorted(chosen.values(), key=lambda match: (match.match_start, match.clause))
        return hit_of(document, match_count, matches)

    def _conjunction(self, clauses: list[_Sequences]) -> Any:
        return self._source.core.conjunction(clauses, self._distance)


_Sequences: TypeAlias = list[list[int]]


class _Clause(NamedTuple):
    """The token sequences in which a clause occurs, by the bytes of the first token before the text.

    Sequences of one begin that occur at one token begin at one character; those of different begins do not.
    """

    by_begin: dict[int, _Sequences]

    @classmethod
    def spelt(cls, terms: Iterable[Any], spell: Spell, watch: Watch) -> _Clause:
        by_begin: dict[int, _Sequences] = {}
        n_sequences = 0
        for term in terms:
            if not isinstance(term, str):
                raise QueryError("ignore_case and any_tokenization are for texts; token ids have no case or letters")
            for found in spell.spellings(term):
                for begin in np.unique(found.begins).tolist():
                    by_begin.setdefault(begin, []).extend(found.tokens[found.begins == begin].tolist())
                n_sequences += len(found.counts)
                watch.report("spell", n_sequences, 0, "token sequences")
        return cls(by_begin)

    @property
    def sequences(self) -> _Sequences:
        return [sequence for some in self.by_begin.values() for sequence in some]


class _Scan:
    """Finds the terms of a query in texts."""

    def __init__(self, source: Source, cnf: Cnf, shown: Shown, *, ignore_case: bool) -> None:
        vocabulary = None if source.tokenizer is None else source.tokenizer.token_bytes()
        assert vocabulary is not None, "a text that has spellings has them in bytes"
        self.vocabulary, self._ignore_case = vocabulary, ignore_case
        self._clauses = [[self._folded(term) for term in terms] for terms in cnf.clauses]

    def places(self, characters: str) -> list[dict[int, int]]:
        """Of each clause, where its terms begin, ascending, and the length of the shortest that does."""
        characters = self._folded(characters)
        found = []
        for terms in self._clauses:
            pairs = ((place, len(term)) for term in terms for place in _places(characters, term))
            lengths: dict[int, int] = {}
            for place, length in sorted(pairs, reverse=True):
                lengths[place] = length
            found.append(dict(sorted(lengths.items())))
        return found

    def _folded(self, text: Any) -> str:
        return fold(text) if self._ignore_case else str(text)


class _Text:
    """A document's text: its characters, and which token holds each.

    Attributes:
        places: of each clause, the characters at which it occurs, and its length there.
        offsets: of each clause, likewise the tokens.
    """

    def __init__(self, scan: _Scan, token_ids: Int64Array) -> None:
        self._data = scan.vocabulary.join(token_ids)
        # Each byte that is no valid UTF-8 is a surrogate, which no text that is asked holds.
        self._characters = self._data.decode("utf-8", errors="surrogateescape")
        self._ends = np.concatenate(([0], np.cumsum(scan.vocabulary.lengths[token_ids])))
        self._first_bytes = first_bytes(self._characters)
        self.places = scan.places(self._characters)
        starts = [self._first_bytes[np.array([*places], dtype=np.int64)] for places in self.places]
        self._place_lists = [[*places] for places in self.places]
        self.offsets = [(np.searchsorted(self._ends, of_clause, side="right") - 1).tolist() for of_clause in starts]

    def match(self, shown: str, clause: int, number: int, n_around: int) -> SearchMatch:
        """The match at one of a clause's places, in the text as it is shown."""
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
            offset=offset,
            length=end - offset,
            match_start=start,
            match_end=start + length,
            snippet=shown[snippet_start:snippet_end],
            snippet_match_start=start - snippet_start,
            snippet_match_end=start - snippet_start + length,
        )

    def _n_shown_to(self, token: int) -> int:
        """How many characters of the text that is shown the first tokens make up, one cut in two among them."""
        return self._n_shown(int(self._ends[min(max(token, 0), len(self._ends) - 1)]))

    def _n_shown(self, n_bytes: int) -> int:
        return len(self._data[:n_bytes].decode("utf-8", errors="replace"))


def _completion(offsets: list[list[int]], number: int, distance: int) -> list[int] | None:
    """Places of all clauses within reach, with the first clause's place `number`; of the choices, the last to begin.

    `offsets` are the tokens of each clause's places; the result has the places' numbers. None if there is no choice.
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
    """Where the characters hold the text, overlapping or not."""
    place = characters.find(text)
    while place >= 0:
        yield place
        place = characters.find(text, place + 1)
