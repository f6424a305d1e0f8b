"""The Markdown files and their code blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: the Markdown file, relative to the tree.
        line: of its first content line, from 1.
        language: the first word after the fence.
        argument: the rest of that line.
        content: with the last newline.
    """

    page: str
    line: int
    language: str
    argument: str
    content: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """Return README.md and every Markdown file of docs/, relative to the tree."""
    return ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))]


def blocks_of(page: str) -> list[Block]:
    """Return the blocks of a page, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = []
    for match in _FENCE.finditer(text):
        language, _, argument = match["info"].strip().partition(" ")
        line = text.count("\n", 0, match.start("content")) + 1
        blocks.append(Block(page, line, language, argument.strip(), match["content"]))
    return blocks
