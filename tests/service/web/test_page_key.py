"""The page of a service with keys, in a browser: it asks for the key and keeps it for its tab only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from infgram.service import add_key
from infgram.service.middleware.api_keys import Keys

from tests.client.loopback import Loopback, loopback
from tests.service.web import browser
from tests.service.web.browser import Browser

pytestmark = pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium is installed, which shows the page")

ASKED = "!document.getElementById('key-form').hidden"
ANSWERED = "document.querySelector('#count strong')?.textContent === '5' && !document.getElementById('answer').hidden"
NOTE = "document.getElementById('key-note').textContent"
STORED = "JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])"


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Browser]:
    opened = Browser(tmp_path / "profile")
    try:
        yield opened
    finally:
        opened.close()


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


def test_the_page_asks_for_a_key(
    page: Browser, service: Loopback, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page.open(f"{service.url}/?q=rose")
    page.until(ASKED)
    assert "with a key" in page.run(NOTE)
    for width in (1200, 360):
        for scheme in ("light", "dark"):
            page.screenshot(tmp_path / f"key-{width}-{scheme}.png", width=width, scheme=scheme)
            assert page.run("document.documentElement.scrollWidth <= innerWidth")
    for wrong in ("infgram_wrong", "ключ 🌹"):
        page.type_key(wrong)
        page.until(f"{ASKED} && {NOTE}.includes('does not accept')")
        assert page.run(STORED) == '[{},{},""]'
    page.type_key(f" {key} ")
    page.until(ANSWERED)
    assert page.run(STORED) == f'[{{"infgram-key":"{key}"}},{{}},""]'
    assert page.run("document.getElementById('key').value") == ""
    assert key not in page.run("location.href + document.documentElement.outerHTML")

    page.call("Page.reload")
    page.until(ANSWERED)  # the tab keeps the key
    page.run("document.getElementById('forget').click()")
    page.until(ASKED)
    assert page.run(STORED) == '[{},{},""]'
    assert "with a key" in page.run(NOTE)
    assert not [message for message in page.messages if "status of 401" not in message], "no violation of the policy"
    assert key not in capsys.readouterr().err


def test_a_removed_key(page: Browser, service: Loopback, key: str) -> None:
    page.open(f"{service.url}/?q=rose")
    page.until(ASKED)
    page.type_key(key)
    page.until(ANSWERED)
    known, service.runtime.keys = service.runtime.keys, Keys([])
    page.run("document.getElementById('clear').click()")
    page.until(f"{ASKED} && {NOTE}.includes('withdrawn')")
    service.runtime.keys = known
    page.type_key(key)
    page.until("document.getElementById('key-form').hidden && !document.getElementById('answer').hidden")
    page.run("document.getElementById('openapi').click()")
    page.until("location.protocol === 'blob:' && document.body.innerText.includes('openapi')")


def test_without_keys_no_key_is_requested(page: Browser, folders: dict[str, Path]) -> None:
    with loopback(indexes={"bytes": folders["bytes"]}) as service:
        page.open(f"{service.url}/?q=rose")
        page.until(ANSWERED)
        assert not page.run(ASKED)
        assert page.run("document.getElementById('forget').hidden")
        assert page.messages == []
