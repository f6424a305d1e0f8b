"""Generate the constants of `infgram plan` from a record.

    python benchmarks/scale_constants.py RECORD/scale.json > infgram/planning/constants.py

A test compares the output with the module.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # last on the path, so that the installed infgram is imported

from benchmarks.report import Row
from benchmarks.scale_report import stage_points
from infgram.planning.costs import Growth, StageCosts, fitted

_ROUNDS: Final = {"count": 1, "next token": 1, "infgram": 2}

_HEAD: Final = '''"""What was measured, for the model.

`benchmarks/scale_constants.py` made this of the record
{record}: {machine}.
Each vCPU was busy, as those of a machine are that builds. docs/scale.md says what each constant is.
"""

from __future__ import annotations

from typing import Final

from infgram.planning.costs import Growth, StageCosts
from infgram.planning.distribution import Distribution
from infgram.planning.fan_out import Calls, ShardLatency
'''


def constants(rows: Sequence[Row], record: str) -> str:
    """Return the text of constants.py."""
    costs = fitted(stage_points(rows))
    latencies = [_latency(rows, row) for row in _of(rows, "shards")]
    machine = {name: value for name, value in rows[0].items() if name in ("cpu", "cores", "date")}
    return "\n".join(
        [
            _HEAD.format(record=record, machine=", ".join(f"{name} {value}" for name, value in machine.items())),
            f"COSTS: Final = {_costs(costs)}",
            f"TOKENISE_NS_PER_BYTE: Final = {_tokenise(rows, costs):.1f}  # of text, reading it included",
            f"WIDE_TIMES: Final = {_wide(rows, costs):.2f}  # of sorting: 32 bits a token over 16",
            "",
            f"CALLS: Final = {_calls(_of(rows, 'calls'))}",
            "LATENCIES: Final = {",
            *latencies,
            "}",
            "",
        ]
    )


def _of(rows: Sequence[Row], question: str) -> list[Row]:
    return [row for row in rows if row["question"] == question]


def _costs(costs: StageCosts) -> str:
    stages = "".join(f"    {name}={_growth(getattr(costs, name))},\n" for name in ("write", "sort", "verify"))
    memory = (
        f"    memory_base_bytes={costs.memory_base_bytes:.0f},\n    memory_per_token={costs.memory_per_token:.3f},\n"
    )
    return f"StageCosts(\n{stages}{memory})"


def _growth(growth: Growth) -> str:
    return f"Growth({growth.base:.2f}, {growth.per_doubling:.3f}, {growth.per_pass:g})"


def _tokenise(rows: Sequence[Row], costs: StageCosts) -> float:
    """Return the time to read and tokenize all texts, which is the total minus the time to write the token ids."""
    texts = _of(rows, "text")
    spent_s = sum(row["write_cpu_s"] - costs.write.seconds(row["n_tokens"]) for row in texts)
    return float(spent_s / sum(row["text_bytes"] for row in texts) * 1e9)


def _wide(rows: Sequence[Row], costs: StageCosts) -> float:
    (row,) = _of(rows, "wide")
    return float(row["sort_cpu_s"] / costs.sort.seconds(row["n_tokens"]))


def _calls(rows: Sequence[Row]) -> str:
    """Return the latency of one call, and the caller's processor time per further owner on another machine."""
    each_us, _ = np.polyfit([row["owners"] for row in rows], [row["asker_cpu_us"] for row in rows], 1)
    return f"Calls({_distribution(rows[0]['quantiles'])}, each_us={max(0.0, float(each_us)):.1f})"


def _latency(rows: Sequence[Row], row: Row) -> str:
    return (
        f"    ({row['asked']!r}, {row['state']!r}): ShardLatency(\n"
        f"        question={_distribution(row['question_us'])},\n        shard={_distribution(row['shard'])},\n"
        f"        delayed={row['delayed']:.5g},\n        delay={_distribution(row['delay'])},\n"
        f"        shard_tokens={round(row['shard_tokens'])},\n"
        f"        growth={_growth_of_latency(rows, row):.3f},\n        rounds={_ROUNDS[row['asked']]},\n    ),"
    )


def _growth_of_latency(rows: Sequence[Row], of: Row) -> float:
    """Return the growth of the median latency of a shard per tenfold of tokens, relative to the shard's size."""
    found = [row for row in _of(rows, "latency") if (row["asked"], row["state"]) == (of["asked"], of["state"])]
    if len(found) < 2:
        return 0.0
    decades = [math.log10(row["n_tokens"] / of["shard_tokens"]) for row in found]
    slope, at_shard = np.polyfit(decades, [row["p50"] for row in found], 1)
    return max(0.0, float(slope / at_shard))


def _distribution(quantiles: dict[str, Any]) -> str:
    values = ", ".join(f"{value:g}" for value in quantiles["values"])
    probabilities = ", ".join(f"{value:g}" for value in quantiles["probabilities"])
    return f"Distribution(({probabilities}), ({values}))"


def main() -> None:
    """Read the record and print the module."""
    path = Path(sys.argv[1])
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    print(constants(rows, "/".join(path.parts[-4:])), end="")


if __name__ == "__main__":
    main()
