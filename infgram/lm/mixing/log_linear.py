"""Log-linear interpolation of two models: a product of experts.

Klakow (1998), "Log-linear interpolation of language models". Normalizing over the vocabulary would need the whole
distributions of both models at every position; here the product is taken over the first model's most probable tokens,
which have most of its probability.
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

_IMPOSSIBLE: Final = np.float32(-1000.0)  # nats; replaces −inf of the first model
_MIN_LOG_PROB: Final = np.float32(-12.0)  # nats; lower bound of the second model, which never excludes a token


def log_linear(first: PositionScores, second: PositionScores, tokens: Int64Array) -> PositionScores:
    """Return the geometric mean of two models over the guesses of the first.

    The first model's total probability of its guesses is divided among them in proportion to the square root of the
    product of both models' probabilities. Every other token keeps the first model's probability. The result sums to
    one if the first model does.

    Args:
        first: scores with guesses, which are distinct at each position.
        second: scores of the same guesses.
        tokens: token id of each position.

    Returns:
        Log-probabilities and entropies. The inputs for a gate are both models' log-probabilities of the first guess,
        and the models' divergence over all guesses.

    Raises:
        QueryError: a model has no guesses.
    """
    for name, scores in (("first", first), ("second", second)):
        instance(scores, name, PositionScores, "the PositionScores of a model")
    tokens = array(tokens, "tokens", kinds="iu", ndim=1, expected="one token id per position")
    if len(tokens) != first.n_positions:
        raise QueryError(f"tokens has {len(tokens)} token ids; expected one for each of {first.n_positions} positions")
    guesses, own, other = _guesses_of(first, second)
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


def _guesses_of(
    first: PositionScores, second: PositionScores
) -> tuple[npt.NDArray[np.int32], Float32Array, Float32Array]:
    """Return the guesses, and both models' log-probabilities of them, bounded below: positions × guesses each."""
    if first.guesses is None or second.guesses is None:
        raise QueryError("a model has no guesses; evaluate both models with the same guesses")
    if not np.array_equal(first.guesses.tokens, second.guesses.tokens):
        raise QueryError("the models have different guesses; evaluate the second model with the guesses of the first")
    own: Float32Array = np.maximum(first.guesses.log_probs, _IMPOSSIBLE)
    other: Float32Array = np.maximum(second.guesses.log_probs, _MIN_LOG_PROB)
    return first.guesses.tokens, own, other


def _p_log(log_probs: Float32Array, values: Float32Array) -> Float64Array:
    """Return the sum of p · value over the guesses of each position."""
    return np.asarray((np.exp(log_probs) * values).sum(axis=1, dtype=np.float64))


def _log_sum(rows: Float32Array) -> Float32Array:
    highest = rows.max(axis=1)
    return np.asarray(highest + np.log(np.exp(rows - highest[:, None]).sum(axis=1)))
