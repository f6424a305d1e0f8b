"""Several questions asked together, round by round."""

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
    """Ask several questions, round by round, each in one message to each group.

    Args:
        questions: not yet begun.
        ask: sends them, as `Backend.ask`.
        allow_missing: whether groups may be missing in the first round, and then in all of them; not from what is asked
            of some groups only, which is answered by these or not at all.

    Returns:
        The answer of each; `Refused` for one that cannot be asked.

    Raises:
        ShardUnavailableError: a group is missing that may not be.
    """
    missing: set[int] = set()
    results: list[Any] = [None] * len(questions)
    rounds: dict[int, Round] = {}

    def go_on(number: int, answers: Answers | None) -> None:
        refused = next((each for each in (answers or {}).values() if isinstance(each, Refused)), None)
        if refused is not None:
            results[number] = refused
            return
        try:
            rounds[number] = next(questions[number]) if answers is None else questions[number].send(answers)
        except StopIteration as finished:
            results[number] = finished.value

    for number in range(len(questions)):
        go_on(number, None)
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
                raise ShardUnavailableError("the shards that this question is for cannot be reached; try again")
            go_on(number, given)
    return results
