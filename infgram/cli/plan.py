"""`infgram plan`: estimate the machines, time and cost of a large index."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from infgram.cli.display import number, one_line, size
from infgram.cli.input_options import token_number
from infgram.cli.options import JsonOption
from infgram.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from infgram.planning import Plan

EXAMPLES = """
infgram plan --tokens 5e12
infgram plan --tokens 5e12 --machines 8 --shard-tokens 1e9
infgram plan --tokens 1e11 --hours 2 --bytes-per-token 4.2   # from text
infgram plan --tokens 1e10 --machine my-machine.json --json
"""


def corpus_tokens(value: str) -> int:
    """Parse the number of tokens of a corpus, for example 5e12 or 100_000_000."""
    try:
        tokens = float(value)
    except ValueError:
        tokens = math.nan
    if not 1 <= tokens <= 1e18:
        raise typer.BadParameter(f"{value!r} is not a number of tokens; expected 1 to 1e18, for example 5e12")
    return int(tokens)


def plan(
    tokens: Annotated[
        int,
        typer.Option(
            "--tokens", parser=corpus_tokens, metavar="N", help="Number of tokens of the corpus, for example 5e12."
        ),
    ],
    machine: Annotated[
        str,
        typer.Option(
            "--machine", metavar="NAME", help="The type of the machines: one listed in docs/scale.md, or a JSON file."
        ),
    ] = "m6id.8xlarge",
    machines: Annotated[
        int | None, typer.Option("--machines", min=1, max=100_000, metavar="N", help="Build on N machines.")
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option(
            "--hours",
            metavar="H",
            help="Or build in at most H hours, on as few machines as possible; by default 24 hours.",
        ),
    ] = None,
    shard_tokens: Annotated[
        int,
        typer.Option("--shard-tokens", parser=token_number, metavar="N", help="Tokens per shard.", show_default="4e9"),
    ] = 4_000_000_000,
    vocab_size: Annotated[
        int,
        typer.Option("--vocab-size", min=1, metavar="N", help="Vocabulary size; above 65,535 a token takes 32 bits."),
    ] = 50_257,
    bytes_per_token: Annotated[
        float,
        typer.Option(
            "--bytes-per-token",
            min=0,
            max=1000,
            metavar="X",
            help="Tokenize text of X bytes per token; by default the input is token ids.",
        ),
    ] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Estimate the machines, time and cost of a large index.

    Times come from a cost model that was fitted to measurements on small machines. Latencies come from a simulation of
    queries to all shards in parallel. docs/scale.md has the formulas, their measured errors, and the prices. Nothing is
    built or queried.

    A JSON file for --machine has the fields name, vcpus, memory_bytes, disk_bytes, disk_bytes_per_s,
    network_bytes_per_s and dollars_per_hour. Optional fields are speed (of a vCPU, relative to the measured one),
    losses_per_hour, and like, the name of a listed machine whose values are used for missing fields.

    JSON: workload, machine, n_shards, n_machines, shards_per_machine (in parallel), hours, stages (name,
    cpu_hours, hours), cpu_hours, cpu_dollars, dollars, n_repeated, index_bytes, directory_bytes, temporary_bytes
    and memory_bytes (per machine), download_bytes, upload_bytes, serving_machines, queries (query, state,
    parallel_shards, p50_ms, p99_ms).
    """
    from infgram.planning import Workload, machine_of, make_plan

    workload = Workload(tokens, shard_tokens, vocab_size=vocab_size, text_bytes_per_token=bytes_per_token)
    made = make_plan(workload, machine_of(machine), n_machines=machines, hours=hours)
    if as_json:
        print_json(asdict(made))
        return
    print_plan(made)


def print_plan(made: Plan) -> None:
    """Print the plan as text."""
    machine = made.machine
    for label, value in _summary(made):
        print_line(f"{label:<18}{value}")
    print_line()
    rows = [
        (stage.name, f"{stage.cpu_hours:,.1f}", f"${stage.cpu_hours * machine.dollars_per_hour / machine.vcpus:,.2f}")
        for stage in made.stages
    ]
    rows.append(("all", f"{made.cpu_hours:,.1f}", f"${made.cpu_dollars:,.2f}"))
    print_table(("stage", "CPU hours", "CPU dollars"), rows, left=("stage",))
    print_line()
    machines = number(made.serving_machines, "machine")
    print_line(f"Latency in ms of a query to all {number(made.n_shards, 'shard')} on {machines}:")
    print_table(
        ("query", "state", "parallel shards", "p50", "p99"),
        [
            (query.query, query.state, f"{query.parallel_shards:,}", f"{query.p50_ms:,.1f}", f"{query.p99_ms:,.1f}")
            for query in made.queries
        ],
        left=("query", "state"),
    )


def _summary(made: Plan) -> list[tuple[str, str]]:
    machine, workload = made.machine, made.workload
    price = f"${machine.dollars_per_hour:g} an hour"
    return [
        ("tokens", f"{workload.n_tokens:,}, {workload.token_width_bits} bits each"),
        ("shards", f"{made.n_shards:,} of {workload.tokens_of_a_shard:,} tokens"),
        (
            "machines",
            f"{made.n_machines:,} {one_line(machine.name)} of {machine.vcpus} vCPUs, {price}",
        ),
        ("parallel shards", f"{made.shards_per_machine:,} per machine"),
        ("time", f"{made.hours:,.1f} hours; {made.n_repeated:,} tasks repeated"),
        ("price", f"${made.dollars:,.2f} for the machines, including ${made.cpu_dollars:,.2f} of CPU time"),
        ("index", f"{size(made.index_bytes)}, {made.index_bytes / workload.n_tokens:.2f} bytes per token"),
        ("serving memory", f"{size(made.directory_bytes)} of directories"),
        ("per machine", f"{size(made.memory_bytes)} of memory, {size(made.temporary_bytes)} of local disk"),
        ("transfer", f"{size(made.download_bytes)} from storage, {size(made.upload_bytes)} to it"),
    ]
