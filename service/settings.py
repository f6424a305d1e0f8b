"""What the service is told: indexes, address, limits. Defaults, then a TOML file, then the environment, then arguments.

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
"""The limit of what is unlimited."""

IndexName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""What stands in the address: letters, digits, dots, underscores, hyphens."""


def location(value: Any) -> Any:
    """Return a URL as it is and any other path as an absolute one, so that a later reload finds the same folder."""
    if not isinstance(value, str | os.PathLike):
        return value
    text = os.fspath(value)
    return text if "://" in text else Path(text).absolute()


Location: TypeAlias = Annotated[Path | str, BeforeValidator(location)]


def _listed(value: Any) -> Any:
    """A text as the environment has it, `a, b` or a JSON list, as a list."""
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
    """The most that one request may ask for; a request beyond a limit is refused before the index is asked.

    None is below what a question asks for that leaves the field out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: PositiveInt = Field(default=1 << 20, description="Size of a request body.")
    body_values: int = Field(
        default=200_000,
        ge=100,
        description="Values of a request body, of which a list or an object counts as 10. Decoding holds up the "
        "worker: a body of 200,000 values for some 10 ms.",
    )
    query_characters: PositiveInt = Field(default=32_768, description="Characters of a query given as text.")
    query_tokens: PositiveInt = Field(default=4_096, description="Tokens of a query, given as text or as token ids.")
    top_k: int = Field(default=1_000, ge=20, description="Rows of one distribution; no limit for lines.")
    documents: int = Field(default=100, ge=10, description="Documents of one search; ten times as many for lines.")
    locations: int = Field(default=10_000, ge=100, description="Places of one locate; no limit for lines.")
    snippet_tokens: int = Field(default=1_000, ge=40, description="Tokens around a match.")
    text_characters: NonNegativeInt = Field(
        default=10_000, description="A found document's text is cut after so many; not in lines."
    )
    document_size: NonNegativeInt = Field(
        default=200_000,
        description="Characters of text, and tokens, after which a document asked for by its id is cut.",
    )
    clauses: PositiveInt = Field(default=16, description="Clauses of one search, and terms of each.")
    matches: int = Field(default=100, ge=3, description="Matches shown of each document.")
    spans: int = Field(default=200, ge=10, description="Spans of one trace.")
    max_n: int = Field(default=100, ge=10, description="The longest n-grams of one novelty.")
    batch_items: PositiveInt = Field(default=1_000, description="Questions of one batch.")
    batch_rows: PositiveInt = Field(default=50_000, description="Sum of `top_k` over the questions of one batch.")
    batch_documents: PositiveInt = Field(default=200, description="Sum of `limit` over the searches of one batch.")
    batch_locations: PositiveInt = Field(default=100_000, description="Sum of `limit` over the locates of one batch.")

    def of_streams(self) -> Limits:
        """The limits of an answer that is sent as lines, and so never held as a whole."""
        wider = {"top_k": ALL, "locations": ALL, "text_characters": ALL, "documents": 10 * self.documents}
        wider |= {"batch_rows": ALL, "batch_locations": ALL, "batch_documents": 10 * self.batch_documents}
        return self.model_copy(update=wider)


class NeuralModel(BaseModel):
    """A neural model that is mixed with an index."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path = Field(description="What `save_pretrained` of transformers wrote, with the index's tokenizer.")
    weights: Path | None = Field(
        default=None, description="What `infgram.lm.Interpolator.save` wrote; half neural, half Witten–Bell without."
    )
    tokenizer: str | None = Field(
        default=None, description="Where its tokenizer is, if not in the folder; `index` states that it is the index's."
    )


class Settings(BaseSettings):
    """Everything that can be set; `settings_from` reads a TOML file as well.

    `INFGRAM_INDEXES` is a JSON object: `{"stories": "/data/stories.infgram"}`.
    """

    model_config = SettingsConfigDict(
        env_prefix="INFGRAM_", env_nested_delimiter="__", frozen=True, extra="forbid", validate_default=True
    )

    indexes: Mapping[IndexName, Location] = Field(
        default={}, description="Name in the address, and folder or URL, of each index."
    )
    load: Literal["map", "warm", "ram"] = Field(default="map", description="How the files are held; see infgram.open.")
    verify: bool = Field(default=False, description="Verify every byte of an index before it is served.")
    models: dict[IndexName, NeuralModel] = Field(
        default={}, description="The neural model of an index, for the question `interpolated`; needs the extra lm."
    )
    end_of_text_ids: dict[IndexName, Annotated[int, Field(ge=-1)]] = Field(
        default={},
        description="For the public infini-gram API at POST /: the token id that stands for the end of a document. "
        "Else the tokenizer's own, or −1 where it has none.",
    )

    host: str = Field(default="127.0.0.1", description="Address to listen at.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to listen at; 0 takes a free one.")
    workers: PositiveInt = Field(default=1, description="Processes that answer; the files are mapped by all of them.")
    max_concurrency: PositiveInt = Field(
        default_factory=lambda: 2 * (os.cpu_count() or 1), description="Questions answered at a time, by each worker."
    )
    max_waiting: NonNegativeInt = Field(
        default=64, description="Questions that may wait for their turn; more are refused."
    )
    timeout_s: PositiveFloat = Field(default=30, description="Seconds that one answer may take.")
    stream_timeout_s: PositiveFloat = Field(default=600, description="Seconds that one answer in lines may take.")
    drain_s: float = Field(
        default=0, ge=0, description="Seconds between a signal to stop, when /readyz fails, and no more connections."
    )
    shutdown_s: PositiveInt = Field(default=10, description="Seconds that a shutdown gives to what is under way.")

    api_keys_file: Path | None = Field(
        default=None, description="The file of keys, as `infgram api-key` writes its lines; without it all may ask."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(),
        description="Addresses and networks of the proxies in front, `unix` for one at a Unix socket; or the number of "
        "proxies that every request comes through. They may say whose request it is, in X-Forwarded-For or Forwarded.",
    )
    requests_per_s: PositiveFloat | None = Field(
        default=None, description="Requests a second of one key, or of one client where there are no keys."
    )
    cors_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_is_origin)], ...], NoDecode, BeforeValidator(_listed)
    ] = Field(default=(), description="Origins whose pages may ask from a browser.")

    log_requests: bool = Field(default=True, description="One line of JSON a request, on standard error.")
    log_queries: bool = Field(default=False, description="The bodies of requests in these lines, too.")
    limits: Limits = Limits()

    @field_validator("models", "end_of_text_ids")
    @classmethod
    def _are_of_indexes(cls, by_index: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        indexes = info.data.get("indexes", {})
        if unknown := by_index.keys() - indexes.keys():
            raise ValueError(
                f"found {', '.join(sorted(unknown))}; expected of the indexes {', '.join(indexes) or '(none)'}"
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
            raise ValueError("log_queries adds to the lines of log_requests, which is off; turn both on, or both off")
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
        """Arguments before the environment before the file."""
        return init_settings, _Environment(settings_cls), TomlConfigSettingsSource(settings_cls)


class _Environment(EnvSettingsSource):
    """The variables that begin with `INFGRAM_`, all of which must be known."""

    def __call__(self) -> dict[str, Any]:
        """What they set."""
        environment.check(Settings)
        not_ours = environment.set_by_kubernetes()
        self.env_vars = {name: value for name, value in self.env_vars.items() if name not in not_ours}
        return super().__call__()


_INNER: Final[Mapping[str, type[BaseModel]]] = {"limits": Limits, "models": NeuralModel}


def settings_from(file: Path | None, **given: Any) -> Settings:
    """The settings of a TOML file, the environment and arguments.

    Raises:
        ValueError: a setting is unknown or out of range, or the file is no TOML; says which, and where it is set.
        OSError: the file cannot be read.
    """
    try:
        if file is None:
            return Settings(**given)
        with file.open("rb"):  # a file that is missing would be passed over
            pass

        class FromFile(Settings):
            model_config = SettingsConfigDict(toml_file=file)

        return Settings.model_construct(**dict(FromFile(**given)))
    except ValidationError as error:
        reasons = (_reason(item["loc"], item["type"], item["msg"], given) for item in error.errors())
        raise ValueError("; ".join(reasons)) from error


def _reason(loc: tuple[int | str, ...], kind: str, message: str, given: Mapping[str, Any]) -> str:
    """What is wrong with a setting, and where it is set if that is the environment."""
    name = ".".join(map(str, loc))
    if kind == "extra_forbidden":
        known: type[BaseModel] = Settings if len(loc) == 1 else _INNER.get(str(loc[0]), Settings)
        near = environment.nearest(str(loc[-1]), known.model_fields)
        return f"{name}: there is no such setting{near}"
    if loc[-1:] == ("[key]",):
        return f"{loc[0]}: {loc[1]!r} is no name for an index (see --name): {message}"
    variable = None if loc[:1] and loc[0] in given else environment.variable_of(loc)
    if variable is None:
        return f"{name}: {message}" if loc else message
    return f"{name}: {message} (the variable {variable})"
