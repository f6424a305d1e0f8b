"""Documents by their ids."""

from __future__ import annotations

from typing import Annotated, Any

import numpy.typing as npt
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from ..dependencies import JobDep, NamedIndex
from ..pipeline import serialization
from ..pipeline.dispatch import run_in_thread
from ..pipeline.job import Job
from ..pipeline.questions import QuestionRouter, answer_each
from ..problems import ProblemError, refusals
from ..schemas.batch import DocumentBatch, Results, batch_answer_of
from ..schemas.requests import DocumentQuestion
from ..schemas.responses import DocumentAnswer
from ..settings import ALL

router = APIRouter(tags=["documents"], responses=refusals(401, 404, 422, 429, 503))
batch_router = QuestionRouter("documents")

DocumentId = Annotated[int, Path(ge=0, description="The document's id; ids start at 0.", examples=[4])]
Whole = Annotated[bool, Query(description="Return the whole document, however long it is.")]


@router.get("/documents/{document_id}", operation_id="document", summary="One document", response_model=DocumentAnswer)
async def document(request: Request, name: NamedIndex, document_id: DocumentId, whole: Whole = False) -> Response:
    """Text, tokens and metadata of one document."""

    def compute(job: Job) -> list[bytes]:
        return serialization.to_json(_document(job, document_id, ALL if whole else job.limits.document_size))

    return serialization.json_response(await run_in_thread(request, name, compute))


@batch_router.post(
    "/documents/batch",
    operation_id="document_batch",
    summary="Several documents",
    response_model=batch_answer_of(DocumentAnswer),
)
def document_batch(job: JobDep, batch: DocumentBatch) -> Results[DocumentAnswer]:
    """`document` for each id; the problem of an unknown id takes its place."""
    return answer_each(job, batch, _document_of_batch)


def _document_of_batch(job: Job, question: DocumentQuestion) -> DocumentAnswer:
    return _document(job, question.document_id, job.limits.document_size)


def _document(job: Job, document_id: int, max_size: int) -> DocumentAnswer:
    """Return a document, truncated to `max_size` characters and as many tokens.

    Raises:
        ProblemError: the index has no document with this id.
    """
    index = job.served.index
    if document_id >= index.n_documents:
        raise ProblemError("unknown_document")
    found = index.document(document_id)
    return DocumentAnswer.model_construct(  # validation would go through all token ids in one call
        document_id=document_id,
        metadata=dict(found.metadata),
        source=found.source,
        line=found.line,
        n_tokens=len(found.token_ids),
        text=found.text[:max_size],
        text_truncated=len(found.text) > max_size,
        token_ids=_to_list(found.token_ids[:max_size]),
        token_ids_truncated=len(found.token_ids) > max_size,
    )


def _to_list(token_ids: npt.NDArray[Any]) -> list[int]:
    """Return the array as a list, converted in chunks: each conversion holds the interpreter's lock."""
    n = serialization.CHUNK_LENGTH
    chunks = (token_ids[start : start + n].tolist() for start in range(0, len(token_ids), n))
    return [token_id for chunk in chunks for token_id in chunk]
