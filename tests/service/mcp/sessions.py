"""Sessions of the SDK's client, over each transport and each generation of the protocol."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client, StdioServerParameters, types
from mcp.client.streamable_http import streamable_http_client

TRANSPORTS = ("stdio", "stdio legacy", "HTTP", "HTTP legacy")
"""Legacy is the protocol with a handshake, until 2025."""

Call = tuple[str, Mapping[str, Any]]
"""The name of a tool, and its arguments."""


@dataclass(frozen=True)
class Outcome:
    """The answer to a call: the structured result, or the text of the error."""

    is_error: bool
    text: str
    result: Any


@dataclass(frozen=True)
class Session:
    """What one session has received."""

    tools: dict[str, types.Tool]
    instructions: str | None
    outcomes: list[Outcome]


def over_stdio(config: Path, calls: Sequence[Call], *, mode: str = "auto") -> Session:
    """Start `infgram mcp`, list its tools and call some, one after the other."""
    arguments = ["-m", "infgram", "mcp", "--config", str(config)]
    server = StdioServerParameters(command=sys.executable, args=arguments, cwd=str(config.parent))
    return asyncio.run(_session(Client(server, mode=mode), calls))


def over_http(url: str, calls: Sequence[Call], *, mode: str = "auto", key: str | None = None) -> Session:
    """List the tools of a service and call some, one after the other."""

    async def run() -> Session:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http:
            return await _session(Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode), calls)

    return asyncio.run(run())


async def _session(client: Client, calls: Sequence[Call]) -> Session:
    async with client as opened:
        tools = {tool.name: tool for tool in (await opened.list_tools()).tools}
        answers = [await opened.call_tool(name, dict(arguments)) for name, arguments in calls]
        return Session(tools, opened.instructions, [_outcome(answer) for answer in answers])


def _outcome(answer: types.CallToolResult) -> Outcome:
    (content,) = answer.content
    assert isinstance(content, types.TextContent)
    return Outcome(answer.is_error, content.text, answer.structured_content)
