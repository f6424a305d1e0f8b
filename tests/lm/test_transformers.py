"""Neural models: compare windows, batches and padding with single predictions; invalid arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

import infgram
from infgram.errors import InputError, QueryError, TokenizerError
from infgram.lm.transformers import TransformersLM, model as model_module
from infgram.lm.transformers.windows import windows_over
from infgram.tokenizers import train_bpe
from infgram.types import Float64Array
from tests.reference import context_of

VOCAB = 12


def tiny_llama(vocab_size: int = VOCAB, **options: Any) -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        initializer_range=0.5,
        tie_word_embeddings=True,
        bos_token_id=options.pop("bos_token_id", None),
        eos_token_id=options.pop("eos_token_id", 1),
        pad_token_id=None,
        **options,
    )
    model: Any = LlamaForCausalLM(config)
    return model.eval()


def tiny_gpt2() -> Any:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=VOCAB + 3,
        n_embd=16,
        n_layer=1,
        n_head=2,
        n_positions=32,
        initializer_range=0.5,
        bos_token_id=0,
        eos_token_id=0,
    )
    model: Any = GPT2LMHeadModel(config)
    return model.eval()


def one_by_one(model: Any, document: list[int], context_length: int, stride: int, begin: int | None) -> Float64Array:
    """Return the log-probabilities at each token but the first, with one forward pass each."""
    rows = []
    for offset in range(1, len(document)):
        first = context_of(offset, context_length, stride, 0 if begin is None else -1)
        tokens = document[max(first, 0) : offset]
        tokens = [begin, *tokens] if first < 0 and begin is not None else tokens
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([tokens])).logits[0, -1, :VOCAB].double()
        rows.append(torch.log_softmax(logits, -1).numpy())
    return np.array(rows).reshape(-1, VOCAB)


@pytest.mark.parametrize(("context_length", "stride"), [(8, 4), (8, 8), (8, 1), (3, 2), (1, 1), (64, 32)])
@pytest.mark.parametrize("begin", [None, 2])
@pytest.mark.parametrize("rows_at_once", [1, 1 << 25])
def test_every_position_equals_a_single_prediction(
    context_length: int, stride: int, begin: int | None, rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_module, "_BATCH_LOGITS", rows_at_once)
    model = tiny_llama()
    generator = np.random.default_rng(0)
    documents = [generator.integers(0, VOCAB, size) for size in (0, 1, 2, 7, 8, 9, 30, 17, 3)]
    neural = TransformersLM(model, VOCAB, context_length=context_length, stride=stride, begin_token=begin)
    seen: list[tuple[int, int]] = []
    scores = neural.evaluate(documents, progress=lambda done, total: seen.append((done, total)))
    rows = np.concatenate([one_by_one(model, d.tolist(), context_length, stride, begin) for d in documents])
    targets = np.concatenate([document[1:] for document in documents])
    np.testing.assert_allclose(scores.log_probs, rows[np.arange(len(rows)), targets], atol=1e-4)
    np.testing.assert_allclose(scores.entropies, -(np.exp(rows) * rows).sum(axis=1), atol=1e-4)
    assert scores.document_starts.tolist() == [0, 0, 0, 1, 7, 14, 22, 51, 67, 69]
    assert seen[-1] == (69, 69)
    assert scores.guesses is not None
    n_guesses = min(model_module.N_GUESSES, VOCAB)
    np.testing.assert_allclose(scores.guesses.log_probs, -np.sort(-rows, axis=1)[:, :n_guesses], atol=1e-4)
    of_guesses = np.take_along_axis(rows, scores.guesses.tokens.astype(np.int64), axis=1)
    np.testing.assert_allclose(scores.guesses.log_probs, of_guesses, atol=1e-4)


def test_rows_beyond_the_vocabulary_are_ignored() -> None:
    """Test a padded embedding, in a model of another family with a token before every document."""
    model = tiny_gpt2()
    neural = TransformersLM(model, VOCAB)
    assert (neural.begin_token, neural.end_token, neural.context_length, neural.stride) == (0, 0, 32, 16)
    document = np.random.default_rng(1).integers(0, VOCAB, 70)
    rows = one_by_one(model, document.tolist(), 32, 16, 0)
    np.testing.assert_allclose(neural.evaluate([document]).log_probs, rows[np.arange(69), document[1:]], atol=1e-4)


def test_nothing_to_score() -> None:
    assert TransformersLM(tiny_llama(), VOCAB).evaluate([np.array([3])]).n_positions == 0


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(1, 12), st.data(), st.sampled_from([-1, 0]))
def test_windows_predict_every_token_once_with_the_most_context(
    lengths: list[int], context_length: int, data: st.DataObject, begin: int
) -> None:
    stride = data.draw(st.integers(1, context_length))
    predicted = [
        (window.document, offset, window.begin)
        for window in windows_over(lengths, context_length=context_length, stride=stride, begin=begin)
        for offset in range(window.first_scored, window.end + 1)
    ]
    assert predicted == [
        (document, offset, context_of(offset, context_length, stride, begin))
        for document, length in enumerate(lengths)
        for offset in range(1, length)
    ]


def test_incompatible_models_and_options() -> None:
    with pytest.raises(InputError, match="the model has 12 token ids, the index 13"):
        TransformersLM(tiny_llama(), VOCAB + 1)
    with pytest.raises(QueryError, match="at most 64"):
        TransformersLM(tiny_llama(), VOCAB, context_length=65)
    with pytest.raises(QueryError, match="stride 9"):
        TransformersLM(tiny_llama(), VOCAB, context_length=8, stride=9)
    with pytest.raises(QueryError, match="ids go from 0 to 11"):
        TransformersLM(tiny_llama(), VOCAB).evaluate([np.array([3, 12])])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tokenizers, an index of each kind, and models with and without a tokenizer."""
    folder = tmp_path_factory.mktemp("models")
    for name, texts in (("own", ["to be or not to be"] * 3), ("other", ["something else"] * 3)):
        (folder / name).mkdir()
        train_bpe(texts, 260).save(folder / name)
    (folder / "corpus.jsonl").write_text('{"text": "to be or not to be"}\n')
    infgram.build(folder / "corpus.jsonl", folder / "x.infgram", tokenizer=str(folder / "own")).close()
    infgram.build_from_tokens([[1, 2]], folder / "tokens.infgram", vocab_size=260).close()
    for name in ("with", "without"):
        tiny_llama(264).save_pretrained(folder / name)
    train_bpe(["to be or not to be"] * 3, 260).save(folder / "with")
    return folder


def test_the_model_must_have_the_tokenizer_of_the_index(folder: Path) -> None:
    with infgram.open(folder / "x.infgram") as index:
        found = TransformersLM.from_pretrained(folder / "with", index, device="cpu")
        stated = TransformersLM.from_pretrained(folder / "without", index, tokenizer=str(folder / "own"))
        believed = TransformersLM.from_pretrained(folder / "without", index, tokenizer="index")
        document = index.tokenizer.encode("to be or not")
        scores = [model.evaluate([document]).log_probs for model in (found, stated, believed)]
        np.testing.assert_array_equal(scores[0], scores[1])
        np.testing.assert_array_equal(scores[0], scores[2])
        with pytest.raises(TokenizerError, match=r"no tokenizer.json is saved with .*without; pass the path"):
            TransformersLM.from_pretrained(folder / "without", index)
        with pytest.raises(TokenizerError, match=r"differs from that of .*x.infgram: its fingerprint"):
            TransformersLM.from_pretrained(folder / "with", index, tokenizer=str(folder / "other"))
        with pytest.raises(InputError, match=r"nothing: transformers cannot load this .*; to download it"):
            TransformersLM.from_pretrained(folder / "nothing", index, tokenizer="index")
    with infgram.open(folder / "tokens.infgram") as index:
        with pytest.raises(TokenizerError, match="built from token ids and has no tokenizer"):
            TransformersLM.from_pretrained(folder / "with", index)
        assert TransformersLM.from_pretrained(folder / "with", index, tokenizer="index").vocab_size == 260
