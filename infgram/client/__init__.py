"""HTTP clients of a service, with the methods and results of `Index`.

Creating a client imports the package httpx2.
"""

from __future__ import annotations

from infgram.client.asynchronous import AsyncClient
from infgram.client.jobs import Job
from infgram.client.synchronous import Client

__all__ = ["AsyncClient", "Client", "Job"]
