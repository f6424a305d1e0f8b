"""The documentation for language models (llmstxt.org): a list of the pages, and all pages in one file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

DOCS: Final = Path(__file__).resolve().parents[1]

_NOT_PROSE: Final = re.compile(r"^(#|```|\||[-*] |\d+\. |<|!|>)")


def files(nav: Sequence[Mapping[str, Any]], name: str, description: str) -> dict[str, str]:
    """Return the text of each file of the site by its name, for the pages in the navigation."""
    pages = [*_pages(nav, "Start")]
    lines, last = [f"# {name}", "", f"> {description}"], ""
    for section, title, page in pages:
        if section != last:
            lines += ["", f"## {section}", ""]
            last = section
        about = _first_sentence(_source(page))
        lines.append(f"- [{title}]({page.removesuffix('.md')}.html){f': {about}' if about else ''}")
    written = (_source(page) for _, _, page in pages)
    return {
        "llms.txt": "\n".join(lines) + "\n",
        "llms-full.txt": "\n\n".join(text.strip() for text in written if text) + "\n",
    }


def _pages(nav: Sequence[Mapping[str, Any]], section: str) -> Iterator[tuple[str, str, str]]:
    """Yield section, title and path of each page."""
    for entry in nav:
        for title, content in entry.items():
            if isinstance(content, str):
                yield section, title, content
            else:
                yield from _pages(content, title)


def _source(page: str) -> str:
    """Return the Markdown of a page; empty for the reference, which is generated from docstrings."""
    path = DOCS.parent / "README.md" if page == "index.md" else DOCS / page
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _first_sentence(markdown: str) -> str:
    """Return the first sentence of prose without its links, or an empty string."""
    for paragraph in re.split(r"\n\s*\n", markdown):
        if not _NOT_PROSE.match(paragraph.lstrip()):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split())).replace("**", "")
            return re.split(r"(?<=[.:])\s", text, maxsplit=1)[0].rstrip(":")
    return ""
