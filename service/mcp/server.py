"""The tools as a server of the Model Context Protocol, built with its SDK; no other module imports the SDK."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response
from mcp import types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from starlette.types import Message, Receive, Scope, Send

import infgram

from ..problems import Problem, invalid_body, of_exception
from ..runtime import Runtime
from ..schemas.fields import fill_in_limits
from ..server import logs
from .tools import TOOLS, Tool

INSTRUCTIONS: Final = (
    "Exact statistics of text corpora: how often any text occurs, what follows it, which documents contain it, and "
    "where a text comes from. Counts are exact, not estimates. Call list_indexes for the names of the corpora. Text is "
    "split into tokens, which begin with their space, so spaces matter."
)

MAX_NAMES: Final = 50
"""Names of indexes in a schema or an error."""

DETAILS: Final[Mapping[str, str]] = {
    "unknown_index": "There is no index with this name. The indexes are: {names}.",
    "invalid_request": "The arguments do not match the schema of the tool.",
    "limit_exceeded": "An argument exceeds a limit of this server.",
    "no_tokenizer": "The index takes no text, since it was built from token ids. The indexes are: {names}.",
    "invalid_query": "The query cannot be searched like this; set any_tokenization and ignore_case to false, or use a "
    "longer text.",
    "invalid_cursor": "The cursor belongs to another search. Repeat the search that returned it with exactly the same "
    "arguments, or leave the cursor out for the first page.",
    "unknown_document": "The index has no document with this id; search, trace and overlap return ids.",
    "shards_unavailable": "Some shards of the index are unavailable; repeat the call later.",
    "overloaded": "The server is busy; repeat the call in some seconds.",
    "timeout": "The answer exceeded the time limit of the server; use a rarer text, or a smaller limit.",
}
"""What a language model should do about a problem, where it differs from what an HTTP client should do."""


class _Schema(GenerateJsonSchema):
    """JSON schemas without titles, which only repeat the names of the fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def tool_server(runtime: Runtime) -> Server[Any]:
    """Return the server of the tools for the indexes of a runtime. Cheap: it holds no state."""

    async def list_tools(_: ServerRequestContext[Any], __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool, runtime) for tool in TOOLS.values()])

    async def call_tool(
        context: ServerRequestContext[Any, Request], asked: types.CallToolRequestParams
    ) -> types.CallToolResult:
        return await _called(runtime, asked.name, asked.arguments or {}, context.request)

    return Server(
        "infgram",
        version=infgram.__version__,
        title="infgram",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        get_tool_input_schema=lambda _: None,  # no argument is repeated in a header, which the SDK would look for
    )


class HttpExchange(Response):
    """The response to one message over streamable HTTP. Without sessions, so that any worker can answer it.

    Args:
        runtime: the indexes.
        body: the body of the request, which has been read.
    """

    def __init__(self, runtime: Runtime, body: bytes) -> None:
        super().__init__()
        self._server, self._message = tool_server(runtime), body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the message."""
        unread: list[Message] = [{"type": "http.request", "body": self._message, "more_body": False}]

        async def replay() -> Message:
            return unread.pop() if unread else await receive()

        sessions = StreamableHTTPSessionManager(
            self._server, json_response=True, stateless=True, max_request_body_size=max(1, len(self._message))
        )
        async with sessions.run():
            await sessions.handle_request(scope, replay, send)


async def serve_stdio(runtime: Runtime, lines: AsyncIterator[str]) -> None:
    """Answer messages, one a line, on standard output until there are no more lines."""
    server = tool_server(runtime)
    async with stdio_server(stdin=lines) as (reading, writing):  # type: ignore[arg-type]  # the SDK only iterates over it
        await server.run(reading, writing, server.create_initialization_options())


def _described(tool: Tool, runtime: Runtime) -> types.Tool:
    arguments = fill_in_limits(_schema_of(tool.arguments), runtime.settings.limits)
    if "index" in arguments["properties"] and len(runtime.indexes) <= MAX_NAMES:
        arguments["properties"]["index"]["enum"] = list(runtime.indexes)
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=arguments,
        output_schema=_schema_of(tool.result),
        annotations=types.ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )


@cache
def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = {"properties": {}, **model.model_json_schema(schema_generator=_Schema)}
    return {key: value for key, value in schema.items() if key not in ("title", "description")}  # the tool has its own


async def _called(
    runtime: Runtime, name: str, given: Mapping[str, Any], request: Request | None
) -> types.CallToolResult:
    """Return the result of a call, or an error that says how to correct it."""
    tool = TOOLS.get(name)
    if tool is None:
        return _failed(f"unknown_tool: there is no tool with this name. The tools are: {', '.join(TOOLS)}.")
    if request is not None:
        request.scope["route"] = tool  # for the log and the metrics
    try:
        arguments = _validated(tool, given)
        if request is not None:
            request.scope["path_params"] = {"name": getattr(arguments, "index", None)}
        result = await tool.call(runtime, arguments, request)
        content = result.model_dump_json()
    except Exception as error:  # noqa: BLE001  # whatever it is, the client gets a problem and the log gets a line
        failed = of_exception(error).problem
        if failed.code == "internal_error":
            logs.write("failure", level="error", tool=tool.name, **logs.error_fields(error))
        if request is not None:
            request.scope["infgram.status"] = failed.status
        return _failed(_advice(failed, tool, runtime))
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=content)], structured_content=json.loads(content)
    )


def _validated(tool: Tool, given: Mapping[str, Any]) -> BaseModel:
    try:
        return tool.arguments.model_validate(given)
    except ValidationError as error:
        raise invalid_body(error) from None


def _failed(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)


def _advice(problem: Problem, tool: Tool, runtime: Runtime) -> str:
    """Return a problem as a language model can use it: what is wrong where, and what is expected."""
    advice = DETAILS.get(problem.code)
    names = ", ".join([*runtime.indexes][:MAX_NAMES])
    lines = [f"{problem.code}: {problem.detail if advice is None else advice.format(names=names)}"]
    lines += [f"- {'.'.join(error.loc[1:]) or 'arguments'}: {error.msg}" for error in problem.errors]
    if problem.code == "invalid_request":
        schema = _schema_of(tool.arguments)
        lines.append(f"{tool.name} takes: {', '.join(schema['properties']) or 'no arguments'}.")
        lines.append(f"Example: {json.dumps(schema['examples'][0])}")
    return "\n".join(lines)
