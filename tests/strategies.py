"""Hypothesis strategies: small corpora that are hard for a suffix array, and queries that occur or nearly occur.

The alphabets are tiny, so that everything repeats. Token ids are near the limits of a token width, or have bytes whose
order differs from the order of the numbers. Hypothesis draws recipes of small numbers, from strategies created once;
plain functions convert a recipe to tokens.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

from hypothesis import strategies as st

WIDTHS = (8, 16, 32)
LARGEST_VOCABULARY = {8: 255, 16: 65_535, 32: 2**32 - 1}  # one code of each width is the separator
LONGEST_QUERY = 32

Tokens = list[int]


class TokenCorpus(NamedTuple):
    """Documents of token ids.

    Attributes:
        documents: at least one document; documents may be empty.
        vocab_size: valid ids are 0 to `vocab_size - 1`.
        alphabet: the ids for queries, ascending; some may not occur.
    """

    documents: list[Tokens]
    vocab_size: int
    alphabet: tuple[int, ...]

    @property
    def absent(self) -> int:
        """A valid id that is in no document and not in the alphabet."""
        used = {*self.alphabet, *itertools.chain.from_iterable(self.documents)}
        return next(token for token in range(self.vocab_size) if token not in used)


class Asked(NamedTuple):
    """A corpus with a batch of queries."""

    corpus: TokenCorpus
    queries: list[Tokens]


class Layout(NamedTuple):
    """Options of a build, which must not change any answer.

    Attributes:
        width: the minimum number of bits of a token; the vocabulary may require more.
        shards: the approximate number of shards.
        threads: the number of worker threads of the build.
    """

    width: int
    shards: int
    threads: int


class Recipe(NamedTuple):
    """A recipe for a document or a query; `kind` determines the meaning of the numbers."""

    kind: str
    letters: Tokens
    which: int
    start: int
    length: int


DOCUMENT_KINDS = ("random", "repeated", "periodic", "from the block", "empty", "copy", "altered copy", "shortened copy")
QUERY_KINDS = ("cut", "extended", "preceded", "altered", "joined", "whole document", "made up", "absent inside")


def _word(digits: int, length: int) -> Tokens:
    """Return `length` letters 0 to 3: the base-4 digits of a number, so that one draw gives a word."""
    return [(digits >> (2 * place)) & 3 for place in range(length)]


_words = st.builds(_word, st.integers(0, 4**24 - 1), st.integers(0, 24))
_recipe_numbers = (_words, st.integers(0, 7), st.integers(0, 47), st.integers(0, 47))
_document_recipes = st.lists(
    st.builds(Recipe, st.sampled_from(DOCUMENT_KINDS), *_recipe_numbers), min_size=1, max_size=8
)
_query_recipes = st.lists(
    st.builds(
        Recipe,
        st.sampled_from(QUERY_KINDS),
        st.builds(_word, st.integers(0, 4**6 - 1), st.integers(1, 6)),
        st.integers(0, 7),
        st.integers(0, 47),
        st.integers(1, 12),
    ),
    min_size=4,
    max_size=10,
)


def _alphabets(vocab_size: int) -> list[tuple[int, ...]]:
    """Return alphabets of four ids: the lowest, the highest, spread, or near the limits of one and two bytes."""
    top = vocab_size - 1
    edges = [token for token in (1, 255, 256, 257, 65_280, 65_535, 65_536) if token < top]
    pools = [
        (0, 1, 2, 3),
        (0, 1, top // 2, top),
        (top - 3, top - 2, top - 1, top),
        (*edges[:3], top),
        (*edges[-3:], top),
    ]
    return sorted({tuple(sorted(set(pool))) for pool in pools})


# The largest 32-bit ids have their own test, since files and memory grow with the vocabulary.
_vocabularies = st.sampled_from(
    [(size, ids) for size in (6, 255, 256, 65_535, 65_536, 70_000) for ids in _alphabets(size)]
)


@st.composite
def corpora(draw: st.DrawFn) -> TokenCorpus:
    """Draw documents that are random, empty, one token repeated, periodic, cut from one block, or copies of others."""
    vocab_size, alphabet = draw(_vocabularies)
    n_letters = draw(st.integers(1, len(alphabet)))
    block = draw(_words) * 3
    documents: list[Tokens] = []
    for recipe in draw(_document_recipes):
        documents.append(_document(recipe, block, documents))
    alphabet = alphabet[-n_letters:]
    return TokenCorpus([_spelt(document, alphabet) for document in documents], vocab_size, alphabet)


@st.composite
def asked_corpora(draw: st.DrawFn) -> Asked:
    """Draw a corpus with a batch of queries: the usual ones and random ones."""
    corpus = draw(corpora())
    return Asked(corpus, usual_queries(corpus) + [_query(recipe, corpus) for recipe in draw(_query_recipes)])


layouts = st.builds(Layout, st.sampled_from(WIDTHS), st.integers(1, 5), st.sampled_from((1, 2, 8)))

texts = st.lists(
    st.one_of(
        st.text(alphabet="ab", max_size=12),
        st.text(alphabet="aé漢😀", max_size=8),
        st.sampled_from(["", "abab", "a\r\nb\n", " \u2028\x00", "ab" * 12]),
    ),
    min_size=1,
    max_size=8,
)
"""Text documents, for an index with the tokenizer `bytes`."""


def usual_queries(corpus: TokenCorpus) -> list[Tokens]:
    """Return the empty query, all tokens and pairs of the alphabet, an absent id, and the first documents' ends."""
    singles = [[token] for token in corpus.alphabet]
    pairs = [[left, right] for left in corpus.alphabet for right in corpus.alphabet]
    return [[], *singles, *pairs, [corpus.absent], *[document[-LONGEST_QUERY:] for document in corpus.documents[:3]]]


def _document(recipe: Recipe, block: Tokens, earlier: list[Tokens]) -> Tokens:
    """Return a document in letters; a copy is a copy of an earlier document, so the first document is never one."""
    kind, letters, which, start, length = recipe
    if kind == "repeated":
        return (letters[:1] or [0]) * length
    if kind == "periodic":
        return ((letters[:4] or [0, 1]) * length)[:length]
    if kind == "from the block":
        return block[start : start + length]
    if kind == "random" or (not earlier and "copy" in kind):
        return letters
    if kind == "empty":
        return []
    source = earlier[which % len(earlier)]
    if kind == "copy":
        return list(source)
    if kind == "shortened copy":
        return source[start % 4 : length]
    at = start % (len(source) + 1)
    return [*source[:at], *letters[:1], *source[at + 1 :]]


def _query(recipe: Recipe, corpus: TokenCorpus) -> Tokens:
    """Return a query cut from the corpus, possibly extended, altered or joined with another, or a random one."""
    kind, letters, which, start, length = recipe
    new = _spelt(letters, corpus.alphabet)
    document = corpus.documents[which % len(corpus.documents)]
    start %= len(document) + 1
    cut, other = document[start : start + length], corpus.documents[(which + 1) % len(corpus.documents)]
    made = {
        "cut": cut,
        "extended": [*cut, new[0]],
        "preceded": [*new, *cut],
        "altered": [*cut[: length // 2], new[0], *cut[length // 2 + 1 :]],
        "joined": [*document[-length:], *other[:length]],
        "whole document": document,
        "made up": new,
        "absent inside": [*new, corpus.absent, *cut],
    }
    return made[kind][-LONGEST_QUERY:]


def _spelt(letters: Tokens, alphabet: tuple[int, ...]) -> Tokens:
    return [alphabet[letter % len(alphabet)] for letter in letters]
