"""Links and file names in the documentation exist."""

from __future__ import annotations

import re

import pytest

from tests.docs.blocks import ROOT, pages

LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED_PATH = re.compile(r"`((?:csrc|infgram|service|tests|docs|benchmarks)/[\w./-]+)`")


def anchors_of(page: str) -> set[str]:
    """Return the anchors of a page's headings, as on GitHub."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages())
def test_links_exist(page: str) -> None:
    folder = (ROOT / page).parent
    wrong = []
    for link in LINK.findall((ROOT / page).read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (folder / path).resolve() if path else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors_of(target.relative_to(ROOT).as_posix())):
            wrong.append(link)
    assert wrong == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[str] = set()
    ahead = ["README.md"]
    while ahead:
        page = ahead.pop()
        seen.add(page)
        links = (link.partition("#")[0] for link in LINK.findall((ROOT / page).read_text(encoding="utf-8")))
        targets = ((ROOT / page).parent / link for link in links if link.endswith(".md") and "://" not in link)
        found = {target.resolve().relative_to(ROOT).as_posix() for target in targets}
        ahead += found - seen - set(ahead)
    assert set(pages()) - seen == set()


@pytest.mark.parametrize("page", pages())
def test_every_named_path_exists(page: str) -> None:
    named = NAMED_PATH.findall((ROOT / page).read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []
