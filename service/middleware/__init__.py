"""ASGI middleware around the application, outermost first: observability, authentication."""
