"""Language models over an index: the ∞-gram, and smoothed by all suffixes of the context."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from infgram import _core
from infgram.arguments import (
    array,
    at_least,
    callback,
    checked_seed,
    choice,
    flag,
    instance,
    integer,
    mapping,
    real,
    several,
)
from infgram.errors import QueryError
from infgram.index import Index, checked_index
from infgram.lm.models.contexts import contexts_of, survey, tokens_of
from infgram.lm.models.session import ModelSession
from infgram.lm.types import Guesses, PositionScores
from infgram.reprs import MOST_CHARACTERS, cut
from infgram.types import END_OF_DOCUMENT, Float64Array, Query

Smoothing: TypeAlias = Literal["none", "stupid_backoff", "jelinek_mercer", "witten_bell", "kneser_ney", "ppm"]

SMOOTHINGS: Final[tuple[Smoothing, ...]] = get_args(Smoothing)


class InfgramLM:
    """A language model over an index: nothing is trained, all counts are looked up.

    It predicts every token of a document but the first, from the tokens before it in the document. The end of the
    document is one more thing that may come; with `end_token` its probability belongs to that token.

    Suffixes of a context that occur at the same places are one context: longer ones are shorter ones that only ever
    follow one token. All methods but the plain ∞-gram use the suffixes of every length, down to the empty one.

    A model may be used after a fork, but not if another thread was asking it at that moment. It is pickled as its index
    and options.

    Args:
        index: an open index.
        smoothing: `"none"` is the ∞-gram, the longest suffix alone, and gives many tokens probability 0;
            `"stupid_backoff"` (Brants et al. 2007) gives scores that do not sum to one;
            `"jelinek_mercer"` (1980) mixes all suffixes by `weights`;
            `"witten_bell"` (1991, method C);
            `"kneser_ney"` (modified, interpolated; Chen and Goodman 1998) is the best of these on most text;
            `"ppm"` is prediction by partial matching with exclusion and the escapes of method D (Howard 1993).
        n: the order: suffixes of `n - 1` tokens at most; None uses any length. Kneser–Ney without an order is the
            limit of a large one, but for copied passages of more than 128 tokens.
        min_count: suffixes that occur less often are not used; the empty one always is.
        end_token: the model's end-of-text token, which takes the probability of the end of the document.
        weights: for Jelinek–Mercer, what `jelinek_mercer_weights` gave; 1/2 each without.
        progress: called with the tokens done and in all while Kneser–Ney counts n-grams: one pass over the index,
            about 0.1 µs a token and core, for all models of an index together.

    Raises:
        QueryError: an argument is outside its range.

    Examples:
        >>> import infgram, tempfile
        >>> from infgram.lm import InfgramLM
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with infgram.build_from_tokens([[1, 2, 3, 1, 2, 4]], f"{folder}/x", vocab_size=5) as index:
        ...         model = InfgramLM(index, "witten_bell")
        ...         round(float(model.distribution([1, 2])[3]), 3)
        0.326
    """

    def __init__(
        self,
        index: Index,
        smoothing: Smoothing = "none",
        *,
        n: int | None = None,
        min_count: int = 1,
        end_token: int | None = None,
        weights: Float64Array | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Counts nothing yet, but for Kneser–Ney."""
        choice(smoothing, "smoothing", SMOOTHINGS)
        callback(progress, "progress")
        self._index = checked_index(index)
        self._smoothing: Smoothing = smoothing
        self._n = None if n is None else at_least(n, 2 if smoothing == "kneser_ney" else 1, "n")
        self._end_token = None if end_token is None else self._checked_token(end_token, "end_token")
        if smoothing == "kneser_ney":
            survey(index, progress=progress)
        self._min_count = at_least(min_count, 1, "min_count")
        self._weights = weights
        self._core = _core.LanguageModel(
            contexts_of(index),
            smoothing,
            self._n or 0,
            self._min_count,
            self._end_token,
            _checked_weights(weights, smoothing),
        )

    @property
    def index(self) -> Index:
        """The index that is asked."""
        return self._index

    @property
    def smoothing(self) -> Smoothing:
        """How suffixes are combined."""
        return self._smoothing

    @property
    def n(self) -> int | None:
        """The order, or None."""
        return self._n

    @property
    def end_token(self) -> int | None:
        """The token that takes the probability of the end of the document, or None."""
        return self._end_token

    def log_prob(self, context: Query, token: int) -> float:
        """The log-probability in nats of a token (or `END_OF_DOCUMENT`) after a context; −inf if it cannot come."""
        row = integer(token, "token")
        if row != END_OF_DOCUMENT:
            row = self._checked_token(row, "token")
        return _core.ModelSession(self._core, tokens_of(self._index, context)).log_prob(row)

    def distribution(self, context: Query) -> Float64Array:
        """The probability of everything that may come after a context.

        Returns:
            float64: element `i` is token `i`; the last one is the end of the document, but with an `end_token`,
            which then holds both. They sum to one, but for stupid backoff. Cost:
            O(vocab_size) for each context that is a suffix.
        """
        return self.session(context).distribution()

    def session(self, context: Query = ()) -> ModelSession:
        """The model at a context that grows: append a token, ask for the distribution, copy."""
        return ModelSession(_core.ModelSession(self._core, tokens_of(self._index, context)))

    def sample(
        self, context: Query = (), *, max_tokens: int = 50, seed: int | None = None, temperature: float = 1.0
    ) -> list[int]:
        """Draw tokens one after the other, until the document ends.

        Args:
            context: what they continue.
            max_tokens: so many at most.
            seed: the same one draws the same tokens; None draws anew each time.
            temperature: probabilities are raised to the power of its inverse; near 0 the likeliest token is taken.

        Returns:
            Token ids, without the context and without the end; of fewer than `max_tokens` the end came next.

        Raises:
            QueryError: the temperature is not positive.
        """
        if real(temperature, "temperature", low=0) == 0:
            raise QueryError("temperature is 0; expected a positive number")
        random = np.random.default_rng(None if seed is None else checked_seed(seed))
        end = self._index.vocab_size if self._end_token is None else self._end_token
        session = self.session(context)
        drawn: list[int] = []
        most = at_least(max_tokens, 0, "max_tokens")
        while len(drawn) < most:
            probs = session.distribution()
            probs = (probs / probs.max()) ** (1 / temperature)
            token = int(random.choice(len(probs), p=probs / probs.sum()))
            if token == end:
                break
            drawn.append(token)
            session.append(token)
        return drawn

    def score(self, tokens: Query, *, end: bool = False) -> Float64Array:
        """The log-probability in nats of every token of a document but its first; with `end`, of its end, too."""
        return self.evaluate([tokens], end=end).log_probs

    def perplexity(self, documents: Iterable[Query], *, end: bool = False) -> float:
        """The exponential of the mean negative log-probability over all positions of all documents."""
        return self.evaluate(documents, end=end).perplexity

    def evaluate(
        self,
        documents: Iterable[Query],
        *,
        entropies: bool = False,
        end: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> PositionScores:
        """What the model gives every position of some documents.

        A few microseconds a position; the contexts met are kept, and met again sooner.

        Args:
            documents: text or token ids, one document after the other.
            entropies: compute those, too; about as much work again. Stupid backoff has none.
            end: score the end of each document as one more position.
            progress: called after each document with the positions done.
        """
        asked = ["model"] if flag(entropies, "entropies") else []
        return evaluate_models({"model": self}, documents, entropies=asked, end=end, progress=progress)["model"]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the index and the options; Kneser–Ney counts n-grams again where it is unpickled."""
        options = partial(
            InfgramLM, n=self._n, min_count=self._min_count, end_token=self._end_token, weights=self._weights
        )
        return options, (self._index, self._smoothing)

    def __repr__(self) -> str:
        order = "" if self._n is None else f", n={self._n}"
        return cut(f"<infgram.lm.InfgramLM {self._smoothing}{order} over {self._index!r}>", MOST_CHARACTERS)

    def _checked_token(self, token: int, name: str) -> int:
        if not 0 <= integer(token, name) < self._index.vocab_size:
            raise QueryError(f"{name} is {token}; expected a token id from 0 to {self._index.vocab_size - 1}")
        return token.__index__()


def evaluate_models(
    models: Mapping[str, InfgramLM],
    documents: Iterable[Query],
    *,
    entropies: Collection[str] = (),
    guesses: Mapping[str, npt.NDArray[np.integer]] | None = None,
    end: bool = False,
    progress: Callable[[int], None] | None = None,
) -> dict[str, PositionScores]:
    """What `InfgramLM.evaluate` gives for each of several models of one index, for little more than the price of one.

    Args:
        models: by name.
        documents: text or token ids, one document after the other.
        entropies: the names of the models whose entropies are computed, too.
        guesses: by the name of a model, token ids that it is to score besides the one that came, positions × guesses.
        end: score the end of each document as one more position.
        progress: called after each document with the positions done.

    Raises:
        QueryError: there is no model, they are of different indexes, or guesses are not those of the positions.
    """
    for model in mapping(models, "models", "names to models").values():
        instance(model, "a model", InfgramLM, "an InfgramLM")
    for name in several(entropies, "entropies", "names of models"):
        choice(name, "a name in entropies", models)
    wanted = {
        choice(name, "a name in guesses", models): array(
            rows, f"guesses[{name!r}]", kinds="iu", ndim=2, expected="positions × guesses of token ids"
        )
        for name, rows in mapping({} if guesses is None else guesses, "guesses", "names of models to token ids").items()
    }
    to_end = flag(end, "end")
    callback(progress, "progress")
    indexes = {id(model.index): model.index for model in models.values()}
    if len(indexes) != 1:
        raise QueryError(f"found models of {len(indexes)} indexes; expected one or more of one index")
    index = next(iter(indexes.values()))
    cores = [model._core for model in models.values()]
    flags = [name in entropies for name in models]
    asked = [wanted.get(name) for name in models]
    parts = []
    starts = [0]
    for document in several(documents, "documents"):
        tokens = tokens_of(index, document)
        rows = [() if of is None else of[starts[-1] : starts[-1] + len(tokens) - 1 + to_end].ravel() for of in asked]
        parts.append(_core.evaluate_models(cores, flags, rows, tokens, to_end))
        starts.append(starts[-1] + len(parts[-1][0][0]))
        if progress is not None:
            progress(starts[-1])
    found = {}
    for place, (name, of) in enumerate(zip(models, asked, strict=True)):
        columns = (np.concatenate([np.empty(0), *(part[place][i] for part in parts)]) for i in range(3))
        log_probs, entropy, of_guesses = columns
        if of is not None and len(of) != starts[-1]:
            raise QueryError(f"found guesses of {name!r} for {len(of)} positions; there are {starts[-1]}")
        known = None if of is None else Guesses(of.astype(np.int32), of_guesses.reshape(of.shape).astype(np.float32))
        found[name] = PositionScores(log_probs, entropy, np.array(starts, dtype=np.int64), known)
    return found


def _checked_weights(weights: Float64Array | None, smoothing: Smoothing) -> list[float]:
    shape = _core.ContextTree.jelinek_mercer_shape
    if weights is None:
        return [0.5] * (shape[0] * shape[1])
    if smoothing != "jelinek_mercer":
        raise QueryError(f"weights were given for smoothing {smoothing!r}; only 'jelinek_mercer' has weights")
    given = array(weights, "weights", kinds="fiu", ndim=None, expected=f"numbers from 0 to 1 in the shape {shape}")
    if given.shape != shape or not ((given >= 0) & (given <= 1)).all():
        raise QueryError(f"weights have the shape {given.shape}; expected numbers from 0 to 1 in the shape {shape}")
    return [float(weight) for weight in given.flat]
