"""The page as a program of a browser: keyboard, widths, schemes, accessibility, hostile texts, bad networks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from infgram.service.assets import ASSETS

from tests.service.web.conftest import HOSTILE, Page
from tests.service.web.test_views import state

VIEWS: Final = {
    "empty": "#/explore?index=many",
    "text": state("explore", index="many", q=" language models learn"),
    "absent": state("explore", index="many", q="zebra language", where='{"year": 2001}'),
    "terms": state("explore", index="many", q="natural AND (corpora OR text)"),
    "error": state("explore", index="many", q="(natural AND"),
    "trace": state("trace", index="many", q="They say that large corpora of written text are zebras."),
    "rarity": state("trace", index="many", q="large corpora of text, and models learn", color="rarity", least="1"),
    "no trace": "#/trace?index=many",
    "compare": state("compare", q="rose\nnatural language\n" + "long" * 40),
    "no comparison": "#/compare",
    "document": state("document", index="many", doc=3, find="language"),
    "no document": state("document", doc="none"),
    "ids": state("explore", index="ids", q="0 1"),
    "hostile": state("explore", index="hostile", q="rose"),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", VIEWS)
def test_every_view_is_accessible_and_fits_every_width(open_page: Callable[..., Page], name: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()
    page = open_page(color_scheme=scheme, reduced_motion="reduce").show(VIEWS[name])
    for width in (1280, 768, 360):
        page.page.set_viewport_size({"width": width, "height": 900})
        assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        found = axe.run(page.page)
        assert found.violations_count == 0, found.generate_report()


def test_no_content_of_a_document_is_interpreted(page: Page) -> None:
    for address in (
        state("explore", index="hostile", q="rose"),
        state("document", index="hostile", doc=0),
        state("document", index="hostile", doc=2, find="</p>"),
        state("trace", index="hostile", q=HOSTILE[0]),
        state("compare", q=f"{HOSTILE[0]}\n<b>", **{"with": "hostile,<i>"}),
        state("explore", index="<img src=x onerror=alert(1)>", q="<script>alert(1)</script>", where='{"<b>": "<i>"}'),
    ):
        page.show(address)
        assert page.page.locator("#view").locator("script, img, style, svg, iframe, b, i").count() == 0
        assert page.page.title() != "taken"
        hrefs = page.page.locator("a").evaluate_all("(links) => links.map((link) => link.getAttribute('href'))")
        assert all(href.startswith(("#/", "openapi.json")) for href in hrefs)
    assert page.messages == []
    page.show(state("explore", index="hostile", q="rose"))
    assert "</script> a rose" in page.text("article .snippet")
    assert "<svg onload=alert(1)>" in page.text("article .fields")


def test_the_keyboard(page: Page) -> None:
    keyboard = page.page.keyboard
    focused = "document.activeElement.id || document.activeElement.className"
    page.show("#/explore?index=many")
    assert page.page.evaluate(focused) == "query"
    keyboard.type(" natural language models")
    page.wait_for("q", " natural language models")
    page.wait()
    for _ in range(20):
        keyboard.press("Tab")
        if "tok" in page.page.evaluate(focused).split():
            break
    first = page.text(".readout")
    keyboard.press("ArrowRight")
    assert page.text(".readout") != first
    keyboard.press("End")
    assert "models" in page.text(".readout")
    for _ in range(20):
        keyboard.press("Tab")
        if page.page.evaluate(focused) == "bar":
            break
    keyboard.press("Enter")
    page.page.wait_for_url("**models+learn*")
    page.wait()
    page.page.locator("#view .copy summary").first.focus()
    keyboard.press("Enter")
    assert page.page.get_by_role("button", name="curl").first.is_visible()
    keyboard.press("Escape")
    assert not page.page.get_by_role("button", name="curl").first.is_visible()
    assert page.page.locator("#query").input_value() != ""
    page.page.locator("#query").focus()
    keyboard.press("Escape")
    page.wait()
    assert page.page.locator("#query").input_value() == ""
    assert "tokens in" in page.text("#view .count")


def test_an_answer_to_an_older_question_is_never_shown(page: Page) -> None:
    """The answers to the first text are held back until those to the second one are shown."""
    held: list[Any] = []

    def hold(route: Any) -> None:
        if json.loads(route.request.post_data)["query"] == "rose":
            held.append(route)
        else:
            route.continue_()

    page.show("#/explore?index=bytes")
    page.page.route("**/v1/indexes/bytes/*", hold)
    with page.page.expect_request(lambda request: request.url.endswith("/search")):
        page.page.locator("#query").fill("rose")
    page.page.wait_for_timeout(50)
    assert len(held) == 5  # sent without waiting for one another
    page.type("language")
    assert page.text("#view .count").startswith("2 occurrences")
    for route in held:
        route.continue_()
    page.page.wait_for_timeout(300)
    assert page.text("#view .count").startswith("2 occurrences")
    assert page.texts("article mark")[0] == "language"


def test_a_slow_network(page: Page) -> None:
    """Until an answer arrives, the parts of the page keep their places, and the texts of the older one."""
    page.show("#/explore?index=bytes").type("rose")
    before = page.page.locator(".columns").bounding_box()
    held: list[Any] = []
    page.page.route("**/v1/indexes/bytes/*", lambda route: held.append(route))
    with page.page.expect_request(lambda request: request.url.endswith("/search")):
        page.page.locator("#query").fill("natural")
    page.page.wait_for_timeout(50)
    assert page.text("#view .count").startswith("5 occurrences")
    assert page.page.locator("#view [aria-busy]").count() == 4
    assert page.page.locator(".columns").bounding_box() == before
    for route in held:
        route.continue_()
    page.wait()
    assert page.text("#view .count").startswith("3 occurrences")
    assert page.page.locator(".columns").bounding_box()["y"] == before["y"]


def test_a_text_that_is_typed_while_the_page_loads_is_kept(page: Page) -> None:
    held: list[Any] = []
    page.page.route("**/v1/indexes", lambda route: held.append(route))
    page.page.goto(page.url, wait_until="commit")
    page.page.locator("#query").fill("rose")
    page.page.wait_for_timeout(50)
    held[0].continue_()
    page.wait_for("q", "rose")
    assert page.wait().text("#view .count").startswith("5 occurrences")


def test_a_switch_keeps_what_was_just_typed(page: Page) -> None:
    page.show("#/explore?index=bytes").type("rose")
    page.page.locator("#query").fill("Language")
    page.page.get_by_label("Ignore case").check()
    page.wait_for("case", "any")
    assert page.wait().page.locator("#query").input_value() == "Language"
    assert page.text("#view .count").startswith("2 occurrences")


def test_the_focus_stays_on_what_was_chosen(page: Page) -> None:
    page.show(VIEWS["trace"])
    focused = "document.activeElement.textContent"
    for text in ("rarity", "3"):
        page.page.get_by_role("link", name=text, exact=True).focus()
        page.page.keyboard.press("Enter")
        page.page.wait_for_timeout(50)
        assert page.wait().page.evaluate(focused) == text
    page.page.get_by_label("Ignore case").focus()
    page.page.keyboard.press("Space")
    page.wait_for("case", "any")
    assert page.wait().page.evaluate("document.activeElement.type") == "checkbox"
    page.page.get_by_role("link", name="Explore").focus()
    page.page.keyboard.press("Enter")
    page.page.wait_for_url("**/explore*")
    assert page.wait().page.evaluate(focused) == "Explore"


def test_a_failing_network(page: Page) -> None:
    page.show("#/explore?index=bytes")
    page.page.route("**/v1/**", lambda route: route.abort())
    page.type("rose")
    assert page.texts(".trouble:visible") == ["The service cannot be reached. Is it running? Try again"]
    page.page.unroute("**/v1/**")
    page.page.get_by_text("Try again").click()
    page.wait()
    assert page.text("#view .count").startswith("5 occurrences")


def test_the_first_request_fails(page: Page) -> None:
    page.page.route("**/v1/indexes", lambda route: route.abort())
    page.page.goto(page.url)
    page.page.get_by_text("Try again").wait_for()
    page.page.unroute("**/v1/indexes")
    page.page.get_by_text("Try again").dblclick()
    page.page.locator("#view .count").wait_for()
    assert page.wait().type("rose").text("#view .count").startswith("5 occurrences")


@pytest.mark.parametrize("answer", [{"status": 502, "body": "<html>bad gateway"}, {"status": 200, "body": "null"}])
def test_answers_that_are_no_json_of_ours(page: Page, answer: dict[str, Any]) -> None:
    page.show("#/explore?index=bytes")
    page.page.route("**/v1/indexes/bytes/count", lambda route: route.fulfill(**answer))
    page.type("rose")
    assert len(page.texts(".trouble:visible")) == 1
    assert len(page.texts("article")) == 3  # the other parts are shown


def test_a_refused_query_says_what_to_do(page: Page) -> None:
    page.show(VIEWS["error"])
    assert page.texts(".trouble:visible") == [
        'Invalid use of AND and OR; expected an AND of terms and of ORs in parentheses: rock AND (roll OR "rhythm and '
        'blues"). A text in quotation marks is taken literally.'
    ]


def test_an_unknown_index_is_said(page: Page) -> None:
    page.show(state("explore", index="nowhere", q="rose"))
    assert page.text(".trouble") == "No index has the name nowhere; this is bytes."


@pytest.mark.parametrize(
    "address",
    [
        "#/nothing",
        "#/constructor",
        "#/toString",
        "#/explore?where=[",
        "#/compare?with=7&q=a",
        "#/document?doc=-1",
        "#/trace?least=x&q=a",
        "#%",
        "#/explore?seed=x&q=a",
    ],
)
def test_strange_addresses(page: Page, address: str) -> None:
    page.show(address)
    assert [message for message in page.messages if message.startswith("exception")] == []


def test_the_size_of_all_files() -> None:
    assert sum(len(asset.content) for asset in ASSETS.values()) < 80 * 1024
    assert sum(len(asset.compressed) for asset in ASSETS.values()) < 40 * 1024


def test_what_is_typed_while_a_view_is_loaded_is_kept(page: Page) -> None:
    held: list[Any] = []
    page.page.route("**/trace.mjs", lambda route: held.append(route))
    page.show(state("explore", index="bytes", q="rose"))
    page.page.get_by_role("link", name="Trace").click()
    page.page.locator("#query").press_sequentially(" is a rose")
    held[0].continue_()
    page.wait_for("q", "rose is a rose")
    assert page.wait().page.locator("#query").input_value() == "rose is a rose"
    assert page.text(".traced") == "rose is a rose"


def test_a_replaced_index_is_noticed(page: Page) -> None:
    """Rates are computed with the sizes of the index that was counted."""
    page.show(state("compare", q="rose", **{"with": "bytes"}))
    before = page.text("tbody td.figure")

    def doubled(route: Any) -> None:
        answer = route.fetch()
        body = answer.json()
        for index in body["indexes"]:
            index["n_tokens"] *= 2
        route.fulfill(response=answer, json=body)

    page.page.route("**/v1/indexes", doubled)
    page.page.evaluate("performance.now = () => 1e9")  # long after the last look
    page.type("rose\nlanguage")
    page.page.locator("tbody td.figure").first.filter(has_not_text=before).wait_for()


@pytest.mark.parametrize("body", ["{}", "<html>", '{"indexes": 3}', "null"])
def test_another_program_answers(page: Page, body: str) -> None:
    page.page.route("**/v1/indexes", lambda route: route.fulfill(status=200, body=body))
    page.page.goto(page.url)
    page.page.locator(".trouble", has_text="service").wait_for()
    assert not [message for message in page.messages if message.startswith("exception")]
