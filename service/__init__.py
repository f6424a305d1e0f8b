"""The HTTP service: the questions of the library as JSON over HTTP, and one page to ask them in a browser.

Example:
    >>> from infgram.service import Settings, create_app
    >>> app = create_app(Settings(indexes={"stories": "stories.infgram"}))
"""

from __future__ import annotations

import infgram

try:
    import fastapi  # noqa: F401  # looked for first, so that the message names the extra
    import prometheus_client  # noqa: F401
    import pydantic_settings  # noqa: F401
    import uvicorn  # noqa: F401
except ImportError as error:
    raise infgram.MissingExtraError(
        f"the service needs the package {error.name}, which is not installed; pip install 'infgram[service]'"
    ) from error

from .app import create_app
from .indexes import names_of
from .mcp.stdio import run_stdio
from .middleware.api_keys import add_key
from .server.run import run
from .settings import Limits, Settings, settings_from

__all__ = ["Limits", "Settings", "add_key", "create_app", "names_of", "run", "run_stdio", "settings_from"]
