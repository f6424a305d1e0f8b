"""A browser, and a service whose page it shows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import pytest

import infgram
from tests.client.loopback import Loopback, loopback

HOSTILE: Final = (
    "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script> a rose",
    "a rose \u202e reversed \u2066 and \x00 \x1b[31m " + "rose" * 400,
    "</p></article><style>*{display:none}</style> a rose &lt;b&gt; 🌹🌹 rose\u0301",
)
METADATA: Final = {"<b>field</b>": "<svg onload=alert(1)>", "url": "javascript:alert(1)", "nested": {"a": ["<i>"]}}
PROGRAM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, controlled by Playwright, whose event loop would disturb those of tests in other modules."""
    if PROGRAM is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Page:
    """A page of the service in a browser context of its own.

    Attributes:
        page: the page of Playwright.
        url: the address of the service.
        messages: messages of the console, and exceptions.
    """

    def __init__(self, browser: Any, url: str, **options: Any) -> None:
        self._context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        self._context.set_default_timeout(20_000)
        self.url = url
        self.page = self._context.new_page()
        self.messages: list[str] = []
        self.page.on("console", lambda message: self.messages.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.messages.append(f"exception: {error}"))

    def show(self, state: str = "") -> Page:
        """Open a state, the fragment of the address, and wait for its answers."""
        self.page.goto(f"{self.url}/{state}")
        return self.wait()

    def wait(self) -> Page:
        """Wait until every part shows the answer to the state in the address."""
        shown = json.dumps(self.page.evaluate("location.hash"))
        self.page.locator(f"#view[data-shown={shown}]:not(:has([aria-busy]))").wait_for(state="attached")
        return self

    def type(self, text: str) -> Page:
        """Replace the text in the box as a user does, and wait for the answers."""
        self.page.locator("#query").fill(text)
        self.wait_for("q", text)
        return self.wait()

    def wait_for(self, name: str, value: str) -> None:
        """Wait until the address has this value of a parameter of the state."""
        self.page.wait_for_url(
            lambda url: parse_qs(url.partition("?")[2]).get(name, [""]) == [value], wait_until="commit"
        )

    def text(self, selector: str) -> str:
        """The visible text of the first element."""
        found: str = self.page.locator(selector).first.inner_text()
        return found

    def texts(self, selector: str) -> list[str]:
        """The visible texts of all elements."""
        found: list[str] = self.page.locator(selector).all_inner_texts()
        return found

    def close(self) -> None:
        self._context.close()


@pytest.fixture
def open_page(browser: Any, service: Loopback) -> Iterator[Callable[..., Page]]:
    """Open pages of the service, with options of a browser context."""
    opened: list[Page] = []

    def new(**options: Any) -> Page:
        opened.append(Page(browser, service.url, **options))
        return opened[-1]

    yield new
    for page in opened:
        page.close()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of documents that attack the page."""
    home = tmp_path_factory.mktemp("hostile")
    lines = (json.dumps({"text": text, **METADATA}) for text in HOSTILE)
    (home / "texts.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    infgram.build(home / "texts.jsonl", home / "hostile.infgram", tokenizer="bytes").close()
    return home / "hostile.infgram"


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of 40 documents of English words, with metadata."""
    home = tmp_path_factory.mktemp("many")
    words = ["natural", "language", "models", "learn", "from", "large", "corpora", "of", "written", "text"]
    with (home / "texts.jsonl").open("w") as file:
        for number in range(40):
            text = " ".join([*words[number % 10 :], *words, f"number {number}.", *words[: number % 7]])
            file.write(json.dumps({"text": text, "year": 2000 + number % 4, "lang": "en"}) + "\n")
    infgram.build(home / "texts.jsonl", home / "many.infgram", tokenizer="bpe:400").close()
    return home / "many.infgram"


@pytest.fixture(scope="session")
def served(folders: dict[str, Path], hostile: Path, many: Path) -> dict[str, Path]:
    """The folders of all indexes, by name."""
    return {**folders, "hostile": hostile, "many": many}


@pytest.fixture(scope="session")
def service(served: dict[str, Path]) -> Iterator[Loopback]:
    with loopback(indexes=served) as started:
        yield started
