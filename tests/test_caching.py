"""Cached properties of different objects are computed independently of each other, so that a fork finds no lock."""

from __future__ import annotations

import threading

from infgram.caching import cached_property


class Slow:
    def __init__(self, until: threading.Event | None = None) -> None:
        self.until = until
        self.is_computing = threading.Event()

    @cached_property
    def value(self) -> list[int]:
        self.is_computing.set()
        if self.until is not None:
            self.until.wait(60)
        return [1]


def test_a_property_is_read_while_that_of_another_object_is_computed() -> None:
    until = threading.Event()
    slow, quick = Slow(until), Slow()
    others = [threading.Thread(target=lambda each=each: each.value, daemon=True) for each in (slow, quick)]
    others[0].start()
    assert slow.is_computing.wait(30)
    others[1].start()
    others[1].join(30)
    was_blocked = others[1].is_alive()
    until.set()
    others[0].join()
    assert not was_blocked
    assert slow.value is slow.value
    assert vars(quick)["value"] == [1]
