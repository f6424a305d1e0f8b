"""The page: for browsers only, self-contained, and safe for any text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from infgram.service.assets import ASSETS, FOLDER, version

from infgram import query_language
from tests.service.conftest import answered

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
NAMES = ["bytes", "bpe", "ids"]


@pytest.mark.parametrize("accept", [BROWSER, "text/html", "TEXT/HTML; q=0.3", "application/json;q=0.1, text/html"])
def test_a_browser_gets_the_page(client: TestClient, accept: str) -> None:
    response = client.get("/", headers={"accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["vary"] == "Accept, Accept-Encoding"
    assert response.text.startswith("<!doctype html>")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/*", "", "text/html;q=0", "text/html; q=0.000"])
def test_a_program_gets_the_names(client: TestClient, accept: str) -> None:
    response = client.get("/", headers={"accept": accept})
    assert response.json() == NAMES
    assert response.headers["vary"] == "Accept"


@pytest.mark.parametrize("path", ["/", "/web/x/app.mjs", "/v1/indexes", "/nothing", "/healthz", "/openapi.json"])
def test_every_response_has_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path, headers={"accept": BROWSER}).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


def test_the_files_of_the_page(client: TestClient) -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(ASSETS)
    types = {".html": "text/html", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    for name in ASSETS:
        response = client.get(f"/web/{version()}/{name}")
        assert response.status_code == 200
        assert response.headers["content-type"].split(";")[0] == types[Path(name).suffix]
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.text.replace(f"{version()}/", "") == (FOLDER / name).read_text(encoding="utf-8")
        assert client.get(f"/web/other/{name}").headers["cache-control"] == "no-cache"
    assert client.get(f"/web/{version()}/none.mjs").status_code == 404


def test_the_page_names_files_of_its_version(client: TestClient) -> None:
    html = client.get("/", headers={"accept": "text/html"}).text
    named = re.findall(r'(?:src|href)="(web/[^"]+)"', html)
    assert len(named) > 10
    assert {path.split("/")[1] for path in named} == {version()}


@pytest.mark.parametrize("path", ["/", "/web/x/app.mjs"])
def test_a_known_file_is_not_sent_again(client: TestClient, path: str) -> None:
    etag = client.get(path, headers={"accept": "text/html"}).headers["etag"]
    response = client.get(path, headers={"accept": "text/html", "if-none-match": etag})
    assert (response.status_code, response.content) == (304, b"")
    assert client.get(path, headers={"accept": "text/html", "if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "encoding"), [("gzip, br", "gzip"), ("br", None), ("gzip;q=0", None), ("*", None)]
)
def test_files_are_compressed_for_those_who_accept_it(client: TestClient, accepted: str, encoding: str | None) -> None:
    response = client.get("/web/x/app.mjs", headers={"accept-encoding": accepted})
    assert response.headers.get("content-encoding") == encoding
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.content == (FOLDER / "app.mjs").read_bytes()
    if encoding:
        assert int(response.headers["content-length"]) < len(response.content) / 2


def test_files_named_by_the_page_exist() -> None:
    html = (FOLDER / "index.html").read_text(encoding="utf-8")
    named = set(re.findall(r'(?:src|href)="web/([^"]+)"', html))
    for script in FOLDER.glob("*.mjs"):
        named |= set(re.findall(r'(?:from |import\()"\./([^"]+)"', script.read_text(encoding="utf-8")))
    assert named | {"index.html"} == set(ASSETS)
    ids = set(re.findall(r'id="([^"]+)"', html))
    for script in FOLDER.glob("*.mjs"):
        assert set(re.findall(r'at\("([^"]+)"\)', script.read_text(encoding="utf-8"))) <= ids


def test_no_text_can_become_markup() -> None:
    """Texts of a corpus are untrusted: they become text nodes only, and the policy forbids inline content."""
    risky = re.compile(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|srcdoc|DOMParser")
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=")
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8")
        assert risky.findall(text) == [], path.name
        assert path.suffix != ".html" or inline.findall(text) == []


def test_nothing_is_loaded_from_other_hosts() -> None:
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+|@import|\burl\(", text) == [], path.name


def test_the_page_recognizes_operators_as_the_service_does() -> None:
    """The page uses the same words to decide whether a text is a query."""
    (found,) = re.findall(r"OPERATOR = /(.+)/u;", (FOLDER / "explore.mjs").read_text(encoding="utf-8"))
    assert re.compile(found).pattern == query_language._OPERATOR.pattern


def test_documents_are_displayed_unchanged(client: TestClient) -> None:
    found = answered(client.post("/v1/indexes/bytes/search", json={"query": "<script>"}))["documents"]
    assert found[0]["snippet"].startswith("<script>alert('a rose')")
