"""Errors as problem documents (RFC 9457), all from one table. They never quote the request."""

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
MAX_ERRORS: Final = 20


class Kind(NamedTuple):
    """A row of the table of problems."""

    status: int
    detail: str


KINDS: Final[Mapping[str, Kind]] = {
    "unauthorized": Kind(401, "API key missing or unknown; send Authorization: Bearer KEY, or X-API-Key: KEY."),
    "forbidden": Kind(403, "This requires an admin key; its line in the key file contains the word admin."),
    "unknown_path": Kind(404, "Unknown path; see /openapi.json."),
    "no_mcp": Kind(
        501,
        "This server lacks the Model Context Protocol; pip install 'infgram[mcp]' on its machine, and restart it.",
    ),
    "unknown_index": Kind(404, "Unknown index; GET /v1/indexes lists the indexes."),
    "unknown_document": Kind(404, "The index has no document with this id."),
    "unknown_job": Kind(404, "The index has no job with this id; jobs are forgotten some time after their end."),
    "method_not_allowed": Kind(405, "Method not allowed; see the header Allow."),
    "request_timeout": Kind(408, "The request was not complete within the time limit of the server."),
    "not_changeable": Kind(409, "Only an index in a folder of the server can be changed, not one behind a URL."),
    "index_changed": Kind(409, "The index is not at the generation that if_generation names; nothing was changed."),
    "body_too_large": Kind(413, "The body is too large."),
    "unsupported_media_type": Kind(422, "Unsupported media type; expected application/json in UTF-8, not compressed."),
    "invalid_json": Kind(422, "The body is not valid JSON."),
    "invalid_request": Kind(422, "The request does not match its schema; see errors."),
    "limit_exceeded": Kind(422, "The request exceeds a limit of this server; see errors."),
    "token_out_of_vocabulary": Kind(422, "A token id is outside the vocabulary of the index."),
    "no_tokenizer": Kind(422, "The index was built from token ids and has no tokenizer; query it with token_ids."),
    "empty_query": Kind(422, "The query is empty; expected at least one token."),
    "malformed_query": Kind(
        422,
        "Invalid use of AND and OR; expected an AND of terms and of ORs in parentheses: "
        'rock AND (roll OR "rhythm and blues"). A text in quotation marks is taken literally.',
    ),
    "invalid_cursor": Kind(422, "The cursor belongs to another query or index; leave it out for the first page."),
    "no_model": Kind(422, "No neural model is configured for this index."),
    "invalid_query": Kind(422, "Invalid query for this index."),
    "invalid_input": Kind(422, "The documents cannot be read, or no document matches."),
    "rate_limited": Kind(429, "Too many requests; retry after the seconds in the header Retry-After."),
    "headers_too_large": Kind(431, "The headers and the path are too large; expected at most 16,384 bytes in total."),
    "client_gone": Kind(499, "The client disconnected before the answer."),
    "internal_error": Kind(500, "Internal error; the log of the server has the details."),
    "index_damaged": Kind(503, "The files of the index are damaged; restore them or rebuild the index."),
    "storage_error": Kind(503, "The files of the index could not be read; retry later."),
    "shards_unavailable": Kind(
        503,
        "Some shards of the index are unavailable; retry, or send the header Infgram-Partial: true for an answer "
        "without them.",
    ),
    "too_many_connections": Kind(503, "Too many connections; retry after the seconds in the header Retry-After."),
    "overloaded": Kind(503, "The server is overloaded; retry after the seconds in the header Retry-After."),
    "too_many_jobs": Kind(503, "Too many jobs of this index are waiting; retry after the seconds in Retry-After."),
    "job_killed": Kind(
        503, "The process of the job was killed; the index has its state before or after the job. Check it, and retry."
    ),
    "timeout": Kind(503, "The answer exceeded the time limit of the server; request less at a time."),
    "shutting_down": Kind(503, "The server is shutting down."),
    "not_loaded": Kind(503, "The new index cannot be opened; the old one is still served."),
}
"""The HTTP status and the default detail of each problem, by its stable code."""

TITLES: Final = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    499: "Client Closed Request",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}

# The first matching class decides.
CODE_OF_ERROR: Final[Mapping[type[Exception], str]] = {
    infgram.IndexDamagedError: "index_damaged",
    infgram.ShardUnavailableError: "shards_unavailable",
    infgram.StorageError: "storage_error",
    infgram.IndexClosedError: "shutting_down",
    infgram.IndexChangedError: "index_changed",
    infgram.TimeLimitError: "timeout",
    infgram.QueryError: "invalid_query",
}
CODE_OF_STATUS: Final = {400: "invalid_json", 404: "unknown_path", 405: "method_not_allowed", 413: "body_too_large"}


class FieldError(BaseModel):
    """An error in one field."""

    model_config = ConfigDict(frozen=True)

    loc: list[str] = Field(description="The path to the field; an unknown field is not named.")
    type: str = Field(description="A stable name of the error.")
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
    status: int = Field(description="The HTTP status; inside a batch, that of the query on its own.")
    code: str = Field(description="The stable name of the problem, for programs.", examples=sorted(KINDS))
    detail: str = Field(description="What is wrong and what to do, in plain English.")
    errors: list[FieldError] = Field(description=f"The invalid fields, at most {MAX_ERRORS}.")


class ProblemError(HTTPException):
    """Raised anywhere in the service to answer with a problem document.

    An HTTPException, since FastAPI turns any other error while it reads a body into one of its own.
    """

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Create a problem of the table; `detail` replaces the detail there."""
        kind = KINDS[code]
        self.problem = Problem(
            title=TITLES[kind.status],
            status=kind.status,
            code=code,
            detail=detail or kind.detail,
            errors=list(errors)[:MAX_ERRORS],
        )
        super().__init__(kind.status, self.problem.detail, headers)


def of_validation(errors: Iterable[Mapping[str, Any]]) -> ProblemError:
    """Return the problem of a request that pydantic refused."""
    return ProblemError("invalid_request", errors=[_field_error(error) for error in errors])


def invalid_body(error: ValidationError) -> ProblemError:
    """Return the problem of a body, or an item of a batch, that does not fit its model."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    return of_validation([{**each, "loc": ("body", *each["loc"])} for each in errors])


def of_library(error: infgram.InfgramError) -> ProblemError:
    """Return the problem of an error of the library, without its message, which may quote the query."""
    codes = (code for kind, code in CODE_OF_ERROR.items() if isinstance(error, kind))
    return ProblemError(next(codes, "internal_error"))


def _field_error(error: Mapping[str, Any]) -> FieldError:
    loc = [str(part) for part in error["loc"]]
    if error["type"] == "extra_forbidden":
        return FieldError(loc=loc[:-1], type=error["type"], msg="Unknown field")
    return FieldError(loc=loc, type=error["type"], msg=str(error["msg"]).removeprefix("Value error, ")[:200])


def respond(error: ProblemError) -> Response:
    """Return the HTTP response; in ASCII, so that encoding cannot fail."""
    content = json.dumps(error.problem.model_dump(), allow_nan=False).encode("ascii")
    return Response(content, error.problem.status, headers=dict(error.headers or {}), media_type=MEDIA_TYPE)


def of_exception(error: Exception) -> ProblemError:
    """Return the problem that answers an error."""
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
    """Answer expected errors with problem documents; `ObservabilityMiddleware` answers all others."""

    async def answer(_: Request, error: Exception) -> Response:
        return respond(of_exception(error))

    for kind in (RequestValidationError, HTTPException, infgram.InfgramError):
        app.add_exception_handler(kind, answer)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses for statuses that come with a problem document."""
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
