"""Two models' probabilities multiplied: likely is what both hold likely.

Klakow (1998), "Log-linear interpolation of language models". Over a whole vocabulary that needs every model's whole
distribution at every position; here it is done over one model's likeliest tokens, which hold most of its probability.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from infgram.arguments import array, instance
from infgram.errors import QueryError
from infgram.lm.mixing.gate_network import Float32Array
from infgram.lm.types import PositionScores
from infgram.types import Float64Array, Int64Array

_NONE: Final = np.float32(-1000.0)  # nats, of the first model: a probability of 0
_LEAST: Final = np.float32(-12.0)  # of the second, which never rules a token out


def log_linear(first: PositionScores, second: PositionScores, tokens: Int64Array) -> PositionScores:
    """The geometric mean of two models over the guesses of the first.

    The guesses share the probability that the first model gives them all, in proportion to the square root of the
    product of both models' probabilities; any other token has the first model's. It sums to one if that does.

    Args:
        first: with its guesses, each token once at a position.
        second: asked for the same ones.
        tokens: those that came, one a position.

    Returns:
        Log-probabilities and entropies; for a gate, how likely the first guess is to both, and their divergence over
        all guesses.

    Raises:
        QueryError: a model has no guesses.
    """
    for name, scores in (("first", first), ("second", second)):
        instance(scores, name, PositionScores, "the PositionScores of a model")
    tokens = array(tokens, "tokens", kinds="iu", ndim=1, expected="one token id a position")
    if len(tokens) != first.n_positions:
        raise QueryError(
            f"tokens holds {len(tokens)} token ids; expected one for each of {first.n_positions} positions"
        )
    guesses, own, other = _of_guesses(first, second)
    means: Float32Array = (own + other) / np.float32(2)
    mixed: Float32Array = means + (_log_sum(own) - _log_sum(means))[:, None]
    came = guesses == tokens[:, None]
    log_probs = np.where(came.any(axis=1), np.where(came, mixed, 0.0).sum(axis=1), first.log_probs)
    entropies = first.entropies + _p_log(own, own) - _p_log(mixed, mixed)
    inputs = {
        "first guess": own[:, 0].astype(np.float64),
        "first guess, other model": other[:, 0].astype(np.float64),
        "divergence of guesses": _p_log(own, own - other),
    }
    return PositionScores(log_probs, entropies, first.document_starts, inputs=inputs)


def _of_guesses(
    first: PositionScores, second: PositionScores
) -> tuple[npt.NDArray[np.int32], Float32Array, Float32Array]:
    """The tokens, and both models' log-probabilities, finite: what is impossible is very unlikely."""
    if first.guesses is None or second.guesses is None:
        raise QueryError("a model was not asked for guesses; expected the scores of both of the same ones")
    if not np.array_equal(first.guesses.tokens, second.guesses.tokens):
        raise QueryError("the models were asked for different guesses; expected those of the first")
    own: Float32Array = np.maximum(first.guesses.log_probs, _NONE)
    other: Float32Array = np.maximum(second.guesses.log_probs, _LEAST)
    return first.guesses.tokens, own, other


def _p_log(log_probs: Float32Array, values: Float32Array) -> Float64Array:
    """The sum over the guesses of p times a value."""
    return np.asarray((np.exp(log_probs) * values).sum(axis=1, dtype=np.float64))


def _log_sum(rows: Float32Array) -> Float32Array:
    highest = rows.max(axis=1)
    return np.asarray(highest + np.log(np.exp(rows - highest[:, None]).sum(axis=1)))
