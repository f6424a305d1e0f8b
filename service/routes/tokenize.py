"""Text to tokens and back, by the index's own tokenizer."""

from __future__ import annotations

from ..answering import question_router
from ..answers import DetokenizeAnswer, TokenizeAnswer
from ..asking import answer_each, token_ids_of
from ..batch_answers import DetokenizeBatchAnswer, Results, TokenizeBatchAnswer
from ..batches import DetokenizeBatch, TokenizeBatch
from ..dependencies import AskedIndex
from ..limits import check
from ..problems import ProblemError
from ..questions import DetokenizeQuestion, TokenizeQuestion

router = question_router("tokens")


@router.post("/tokenize", operation_id="tokenize", summary="The tokens of a text")
def tokenize(asked: AskedIndex, question: TokenizeQuestion) -> TokenizeAnswer:
    """Token ids of the text exactly as it stands, and each token to show."""
    check(question, asked.limits)
    token_ids = token_ids_of(asked.served, question.query, None)
    return TokenizeAnswer(token_ids=token_ids.tolist(), tokens=asked.served.index.tokenizer.tokens(token_ids))


@router.post("/detokenize", operation_id="detokenize", summary="The text of tokens")
def detokenize(asked: AskedIndex, question: DetokenizeQuestion) -> DetokenizeAnswer:
    """The text of token ids, and each token to show."""
    check(question, asked.limits)
    token_ids = token_ids_of(asked.served, None, question.token_ids)
    if not asked.served.has_tokenizer:
        raise ProblemError("no_tokenizer")
    tokenizer = asked.served.index.tokenizer
    return DetokenizeAnswer(text=tokenizer.decode(token_ids), tokens=tokenizer.tokens(token_ids))


@router.post(
    "/tokenize/batch",
    operation_id="tokenize_batch",
    summary="The tokens of several texts",
    response_model=TokenizeBatchAnswer,
)
def tokenize_batch(asked: AskedIndex, batch: TokenizeBatch) -> Results[TokenizeAnswer]:
    """`tokenize` for each text; one that fails has its problem in its place."""
    return answer_each(asked, batch, tokenize)


@router.post(
    "/detokenize/batch",
    operation_id="detokenize_batch",
    summary="The texts of several sequences of tokens",
    response_model=DetokenizeBatchAnswer,
)
def detokenize_batch(asked: AskedIndex, batch: DetokenizeBatch) -> Results[DetokenizeAnswer]:
    """`detokenize` for each; one that fails has its problem in its place."""
    return answer_each(asked, batch, detokenize)
