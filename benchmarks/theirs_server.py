"""Run by the Python that holds infini-gram and Flask: its engine behind Flask's development server.

python theirs_server.py INDEX PORT

infini-gram serves with `api/api_server.py` of its repository, which is not in its package: Flask's own server with ten
processes and no threads, one route, the engine called as it is here. This leaves out what that file does besides (its
tokenizers, its log, its checks), so it is rather faster.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module
from typing import Any


def main() -> None:
    """Serve until killed."""
    flask = import_module("flask")
    prefetch = {"ds_prefetch_depth": 0, "sa_prefetch_depth": 0, "od_prefetch_depth": 0}
    engine = import_module("infini_gram.engine").InfiniGramEngine(
        index_dir=sys.argv[1], eos_token_id=0, vocab_size=65535, token_dtype="u16", **prefetch
    )
    app = flask.Flask(__name__)
    asked = {
        "count": lambda ids: engine.count(input_ids=ids),
        "infgram_ntd": lambda ids: engine.infgram_ntd(prompt_ids=ids),
    }

    def query() -> Any:
        data = flask.request.json
        started = time.time()
        result = asked[data["query_type"]](data["query_ids"])
        result["latency"] = (time.time() - started) * 1000
        result["token_ids"] = data["query_ids"]
        return flask.jsonify(result), 200

    app.add_url_rule("/", view_func=query, methods=["POST"])
    app.run(host="127.0.0.1", port=int(sys.argv[2]), threaded=False, processes=10)


if __name__ == "__main__":
    main()
