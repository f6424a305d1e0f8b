"""Several documents by their numbers."""

from __future__ import annotations

from ..answering import question_router
from ..answers import DocumentAnswer
from ..asking import answer_each
from ..batch_answers import DocumentBatchAnswer, Results
from ..batches import DocumentBatch
from ..dependencies import Asked, AskedIndex
from ..questions import DocumentQuestion
from .documents import shown_document

router = question_router("documents")


@router.post(
    "/documents/batch",
    operation_id="document_batch",
    summary="Several documents",
    response_model=DocumentBatchAnswer,
)
def document_batch(asked: AskedIndex, batch: DocumentBatch) -> Results[DocumentAnswer]:
    """`document` for each number; one that there is not has its problem in its place."""
    return answer_each(asked, batch, _document)


def _document(asked: Asked, question: DocumentQuestion) -> DocumentAnswer:
    return shown_document(asked, question.document_id, asked.limits.document_size)
