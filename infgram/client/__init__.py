"""Clients of a service, with the methods and results of `Index`.

The package httpx2 is imported when a client is made.
"""

from __future__ import annotations

from infgram.client.asynchronous import AsyncClient
from infgram.client.synchronous import Client

__all__ = ["AsyncClient", "Client"]
