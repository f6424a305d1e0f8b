"""Language models over an index: the ∞-gram, and n-gram models of any order smoothed over all suffixes."""

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
from infgram.errors import IndexDamagedError, QueryError
from infgram.index import Index, checked_index, query_tokens
from infgram.lm.models.contexts import contexts_of, survey
from infgram.lm.models.jelinek_mercer import checked_weights
from infgram.lm.types import Guesses, PositionScores
from infgram.reprs import MOST_CHARACTERS, ShortRepr, cut
from infgram.types import END_OF_DOCUMENT, Float64Array, Query

Smoothing: TypeAlias = Literal["none", "stupid_backoff", "jelinek_mercer", "witten_bell", "kneser_ney", "ppm"]

SMOOTHINGS: Final[tuple[Smoothing, ...]] = get_args(Smoothing)


class InfgramLM:
    """A language model over an index, computed from its counts without training.

    The model predicts every token of a document but the first from the tokens before it. The end of the document is
    a further outcome; with `end_token`, its probability is added to that token's.

    Suffixes of a context with the same occurrences are one context. All smoothings but `"none"` use the suffixes of
    every length, down to the empty one.

    A model can be used after a fork, which waits until no other thread uses a model. It is pickled as its index and
    options.

    Args:
        index: an open index.
        smoothing: `"none"` is the ∞-gram, which uses the longest suffix alone and gives many tokens probability 0;
            `"stupid_backoff"` (Brants et al. 2007) gives scores that do not sum to one;
            `"jelinek_mercer"` (Jelinek and Mercer 1980) averages all suffixes with `weights`;
            `"witten_bell"` (Witten and Bell 1991, method C);
            `"kneser_ney"` (modified Kneser–Ney; Chen and Goodman 1998) is the best of these on most text;
            `"ppm"` is prediction by partial matching with exclusion and escape method D (Howard 1993).
        n: order of the model: suffixes have at most `n - 1` tokens; None for unbounded. Unbounded Kneser–Ney is the
            limit of large orders, except in copied passages of more than 128 tokens.
        min_count: minimum number of occurrences of a suffix; the empty suffix is always used.
        end_token: the end-of-text token, to which the probability of the end of the document is added.
        weights: for Jelinek–Mercer, the result of `jelinek_mercer_weights`; 1/2 each by default.
        progress: called with the finished and the total number of tokens while Kneser–Ney counts n-grams: one pass
            over the index, about 0.1 µs per token and core, shared by all models of an index.

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
        """Check the options; for Kneser–Ney, count n-grams."""
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
            checked_weights(weights, smoothing),
        )

    @property
    def index(self) -> Index:
        """The index that the counts come from."""
        return self._index

    @property
    def smoothing(self) -> Smoothing:
        """The smoothing method."""
        return self._smoothing

    @property
    def n(self) -> int | None:
        """The order; None for unbounded."""
        return self._n

    @property
    def end_token(self) -> int | None:
        """The token to which the probability of the end of the document is added, or None."""
        return self._end_token

    def log_prob(self, context: Query, token: int) -> float:
        """Return the log-probability in nats of a token, or `END_OF_DOCUMENT`, after a context; −inf if impossible."""
        outcome = integer(token, "token")
        if outcome != END_OF_DOCUMENT:
            outcome = self._checked_token(outcome, "token")
        return _core.ModelSession(self._core, query_tokens(self._index, context)).log_prob(outcome)

    def distribution(self, context: Query) -> Float64Array:
        """Return the probability of every outcome after a context. O(vocab_size) for each suffix of the context.

        Returns:
            float64, one element per token id; without an `end_token`, a further last element for the end of the
            document. They sum to one, except for stupid backoff.
        """
        return self.session(context).distribution()

    def session(self, context: Query = ()) -> ModelSession:
        """Return a session: the model at a context to which tokens are appended one by one."""
        return ModelSession(_core.ModelSession(self._core, query_tokens(self._index, context)))

    def sample(
        self, context: Query = (), *, max_tokens: int = 50, seed: int | None = None, temperature: float = 1.0
    ) -> list[int]:
        """Sample tokens one by one until the document ends.

        Args:
            context: text or token ids to continue.
            max_tokens: maximum number of tokens.
            seed: equal seeds give equal tokens; None for a random seed.
            temperature: probabilities are raised to the power 1/temperature; near 0, the most probable token is taken.

        Returns:
            Token ids without the context; fewer than `max_tokens` if the document ended.

        Raises:
            QueryError: the temperature is not positive.
            IndexDamagedError: the counts are inconsistent.
        """
        if real(temperature, "temperature", low=0) == 0:
            raise QueryError("temperature is 0; expected a positive number")
        random = np.random.default_rng(None if seed is None else checked_seed(seed))
        end = self._index.vocab_size if self._end_token is None else self._end_token
        session = self.session(context)
        drawn: list[int] = []
        limit = at_least(max_tokens, 0, "max_tokens")
        while len(drawn) < limit:
            probs = session.distribution()
            if not (probs.min() >= 0 and 0 < probs.max() < np.inf):
                raise IndexDamagedError(
                    f"{self._index!r} has counts that do not agree with each other; run `infgram verify` and rebuild it"
                )
            probs = (probs / probs.max()) ** (1 / temperature)
            token = int(random.choice(len(probs), p=probs / probs.sum()))
            if token == end:
                break
            drawn.append(token)
            session.append(token)
        return drawn

    def score(self, tokens: Query, *, end: bool = False) -> Float64Array:
        """Return the log-probability of every token of a document but its first, and with `end` of its end: nats."""
        return self.evaluate([tokens], end=end).log_probs

    def perplexity(self, documents: Iterable[Query], *, end: bool = False) -> float:
        """Return the exponential of the mean negative log-probability over all positions of all documents."""
        return self.evaluate(documents, end=end).perplexity

    def evaluate(
        self,
        documents: Iterable[Query],
        *,
        entropies: bool = False,
        end: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> PositionScores:
        """Score every token of each document but its first.

        Takes a few microseconds per position, less for contexts that are cached.

        Args:
            documents: text or token ids of each document.
            entropies: also compute the entropy at each position, which about doubles the time. Stupid backoff has none.
            end: score the end of each document as a further position.
            progress: called after each document with the number of finished positions.
        """
        names = ["model"] if flag(entropies, "entropies") else []
        return evaluate_models({"model": self}, documents, entropies=names, end=end, progress=progress)["model"]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the index and the options; unpickling Kneser–Ney counts its n-grams again."""
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


class ModelSession(ShortRepr):
    """A model at a context that grows token by token; created by `InfgramLM.session`.

    A session can be used from any thread; the sessions of one index run one at a time.
    """

    def __init__(self, core: _core.ModelSession) -> None:
        """Use `InfgramLM.session`."""
        self._core = core

    def append(self, token: int) -> None:
        """Append a token to the context. Takes some microseconds.

        Raises:
            QueryError: it is outside the vocabulary.
        """
        self._core.append((token,))

    def extend(self, tokens: Query) -> None:
        """Append several token ids to the context."""
        self._core.append(tokens)

    def distribution(self) -> Float64Array:
        """Return the distribution after the context, as `InfgramLM.distribution` does."""
        return self._core.distribution()

    def copy(self) -> ModelSession:
        """Return an independent session in the same state, as for beam search."""
        return ModelSession(self._core.copy())


def evaluate_models(
    models: Mapping[str, InfgramLM],
    documents: Iterable[Query],
    *,
    entropies: Collection[str] = (),
    guesses: Mapping[str, npt.NDArray[np.integer]] | None = None,
    end: bool = False,
    progress: Callable[[int], None] | None = None,
) -> dict[str, PositionScores]:
    """Evaluate several models of one index as `InfgramLM.evaluate` does, for little more than the cost of one.

    Args:
        models: by name.
        documents: text or token ids of each document.
        entropies: names of the models whose entropies are computed.
        guesses: by the name of a model, token ids, positions × guesses, that it also scores at each position.
        end: score the end of each document as a further position.
        progress: called after each document with the number of finished positions.

    Raises:
        QueryError: there is no model, the models have different indexes, or the number of guesses differs from that
            of the positions.
    """
    for model in mapping(models, "models", "names to models").values():
        instance(model, "a model", InfgramLM, "an InfgramLM")
    for name in several(entropies, "entropies", "names of models"):
        choice(name, "a name in entropies", models)
    guesses_of = {
        choice(name, "a name in guesses", models): array(
            tokens, f"guesses[{name!r}]", kinds="iu", ndim=2, expected="positions × guesses of token ids"
        )
        for name, tokens in mapping(
            {} if guesses is None else guesses, "guesses", "names of models to token ids"
        ).items()
    }
    to_end = flag(end, "end")
    callback(progress, "progress")
    indexes = {id(model.index): model.index for model in models.values()}
    if len(indexes) != 1:
        raise QueryError(f"found models of {len(indexes)} indexes; expected one or more of one index")
    index = next(iter(indexes.values()))
    cores = [model._core for model in models.values()]
    with_entropies = [name in entropies for name in models]
    all_guesses = [guesses_of.get(name) for name in models]
    parts = []
    starts = [0]
    for document in several(documents, "documents"):
        tokens = query_tokens(index, document)
        document_guesses = [
            () if each is None else each[starts[-1] : starts[-1] + len(tokens) - 1 + to_end].ravel()
            for each in all_guesses
        ]
        parts.append(_core.evaluate_models(cores, with_entropies, document_guesses, tokens, to_end))
        starts.append(starts[-1] + len(parts[-1][0][0]))
        if progress is not None:
            progress(starts[-1])
    scores = {}
    for number, (name, guessed) in enumerate(zip(models, all_guesses, strict=True)):
        log_probs, model_entropies, guess_log_probs = (
            np.concatenate([np.empty(0), *(part[number][column] for part in parts)]) for column in range(3)
        )
        if guessed is not None and len(guessed) != starts[-1]:
            raise QueryError(
                f"guesses[{name!r}] has {len(guessed)} rows; expected one for each of {starts[-1]} positions"
            )
        scored = (
            None
            if guessed is None
            else Guesses(guessed.astype(np.int32), guess_log_probs.reshape(guessed.shape).astype(np.float32))
        )
        scores[name] = PositionScores(log_probs, model_entropies, np.array(starts, dtype=np.int64), scored)
    return scores
