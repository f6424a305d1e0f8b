"""A causal language model from a folder or the hub, and the check that its tokens are the index's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging
from transformers.utils.hub import cached_file

from infgram.errors import InputError, TokenizerError
from infgram.index import Index
from infgram.tokenizers import Tokenizer, resolve


def load_model(name: str, device: str, local_files_only: bool) -> Any:
    """The model in evaluation mode on its device: in float32 on a CPU, else as it was saved.

    Raises:
        InputError: there is none, it is no causal language model, or the device cannot be used.
    """
    place = chosen_device(device)
    bars: Any = logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(
            name, dtype=torch.float32 if place == "cpu" else "auto", local_files_only=local_files_only
        )
        return model.eval().to(place)
    except (OSError, ValueError, RuntimeError) as error:
        is_elsewhere = local_files_only and not Path(name).exists()
        where = "; to fetch it from the hub, pass local_files_only=False (--download)" if is_elsewhere else ""
        raise InputError(f"{name}: transformers cannot load this as a causal language model: {error}{where}") from error
    finally:
        if shown:
            bars.enable_progress_bar()


def chosen_device(device: str) -> str:
    """`"auto"` is an accelerator where there is one."""
    if device != "auto":
        return device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def check_tokenizer(name: str, index: Index, tokenizer: str | None, local_files_only: bool) -> None:
    """Whether the model counts in the index's tokens.

    Args:
        name: folder or hub name of the model.
        index: with the tokenizer that it was built with.
        tokenizer: where the model's own is, if it was saved elsewhere; `"index"` takes the caller's word for it.
        local_files_only: never ask the hub.

    Raises:
        TokenizerError: no tokenizer was found, or it encodes otherwise than the index's.
    """
    if tokenizer == "index":
        return
    if index._tokenizer_or_none() is None:
        raise TokenizerError(
            f"{index.paths[0]} was built from token ids and holds no tokenizer to compare with that of {name}; if the "
            "ids are the model's, pass tokenizer='index' (--model-tokenizer index)"
        )
    own = _tokenizer_of(name, local_files_only) if tokenizer is None else resolve(tokenizer)
    if own.fingerprint != index.tokenizer.fingerprint:
        raise TokenizerError(
            f"the tokenizer of {tokenizer or name} is not the one {index.paths[0]} was built with: its fingerprint is "
            f"{own.fingerprint[:16]}, the index's {index.tokenizer.fingerprint[:16]}; build the index with the "
            "model's tokenizer, or if both give the same ids to every text, pass tokenizer='index' "
            "(--model-tokenizer index)"
        )


def _tokenizer_of(name: str, local_files_only: bool) -> Tokenizer:
    missing = (
        f"no tokenizer.json is saved with {name}; pass the path of the model's tokenizer as tokenizer=… "
        "(--model-tokenizer PATH), or tokenizer='index' (--model-tokenizer index) if the index was built with it"
    )
    if Path(name).is_dir():
        try:
            return resolve(name)
        except TokenizerError as error:
            raise TokenizerError(f"{missing} ({error})") from error
    try:
        found = cached_file(name, "tokenizer.json", local_files_only=local_files_only)
    except OSError as error:
        raise TokenizerError(f"{missing} ({error})") from error
    if found is None:
        raise TokenizerError(missing)
    return resolve(found)
