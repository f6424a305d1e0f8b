"""Errors as problem documents (RFC 9457), all from one table. What the caller sent is never repeated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException

import infgram

MEDIA_TYPE: Final = "application/problem+json"
MOST_ERRORS: Final = 20


class Kind(NamedTuple):
    """One row of the table."""

    status: int
    detail: str


KINDS: Final[Mapping[str, Kind]] = {
    "unauthorized": Kind(401, "Expected a key of this service: Authorization: Bearer KEY, or X-API-Key: KEY."),
    "forbidden": Kind(403, "This key may not do that; expected one with the word admin in the file of keys."),
    "unknown_path": Kind(404, "There is nothing at this address; /openapi.json lists what there is."),
    "unknown_index": Kind(404, "There is no index of this name; GET /v1/indexes lists them."),
    "unknown_document": Kind(404, "The index has no document of this number."),
    "method_not_allowed": Kind(405, "This address does not answer that method; see the header Allow."),
    "body_too_large": Kind(413, "The body is too large."),
    "unsupported_media_type": Kind(422, "Expected a body of application/json in UTF-8, not compressed."),
    "invalid_json": Kind(422, "The body is not valid JSON."),
    "invalid_request": Kind(422, "The request does not fit its schema; see errors."),
    "limit_exceeded": Kind(422, "The request asks for more than this server allows; see errors."),
    "token_out_of_vocabulary": Kind(422, "A token id is outside the vocabulary of the index."),
    "no_tokenizer": Kind(422, "The index was built from token ids and holds no tokenizer; ask with token_ids."),
    "empty_query": Kind(422, "The query is empty, which every place matches; expected at least one token."),
    "malformed_query": Kind(
        422,
        "The words AND and OR of the query cannot be understood; expected an AND of terms, and of ORs in parentheses: "
        'rock AND (roll OR "rhythm and blues"). A text in quotation marks is taken as it stands.',
    ),
    "invalid_cursor": Kind(422, "The cursor belongs to another question or index; leave it out for the first page."),
    "no_model": Kind(422, "No neural model is configured for this index."),
    "invalid_query": Kind(422, "Invalid query for this index."),
    "rate_limited": Kind(429, "Too many requests; try again after the time in the header Retry-After."),
    "headers_too_large": Kind(431, "The headers and the address are too large; expected at most 16,384 bytes of both."),
    "client_gone": Kind(499, "The client went away before the answer."),
    "internal_error": Kind(500, "Something went wrong in the server."),
    "index_damaged": Kind(503, "The files of the index are damaged; they must be restored or built again."),
    "storage_error": Kind(503, "The files of the index could not be read; try again later."),
    "shards_unavailable": Kind(
        503,
        "Some shards of the index cannot be reached; try again, or, for an answer without them, send the header "
        "Infgram-Partial: true.",
    ),
    "overloaded": Kind(503, "The server is busy; try again after the time in the header Retry-After."),
    "timeout": Kind(503, "The answer took longer than the server allows; ask for less at a time."),
    "shutting_down": Kind(503, "The server is shutting down."),
    "not_loaded": Kind(503, "The new index cannot be opened; the one served before still answers."),
}
"""The stable code of each problem, its HTTP status and what is said unless there is more to say."""

TITLES: Final = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    499: "Client Closed Request",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

# The first class that fits counts.
CODE_OF_ERROR: Final[Mapping[type[Exception], str]] = {
    infgram.IndexDamagedError: "index_damaged",
    infgram.ShardUnavailableError: "shards_unavailable",
    infgram.StorageError: "storage_error",
    infgram.IndexClosedError: "shutting_down",
    infgram.TimeLimitError: "timeout",
    infgram.QueryError: "invalid_query",
}
CODE_OF_STATUS: Final = {400: "invalid_json", 404: "unknown_path", 405: "method_not_allowed", 413: "body_too_large"}


class FieldError(BaseModel):
    """What is wrong with one field."""

    model_config = ConfigDict(frozen=True)

    loc: list[str] = Field(description="The way to the field; a field that the schema does not know is not named.")
    type: str = Field(description="A stable name of the fault.")
    msg: str = Field(description="What was expected.")


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "code": "unknown_index",
                    "detail": KINDS["unknown_index"].detail,
                    "errors": [],
                }
            ]
        },
    )

    type: Literal["about:blank"] = "about:blank"
    title: str = Field(description="The meaning of the status.")
    status: int = Field(description="The HTTP status; inside a batch, the one that the question alone would get.")
    code: str = Field(description="The stable name of the problem, for programs.", examples=sorted(KINDS))
    detail: str = Field(description="What was expected, for people.")
    errors: list[FieldError] = Field(description=f"The fields at fault, at most {MOST_ERRORS}.")


class ProblemError(HTTPException):
    """Raised anywhere in the service to answer with a problem document.

    FastAPI lets only an HTTPException through where a body is read.
    """

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """A problem of the table; `detail` says more than the table does."""
        kind = KINDS[code]
        self.problem = Problem(
            title=TITLES[kind.status],
            status=kind.status,
            code=code,
            detail=detail or kind.detail,
            errors=list(errors)[:MOST_ERRORS],
        )
        super().__init__(kind.status, self.problem.detail, headers)


def of_validation(errors: Iterable[Mapping[str, Any]]) -> ProblemError:
    """The problem of a request that pydantic refused."""
    return ProblemError("invalid_request", errors=[_field_error(error) for error in errors])


def invalid_body(error: ValidationError) -> ProblemError:
    """Return the problem of a body, or an item of a batch, that does not fit its model."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    return of_validation([{**each, "loc": ("body", *each["loc"])} for each in errors])


def of_library(error: infgram.InfgramError) -> ProblemError:
    """The problem of an error of the library; its message stays here, since it may repeat the question."""
    codes = (code for kind, code in CODE_OF_ERROR.items() if isinstance(error, kind))
    return ProblemError(next(codes, "internal_error"))


def _field_error(error: Mapping[str, Any]) -> FieldError:
    loc = [str(part) for part in error["loc"]]
    if error["type"] == "extra_forbidden":
        return FieldError(loc=loc[:-1], type=error["type"], msg="A field that the schema does not know")
    return FieldError(loc=loc, type=error["type"], msg=str(error["msg"]).removeprefix("Value error, ")[:200])


def respond(error: ProblemError) -> Response:
    """The HTTP answer; ASCII, so that nothing in it can fail to be encoded."""
    content = json.dumps(error.problem.model_dump(), allow_nan=False).encode("ascii")
    return Response(content, error.problem.status, headers=dict(error.headers or {}), media_type=MEDIA_TYPE)


def of_exception(error: Exception) -> ProblemError:
    """The problem that any error of a request is answered with."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, RequestValidationError):
        return of_validation(error.errors())
    if isinstance(error, HTTPException):
        return ProblemError(CODE_OF_STATUS.get(error.status_code, "internal_error"), headers=error.headers)
    if isinstance(error, infgram.InfgramError):
        return of_library(error)
    return ProblemError("internal_error")


def add_handlers(app: FastAPI) -> None:
    """Make every error that is meant a problem document; `ObservabilityMiddleware` answers the others."""

    async def answer(_: Request, error: Exception) -> Response:
        return respond(of_exception(error))

    for kind in (RequestValidationError, HTTPException, infgram.InfgramError):
        app.add_exception_handler(kind, answer)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The statuses of a route that come with a problem document."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": TITLES[status]
            + ": "
            + ", ".join(f"`{code}`" for code, kind in KINDS.items() if kind.status == status),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }
