"""Documents by their number."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from ..answers import DocumentAnswer
from ..dependencies import NamedIndex, RequestLimits
from ..problems import ProblemError, refusals

router = APIRouter(tags=["documents"], responses=refusals(404, 422, 503))
DocumentId = Annotated[int, Path(ge=0, description="Documents are numbered from 0.", examples=[4])]


@router.get("/documents/{document_id}", operation_id="document", summary="One document")
def document(served: NamedIndex, limits: RequestLimits, document_id: DocumentId) -> DocumentAnswer:
    """Text, tokens and metadata of one document."""
    if document_id >= served.index.n_documents:
        raise ProblemError("unknown_document")
    found, most = served.index.document(document_id), limits.document_size
    return DocumentAnswer(
        document_id=document_id,
        metadata=dict(found.metadata),
        n_tokens=len(found.token_ids),
        text=found.text[:most],
        text_truncated=len(found.text) > most,
        token_ids=found.token_ids[:most].tolist(),
        token_ids_truncated=len(found.token_ids) > most,
    )
