"""Pydantic models of requests and answers, with their limits and examples."""
