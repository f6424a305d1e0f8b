"""What the service is told: indexes, address, limits. Defaults, then the environment (`INFGRAM_…`), then arguments."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

IndexName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""What stands in the address: letters, digits, dots, underscores, hyphens."""


class Limits(BaseModel):
    """The most that one request may ask for; a request beyond a limit is refused before the index is asked.

    None is below what a question asks for that leaves the field out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: PositiveInt = Field(default=1 << 20, description="Size of a request body.")
    query_characters: PositiveInt = Field(default=32_768, description="Characters of a query given as text.")
    query_tokens: PositiveInt = Field(default=4_096, description="Tokens of a query, given as text or as token ids.")
    top_k: int = Field(default=1_000, ge=20, description="Rows of one distribution.")
    documents: int = Field(default=100, ge=10, description="Documents of one search.")
    snippet_tokens: int = Field(default=1_000, ge=40, description="Tokens around a match.")
    text_characters: NonNegativeInt = Field(default=10_000, description="A found document's text is cut after so many.")
    document_size: NonNegativeInt = Field(
        default=200_000,
        description="Characters of text, and tokens, after which a document asked for by its id is cut.",
    )
    batch_items: PositiveInt = Field(default=1_000, description="Questions of one batch.")
    batch_rows: PositiveInt = Field(default=50_000, description="Sum of `top_k` over the questions of one batch.")
    batch_documents: PositiveInt = Field(default=200, description="Sum of `limit` over the searches of one batch.")


class Settings(BaseSettings):
    """Everything that can be set; each also by environment: `INFGRAM_PORT=80`, `INFGRAM_LIMITS__TOP_K=100`.

    `INFGRAM_INDEXES` is a JSON object: `{"stories": "/data/stories.infgram"}`.
    """

    model_config = SettingsConfigDict(
        env_prefix="INFGRAM_", env_nested_delimiter="__", frozen=True, extra="forbid", validate_default=True
    )

    indexes: dict[IndexName, Path] = Field(default={}, description="Name in the address, and folder, of each index.")
    host: str = Field(default="127.0.0.1", description="Address to listen at.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to listen at; 0 takes a free one.")
    max_concurrency: PositiveInt = Field(
        default_factory=lambda: 2 * (os.cpu_count() or 1), description="Questions answered at a time."
    )
    max_waiting: NonNegativeInt = Field(
        default=64, description="Questions that may wait for their turn; more are refused."
    )
    shutdown_s: PositiveInt = Field(default=10, description="Seconds that a shutdown gives to what is under way.")
    limits: Limits = Limits()
