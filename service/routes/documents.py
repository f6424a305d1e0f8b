"""Documents by their ids."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

import infgram

from ..dependencies import JobDep, NamedIndex
from ..pipeline import serialization
from ..pipeline.dispatch import run_in_thread
from ..pipeline.job import Job
from ..pipeline.questions import QuestionRouter, answer_each
from ..problems import ProblemError, refusals
from ..runtime import runtime_of
from ..schemas.batch import DocumentBatch, Results, batch_answer_of
from ..schemas.requests import DocumentRequest
from ..schemas.responses import DocumentIdsResponse, DocumentResponse
from ..settings import ALL

router = APIRouter(tags=["documents"], responses=refusals(401, 404, 422, 429, 503))
batch_router = QuestionRouter("documents")

DocumentId = Annotated[int, Path(ge=0, description="The document's id; ids start at 0.", examples=[4])]
Begin = Annotated[int, Query(ge=0, description="The least id of the page.")]
PageLength = Annotated[int, Query(ge=1, le=10_000, description="Maximum length of the page.")]
Whole = Annotated[bool, Query(description="Return the whole document, however long it is.")]


@router.get(
    "/documents/{document_id}", operation_id="document", summary="One document", response_model=DocumentResponse
)
async def document(request: Request, name: NamedIndex, document_id: DocumentId, whole: Whole = False) -> Response:
    """Text, tokens and metadata of one document."""

    def compute(job: Job) -> list[bytes]:
        max_size = ALL if whole else job.limits.document_size
        return serialization.to_json(beginning_of(job, document_id, max_size, max_size))

    return serialization.json_response(await run_in_thread(runtime_of(request), name, compute, request))


@router.get("/documents", operation_id="document_ids", summary="All document ids", response_model=DocumentIdsResponse)
async def document_ids(request: Request, name: NamedIndex, begin: Begin = 0, limit: PageLength = 1_000) -> Response:
    """The ids of the documents, page by page. After deletions they are not consecutive."""

    def compute(job: Job) -> list[bytes]:
        ids = list(islice(job.served.index.document_ids(begin), limit + 1))
        following = ids.pop() if len(ids) > limit else None
        return serialization.to_json(DocumentIdsResponse(document_ids=ids, next=following))

    return serialization.json_response(await run_in_thread(runtime_of(request), name, compute, request))


@batch_router.post(
    "/documents/batch",
    operation_id="document_batch",
    summary="Several documents",
    response_model=batch_answer_of(DocumentResponse),
)
def document_batch(job: JobDep, batch: DocumentBatch) -> Results[DocumentResponse]:
    """`document` for each id; the problem of an unknown id takes its place."""
    return answer_each(job, batch, _document_of_batch)


def _document_of_batch(job: Job, question: DocumentRequest) -> DocumentResponse:
    return beginning_of(job, question.document_id, job.limits.document_size, job.limits.document_size)


def beginning_of(job: Job, document_id: int, max_characters: int, max_tokens: int) -> DocumentResponse:
    """Return a document with the beginning of its text and of its tokens.

    Raises:
        ProblemError: the index has no document with this id.
    """
    index = job.served.index
    try:
        n_tokens = index.document_length(document_id)
    except infgram.QueryError as error:
        raise ProblemError("unknown_document") from error
    text, provenance = index.document_text(document_id, max_characters + 1), index.provenance(document_id)
    return DocumentResponse.model_construct(  # validation would go through all token ids in one call
        document_id=document_id,
        metadata=provenance.metadata,
        source=provenance.source,
        line=provenance.line,
        n_tokens=n_tokens,
        text=text[:max_characters],
        text_truncated=len(text) > max_characters,
        token_ids=_token_ids(index, document_id, min(n_tokens, max_tokens)),
        token_ids_truncated=n_tokens > max_tokens,
    )


def _token_ids(index: infgram.Index, document_id: int, n_tokens: int) -> list[int]:
    """Return the first token ids, read and converted in chunks: each conversion holds the interpreter's lock."""
    token_ids: list[int] = []
    for start in range(0, n_tokens, serialization.CHUNK_LENGTH):
        end = min(n_tokens, start + serialization.CHUNK_LENGTH)
        token_ids += index.document_tokens(document_id, start, end).tolist()
    return token_ids
