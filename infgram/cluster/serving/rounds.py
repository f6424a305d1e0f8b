"""Run several queries together, round by round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from infgram.cluster.serving.backend import GroupQuery
from infgram.cluster.serving.distributed_queries import Answers, DistributedQuery, Round, ToAll
from infgram.cluster.serving.shard_group import Refused
from infgram.errors import ShardUnavailableError

Send: TypeAlias = Callable[[dict[int, list[GroupQuery]], bool], dict[int, list[Any]]]
"""`Backend.run`."""


def run_together(queries: Sequence[DistributedQuery[Any]], run: Send, *, allow_missing: bool) -> list[Any]:
    """Run several queries round by round, with one message to each group per round.

    Args:
        queries: queries that have not been started.
        run: sends the queries, as `Backend.run` does.
        allow_missing: whether unreachable groups may be omitted. Groups that are missing in the first round are missing
            in all rounds. A query to selected groups always needs the answers of these groups.

    Returns:
        The answer to each query; `Refused` for an invalid one.

    Raises:
        ShardUnavailableError: a required group is missing.
    """
    missing: set[int] = set()
    results: list[Any] = [None] * len(queries)
    rounds: dict[int, Round] = {}

    def advance(number: int, answers: Answers | None) -> None:
        refused = next((each for each in (answers or {}).values() if isinstance(each, Refused)), None)
        if refused is not None:
            results[number] = refused
            return
        try:
            rounds[number] = next(queries[number]) if answers is None else queries[number].send(answers)
        except StopIteration as finished:
            results[number] = finished.value

    for number in range(len(queries)):
        advance(number, None)
    while rounds:
        asked, rounds = rounds, {}
        messages: dict[int, list[GroupQuery]] = {}
        for each in asked.values():
            for group in each.keys() - missing:
                messages.setdefault(group, []).append(each[group])
        answers = {group: iter(some) for group, some in run(messages, allow_missing).items()}
        missing, allow_missing = missing | (messages.keys() - answers.keys()), False
        for number, each in asked.items():
            given = {group: next(answers[group]) for group in each if group in answers}
            if len(given) < len(each) and not (given and isinstance(each, ToAll)):
                raise ShardUnavailableError("the shards with the requested documents cannot be reached; try again")
            advance(number, given)
    return results
