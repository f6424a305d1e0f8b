"""Answer queries from standard input with infini-gram, as one JSON list; run by its Python environment.

python theirs_replay.py INDEX END_OF_TEXT_ID < questions.json, a list of [method, arguments]
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any


def main() -> None:
    """Call the engine; documents are those of all occurrences of a query."""
    engine = import_module("infini_gram.engine").InfiniGramEngine(
        index_dir=sys.argv[1], eos_token_id=int(sys.argv[2]), vocab_size=65535, token_dtype="u16"
    )
    print(json.dumps([_answer(engine, method, arguments) for method, arguments in json.load(sys.stdin)]))


def _answer(engine: Any, method: str, arguments: dict[str, Any]) -> Any:
    if method == "documents":
        segments = engine.find(arguments["input_ids"])["segment_by_shard"]
        places = [(shard, rank) for shard, (lo, hi) in enumerate(segments) for rank in range(lo, hi)]
        return [engine.get_doc_by_rank(s, rank, max_disp_len=arguments["max_disp_len"]) for s, rank in places]
    if method == "documents_cnf":
        found = engine.find_cnf(arguments["cnf"], **arguments["options"])["ptrs_by_shard"]
        places = [(shard, ptr) for shard, pointers in enumerate(found) for ptr in pointers]
        return [engine.get_doc_by_ptr(s, ptr, max_disp_len=arguments["max_disp_len"]) for s, ptr in places]
    return getattr(engine, method)(**arguments)


if __name__ == "__main__":
    main()
