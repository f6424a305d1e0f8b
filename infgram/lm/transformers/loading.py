"""Loading a causal language model, and checking that its tokenizer is the index's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging
from transformers.utils.hub import cached_file

from infgram.errors import InputError, TokenizerError
from infgram.index import Index, tokenizer_or_none
from infgram.tokenizers import Tokenizer, resolve


def load_model(name: str, device: str, local_files_only: bool) -> Any:
    """Load a model in evaluation mode: in float32 on a CPU, otherwise in the saved precision.

    Raises:
        InputError: there is no such model, it is not a causal language model, or the device is unavailable.
    """
    chosen = chosen_device(device)
    bars: Any = logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(
            name, dtype=torch.float32 if chosen == "cpu" else "auto", local_files_only=local_files_only
        )
        return model.eval().to(chosen)
    except (OSError, ValueError, RuntimeError) as error:
        may_be_remote = local_files_only and not Path(name).exists()
        hint = "; to download it from the hub, pass local_files_only=False (--download)" if may_be_remote else ""
        raise InputError(f"{name}: transformers cannot load this as a causal language model: {error}{hint}") from error
    finally:
        if shown:
            bars.enable_progress_bar()


def chosen_device(device: str) -> str:
    """Return the device to use; `"auto"` selects an accelerator if there is one, else the CPU."""
    if device != "auto":
        return device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def check_tokenizer(name: str, index: Index, tokenizer: str | None, local_files_only: bool) -> None:
    """Check that the model's tokenizer is the index's.

    Args:
        name: folder or hub name of the model.
        index: the index that the model is compared or interpolated with.
        tokenizer: path of the model's tokenizer if it is saved elsewhere; `"index"` skips the check.
        local_files_only: do not access the hub.

    Raises:
        TokenizerError: there is no tokenizer to compare, or the two encode differently.
    """
    if tokenizer == "index":
        return
    if tokenizer_or_none(index) is None:
        raise TokenizerError(
            f"{index.paths[0]} was built from token ids and has no tokenizer to compare with that of {name}; if the "
            "ids are the model's, pass tokenizer='index' (--model-tokenizer index)"
        )
    own = _tokenizer_of(name, local_files_only) if tokenizer is None else resolve(tokenizer)
    if own.fingerprint != index.tokenizer.fingerprint:
        raise TokenizerError(
            f"the tokenizer of {tokenizer or name} differs from that of {index.paths[0]}: its fingerprint is "
            f"{own.fingerprint[:16]}, the index's {index.tokenizer.fingerprint[:16]}; build the index with the "
            "model's tokenizer, or if both encode every text equally, pass tokenizer='index' "
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
