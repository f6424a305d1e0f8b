"""The page of a service with keys, in a browser: it asks for the key and keeps it for its tab only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from infgram.service import add_key
from infgram.service.middleware.api_keys import Keys

from tests.client.loopback import Loopback, loopback
from tests.service.web.conftest import Page

STORED = "JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])"
QUERY = "#/explore?q=rose"


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    return tmp_path / "keys.txt"


@pytest.fixture
def key(keys_file: Path) -> str:
    made: str = add_key(keys_file, "alice")
    return made


@pytest.fixture
def service(folders: dict[str, Path], keys_file: Path, key: str) -> Iterator[Loopback]:
    with loopback(indexes={"bytes": folders["bytes"]}, api_keys_file=keys_file, log_requests=True) as started:
        yield started


def enter(page: Page, key: str) -> None:
    page.page.locator("#key").fill(key)
    page.page.get_by_role("button", name="Continue").click()


def wait_for_note(page: Page, words: str) -> None:
    page.page.locator("#key-note", has_text=words).wait_for()


def is_answered(page: Page) -> bool:
    return page.wait().text("#view .count").startswith("5 occurrences")


def test_the_page_asks_for_a_key(page: Page, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    browser: Any = page.page
    browser.goto(f"{page.url}/{QUERY}")
    wait_for_note(page, "with a key")
    for width in (1200, 360):
        browser.set_viewport_size({"width": width, "height": 800})
        assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for wrong in ("infgram_wrong", "ключ 🌹"):
        enter(page, wrong)
        wait_for_note(page, "does not accept")
        assert browser.evaluate(STORED) == '[{},{},""]'
    enter(page, f" {key} ")
    assert is_answered(page)
    assert browser.evaluate(STORED) == f'[{{"infgram-key":"{key}"}},{{}},""]'
    assert browser.locator("#key").input_value() == ""
    assert key not in browser.evaluate("location.href + document.documentElement.outerHTML")

    browser.reload()
    assert is_answered(page)  # the tab keeps the key
    browser.get_by_text("Remove the API key").click()
    wait_for_note(page, "with a key")
    assert browser.evaluate(STORED) == '[{},{},""]'
    assert not [message for message in page.messages if "status of 401" not in message], "no violation of the policy"
    assert key not in capsys.readouterr().err


def test_a_removed_key(page: Page, service: Loopback, key: str) -> None:
    page.page.goto(f"{page.url}/{QUERY}")
    enter(page, key)
    assert is_answered(page)
    known, service.runtime.keys = service.runtime.keys, Keys([])
    page.page.get_by_label("Clear the text").click()
    wait_for_note(page, "withdrawn")
    service.runtime.keys = known
    enter(page, key)
    assert "tokens in" in page.wait().text("#view .count")
    assert not page.page.get_by_text("OpenAPI document").is_visible()  # a link would not send the key


def test_copies_name_the_key_by_a_variable(page: Page, key: str) -> None:
    page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.page.goto(f"{page.url}/{QUERY}")
    enter(page, key)
    assert is_answered(page)
    for name in ("curl", "Python"):
        page.page.locator("#view .copy summary").first.click()
        page.page.get_by_role("button", name=name, exact=True).click()
        page.page.get_by_text("Copied").wait_for()
        copied = page.page.evaluate("navigator.clipboard.readText()")
        assert "INFGRAM_API_KEY" in copied
        assert key not in copied


def test_without_keys_no_key_is_requested(browser: Any, folders: dict[str, Path]) -> None:
    with loopback(indexes={"bytes": folders["bytes"]}) as service:
        page = Page(browser, service.url).show(QUERY)
        assert is_answered(page)
        assert not page.page.locator("#key-form").is_visible()
        assert not page.page.get_by_text("Remove the API key").is_visible()
        assert page.messages == []
        page.close()
