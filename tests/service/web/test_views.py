"""The views of the page, in a browser: what they show is what the index says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

import infgram
from tests.service.web.conftest import Page


def state(view: str, **parameters: Any) -> str:
    return f"#/{view}?{urlencode(parameters)}"


def test_a_text(page: Page, served: dict[str, Path]) -> None:
    page.show(state("explore", index="many", q=" language"))
    with infgram.open(served["many"]) as index:
        n = index.count(" language", any_tokenization=True)
        documents = index.document_count(" language", any_tokenization=True)
        following = index.next_token_distribution(" language", any_tokenization=True, top_k=12)
        score = index.score(" language")
    assert page.text("#view .count") == f"{n} occurrences in {documents} documents"
    rows = [int(text.replace(",", "")) for text in page.texts(".next .times")]
    assert rows == following.counts.tolist()
    assert len(page.texts(".chips .tok")) == len(score.log_probs)
    assert page.texts("article mark")[0] == "language"
    assert f"{documents} documents, 5 shown." in page.text("#view")


def test_the_box_answers_as_the_user_types(page: Page) -> None:
    page.show("#/explore?index=bytes").type("rose")
    assert page.text("#view .count").startswith("5 occurrences in 3 documents")
    page.type("rose is")
    assert page.text("#view .count").startswith("2 occurrences in 1 document")


def test_a_click_on_a_next_token_extends_the_text(page: Page) -> None:
    page.show(state("explore", index="bytes", q="a ros"))
    page.page.locator(".next a").first.click()
    page.page.wait_for_url("**q=a+rose*")
    page.wait()
    assert page.page.locator("#query").input_value() == "a rose"


def test_each_token_tells_its_score(page: Page, served: dict[str, Path]) -> None:
    page.show(state("explore", index="bytes", q="a rose"))
    with infgram.open(served["bytes"]) as index:
        score = index.score("a rose")
    page.page.locator(".tok").nth(5).hover()
    told = page.text(".readout")
    assert f"n = {score.suffix_lengths[5] + 1}" in told
    assert f"log-prob {score.log_probs[5]:.2f}" in told
    assert page.text(".readout").startswith("e")
    assert not page.page.locator(".tok .id").first.is_visible()
    page.page.get_by_label("Show token ids").check()
    assert page.texts(".tok .id") == [str(byte) for byte in b"a rose"]


def test_the_suffix_of_an_absent_text(page: Page) -> None:
    page.show(state("explore", index="bytes", q="zebra rose"))
    assert page.text("#view .count") == "0 occurrences"
    assert "the last 7 of 10 tokens occur 5 times" not in page.text(".readout")
    assert page.page.locator(".tok.used").count() == len(page.texts(".tok")) - 4
    assert "the last 6 of 10 tokens occur" in page.text(".readout")
    assert "No document contains the whole text." in page.text("#view")


def test_switches(page: Page) -> None:
    page.show(state("explore", index="bpe", q="Rose"))
    assert page.text("#view .count") == "0 occurrences"
    page.page.get_by_label("Ignore case").check()
    page.wait()
    assert page.text("#view .count").startswith("5 occurrences")
    assert "case=any" in page.page.url
    page.page.get_by_label("Ignore case").uncheck()
    page.wait()
    page.page.get_by_label("Exact tokens").check()
    page.wait()
    assert "match=tokens" in page.page.url


def test_readings(page: Page, served: dict[str, Path]) -> None:
    page.show(state("explore", index="many", q="language"))
    with infgram.open(served["many"]) as index:
        readings = index.readings("language")
    assert readings.after_space is not None
    assert readings.after_space.count > 0
    page.page.get_by_text("after a space").click()
    page.page.wait_for_url("**reading=after_space*")
    page.wait()
    assert "with these tokens" in page.text("#view")
    page.page.get_by_text("Next page").click()
    page.page.wait_for_url("**cursor=*")
    assert page.wait().texts("article h3") == [f"Document {n}" for n in range(5, 10)]
    assert page.page.locator(".choice a[aria-current]").inner_text().startswith(str(readings.after_space.count))


def test_several_terms(page: Page, served: dict[str, Path]) -> None:
    page.show(state("explore", index="many", q="natural AND (corpora OR zebra)"))
    with infgram.open(served["many"]) as index:
        found = index.search("natural AND (corpora OR zebra)", any_tokenization=True)
    assert page.text("#view .count") == f"{found.count} occurrences in {found.document_count} documents"
    assert page.texts(".parsed .filter") == ["natural", "corpora OR zebra"]
    assert {"natural", "corpora"} <= set(page.texts("article mark"))


def test_filters_and_pages(page: Page, served: dict[str, Path]) -> None:
    page.show(state("explore", index="many", q="number"))
    assert page.texts("article h3") == [f"Document {n}" for n in range(5)]
    page.page.get_by_text("Next page").click()
    page.page.wait_for_url("**cursor=*")
    page.wait()
    assert page.texts("article h3") == [f"Document {n}" for n in range(5, 10)]
    page.page.get_by_text("First page").click()
    page.page.wait_for_url(lambda url: "cursor" not in url)
    page.wait()
    page.page.locator("article dd a", has_text="2002").first.click()
    page.page.wait_for_url("**where=*")
    page.wait()
    assert page.texts("article h3") == [f"Document {n}" for n in range(2, 22, 4)]
    assert page.text("#view .count") == "10 occurrences in 10 documents, of 40 in all"
    assert "10 documents, 5 shown." in page.text("#view")
    page.page.locator(".filter").click()
    page.page.wait_for_url(lambda url: "where" not in url)
    page.wait()
    assert page.texts("article h3") == [f"Document {n}" for n in range(5)]


def test_a_document(page: Page, served: dict[str, Path]) -> None:
    page.show(state("explore", index="many", q="number 7"))
    page.page.locator("article h3 a").first.click()
    page.page.wait_for_url("**document*")
    page.wait()
    with infgram.open(served["many"]) as index:
        document = index.document(7)
    assert page.page.locator(".whole").text_content() == document.text
    assert page.texts(".whole mark") == ["number 7"]
    assert "2003" in page.text(".fields")
    page.page.get_by_text("← Back").click()
    page.page.wait_for_url("**explore*")
    page.wait()
    assert page.page.locator("#query").input_value() == "number 7"


def test_a_document_is_shown_whole_on_demand(page: Page) -> None:
    page.page.route("**/documents/0", lambda route: route.fulfill(json=document("beginning", True)))
    page.page.route("**/documents/0?whole=true", lambda route: route.fulfill(json=document("beginning and end", False)))
    page.show(state("document", doc=0))
    assert page.text(".whole") == "beginning"
    page.page.get_by_text("Show all of it").click()
    page.page.get_by_text("beginning and end").wait_for()


def document(text: str, is_truncated: bool) -> dict[str, Any]:
    return {
        "document_id": 0,
        "metadata": {},
        "source": None,
        "line": None,
        "n_tokens": 9,
        "token_ids": [1],
        "text": text,
        "text_truncated": is_truncated,
        "token_ids_truncated": is_truncated,
    }


def test_a_trace(page: Page, served: dict[str, Path]) -> None:
    text = "They say that large corpora of written text are zebras."
    page.show(state("trace", index="many", q=text))
    with infgram.open(served["many"]) as index:
        trace = infgram.trace(index, text, min_length=5, max_spans=200, documents_per_span=3)
    assert page.page.locator(".traced").text_content() == text
    longest = max(trace.spans, key=lambda span: span.end - span.start)
    assert page.text(".part .quoted").strip() == longest.text.strip()
    assert len(page.texts("article")) == len(longest.documents)
    assert page.texts(".traced .chosen")
    assert f"in {len(trace.spans)} passage" in page.text("#view .count")
    page.page.get_by_text("rarity").click()
    page.page.wait_for_url("**color=rarity*")
    page.wait()
    page.page.locator("article h3 a").first.click()
    page.page.wait_for_url("**document*")
    page.wait()
    assert longest.text.strip() in page.texts(".whole mark")


def test_a_comparison(page: Page, served: dict[str, Path]) -> None:
    lines = ["rose", "natural language", "zebra"]
    page.show(state("compare", q="\n".join(lines), **{"with": "bytes,bpe,many"}))
    for number, name in enumerate(("bytes", "bpe", "many")):
        with infgram.open(served[name]) as index:
            counts = [index.count(line, any_tokenization=True) for line in lines]
        assert [int(each) for each in page.texts(f"tbody td:nth-child({number + 3}) .times")] == counts
    assert page.texts("tbody .track")[2] == ""
    page.page.get_by_role("link", name="natural·language").click()
    page.page.wait_for_url("**line=1*")
    page.wait()
    assert "After natural·language" in page.text("#view section:last-child")
    page.page.get_by_role("checkbox", name="many").uncheck()
    page.wait()
    assert page.texts("table >> nth=0 >> thead th")[2:] == ["bytes", "bpe"]
    assert page.texts("table >> nth=1 >> thead th") == ["Token", "bytes", "bpe", "Difference (points)"]


@pytest.mark.parametrize("view", ["explore", "trace", "compare"])
def test_an_empty_box_shows_examples_of_the_index(page: Page, served: dict[str, Path], view: str) -> None:
    page.show(state(view, index="many", **{"with": "many"}))
    examples = page.texts(".example")
    assert len(examples) == {"explore": 3, "trace": 3, "compare": 1}[view]
    page.page.locator(".example").first.click()
    page.page.wait_for_url("**q=*")
    page.wait()
    if view == "explore":
        assert not page.text("#view .count").startswith("0 ")


def test_token_ids(page: Page) -> None:
    page.show(state("explore", index="ids", q="0 1"))
    assert page.text("#view .count").startswith("2 occurrences")
    assert page.page.locator("#switches label").count() == 0


def test_a_permalink_shows_the_same(open_page: Callable[..., Page]) -> None:
    first = open_page().show("#/explore?index=many").type("language")
    first.page.get_by_text("after a space").click()
    first.page.wait_for_url("**reading=*")
    first.wait()
    first.page.locator("article dd a", has_text="2001").first.click()
    first.page.wait_for_url("**where=*")
    first.wait()
    second = open_page().show(f"#{first.page.url.partition('#')[2]}")
    without_times = "document.querySelectorAll('.time').forEach((time) => time.remove())"
    for each in (first, second):
        each.page.evaluate(without_times)
    assert first.text("body") == second.text("body")
    first.page.go_back()
    first.page.wait_for_url(lambda url: "where" not in url)
    first.wait()
    assert first.texts(".filter") == []


QUESTIONS = [
    ("explore", {"q": 'it\'s "a" rose $HOME \\ 🌹'}, 0),
    ("explore", {"q": "rose"}, 0),
    ("explore", {"q": "rose", "match": "tokens"}, 2),
    ("explore", {"q": "rose", "case": "any"}, 2),
    ("explore", {"q": "rose", "where": '{"number": 0}'}, 3),
    ("explore", {"q": "-a AND rose"}, 0),
    ("explore", {"q": ""}, 0),
    ("trace", {"q": "a rose isn't a rose is", "least": "1"}, 0),
    ("explore", {"q": "rose"}, 1),
    ("compare", {"q": "it's\n$HOME rose", "with": "bytes,bpe"}, 0),
    ("compare", {"q": "rose", "with": "bytes", "case": "any"}, 1),
    ("document", {"doc": "1"}, 0),
]


@pytest.mark.parametrize(("view", "parameters", "place"), QUESTIONS)
def test_copies_for_other_programs_run(
    open_page: Callable[..., Page], served: dict[str, Path], view: str, parameters: dict[str, str], place: int
) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.show(state(view, index="bytes", **parameters))
    for name in ("curl", "Python", "CLI"):
        page.page.locator("#view .copy:visible summary").nth(place).click()
        page.page.get_by_role("button", name=name, exact=True).click()
        page.page.get_by_text("Copied").wait_for()
        copied = page.page.evaluate("navigator.clipboard.readText()")
        path = Path(sys.executable).parent
        if name == "Python":
            command = [sys.executable, "-c", f"{copied}\nprint(answer)"]
        else:
            command = ["bash", "-c", f'PATH="{path}:$PATH"; {copied}']
        done = subprocess.run(command, cwd=served["bytes"].parent, capture_output=True, text=True, check=False)
        errors = [line for line in done.stderr.splitlines() if not line.startswith("note:")]
        assert (done.returncode, errors) == (0, []), copied
        assert done.stdout
        if name == "curl":
            assert json.loads(done.stdout.splitlines()[0]).keys() & {"elapsed_ms", "results", "document_id"}
        page.page.wait_for_timeout(10)
        page.page.get_by_text("Copied").wait_for(state="hidden")
