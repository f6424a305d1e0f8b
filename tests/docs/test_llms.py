"""llms.txt lists every page of the site with its subject, and llms-full.txt has the text of all pages."""

from __future__ import annotations

import importlib.util
import re

import pytest
import yaml

from tests.docs.blocks import ROOT, pages


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    site = ROOT / "docs" / "site"
    spec = importlib.util.spec_from_file_location("llms", site / "llms.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    settings = yaml.safe_load((site / "mkdocs.yml").read_text(encoding="utf-8"))
    made: dict[str, str] = module.files(settings["nav"], settings["site_name"], settings["site_description"])
    return made


def test_every_page_is_listed_once(files: dict[str, str]) -> None:
    listed = re.findall(r"^- \[[^\]]+\]\(([^)]+)\.html\)", files["llms.txt"], re.MULTILINE)
    sources = [page.removeprefix("docs/").removesuffix(".md") for page in pages() if page != "README.md"]
    assert sorted(page for page in listed if not page.startswith("reference/")) == sorted(["index", *sources])
    assert files["llms.txt"].startswith("# infgram\n\n> Exact n-gram")


def test_every_guide_has_a_subject(files: dict[str, str]) -> None:
    guides = [line for line in files["llms.txt"].splitlines() if "(guides/" in line]
    assert guides
    for line in guides:
        subject = line.partition(".html)")[2]
        assert re.fullmatch(r": [^\n|`]*.{20,}", subject), line
        assert "](" not in subject


def test_the_full_text_has_every_page(files: dict[str, str]) -> None:
    for page in pages():
        assert (ROOT / page).read_text(encoding="utf-8").strip() in files["llms-full.txt"]
