"""Where a query occurs: its suffix ranges, and the documents and offsets of its occurrences."""

from __future__ import annotations

from time import perf_counter

from ..dependencies import JobDep
from ..pipeline.encoding import encode, milliseconds_since
from ..pipeline.questions import QuestionRouter
from ..schemas.requests import FindRequest, LocateRequest
from ..schemas.responses import FindResponse, LocateResponse, Place, SuffixRangeResponse

router = QuestionRouter("find")


@router.question("/find", summary="The suffix range of a text in each shard", batch_summary="Find several texts")
def find(job: JobDep, question: FindRequest) -> FindResponse:
    """The range of ranks whose suffixes begin with the query, in each shard."""
    started = perf_counter()
    query = encode(job, question)
    ranges = job.served.index.find(query.token_ids)
    return FindResponse(
        token_ids=query.ids,
        tokens=query.tokens,
        count=sum(suffixes.size for suffixes in ranges),
        ranges=[SuffixRangeResponse(lo=lo, hi=hi) for lo, hi in ranges],
        elapsed_ms=milliseconds_since(started),
    )


@router.question(
    "/locate",
    summary="The occurrences of a text",
    batch_summary="Locate several texts",
    batch_sum=("limit", "batch_locations"),
)
def locate(job: JobDep, question: LocateRequest) -> LocateResponse:
    """Document and offset of each occurrence, in suffix order. The empty query occurs at every token."""
    started = perf_counter()
    query = encode(job, question)
    index = job.served.index
    places = index.locate(query.token_ids, limit=question.limit)
    return LocateResponse(
        token_ids=query.ids,
        tokens=query.tokens,
        count=index.count(query.token_ids),
        locations=[Place(document_id=document_id, offset=offset) for document_id, offset in places],
        elapsed_ms=milliseconds_since(started),
    )
