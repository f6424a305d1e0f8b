"""Tokenize and detokenize with the index's own tokenizer."""

from __future__ import annotations

from ..dependencies import JobDep
from ..pipeline.encoding import token_ids_of
from ..pipeline.questions import QuestionRouter
from ..problems import ProblemError
from ..schemas.fields import check
from ..schemas.requests import DetokenizeRequest, TokenizeRequest
from ..schemas.responses import DetokenizeResponse, TokenizeResponse

router = QuestionRouter("tokens")


@router.question("/tokenize", summary="The tokens of a text", batch_summary="The tokens of several texts")
def tokenize(job: JobDep, question: TokenizeRequest) -> TokenizeResponse:
    """Token ids of the text exactly as given, and the text of each token."""
    check(question, job.limits)
    token_ids = token_ids_of(job.served, question.query, None)
    return TokenizeResponse(token_ids=token_ids.tolist(), tokens=job.served.index.tokenizer.tokens(token_ids))


@router.question("/detokenize", summary="The text of tokens", batch_summary="The texts of several sequences of tokens")
def detokenize(job: JobDep, question: DetokenizeRequest) -> DetokenizeResponse:
    """The text of token ids, and the text of each token."""
    check(question, job.limits)
    token_ids = token_ids_of(job.served, None, question.token_ids)
    if not job.served.has_tokenizer:
        raise ProblemError("no_tokenizer")
    tokenizer = job.served.index.tokenizer
    return DetokenizeResponse(text=tokenizer.decode(token_ids), tokens=tokenizer.tokens(token_ids))
