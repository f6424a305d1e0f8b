"""Documents by their number."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from ..answers import DocumentAnswer
from ..dependencies import Asked, AskedIndex
from ..problems import ProblemError, refusals
from ..settings import ALL

router = APIRouter(tags=["documents"], responses=refusals(401, 404, 422, 429, 503))
DocumentId = Annotated[int, Path(ge=0, description="Documents are numbered from 0.", examples=[4])]
Whole = Annotated[bool, Query(description="Not cut, however long it is.")]


@router.get("/documents/{document_id}", operation_id="document", summary="One document")
def document(asked: AskedIndex, document_id: DocumentId, whole: Whole = False) -> DocumentAnswer:
    """Text, tokens and metadata of one document."""
    return shown_document(asked, document_id, ALL if whole else asked.limits.document_size)


def shown_document(asked: Asked, document_id: int, most: int) -> DocumentAnswer:
    """A document, cut after so many characters and tokens.

    Raises:
        ProblemError: there is none of this number.
    """
    index = asked.served.index
    if document_id >= index.n_documents:
        raise ProblemError("unknown_document")
    found = index.document(document_id)
    return DocumentAnswer(
        document_id=document_id,
        metadata=dict(found.metadata),
        source=found.source,
        line=found.line,
        n_tokens=len(found.token_ids),
        text=found.text[:most],
        text_truncated=len(found.text) > most,
        token_ids=found.token_ids[:most].tolist(),
        token_ids_truncated=len(found.token_ids) > most,
    )
