"""A neural language model on the documents that the index is compared with."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import numpy as np
import torch

from infgram.arguments import at_least, callback, choice, flag, integer, refusal, text, text_or_none
from infgram.arguments import path as checked_path
from infgram.errors import InputError, QueryError
from infgram.index import Index, checked_index
from infgram.lm.positions import checked_documents, checked_token_ids, document_starts
from infgram.lm.transformers.loading import check_tokenizer, load_model
from infgram.lm.types import Guesses, PositionScores
from infgram.lm.windows import Window, longest_first, tokens_of, windows_over
from infgram.reprs import ShortRepr
from infgram.types import Float64Array, Int64Array

LONGEST_CONTEXT: Final = 1024
"""Tokens of a window by default, where the model allows more."""

N_GUESSES: Final = 32
"""So many of its likeliest tokens the model names at each position."""

_SCORES_AT_ONCE: Final = 1 << 25  # positions × vocabulary, float32: 128 MiB


class TransformersLM(ShortRepr):
    """A causal language model of `transformers` whose token ids are the index's.

    Rows of its output beyond the index's vocabulary, by which embeddings are often padded, are left out before
    probabilities are taken, so that they sum to one over the vocabulary.

    Args:
        model: a `PreTrainedModel` that gives next-token logits, in evaluation mode.
        vocab_size: of the index.
        context_length: tokens that the model sees at most; by default what its configuration allows, up to 1,024.
        stride: tokens from one window to the next; half a window by default. Smaller is slower, and gives every
            token more context.
        begin_token: stands before every document; `"auto"` is the model's own, None none at all.

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
                f"the model knows {n_rows:,} token ids, the index {vocab_size:,}; expected a model of the index's "
                "tokenizer"
            )
        longest = getattr(model.config.get_text_config(), "max_position_embeddings", None) or LONGEST_CONTEXT
        chosen = min(longest, LONGEST_CONTEXT) if context_length is None else context_length
        self.context_length = at_least(chosen, 1, "context_length")
        self.stride = at_least(max(1, self.context_length // 2) if stride is None else stride, 1, "stride")
        if self.context_length > longest or self.stride > self.context_length:
            raise QueryError(
                f"context_length is {self.context_length} and stride {self.stride}; expected a stride of at most the "
                f"context_length, and that of at most {longest}, which this model was made for"
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
            index: whose documents and queries have the same tokens.
            tokenizer: where the model's tokenizer is, if not beside it; `"index"` states that it is the index's.
            device: as torch names it; `"auto"` is an accelerator where there is one.
            local_files_only: False fetches what is not on this machine from the hub.
            context_length: as for the class.
            stride: as for the class.
            begin_token: as for the class.

        Raises:
            InputError: no such model, or its vocabulary is smaller than the index's.
            TokenizerError: its tokenizer is another one, or was not saved with it.
        """
        folder = checked_path(name, "name")
        flag(local_files_only, "local_files_only")
        text(device, "device")
        check_tokenizer(folder, checked_index(index), text_or_none(tokenizer, "tokenizer"), local_files_only)
        model = load_model(folder, device, local_files_only)
        return cls(model, index.vocab_size, context_length=context_length, stride=stride, begin_token=begin_token)

    @property
    def end_token(self) -> int | None:
        """The id with which the model ends a text; None if it has none."""
        return _first(self.model.config.get_text_config().eos_token_id)

    def evaluate(
        self,
        documents: Sequence[Int64Array],
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> PositionScores:
        """Predict every token but the first of each document from those before it, as far as the model sees.

        The scores' guesses are the `N_GUESSES` tokens that it holds likeliest.

        Documents longer than the context are read in overlapping windows; a token is predicted in the first window
        that reaches it. Windows of about one length go through the model together.

        Args:
            documents: token ids.
            progress: called with positions done and in all; an exception of its own ends the work.

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
            places = np.concatenate([starts[w.document] + np.arange(w.first_scored, w.end + 1) - 1 for w in batch])
            log_probs[places], entropies[places], guesses.tokens[places], guesses.log_probs[places] = (
                column.cpu().numpy() for column in self._scores(batch, documents, n_guesses)
            )
            done += len(places)
            if progress:
                progress(done, n_positions)
        return PositionScores(log_probs, entropies, starts, guesses)

    def distribution(self, context: Int64Array) -> Float64Array:
        """The probability of each token id after a context, of which the model sees the end.

        Raises:
            QueryError: a token id is outside the vocabulary; the context is empty, and the model begins with nothing.
        """
        context = checked_token_ids(context, "context", self.vocab_size)
        begin = [] if self.begin_token is None else [self.begin_token]
        seen = [*begin, *context[max(0, len(context) + len(begin) - self.context_length) :].tolist()]
        if not seen:
            raise QueryError("the context is empty; this neural model has no token to begin with, and needs one")
        with torch.inference_mode():
            logits = self._logits(torch.tensor([seen], device=self.model.device), 1)[0, -1, : self.vocab_size]
            probabilities: Float64Array = torch.softmax(logits.double(), dim=-1).cpu().numpy()
        return probabilities

    def _batches(self, windows: list[Window]) -> list[list[Window]]:
        """Neighbours, as many as give a bounded number of logits."""
        batches: list[list[Window]] = []
        n_rows = 0
        for window in windows:
            cost = window.n_scored if self._keeps_few else window.n_inputs
            if not batches or (n_rows + cost) * self.vocab_size > _SCORES_AT_ONCE:
                batches.append([])
                n_rows = 0
            batches[-1].append(window)
            n_rows += cost
        return batches

    def _scores(self, batch: list[Window], documents: Sequence[Int64Array], n_guesses: int) -> tuple[torch.Tensor, ...]:
        """Log-probabilities, entropies, the likeliest tokens and their log-probabilities of a batch, window by window.

        Shorter windows are filled up at their ends, which a causal model does not see.
        """
        inputs = [tokens_of(window, documents, self.begin_token) for window in batch]
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
        """Of the last places of each row."""
        few = {"logits_to_keep": n_last} if self._keeps_few else {}
        logits: torch.Tensor = self.model(input_ids=tokens, use_cache=False, **few).logits
        return logits[:, -n_last:]


def _begin_token(model: Any) -> int | None:
    return _first(model.config.get_text_config().bos_token_id)


def _first(token: int | list[int] | None) -> int | None:
    """Configurations name one id, several or none."""
    return token[0] if isinstance(token, list) and token else token if isinstance(token, int) else None
