"""What is asked at the same time goes in the same messages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from infgram.cluster.serving.questions import Question

_SENDERS: Final = 2
"""Messages under way to each group: one is made while another one is answered."""


class _Asked:
    """The questions of one thread, and what became of them."""

    def __init__(self, questions: Sequence[Question[Any]]) -> None:
        self.questions = questions
        self.answers: list[Any] | None = None
        self.error: BaseException | None = None
        self.is_sent = False

    @property
    def is_done(self) -> bool:
        return self.answers is not None or self.error is not None


class Combiner:
    """Asks for many threads at once: whoever may send takes along what others have asked meanwhile.

    So a single thread waits for nobody, and many threads share messages.
    """

    def __init__(self, ask: Callable[[list[Question[Any]]], list[Any]]) -> None:
        """Ask with this function, whose errors concern all of its questions."""
        self._ask = ask
        self._changed = threading.Condition()
        self._waiting: list[_Asked] = []
        self._n_senders = 0

    def ask(self, questions: Sequence[Question[Any]]) -> list[Any]:
        """The answers to some questions; safe for any thread."""
        mine = _Asked(questions)
        with self._changed:
            self._waiting.append(mine)
            while not mine.is_sent and self._n_senders == _SENDERS:
                self._changed.wait()
            some = [] if mine.is_sent else self._take()
        if some:
            self._send(some)
        with self._changed:
            while not mine.is_done:
                self._changed.wait()
        if mine.error is not None:
            raise mine.error
        return mine.answers or []

    def _take(self) -> list[_Asked]:
        """Become a sender of all that wait."""
        self._n_senders += 1
        taken, self._waiting = self._waiting, []
        for each in taken:
            each.is_sent = True
        return taken

    def _send(self, some: list[_Asked]) -> None:
        error: BaseException | None = None
        answers: list[Any] = []
        try:
            answers = self._ask([question for each in some for question in each.questions])
        except BaseException as raised:
            error = raised
            if not isinstance(raised, Exception):
                raise
        finally:
            given = iter(answers)
            with self._changed:
                for each in some:
                    each.error = error
                    each.answers = None if error else [next(given) for _ in each.questions]
                self._n_senders -= 1
                self._changed.notify_all()
