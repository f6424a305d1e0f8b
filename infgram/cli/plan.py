"""`infgram plan`: what an index of many shards on many machines would take."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from infgram.cli.build import token_number
from infgram.cli.display import number, one_line, size
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
    """A number of tokens of a whole corpus: 5e12, 100_000_000."""
    try:
        tokens = float(value)
    except ValueError:
        tokens = math.nan
    if not 1 <= tokens <= 1e18:
        raise typer.BadParameter(f"{value!r} is no number of tokens; expected 1 to 1e18, as 5e12 or 100_000_000")
    return int(tokens)


def plan(
    tokens: Annotated[
        int, typer.Option("--tokens", parser=corpus_tokens, metavar="N", help="Tokens of the corpus: 5e12.")
    ],
    machine: Annotated[
        str,
        typer.Option("--machine", metavar="NAME", help="A machine that docs/scale.md lists, or a JSON file."),
    ] = "m6id.8xlarge",
    machines: Annotated[
        int | None, typer.Option("--machines", min=1, max=100_000, metavar="N", help="Build on so many machines.")
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option("--hours", metavar="H", help="Or on as few as are done in so many hours; 24 without either."),
    ] = None,
    shard_tokens: Annotated[
        int,
        typer.Option("--shard-tokens", parser=token_number, metavar="N", help="Tokens of a shard.", show_default="4e9"),
    ] = 4_000_000_000,
    vocab_size: Annotated[
        int, typer.Option("--vocab-size", min=1, metavar="N", help="Token ids; above 65,535 a token takes 32 bits.")
    ] = 50_257,
    bytes_per_token: Annotated[
        float,
        typer.Option(
            "--bytes-per-token",
            min=0,
            max=1000,
            metavar="X",
            help="The input is text of X bytes per token, which is tokenized first; without it, token ids.",
        ),
    ] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Plan an index that takes many machines: how many, how long, at what cost, how fast.

    Times come from a cost model whose constants were measured on small machines, latencies from a simulation of
    queries to all shards at once; docs/scale.md has the formulas, how well they held, and the prices. Nothing is
    built or queried. A JSON file for --machine has the fields name, vcpus, memory_bytes, disk_bytes,
    disk_bytes_per_s, network_bytes_per_s, dollars_per_hour, and as one likes speed (of a vCPU, 1 is the measured
    one) and losses_per_hour; or like, the name of a listed machine whose fields stand for those that are missing.

    JSON: workload, machine, n_shards, n_machines, slots (shards that a machine works at), hours, stages (name,
    cpu_hours, hours), cpu_hours, cpu_dollars, dollars, n_repeated, index_bytes, directory_bytes, temporary_bytes
    and memory_bytes (of a machine), download_bytes, upload_bytes, serving_machines, queries (asked, state, lanes,
    p50_ms, p99_ms).
    """
    from infgram.planning import Workload, machine_of, make_plan

    workload = Workload(tokens, shard_tokens, vocab_size=vocab_size, text_bytes_per_token=bytes_per_token)
    made = make_plan(workload, machine_of(machine), n_machines=machines, hours=hours)
    if as_json:
        print_json(asdict(made))
        return
    print_plan(made)


def print_plan(made: Plan) -> None:
    """The plan for people."""
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
    held = f"{number(made.serving_machines, 'machine')} to serve it"
    print_line(f"A question to all {number(made.n_shards, 'shard')}, on {held}, ms:")
    print_table(
        ("asked", "state", "shards at a time", "p50", "p99"),
        [
            (query.asked, query.state, f"{query.lanes:,}", f"{query.p50_ms:,.1f}", f"{query.p99_ms:,.1f}")
            for query in made.queries
        ],
        left=("asked", "state"),
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
        ("shards at a time", f"{made.slots:,} on each machine"),
        ("time", f"{made.hours:,.1f} hours; {made.n_repeated:,} tasks repeated"),
        ("price", f"${made.dollars:,.2f} for the machines, of which ${made.cpu_dollars:,.2f} is CPU time"),
        ("index", f"{size(made.index_bytes)}, {made.index_bytes / workload.n_tokens:.2f} bytes per token"),
        ("in memory", f"{size(made.directory_bytes)} of directories, while it is served"),
        ("of a machine", f"{size(made.memory_bytes)} of memory, {size(made.temporary_bytes)} of local disk"),
        ("transfer", f"{size(made.download_bytes)} from storage, {size(made.upload_bytes)} to it"),
    ]
