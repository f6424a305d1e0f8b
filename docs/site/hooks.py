"""What the site holds besides the pages of docs/: README.md as the first page, the API reference, and llms.txt.

Links to files outside docs/ become the names of these files, since the site does not hold them.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path, PurePosixPath
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))
import llms

ROOT: Final = Path(__file__).resolve().parents[2]
REFERENCE: Final = {
    "reference/infgram.md": ("infgram", "infgram"),
    "reference/lm.md": ("Language models", "infgram.lm"),
    "reference/cluster.md": ("Clusters", "infgram.cluster"),
}
"""Each page of the reference: its title, and the package whose public names it documents."""

_LINK: Final = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<path>[^)\s#:]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    files.append(File.generated(config, "index.md", content=readme))
    for path, (title, package) in REFERENCE.items():
        content = f"# {title}\n\n::: {package}\n    options:\n      show_root_heading: false\n"
        files.append(File.generated(config, path, content=content))
    return files


def on_post_build(*, config: MkDocsConfig) -> None:
    """Write the documentation for language models."""
    for name, text in llms.files(config.nav, config.site_name, config.site_description).items():
        Path(config.site_dir, name).write_text(text, encoding="utf-8")


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links at pages of the site, and turn those that leave docs/ into names of files."""
    home = PurePosixPath("." if page.file.src_uri == "index.md" else f"docs/{page.file.src_uri}").parent

    def rewritten(link: re.Match[str]) -> str:
        target = os.path.normpath(home / link["path"])
        if not (ROOT / target).exists():
            return link[0]  # mkdocs reports it
        if not target.startswith("docs/"):
            return link["text"] if target in link["text"] else f"{link['text']} (`{target}`)"
        if page.file.src_uri != "index.md":
            return link[0]
        return f"[{link['text']}]({target.removeprefix('docs/')}{link['anchor'] or ''})"

    return _LINK.sub(rewritten, markdown)
