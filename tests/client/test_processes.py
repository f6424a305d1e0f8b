"""A client in many processes and event loops: each has its own connections and gets its own responses."""

from __future__ import annotations

import asyncio
import copy
import gc
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import infgram
from infgram.client.wire import Connections
from tests.building import token_index
from tests.children import in_children, round_trip
from tests.client.loopback import NAME, Loopback, loopback

N_TOKENS = 40
N_CHILDREN = 8
N_QUESTIONS = 60

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")


@pytest.fixture(scope="module")
def service() -> Iterator[Loopback]:
    """Serve an index in which token i occurs i + 1 times, so that all responses differ."""
    with loopback() as started, token_index([[t] * (t + 1) for t in range(N_TOKENS)], vocab_size=N_TOKENS) as index:
        started.put(index)
        yield started


def questions(seed: int) -> list[int]:
    return random.Random(seed).choices(range(N_TOKENS), k=N_QUESTIONS)


class EndedLoop:
    """A closed event loop; while its state is read, `meanwhile` runs in another thread."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self._meanwhile = meanwhile

    def is_closed(self) -> bool:
        self._meanwhile()
        return True


def test_threads_with_their_own_event_loops_share_a_client() -> None:
    """Each thread removes the connections of closed event loops, possibly at the same time."""
    connections = Connections("a client", object)

    def other_thread() -> None:
        connections._made[1].pop(ended, None)
        connections._made[1][object()] = object()

    ended = EndedLoop(lambda: None)
    connections.get(ended)
    ended._meanwhile = other_thread
    assert connections.get(None) is connections.get(None)
    assert ended not in connections._made[1]


def test_forked_processes_get_their_own_answers(service: Loopback) -> None:
    with infgram.Client(service.url, timeout_s=20) as client:
        check_in_children(client)


def check_in_children(client: infgram.Client) -> None:
    assert client.count([3]) == 4  # so that there is a connection to inherit
    session = client.session([3])
    count_batch = client.count_batch
    wanted = [[token + 1 for token in questions(number)] for number in range(N_CHILDREN)]
    assert in_children(lambda number: [client.count([token]) for token in questions(number)], N_CHILDREN) == wanted
    assert in_children(lambda number: count_batch([[t] for t in questions(number)]).tolist(), N_CHILDREN) == wanted
    assert in_children(lambda _: session.longest_suffix.count, N_CHILDREN) == [4] * N_CHILDREN
    assert [client.count([token]) for token in range(N_TOKENS)] == list(
        range(1, N_TOKENS + 1)
    )  # the connections of the parent still work


def test_forked_processes_of_an_asyncio_client(service: Loopback) -> None:
    client = infgram.AsyncClient(service.url, timeout_s=20)

    async def ask(tokens: list[int]) -> list[int]:
        return list(await asyncio.gather(*(client.count([token]) for token in tokens)))

    async def ask_once(tokens: list[int]) -> list[int]:
        async with client:
            return await ask(tokens)

    async def in_the_loop_of_the_parent() -> list[Any]:
        async with client:
            assert await ask([5]) == [6]
            return in_children(lambda number: asyncio.run(ask_once(questions(number))), N_CHILDREN)

    wanted = [[token + 1 for token in questions(number)] for number in range(N_CHILDREN)]
    assert asyncio.run(in_the_loop_of_the_parent()) == wanted


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_an_asyncio_client_in_one_event_loop_after_another(service: Loopback) -> None:
    client = infgram.AsyncClient(service.url)
    for token in range(3):
        assert asyncio.run(client.count([token])) == token + 1
    del client
    gc.collect()  # collect unclosed connections of closed loops


def test_a_client_is_pickled_as_its_address_and_options(service: Loopback) -> None:
    client = infgram.Client(service.url, NAME, api_key="secret", timeout_s=7, retries=2)
    session = client.session([1, 3])
    with copy.deepcopy(client) as other:
        assert other.count([7]) == 8
    other, resumed = round_trip((client, session))
    with other:  # the session uses it, too
        assert (repr(other), other._options) == (repr(client), client._options)
        assert resumed.longest_suffix == session.longest_suffix
        assert len(resumed) == 2
    assert "secret" not in repr(client)
    client.close()
    with pytest.raises(infgram.IndexClosedError, match="was closed"):
        client.count([1])
    with pytest.raises(infgram.IndexClosedError, match="was closed"):
        round_trip(client)


def test_an_asyncio_client_is_pickled_as_its_address_and_options(service: Loopback) -> None:
    client = infgram.AsyncClient(service.url, NAME, timeout_s=7)
    other = round_trip(client)

    async def ask() -> int:
        async with other:
            return int(await other.count([7]))

    assert asyncio.run(ask()) == 8
    assert repr(other) == repr(client) == f"<infgram.AsyncClient {service.url} index={NAME}>"
    with pytest.raises(infgram.IndexClosedError, match="was closed"):
        asyncio.run(ask())
    with pytest.raises(infgram.IndexClosedError, match="was closed"):
        round_trip(other)
