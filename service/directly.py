"""The short way to the questions: past FastAPI's routing, which takes longer than a count does."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

import infgram

from .answering import QuestionRoute
from .problems import ProblemError, of_exception, respond

PREFIX = "/v1/indexes/"


class Directly:
    """ASGI middleware that hands a question to its route; everything else goes on to the app.

    Args:
        app: the next in the chain.
        questions: the routes of the questions, by what follows the index's name in the address.
    """

    def __init__(self, app: ASGIApp, questions: Mapping[str, QuestionRoute]) -> None:
        self.app, self._questions = app, questions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a question, or pass the request on."""
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(PREFIX):
            name, slash, question = scope["path"][len(PREFIX) :].partition("/")
            route = self._questions.get(slash + question)
            if route is not None and name:
                scope["path_params"], scope["route"] = {"name": name}, route
                await self._answer(route, scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _answer(self, route: QuestionRoute, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await route.handle_question(Request(scope, receive))
        except (ProblemError, infgram.InfgramError) as error:
            response = respond(of_exception(error))
        await response(scope, receive, send)
