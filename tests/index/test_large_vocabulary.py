"""Token ids near 2^32: the size of the vocabulary takes neither memory nor disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reference import ReferenceIndex

VOCAB_SIZE = 2**32 - 1
TOP = VOCAB_SIZE - 1
DOCUMENTS = [[0, TOP, 2**31, 2**31 - 1], [TOP, TOP], [], [2**31 - 1, 2**31, 0, TOP]]
MEMORY = 4 * 2**30

# A separate process, so that too much memory is an error there and does not end this process.
PROGRAM = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), int(sys.argv[1])))
import infgram
documents, vocab_size, queries = json.loads(sys.argv[2])
with infgram.build_from_tokens(documents, "x.infgram", vocab_size=vocab_size, threads=1) as index:
    rows = index.next_token_distribution([])
    answers = [index.count_batch(queries).tolist(), index.locate([]), rows.token_ids.tolist(), rows.counts.tolist()]
    sys.stdout.write(json.dumps([answers, index.info()["size_bytes"]]))
"""


@pytest.mark.xfail(strict=True, reason="memory and files grow with the vocabulary: a table of all first tokens")
def test_the_top_of_32_bits(tmp_path: Path) -> None:
    reference = ReferenceIndex(DOCUMENTS, VOCAB_SIZE)
    queries = [[], [0], [TOP], [TOP, TOP], [2**31], [2**31 - 1, 2**31], [0, TOP], [1], [TOP - 1]]
    arguments = [str(MEMORY), json.dumps([DOCUMENTS, VOCAB_SIZE, queries])]
    found = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    answers, size_bytes = json.loads(found.stdout)
    rows = reference.next_token_distribution([])
    counts = [reference.count(query) for query in queries]
    assert answers == [counts, [list(place) for place in reference.locate([])], rows.token_ids, rows.counts]
    assert size_bytes < 1_000_000
