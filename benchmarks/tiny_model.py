"""Train a tiny neural language model, in about a minute on two cores."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from infgram.corpus import Corpus
from infgram.tokenizers import Tokenizer

_CONTEXT: Final = 128
_BATCH: Final = 16


def train_tiny_model(text: Path, tokenizer: Tokenizer, folder: Path, seconds: float) -> Path:
    """Train on a text for the given time, but at least one step, and save the model with its tokenizer."""
    if (folder / "config.json").exists():
        return folder
    tokens = [tokenizer.encode(document.text) for document in Corpus(text).documents()]
    stream = torch.from_numpy(np.concatenate([np.append(document, 0) for document in tokens]))
    torch.manual_seed(0)
    model: Any = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=tokenizer.vocab_size,
            hidden_size=96,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=_CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=0,
        )
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    began = time.monotonic()
    while True:
        starts = torch.randint(0, len(stream) - _CONTEXT, (_BATCH,))
        batch = torch.stack([stream[start : start + _CONTEXT] for start in starts])
        loss = model(input_ids=batch, labels=batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        left = 1 - (time.monotonic() - began) / seconds if seconds else 0.0
        optimizer.param_groups[0]["lr"] = 3e-3 * max(left, 0.0)
        if left <= 0:
            break
    model.save_pretrained(folder)
    tokenizer.save(folder)
    return folder
