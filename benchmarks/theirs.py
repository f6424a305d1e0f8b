"""Print infini-gram's counts of token id queries; run by the Python environment of infini-gram.

python theirs.py INDEX < queries.json
"""

from __future__ import annotations

import json
import sys
from importlib import import_module


def main() -> None:
    """Count the queries on standard input."""
    engine = import_module("infini_gram.engine").InfiniGramEngine(
        index_dir=sys.argv[1], eos_token_id=0, vocab_size=65535, token_dtype="u16"
    )
    print(json.dumps([engine.count(query)["count"] for query in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
