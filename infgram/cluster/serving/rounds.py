"""Run several questions together, round by round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from infgram.cluster.serving.backend import Ask
from infgram.cluster.serving.part import Refused
from infgram.cluster.serving.questions import Answers, Question, Round, ToAll
from infgram.errors import ShardUnavailableError

Send: TypeAlias = Callable[[dict[int, list[Ask]], bool], dict[int, list[Any]]]
"""`Backend.ask`."""


def ask_together(questions: Sequence[Question[Any]], ask: Send, *, allow_missing: bool) -> list[Any]:
    """Run several questions round by round, with one message to each group per round.

    Args:
        questions: questions that have not been started.
        ask: sends the queries, as `Backend.ask` does.
        allow_missing: whether unreachable groups may be omitted. Groups that are missing in the first round are missing
            in all rounds. A query to selected groups always needs the answers of these groups.

    Returns:
        The answer to each question; `Refused` for an invalid one.

    Raises:
        ShardUnavailableError: a required group is missing.
    """
    missing: set[int] = set()
    results: list[Any] = [None] * len(questions)
    rounds: dict[int, Round] = {}

    def advance(number: int, answers: Answers | None) -> None:
        refused = next((each for each in (answers or {}).values() if isinstance(each, Refused)), None)
        if refused is not None:
            results[number] = refused
            return
        try:
            rounds[number] = next(questions[number]) if answers is None else questions[number].send(answers)
        except StopIteration as finished:
            results[number] = finished.value

    for number in range(len(questions)):
        advance(number, None)
    while rounds:
        asked, rounds = rounds, {}
        messages: dict[int, list[Ask]] = {}
        for each in asked.values():
            for group in each.keys() - missing:
                messages.setdefault(group, []).append(each[group])
        answers = {group: iter(some) for group, some in ask(messages, allow_missing).items()}
        missing, allow_missing = missing | (messages.keys() - answers.keys()), False
        for number, each in asked.items():
            given = {group: next(answers[group]) for group in each if group in answers}
            if len(given) < len(each) and not (given and isinstance(each, ToAll)):
                raise ShardUnavailableError("the shards with the requested documents cannot be reached; try again")
            advance(number, given)
    return results
