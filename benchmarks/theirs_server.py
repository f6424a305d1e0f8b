"""Serve infini-gram's engine as its own server does; run by a Python environment with Flask and transformers.

python theirs_server.py INDEX TOKENIZER.json PORT

infini-gram's server is `api/api_server.py` in its repository, which its package does not include. This file does the
same for two kinds of query: Flask's own server with ten processes and no threads, one route, each request printed and
logged, ids checked one by one, tokens decoded by transformers, and the engine without prefetching.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from importlib import import_module
from typing import Any, TextIO

PREFETCH = {"ds_prefetch_depth": 0, "sa_prefetch_depth": 0, "od_prefetch_depth": 0}


class Asked:
    """Load the engine and the tokenizer of an index."""

    def __init__(self, index: str, tokenizer: str) -> None:
        self.tokenizer = import_module("transformers").PreTrainedTokenizerFast(tokenizer_file=tokenizer)
        self._engine = import_module("infini_gram.engine").InfiniGramEngine(
            index_dir=index, eos_token_id=0, vocab_size=65535, token_dtype="u16", **PREFETCH
        )

    def count(self, ids: list[int]) -> Any:
        """Return the response to `count`."""
        return self._engine.count(input_ids=ids)

    def infgram_ntd(self, ids: list[int]) -> Any:
        """Return the response to `infgram_ntd`, with the token of each row and the suffix used."""
        result = self._engine.infgram_ntd(prompt_ids=ids, max_support=None)
        for token_id, row in result["result_by_token_id"].items():
            row["token"] = self.tokenizer.convert_ids_to_tokens([token_id])[0].replace("Ġ", " ")
        suffix = ids[-result["suffix_len"] :]
        result["longest_suffix"] = self.tokenizer.decode(
            suffix, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        return result


def answer(asked: Asked, data: dict[str, Any], log: TextIO) -> Any:
    """Return the response to a request."""
    print(data)
    log.write(json.dumps(data) + "\n")
    log.flush()
    ids = data["query_ids"]
    if any(each < 0 or (each >= asked.tokenizer.vocab_size and each != 65535) for each in ids):
        return {"error": "out of range"}
    tokens = asked.tokenizer.convert_ids_to_tokens(ids)
    started = time.time()
    result = getattr(asked, data["query_type"])(ids)
    result["latency"] = (time.time() - started) * 1000
    return {**result, "token_ids": ids, "tokens": tokens}


def main() -> None:
    """Serve until the process is killed."""
    flask = import_module("flask")
    asked = Asked(*sys.argv[1:3])
    app = flask.Flask(__name__)
    with tempfile.TemporaryFile("w") as log:
        app.add_url_rule("/", "query", lambda: flask.jsonify(answer(asked, flask.request.json, log)), methods=["POST"])
        app.run(host="127.0.0.1", port=int(sys.argv[3]), threaded=False, processes=10)


if __name__ == "__main__":
    main()
