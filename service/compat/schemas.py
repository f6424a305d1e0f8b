"""Requests and answers of the public API as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .queries import QUERY_TYPES


class PublicQuestion(BaseModel):
    """A request; exactly one of `query` and `query_ids` is given."""

    index: str = Field(description="The index's name; `corpus` is another name of this field.")
    query_type: str = Field(json_schema_extra={"enum": list(QUERY_TYPES)})
    query: str = Field(default="", description="Text; ` AND ` and ` OR ` make a CNF of it, in which OR binds tighter.")
    query_ids: list[Any] = Field(default=[], description="Token ids; three levels of lists are a CNF.")
    max_support: int = Field(default=1000, ge=1, le=1000, description="Changes nothing: rows are exact.")
    max_clause_freq: int = Field(default=50_000, ge=1, le=500_000, description="Changes nothing: counts are exact.")
    max_diff_tokens: int = Field(default=100, ge=1, le=1000, description="How far apart the clauses of a CNF may be.")
    maxnum: int = Field(default=1, ge=1, le=10, description="Documents of search_docs.")
    max_disp_len: int = Field(default=1000, ge=1, le=10_000, description="Tokens of each document.")
    s: int = Field(default=0, ge=0, description="The shard, of get_doc_by_rank and get_doc_by_ptr.")
    rank: int = Field(default=0, ge=0, description="Of get_doc_by_rank: one of those that find gives.")
    ptr: int = Field(default=0, ge=0, description="Of get_doc_by_ptr: one of those that find_cnf gives.")


class PublicAnswer(BaseModel):
    """The fields of the query type, and these; or `error` alone."""

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

    error: str = Field(default="", description="What is wrong with the request.")
    latency: float = Field(default=0.0, description="Milliseconds that the index took.")
    token_ids: list[Any] = Field(default=[], description="The query's token ids, nested as it is.")
    tokens: list[Any] = Field(default=[], description="The tokens as the vocabulary has them.")
