"""Tools for programs that use language models, by the Model Context Protocol: over HTTP at `/mcp`, and over stdio.

A tool is a question of the service with fewer fields and a shorter answer.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import infgram


def import_server() -> ModuleType:
    """Import `server.py`, the only module that imports the SDK, when it is needed: it takes a second.

    Raises:
        MissingExtraError: the SDK is not installed.
    """
    try:
        import_module("mcp")
        return import_module(".server", __package__)
    except ModuleNotFoundError as error:
        raise infgram.MissingExtraError(
            f"the Model Context Protocol needs the package {error.name}, which is not installed; "
            "pip install 'infgram[mcp]'"
        ) from error
