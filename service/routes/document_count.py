"""How many documents hold something."""

from __future__ import annotations

from time import perf_counter

from ..answering import question_router
from ..answers import DocumentCountAnswer
from ..asking import answer_each, as_text, encode, milliseconds_since
from ..batch_answers import DocumentCountBatchAnswer, Results
from ..batches import DocumentCountBatch
from ..dependencies import AskedIndex
from ..questions import DocumentCountQuestion

router = question_router("count")


@router.post("/document-count", operation_id="document_count", summary="Count the documents that hold a text")
def document_count(asked: AskedIndex, question: DocumentCountQuestion) -> DocumentCountAnswer:
    """Distinct documents, exact; for the empty query, those with a token. Takes time for each occurrence."""
    started = perf_counter()
    query = encode(asked, question)
    index = asked.served.index
    if question.is_in_characters:
        with as_text(question) as text:
            n = index.document_count(text, ignore_case=question.ignore_case, any_tokenization=True)
    else:
        n = index.document_count(query.token_ids)
    return DocumentCountAnswer(
        token_ids=query.ids, tokens=query.tokens, document_count=n, elapsed_ms=milliseconds_since(started)
    )


@router.post(
    "/document-count/batch",
    operation_id="document_count_batch",
    summary="Count the documents that hold several texts",
    response_model=DocumentCountBatchAnswer,
)
def document_count_batch(asked: AskedIndex, batch: DocumentCountBatch) -> Results[DocumentCountAnswer]:
    """`document_count` for each question; one that fails has its problem in its place."""
    return answer_each(asked, batch, document_count)
