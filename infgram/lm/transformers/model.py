"""A causal language model of `transformers` as a model of the index's tokens."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import numpy as np
import torch

from infgram.arguments import (
    at_least,
    callback,
    choice,
    flag,
    integer,
    path as checked_path,
    refusal,
    text,
    text_or_none,
)
from infgram.errors import InputError, QueryError
from infgram.index import Index, checked_index
from infgram.lm.positions import checked_documents, checked_token_ids, document_starts
from infgram.lm.transformers.loading import check_tokenizer, load_model
from infgram.lm.transformers.windows import Window, input_tokens, longest_first, windows_over
from infgram.lm.types import Guesses, PositionScores
from infgram.reprs import ShortRepr
from infgram.types import Float64Array, Int64Array

LONGEST_CONTEXT: Final = 1024
"""Default maximum of the context length in tokens."""

N_GUESSES: Final = 32
"""Number of most probable tokens that are returned at each position."""

_BATCH_LOGITS: Final = 1 << 25  # positions × vocabulary of a batch; 128 MiB in float32


class TransformersLM(ShortRepr):
    """A causal language model of `transformers` whose token ids are the index's.

    Logits beyond the index's vocabulary, with which models are often padded, are removed before the softmax, so that
    probabilities sum to one over the vocabulary.

    Args:
        model: a `PreTrainedModel` with next-token logits, in evaluation mode.
        vocab_size: of the index.
        context_length: maximum number of context tokens; by default the maximum of the model's configuration, up to
            1,024.
        stride: distance between windows in tokens; half a window by default. A smaller stride is slower and gives
            tokens more context.
        begin_token: token id before every document; `"auto"` for the model's own, None for no token.

    Raises:
        InputError: the model's vocabulary is smaller than the index's.
        QueryError: a length is out of range.
    """

    _repr_fields = ("vocab_size", "context_length", "stride", "begin_token")

    def __init__(
        self,
        model: Any,
        vocab_size: int,
        *,
        context_length: int | None = None,
        stride: int | None = None,
        begin_token: int | Literal["auto"] | None = "auto",
    ) -> None:
        if not hasattr(getattr(model, "config", None), "get_text_config"):
            raise TypeError(
                f"model is of type {type(model).__name__}; expected a causal language model of transformers"
            )
        self.model = model
        self.vocab_size = vocab_size = at_least(vocab_size, 1, "vocab_size")
        n_rows = int(model.config.get_text_config().vocab_size)
        if n_rows < vocab_size:
            raise InputError(
                f"the model has {n_rows:,} token ids, the index {vocab_size:,}; expected a model with the index's "
                "tokenizer"
            )
        longest = getattr(model.config.get_text_config(), "max_position_embeddings", None) or LONGEST_CONTEXT
        chosen = min(longest, LONGEST_CONTEXT) if context_length is None else context_length
        self.context_length = at_least(chosen, 1, "context_length")
        self.stride = at_least(max(1, self.context_length // 2) if stride is None else stride, 1, "stride")
        if self.context_length > longest or self.stride > self.context_length:
            raise QueryError(
                f"context_length is {self.context_length} and stride {self.stride}; expected a context_length of at "
                f"most {longest}, the maximum of this model, and a stride of at most the context_length"
            )
        if isinstance(begin_token, str):
            choice(begin_token, "begin_token", ("auto",))
            begin_token = _begin_token(model)
        if begin_token is not None and not 0 <= integer(begin_token, "begin_token") < n_rows:
            raise refusal(begin_token, "begin_token", f"a token id from 0 to {n_rows - 1}, 'auto' or None")
        self.begin_token = begin_token
        self._keeps_few = "logits_to_keep" in inspect.signature(model.forward).parameters

    @classmethod
    def from_pretrained(
        cls,
        name: str | os.PathLike[str],
        index: Index,
        *,
        tokenizer: str | None = None,
        device: str = "auto",
        local_files_only: bool = True,
        context_length: int | None = None,
        stride: int | None = None,
        begin_token: int | Literal["auto"] | None = "auto",
    ) -> TransformersLM:
        """Load a model, and check that its tokenizer is the index's.

        Args:
            name: a folder that `save_pretrained` wrote, or a name on the hub.
            index: an index with the model's token ids.
            tokenizer: path of the model's tokenizer if it is not in the same folder; `"index"` declares that it is the
                index's.
            device: a torch device; `"auto"` selects an accelerator if there is one, else the CPU.
            local_files_only: False downloads missing files from the hub.
            context_length: as for the class.
            stride: as for the class.
            begin_token: as for the class.

        Raises:
            InputError: the model cannot be loaded, or its vocabulary is smaller than the index's.
            TokenizerError: the model's tokenizer differs from the index's, or was not saved with it.
        """
        folder = checked_path(name, "name")
        flag(local_files_only, "local_files_only")
        text(device, "device")
        check_tokenizer(folder, checked_index(index), text_or_none(tokenizer, "tokenizer"), local_files_only)
        model = load_model(folder, device, local_files_only)
        return cls(model, index.vocab_size, context_length=context_length, stride=stride, begin_token=begin_token)

    @property
    def end_token(self) -> int | None:
        """The model's end-of-text token id; None if it has none."""
        return _first(self.model.config.get_text_config().eos_token_id)

    def evaluate(
        self,
        documents: Sequence[Int64Array],
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> PositionScores:
        """Score every token of each document but its first.

        The guesses are the `N_GUESSES` most probable tokens at each position.

        Documents longer than the context are divided into overlapping windows; a token is predicted in the first window
        that reaches it. Windows of similar length are batched.

        Args:
            documents: token ids of each document.
            progress: called with the finished and the total number of positions; may raise to stop the evaluation.

        Raises:
            QueryError: a token id is outside the vocabulary.
        """
        callback(progress, "progress")
        documents = checked_documents(documents, self.vocab_size)
        starts = document_starts(documents)
        n_positions, n_guesses = int(starts[-1]), min(N_GUESSES, self.vocab_size)
        log_probs, entropies = np.empty(n_positions), np.empty(n_positions)
        guesses = Guesses(
            np.empty((n_positions, n_guesses), dtype=np.int32), np.empty((n_positions, n_guesses), dtype=np.float32)
        )
        windows = windows_over(
            [len(document) for document in documents],
            context_length=self.context_length,
            stride=self.stride,
            begin=0 if self.begin_token is None else -1,
        )
        done = 0
        for batch in self._batches(longest_first(windows)):
            positions = np.concatenate([starts[w.document] + np.arange(w.first_scored, w.end + 1) - 1 for w in batch])
            log_probs[positions], entropies[positions], guesses.tokens[positions], guesses.log_probs[positions] = (
                column.cpu().numpy() for column in self._scores(batch, documents, n_guesses)
            )
            done += len(positions)
            if progress:
                progress(done, n_positions)
        return PositionScores(log_probs, entropies, starts, guesses)

    def distribution(self, context: Int64Array) -> Float64Array:
        """Return the probability of each token id after a context, of which the last `context_length` tokens count.

        Raises:
            QueryError: a token id is outside the vocabulary, or the context is empty and the model has no begin token.
        """
        context = checked_token_ids(context, "context", self.vocab_size)
        begin = [] if self.begin_token is None else [self.begin_token]
        seen = [*begin, *context[max(0, len(context) + len(begin) - self.context_length) :].tolist()]
        if not seen:
            raise QueryError("the context is empty and the neural model has no begin token; pass at least one token")
        with torch.inference_mode():
            logits = self._logits(torch.tensor([seen], device=self.model.device), 1)[0, -1, : self.vocab_size]
            probabilities: Float64Array = torch.softmax(logits.double(), dim=-1).cpu().numpy()
        return probabilities

    def _batches(self, windows: list[Window]) -> list[list[Window]]:
        """Divide windows into batches with a bounded number of logits."""
        batches: list[list[Window]] = []
        n_rows = 0
        for window in windows:
            cost = window.n_scored if self._keeps_few else window.n_inputs
            if not batches or (n_rows + cost) * self.vocab_size > _BATCH_LOGITS:
                batches.append([])
                n_rows = 0
            batches[-1].append(window)
            n_rows += cost
        return batches

    def _scores(self, batch: list[Window], documents: Sequence[Int64Array], n_guesses: int) -> tuple[torch.Tensor, ...]:
        """Return the log-probabilities, entropies, guesses and guess log-probabilities of a batch, window by window.

        Shorter windows are padded at the end, which does not affect a causal model.
        """
        inputs = [input_tokens(window, documents, self.begin_token) for window in batch]
        longest = max(map(len, inputs))
        padded = torch.zeros((len(batch), longest), dtype=torch.long)
        for row, tokens in enumerate(inputs):
            padded[row, : len(tokens)] = torch.tensor(tokens)
        first_kept = min(len(tokens) - window.n_scored for tokens, window in zip(inputs, batch, strict=True))
        targets = torch.from_numpy(
            np.concatenate([documents[w.document][w.first_scored : w.end + 1] for w in batch]).astype(np.int64)
        )
        with torch.inference_mode():
            logits = self._logits(padded.to(self.model.device), longest - first_kept)
            rows = torch.cat(
                [
                    logits[row, len(tokens) - window.n_scored - first_kept : len(tokens) - first_kept]
                    for row, (tokens, window) in enumerate(zip(inputs, batch, strict=True))
                ]
            )
            all_log_probs = torch.log_softmax(rows[:, : self.vocab_size].float(), dim=-1)
            of_token = all_log_probs.gather(1, targets.to(rows.device)[:, None])[:, 0]
            entropies = torch.special.entr(all_log_probs.exp()).sum(dim=-1)
            likeliest = torch.topk(all_log_probs, n_guesses, dim=-1)
        return of_token, entropies, likeliest.indices, likeliest.values

    def _logits(self, tokens: torch.Tensor, n_last: int) -> torch.Tensor:
        """Return the logits of the last `n_last` tokens of each row."""
        few = {"logits_to_keep": n_last} if self._keeps_few else {}
        logits: torch.Tensor = self.model(input_ids=tokens, use_cache=False, **few).logits
        return logits[:, -n_last:]


def _begin_token(model: Any) -> int | None:
    return _first(model.config.get_text_config().bos_token_id)


def _first(token: int | list[int] | None) -> int | None:
    """Return the first id of a configuration's value, which may be one id, several or None."""
    return token[0] if isinstance(token, list) and token else token if isinstance(token, int) else None
