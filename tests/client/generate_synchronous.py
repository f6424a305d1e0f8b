"""Print infgram/client/synchronous.py, which is infgram/client/asynchronous.py without coroutines.

    python tests/client/generate_synchronous.py > infgram/client/synchronous.py

`make generated` runs this, and a test compares the file with the output.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parents[2] / "infgram" / "client"

CLASS_DOCSTRING: Final = '''"""An index behind a service: most queries of `Index`, with the same results and errors.

    Safe for any number of threads, and after a fork: each process opens its own connections. The pickle contains the
    address and the options, including the API key. If the service is busy, the client waits as long as the service asks
    and repeats the request, up to `retries` times. It repeats no other request.

    Example:
        with infgram.Client('''

INIT_DOCSTRING: Final = '''"""Create a client without sending a request.

        Args:
            url: the address of the service.
            index: the name of the index; None if the service has only one.
            api_key: the API key, if the service requires one.
            timeout_s: the timeout of one request in seconds.
            retries: the maximum number of retries when the service is busy.

        Raises:
            MissingExtraError: the package httpx2 is not installed.
            QueryError: an argument has the wrong type or is out of range.
        """
'''

REPLACEMENTS: Final = (
    (
        r'"""The HTTP client for asyncio\."""',
        '"""The synchronous HTTP client; generated from asynchronous.py by `make generated`."""',
    ),
    (r"from collections\.abc", "import time\nfrom collections.abc"),
    (r"(from infgram\.client\.jobs import Job\n)", r"\1from infgram.client.members import SynchronousMembers\n"),
    (r"(from infgram\.query_language import Cnf\n)", r"\1from infgram.tables import Table, with_owner\n"),
    (r"class AsyncClient:", "class Client(SynchronousMembers):"),
    (r'"""`Client` for asyncio(?s:.*?)infgram\.AsyncClient\(', CLASS_DOCSTRING),
    (r'"""See `Client`\."""\n', INIT_DOCSTRING),
    (r" +import asyncio.*\n\n", ""),
    (r"asyncio\.get_running_loop\(\)", ""),
    (r"asyncio\.sleep", "time.sleep"),
    (r"\(await ([^()]*\(\))\)", r"\1"),
    (r"\b(?:await|async) ", ""),
    (r"\b__a(enter|exit)__", r"__\1__"),
    (r"\.aclose\(", ".close("),
    (r"\bAsyncClient\b", "Client"),
    (r"\bAsyncIterator, Iterable\b", "Iterable, Iterator"),
    (r"\bAsyncIterator\b", "Iterator"),
    (r"for (\w+) in (\w+):\n +yield \1\n", r"yield from \2\n"),
    (
        r"return (wire\.read\(call, answer\.status_code, answer\.content\))",
        r"result = \1\n        return with_owner(self, result) if isinstance(result, Table) else result",
    ),
)
"""Regular expressions and their replacements, each of which must occur."""


def synchronous() -> str:
    """Return the source of the synchronous client.

    Raises:
        ValueError: a regular expression matches nothing.
    """
    source = (FOLDER / "asynchronous.py").read_text(encoding="utf-8")
    for pattern, replacement in REPLACEMENTS:
        source, n_replaced = re.subn(pattern, replacement, source)
        if n_replaced == 0:
            raise ValueError(f"asynchronous.py has no match of {pattern}")
    command = [sys.executable, "-m", "ruff", "format", f"--stdin-filename={FOLDER / 'synchronous.py'}", "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.stdout.write(synchronous())
