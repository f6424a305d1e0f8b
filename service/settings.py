"""Settings of the service, from arguments, then the environment, then a TOML file, then defaults.

`INFGRAM_PORT=80`, `INFGRAM_LIMITS__TOP_K=100`; in the file, `port = 80` and `[limits]` with `top_k = 100`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from . import environment
from .middleware.proxies import Proxies

ALL: Final = sys.maxsize
"""The value of a limit that does not apply."""

IndexName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""The name in the address: letters, digits, dots, underscores, hyphens."""


def location(value: Any) -> Any:
    """Return a URL as it is and any other path as an absolute one, so that a later reload finds the same folder."""
    if not isinstance(value, str | os.PathLike):
        return value
    text = os.fspath(value)
    return text if "://" in text else Path(text).absolute()


Location: TypeAlias = Annotated[Path | str, BeforeValidator(location)]


def _listed(value: Any) -> Any:
    """Return a list given as `a, b` or as JSON, as in the environment."""
    if isinstance(value, int) and not isinstance(value, bool):
        return [str(value)]
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [part.strip() for part in value.split(",")] if value.strip() else []


def _is_origin(text: str) -> str:
    if not re.fullmatch(r"\*|[a-z][a-z0-9+.-]*://[^/?#\s]+", text):
        raise ValueError(f"expected an origin such as https://page.example, without a path, or *; found {text!r}")
    return text


class Limits(BaseModel):
    """Limits of one request; a request that exceeds one is refused before the index is searched.

    No limit can be set below the default of the field that it limits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: PositiveInt = Field(default=1 << 20, description="Size of a request body.")
    body_values: int = Field(
        default=200_000,
        ge=100,
        description="Values in a request body; a list or an object counts as 10. Decoding blocks the worker: 200,000 "
        "values for some 10 ms.",
    )
    change_bytes: PositiveInt = Field(
        default=8 << 20, description="Size of the body of a request that changes an index."
    )
    change_values: int = Field(
        default=500_000, ge=100, description="Values in the body of a request that changes an index, as body_values."
    )
    query_characters: PositiveInt = Field(default=32_768, description="Characters of a text query.")
    query_tokens: PositiveInt = Field(default=4_096, description="Tokens of a query, given as text or token ids.")
    top_k: int = Field(default=1_000, ge=20, description="Rows of one distribution; no limit for JSON lines.")
    documents: int = Field(default=100, ge=10, description="Documents of one search; ten times as many for JSON lines.")
    locations: int = Field(default=10_000, ge=100, description="Occurrences of one locate; no limit for JSON lines.")
    snippet_tokens: int = Field(default=1_000, ge=40, description="Tokens of context around a match.")
    text_characters: NonNegativeInt = Field(
        default=10_000,
        description="Characters of a found document's text; no limit for JSON lines.",
    )
    document_size: NonNegativeInt = Field(
        default=200_000,
        description="Characters and tokens of a document requested by id.",
    )
    clauses: PositiveInt = Field(default=16, description="Clauses of one search, and terms of one clause.")
    matches: int = Field(default=100, ge=3, description="Matches returned per document.")
    spans: int = Field(default=200, ge=10, description="Spans of one trace.")
    max_n: int = Field(default=100, ge=10, description="Maximum n of one novelty.")
    batch_items: PositiveInt = Field(default=1_000, description="Queries of one batch.")
    batch_rows: PositiveInt = Field(default=50_000, description="Sum of `top_k` over the queries of one batch.")
    batch_documents: PositiveInt = Field(default=200, description="Sum of `limit` over the searches of one batch.")
    batch_locations: PositiveInt = Field(default=100_000, description="Sum of `limit` over the locates of one batch.")

    def of_changes(self) -> Limits:
        """Return the limits of a request that changes an index."""
        return self.model_copy(update={"body_bytes": self.change_bytes, "body_values": self.change_values})

    def of_streams(self) -> Limits:
        """Return the limits of an answer that is sent as JSON lines, and so is never in memory as a whole."""
        wider = {"top_k": ALL, "locations": ALL, "text_characters": ALL, "documents": 10 * self.documents}
        wider |= {"batch_rows": ALL, "batch_locations": ALL, "batch_documents": 10 * self.batch_documents}
        return self.model_copy(update=wider)


class NeuralModel(BaseModel):
    """A neural model that is mixed with an index."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path = Field(description="Folder of a transformers model; its tokenizer must be that of the index.")
    weights: Path | None = Field(
        default=None,
        description="File of `infgram.lm.Interpolator.save`; null is half neural, half Witten–Bell.",
    )
    tokenizer: str | None = Field(
        default=None,
        description="Path of its tokenizer if elsewhere; `index` asserts that it is the index's.",
    )


class Settings(BaseSettings):
    """All settings; `settings_from` also reads a TOML file.

    `INFGRAM_INDEXES` is a JSON object: `{"stories": "/data/stories.infgram"}`.
    """

    model_config = SettingsConfigDict(
        env_prefix="INFGRAM_", env_nested_delimiter="__", frozen=True, extra="forbid", validate_default=True
    )

    indexes: Mapping[IndexName, Location] = Field(
        default={}, description="Name in the address and folder or URL of each index."
    )
    load: Literal["map", "warm", "ram"] = Field(default="map", description="How to hold the files; see infgram.open.")
    verify: bool = Field(default=False, description="Verify every byte of an index before serving it.")
    models: dict[IndexName, NeuralModel] = Field(
        default={}, description="Neural model of each index, for the query `interpolated`; needs the extra lm."
    )
    tokenizers: dict[IndexName, str] = Field(
        default={},
        description="Tokenizer of each index that the package infini-gram made: a path, a name or `bytes`. Without, it "
        "accepts token ids only.",
    )
    end_of_text_ids: dict[IndexName, Annotated[int, Field(ge=-1)]] = Field(
        default={},
        description="For the public infini-gram API at POST /: the token id of the end of a document. By default that "
        "of the tokenizer, or −1 if it has none.",
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    workers: PositiveInt = Field(default=1, description="Worker processes; all of them map the same files.")
    max_concurrency: PositiveInt = Field(
        default_factory=lambda: 2 * (os.cpu_count() or 1),
        description="Queries that each worker runs at a time.",
    )
    max_waiting: NonNegativeInt = Field(default=64, description="Queries that may wait for a slot; more are refused.")
    max_wait_s: PositiveFloat = Field(default=10, description="Seconds that a query may wait for a slot.")
    timeout_s: PositiveFloat = Field(default=30, description="Time limit of one answer.")
    stream_timeout_s: PositiveFloat = Field(default=600, description="Time limit of one answer as JSON lines.")
    drain_s: float = Field(
        default=0,
        ge=0,
        description="Seconds from a signal to stop, when /readyz fails, until connections are refused.",
    )
    shutdown_s: PositiveInt = Field(default=10, description="Seconds that a shutdown waits for running requests.")

    max_connections: PositiveInt = Field(default=4096, description="Connections of each worker; more are refused.")
    max_connections_per_client: PositiveInt = Field(
        default=1024, description="Connections of each worker from one address, except those of trusted proxies."
    )
    header_timeout_s: PositiveFloat = Field(
        default=60,
        description="Seconds from the first byte of a request, or a new connection, to the end of the headers.",
    )
    body_timeout_s: PositiveFloat = Field(
        default=60, description="Seconds from the end of the headers to the end of the body."
    )
    send_timeout_s: PositiveFloat = Field(
        default=60, description="Seconds for which a client may read nothing of an answer."
    )
    keep_alive_s: PositiveInt = Field(default=75, description="Seconds for which an idle connection is kept open.")

    api_keys_file: Path | None = Field(
        default=None, description="Key file, written by `infgram api-key`; without it no key is required."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(),
        description="Addresses and networks of trusted proxies, `unix` for one at a Unix socket; or the number of "
        "proxies that every request passes. Their headers X-Forwarded-For and Forwarded give the client's address.",
    )
    requests_per_s: PositiveFloat | None = Field(
        default=None, description="Requests per second of one key, or of one client if no key is required."
    )
    cors_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_is_origin)], ...], NoDecode, BeforeValidator(_listed)
    ] = Field(default=(), description="Origins whose pages may send requests from a browser.")

    auto_reload: bool = Field(
        default=True,
        description="Open the new state of an index within a few seconds after it was changed or replaced on disk; "
        "otherwise only at a reload.",
    )
    jobs_folder: Path | None = Field(
        default=None,
        description="Folder of the jobs that change indexes, which continue after a restart; by default a temporary "
        "one, which ends with the server.",
    )
    job_memory_bytes: PositiveInt | None = Field(
        default=None, description="Memory that a job may use, as in infgram.build; by default half of what is free."
    )
    max_jobs: PositiveInt = Field(
        default=64, description="Jobs of one index that may be running or waiting; more are refused."
    )

    log_requests: bool = Field(default=True, description="Log each request as a line of JSON on standard error.")
    log_queries: bool = Field(default=False, description="Log the bodies of requests as well.")
    limits: Limits = Limits()

    @field_validator("models", "tokenizers", "end_of_text_ids")
    @classmethod
    def _are_of_indexes(cls, by_index: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        indexes = info.data.get("indexes", {})
        if unknown := by_index.keys() - indexes.keys():
            raise ValueError(
                f"unknown index {', '.join(sorted(unknown))}; the indexes are {', '.join(indexes) or '(none)'}"
            )
        return by_index

    @field_validator("trusted_proxies")
    @classmethod
    def _are_proxies(cls, trusted: tuple[str, ...]) -> tuple[str, ...]:
        Proxies(trusted)
        return trusted

    @model_validator(mode="after")
    def _queries_have_lines(self) -> Settings:
        if self.log_queries and not self.log_requests:
            raise ValueError("log_queries requires log_requests, which is off; turn both on, or both off")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources: arguments, the environment, the file."""
        return init_settings, _Environment(settings_cls), TomlConfigSettingsSource(settings_cls)


class _Environment(EnvSettingsSource):
    """The variables that begin with `INFGRAM_`; unknown ones are errors."""

    def __call__(self) -> dict[str, Any]:
        """Check the variables and return the settings."""
        environment.check(Settings)
        not_ours = environment.set_by_kubernetes()
        self.env_vars = {name: value for name, value in self.env_vars.items() if name not in not_ours}
        return super().__call__()


_INNER: Final[Mapping[str, type[BaseModel]]] = {"limits": Limits, "models": NeuralModel}


def settings_from(file: Path | None, **given: Any) -> Settings:
    """Return the settings of a TOML file, the environment and arguments.

    Raises:
        ValueError: a setting is unknown or out of range, or the file is not TOML; names the setting and its source.
        OSError: the file cannot be read.
    """
    try:
        if file is None:
            return Settings(**given)
        with file.open("rb"):  # pydantic ignores a missing file
            pass

        class FromFile(Settings):
            model_config = SettingsConfigDict(toml_file=file)

        return Settings.model_construct(**dict(FromFile(**given)))
    except ValidationError as error:
        reasons = (_reason(item["loc"], item["type"], item["msg"], given) for item in error.errors())
        raise ValueError("; ".join(reasons)) from error


def _reason(loc: tuple[int | str, ...], kind: str, message: str, given: Mapping[str, Any]) -> str:
    """Return the reason why a setting is refused, and the variable that set it, if any."""
    name = ".".join(map(str, loc))
    if kind == "extra_forbidden":
        known: type[BaseModel] = Settings if len(loc) == 1 else _INNER.get(str(loc[0]), Settings)
        near = environment.nearest(str(loc[-1]), known.model_fields)
        return f"{name}: there is no such setting{near}"
    if loc[-1:] == ("[key]",):
        return f"{loc[0]}: {loc[1]!r} is not a valid name for an index (see --name): {message}"
    variable = None if loc[:1] and loc[0] in given else environment.variable_of(loc)
    if variable is None:
        return f"{name}: {message}" if loc else message
    return f"{name}: {message} (the variable {variable})"
