"""Example answers for the OpenAPI document, from a small index of sentences about language."""

from __future__ import annotations

from typing import Any, Final

from ..problems import ProblemError

_QUERY: Final = {"token_ids": [3, 14], "tokens": ["natural", " language"]}

COUNT: Final[dict[str, Any]] = {**_QUERY, "elapsed_ms": 0.04, "count": 9}

COUNT_WITH_READINGS: Final[dict[str, Any]] = {
    **COUNT,
    "readings": {
        "text": "natural language",
        "string_count": 12,
        "as_typed": {"count": 9, "token_ids": [3, 14], "text": "natural language"},
        "after_space": None,
        "other_tokenizations": {"count": 3, "token_ids": [3, 12, 9], "text": "natural languages"},
        "other_case": {"count": 1, "token_ids": [5, 14], "text": "Natural language"},
        "is_exact": True,
    },
}

FIND: Final[dict[str, Any]] = {**_QUERY, "elapsed_ms": 0.03, "count": 9, "ranges": [{"lo": 120, "hi": 129}]}

LOCATE: Final[dict[str, Any]] = {
    **_QUERY,
    "elapsed_ms": 0.05,
    "count": 9,
    "locations": [{"document_id": 4, "offset": 4}, {"document_id": 0, "offset": 31}],
}

PROB: Final[dict[str, Any]] = {
    **_QUERY,
    "elapsed_ms": 0.05,
    "suffix_length": 2,
    "effective_n": 3,
    "context_count": 9,
    "continuation_count": 6,
    "is_sparse": False,
    "log_prob": -0.4054651081081644,
}

LONGEST_SUFFIX: Final[dict[str, Any]] = {**_QUERY, "elapsed_ms": 0.04, "length": 2, "count": 9}

LONGEST_MATCHES: Final[dict[str, Any]] = {**_QUERY, "elapsed_ms": 0.06, "lengths": [2, 1], "counts": [9, 40]}

DISTRIBUTION: Final[dict[str, Any]] = {
    **_QUERY,
    "elapsed_ms": 0.07,
    "suffix_length": 2,
    "effective_n": 3,
    "context_count": 9,
    "n_distinct": 2,
    "is_sparse": False,
    "rows": [
        {"token_id": 15, "token": " processing", "count": 6, "log_prob": -0.4054651081081644},
        {"token_id": -1, "token": None, "count": 3, "log_prob": -1.0986122886681098},
    ],
}

SCORE: Final[dict[str, Any]] = {
    "token_ids": [3, 14, -1],
    "tokens": ["natural", " language", None],
    "elapsed_ms": 0.06,
    "suffix_lengths": [0, 1, 2],
    "context_counts": [1040, 12, 9],
    "continuation_counts": [12, 9, 3],
    "log_probs": [-4.462069, -0.287682, -1.098612],
    "total": {"n_positions": 3, "n_impossible": 0, "log_prob": -5.848363},
}

_MATCH: Final = {
    "clause": 0,
    "offset": 4,
    "length": 2,
    "match_start": 10,
    "match_end": 26,
    "snippet": " on natural language.",
    "snippet_match_start": 4,
    "snippet_match_end": 20,
}

FOUND_DOCUMENT: Final[dict[str, Any]] = {
    **_MATCH,
    "document_id": 4,
    "metadata": {"title": "On speech"},
    "source": "essays.jsonl",
    "line": 5,
    "text": "A word on natural language.",
    "text_truncated": False,
    "match_count": 1,
    "matches": [_MATCH],
}

SEARCH: Final[dict[str, Any]] = {
    **_QUERY,
    "elapsed_ms": 0.4,
    "count": 9,
    "document_count": 7,
    "is_exact": True,
    "count_interval": None,
    "document_count_interval": None,
    "clauses": [["natural language"]],
    "cursor": "BAAAAAAAAACbuk0hQ2P1RhVtrcP4l1nq",
    "documents": [FOUND_DOCUMENT],
}

SEARCH_TEXT: Final[dict[str, Any]] = {name: SEARCH[name] for name in SEARCH if name not in _QUERY}

INTERPOLATED: Final[dict[str, Any]] = {
    **_QUERY,
    "elapsed_ms": 12.5,
    "rows": [{"token_id": 15, "token": " processing", "log_prob": -0.41}],
}

DOCUMENT_COUNT: Final[dict[str, Any]] = {**_QUERY, "elapsed_ms": 0.05, "document_count": 7}

TRACE: Final[dict[str, Any]] = {
    **_QUERY,
    "elapsed_ms": 1.2,
    "n_maximal": 1,
    "n_covered": 2,
    "n_given_up": 0,
    "spans": [
        {
            "start": 0,
            "end": 2,
            "text_start": 0,
            "text_end": 16,
            "text": "natural language",
            "count": 9,
            "log_prob": -7.6,
            "is_exact": True,
            "documents": [
                {
                    "document_id": 4,
                    "offset": 4,
                    "snippet": " on natural language.",
                    "snippet_match_start": 4,
                    "snippet_match_end": 20,
                }
            ],
        }
    ],
    "documents": [
        {
            "document_id": 4,
            "score": 1.5,
            "metadata": {"title": "On speech"},
            "source": "essays.jsonl",
            "line": 5,
            "spans": [0],
        }
    ],
}

NOVELTY: Final[dict[str, Any]] = {
    **_QUERY,
    "elapsed_ms": 0.1,
    "suffix_lengths": [1, 2],
    "n_grams": [2, 1, 0],
    "n_novel": [0, 0, 0],
    "curve": [0.0, 0.0, None],
}

OVERLAP: Final[dict[str, Any]] = {
    **_QUERY,
    "elapsed_ms": 0.1,
    "rule": "any 2-gram of tokens in the corpus",
    "is_contaminated": True,
    "is_short": False,
    "longest_start": 0,
    "longest_length": 2,
    "sizes": [{"n": 2, "n_grams": 1, "n_seen": 1, "n_covered": 2, "share": 1.0, "token_share": 1.0}],
    "evidence": {
        "text": "natural language",
        "document_id": 4,
        "snippet": "A word on natural language.",
        "snippet_match_start": 10,
        "snippet_match_end": 26,
        "metadata": {"title": "On speech"},
        "source": "essays.jsonl",
        "line": 5,
    },
}

WHOLE_DOCUMENT: Final[dict[str, Any]] = {
    "document_id": 4,
    "metadata": {"title": "On speech"},
    "source": "essays.jsonl",
    "line": 5,
    "n_tokens": 7,
    "text": "A word on natural language.",
    "text_truncated": False,
    "token_ids": [65, 20, 21, 22, 3, 14, 46],
    "token_ids_truncated": False,
}

INDEX: Final[dict[str, Any]] = {
    "name": "language",
    "n_tokens": 1000,
    "n_documents": 40,
    "n_shards": 1,
    "generation": 0,
    "vocab_size": 300,
    "token_width_bits": 16,
    "size_bytes": 5300,
    "bytes_per_token": 5.3,
    "tokenizer": {"kind": "huggingface", "fingerprint": "0f3c9a…"},
}

INDEX_INFO: Final[dict[str, Any]] = {
    **INDEX,
    "sections": {"tokens": {"size_bytes": 2000, "bytes_per_token": 2.0}},
    "directory_bytes": 100,
    "n_removed_documents": 0,
    "n_removed_tokens": 0,
    "format_version": 2,
    "suffix_order": "token-id, document end first, equal suffixes by position",
    "builder_version": "0.1.0",
    "n_skipped": 0,
}

JOB: Final[dict[str, Any]] = {
    "id": "1877a4ef6f0a3c00c2d41f9a",
    "index": "language",
    "kind": "add",
    "status": "succeeded",
    "progress": {"stage": "sort", "done": 7, "total": 7, "unit": "tokens"},
    "result": {"generation": 1, "first_document": 40, "n_documents": 1, "n_tokens": 7},
    "error": None,
    "created": "2026-01-31T12:00:00.000+00:00",
    "started": "2026-01-31T12:00:00.050+00:00",
    "finished": "2026-01-31T12:00:00.900+00:00",
}

PROBLEM: Final[dict[str, Any]] = ProblemError("unknown_index").problem.model_dump()

COUNTS: Final[dict[str, Any]] = {
    "counts": [9, None],
    "errors": {1: ProblemError("token_out_of_vocabulary").problem.model_dump()},
    "elapsed_ms": 0.05,
}
