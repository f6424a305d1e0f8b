"""HTML of results for notebooks, without style sheets, scripts or external resources, for light and dark themes.

`_text` escapes all texts; no other function inserts text into HTML.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any, Final

from infgram.reprs import cut

MOST_ROWS: Final = 20
_MOST_CELL: Final = 200  # characters of a text in a table
_MOST_VALUE: Final = 80  # characters of a metadata field
_FONT: Final = "font-family:ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere"
_MARK: Final = "background:rgba(255,190,0,.4);color:inherit"
_BAR: Final = "height:.7em;min-width:1px;background:rgba(60,130,246,.8)"


def table_html(
    columns: Mapping[str, Sequence[Any]], *, caption: str = "", bars: Collection[str] = (), n_rows: int | None = None
) -> str:
    """Return a table of the first rows.

    Args:
        columns: columns of one length.
        caption: the line above the table.
        bars: columns of shares from 0 to 1, which are also drawn as bars.
        n_rows: the total number of rows, if it exceeds the length of the columns.
    """
    n_given = max((len(column) for column in columns.values()), default=0)
    n_shown = min(n_given, MOST_ROWS)
    n_more = (n_given if n_rows is None else n_rows) - n_shown
    head = "".join(f'<th scope="col" style="text-align:left">{_text(name)}</th>' for name in columns)
    body = "".join(
        f"<tr>{''.join(_cell(column[row], name in bars) for name, column in columns.items())}</tr>"
        for row in range(n_shown)
    )
    more = f"<div>… and {n_more:,} more</div>" if n_more > 0 else ""
    return f"<div>{_caption(caption)}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}</div>"


def hit_html(
    document_id: int, metadata: Mapping[str, Any], match_count: int, snippets: Sequence[tuple[str, int, int]]
) -> str:
    """Return a search hit with its snippets, each a text and the range `[start, end)` of the match."""
    fields = "".join(
        f"<span style='opacity:.75'> {_text(name)}={_text(cut(_plain(value), _MOST_VALUE))}</span>"
        for name, value in list(metadata.items())[:8]
    )
    occurrences = f"{match_count:,} occurrence{'' if match_count == 1 else 's'}"
    lines = "".join(f'<div style="{_FONT};margin-left:1em">{_marked(*snippet)}</div>' for snippet in snippets)
    return f'<div style="margin:.5em 0"><b>document {document_id}</b> {occurrences}{fields}{lines}</div>'


def found_html(caption: str, hits: Sequence[str], n_left_out: int) -> str:
    """Return search hits below a caption."""
    more = f"<div>… and {n_left_out:,} more documents on this page</div>" if n_left_out > 0 else ""
    return f"<div>{_caption(caption)}{''.join(hits)}{more}</div>"


def document_html(document_id: int, text: str, n_tokens: int, metadata: Mapping[str, Any]) -> str:
    """Return the beginning of a document."""
    fields = "".join(
        f"<div>{_text(name)}: {_text(cut(_plain(value), _MOST_VALUE))}</div>"
        for name, value in list(metadata.items())[:MOST_ROWS]
    )
    size = f"{n_tokens:,} token{'' if n_tokens == 1 else 's'}, {len(text):,} character{'' if len(text) == 1 else 's'}"
    return f'<div><b>document {document_id}</b> {size}{fields}<div style="{_FONT}">{_text(cut(text, 2000))}</div></div>'


def _caption(text: str) -> str:
    return f"<div>{_text(text)}</div>" if text else ""


def _cell(value: Any, is_share: bool) -> str:
    if is_share and isinstance(value, int | float) and math.isfinite(value):
        width = 100 * min(max(value, 0.0), 1.0)
        bar = f'<div style="{_BAR};width:{width:.1f}%"></div>'
        return f'<td style="text-align:left;min-width:12em">{value:.2%}{bar}</td>'
    if isinstance(value, str):
        return f'<td style="text-align:left;{_FONT}">{_text(cut(value, _MOST_CELL))}</td>'
    return f'<td style="text-align:right">{_text(_number(value))}</td>'


def _number(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4f}" if math.isfinite(value) else str(value)
    return cut(str(value), _MOST_CELL)


def _marked(snippet: str, start: int, end: int) -> str:
    match = f'<mark style="{_MARK}">{_text(snippet[start:end])}</mark>' if end > start else ""
    return f"{_text(snippet[:start])}{match}{_text(snippet[end:])}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _text(value: str) -> str:
    return escape(value, quote=True)
