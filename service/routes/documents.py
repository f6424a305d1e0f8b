"""Documents by their number."""

from __future__ import annotations

from typing import Annotated, Any

import numpy.typing as npt
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from .. import lines
from ..answering import in_pieces, promptly
from ..answers import DocumentAnswer
from ..dependencies import Asked, NamedIndex
from ..problems import ProblemError, refusals
from ..settings import ALL

router = APIRouter(tags=["documents"], responses=refusals(401, 404, 422, 429, 503))
DocumentId = Annotated[int, Path(ge=0, description="Documents are numbered from 0.", examples=[4])]
Whole = Annotated[bool, Query(description="Not cut, however long it is.")]


@router.get("/documents/{document_id}", operation_id="document", summary="One document", response_model=DocumentAnswer)
async def document(request: Request, name: NamedIndex, document_id: DocumentId, whole: Whole = False) -> Response:
    """Text, tokens and metadata of one document."""

    def answer(asked: Asked) -> list[bytes]:
        return lines.whole(shown_document(asked, document_id, ALL if whole else asked.limits.document_size))

    return in_pieces(await promptly(request, name, answer))


def shown_document(asked: Asked, document_id: int, most: int) -> DocumentAnswer:
    """A document, cut after so many characters and tokens.

    Raises:
        ProblemError: there is none of this number.
    """
    index = asked.served.index
    if document_id >= index.n_documents:
        raise ProblemError("unknown_document")
    found = index.document(document_id)
    return DocumentAnswer.model_construct(  # validation would go through all token ids at once
        document_id=document_id,
        metadata=dict(found.metadata),
        source=found.source,
        line=found.line,
        n_tokens=len(found.token_ids),
        text=found.text[:most],
        text_truncated=len(found.text) > most,
        token_ids=_as_list(found.token_ids[:most]),
        token_ids_truncated=len(found.token_ids) > most,
    )


def _as_list(token_ids: npt.NDArray[Any]) -> list[int]:
    """The integers, made in pieces: each piece holds the interpreter's lock."""
    pieces = (token_ids[start : start + lines.PIECE].tolist() for start in range(0, len(token_ids), lines.PIECE))
    return [token_id for piece in pieces for token_id in piece]
