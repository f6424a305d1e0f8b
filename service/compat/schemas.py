"""Schemas of the public API, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .queries import QUERY_TYPES


class PublicQuestion(BaseModel):
    """A request; exactly one of `query` and `query_ids` is given."""

    index: str = Field(description="The index's name; `corpus` is another name of this field.")
    query_type: str = Field(json_schema_extra={"enum": list(QUERY_TYPES)})
    query: str = Field(default="", description="Text; ` AND ` and ` OR ` form a CNF, in which OR binds tighter.")
    query_ids: list[Any] = Field(default=[], description="Token ids; a triply-nested list is a CNF.")
    max_support: int = Field(default=1000, ge=1, le=1000, description="No effect: rows are exact.")
    max_clause_freq: int = Field(default=50_000, ge=1, le=500_000, description="No effect: counts are exact.")
    max_diff_tokens: int = Field(default=100, ge=1, le=1000, description="Maximum distance between clauses of a CNF.")
    maxnum: int = Field(default=1, ge=1, le=10, description="For search_docs: number of documents.")
    max_disp_len: int = Field(default=1000, ge=1, le=10_000, description="Maximum tokens to show of each document.")
    s: int = Field(default=0, ge=0, description="For get_doc_by_rank and get_doc_by_ptr: the shard.")
    rank: int = Field(default=0, ge=0, description="For get_doc_by_rank: a rank returned by find.")
    ptr: int = Field(default=0, ge=0, description="For get_doc_by_ptr: a pointer returned by find_cnf.")


class PublicAnswer(BaseModel):
    """Either these fields and the fields of the query type, or only `error`."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "count": 9,
                    "approx": False,
                    "latency": 0.021,
                    "token_ids": [3, 14],
                    "tokens": ["Ġnatural", "Ġlanguage"],
                },
                {"error": "Please limit your input to <= 500 tokens!"},
            ]
        },
    )

    error: str = Field(default="", description="Why the request was refused.")
    latency: float = Field(default=0.0, description="Milliseconds to search the index.")
    token_ids: list[Any] = Field(default=[], description="Token ids of the query, nested like the query.")
    tokens: list[Any] = Field(default=[], description="The tokens as written in the vocabulary.")
