"""ASGI middleware around the application, outermost first: proxies, observability, authentication."""
