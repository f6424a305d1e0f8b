"""Text to tokens and back, by the index's own tokenizer."""

from __future__ import annotations

from ..answering import question_router
from ..answers import DetokenizeAnswer, TokenizeAnswer
from ..asking import token_ids_of
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
