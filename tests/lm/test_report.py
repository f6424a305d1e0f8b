"""The report: a valid self-contained page for any evaluation."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from infgram.errors import IndexExistsError
from infgram.lm import report
from infgram.lm.evaluation import Evaluation, Result
from infgram.lm.evaluation.bootstrap import Interval
from infgram.lm.evaluation.compared_models import MODEL_TITLES
from infgram.lm.evaluation.measures import Agreement, CalibrationBin
from infgram.lm.mixing.interpolator import ClassGain
from infgram.lm.report import write_report
from infgram.lm.report.page import html_of
from infgram.lm.report.plot import ticks

HOSTILE = "<b>\"&'</title><script>alert(1)</script>"
VOID = {"meta", "br", "rect", "circle", "line", "polyline"}


class Checker(HTMLParser):
    """Checks that tags are balanced, and that nothing is loaded or run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not [name for name, _ in attrs if name in ("src", "href", "onload", "onclick", "style")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def result(name: str, perplexity: float, change: float | None = None) -> Result:
    gains = tuple(
        ClassGain(label, 10, 0.5, {"neural": 0.4, "cache": 0.6}) for label in ("all", "sparse", "n = 2", "n = 9–12")
    )
    return Result(
        name=name,
        title=f"{name} {HOSTILE}",
        perplexity=perplexity,
        interval=Interval(perplexity * 0.9, perplexity * 1.1),
        impossible_share=0.0,
        perplexity_without_near_copies=perplexity,
        change=change,
        change_interval=None if change is None else Interval(change, change),
        gains=() if change is None else gains,
    )


EVALUATION = Evaluation(
    index=HOSTILE,
    text=HOSTILE,
    neural_model=HOSTILE,
    n_tokens=1000,
    n_documents=2,
    n_positions=20,
    n_bytes=60,
    n_words=12,
    n_positions_without_near_copies=15,
    models=(result("neural", 30.0), result("infgram", math.inf)),
    mixtures=(result("paper", 20.0, 0.0), result("classes", 18.0, -0.1), result("gated", 15.0, -0.25)),
    agreement=(
        Agreement("2", 12, 0.25, 0, math.nan),
        Agreement("9–12", 8, 0.5, 4, 0.75),
        Agreement("all", 20, 0.4, 4, 0.75),
    ),
    calibration={"neural": (CalibrationBin(10, 1.0, 1.5), CalibrationBin(10, 3.0, 2.5)), "infgram": ()},
    near_copies={HOSTILE: 0.9},
    elapsed_s={"neural": 1.0},
)

SMALLEST = replace(
    EVALUATION,
    neural_model=None,
    models=(result("infgram", math.inf),),
    mixtures=(),
    agreement=(Agreement("1", 1, 0.0, 0, math.nan), Agreement("all", 1, 0.0, 0, math.nan)),
    calibration={},
    near_copies={},
    n_words=0,
    n_positions_without_near_copies=0,
)


@pytest.mark.parametrize("evaluation", [EVALUATION, SMALLEST], ids=["full", "smallest"])
def test_the_page_is_self_contained(evaluation: Evaluation) -> None:
    page = html_of(evaluation)
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    assert not checker.seen & {"script", "link", "img", "iframe", "b"}
    assert not re.search(r"https?:|@import|url\(|[^a-z]nan[^a-z]|inf[^gio]", page)
    assert "prefers-color-scheme: dark" in page


def test_the_page_has_the_results() -> None:
    page = html_of(EVALUATION)
    assert "perplexity 15.00 per token, −25.0%" in page
    assert "−50.0% against the neural model alone" in page
    assert page.count("<figure>") == 5
    assert html_of(SMALLEST).count("<figure>") == 2


def test_both_files_are_written_and_not_overwritten_by_default(tmp_path: Path) -> None:
    page = write_report(EVALUATION, tmp_path / "a" / "report")
    assert page.read_text(encoding="utf-8") == html_of(EVALUATION)
    content = json.loads((page.parent / "report.json").read_text())
    assert content["perplexity"]["gated"] == 15.0
    assert sorted(path.name for path in page.parent.iterdir()) == ["report.html", "report.json"]
    with pytest.raises(IndexExistsError, match=r"report\.json exists"):
        write_report(EVALUATION, page.parent)
    write_report(SMALLEST, page.parent, overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexExistsError, match="file exists"):
        write_report(EVALUATION, tmp_path / "file", overwrite=True)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_and_inside(low: float, width: float) -> None:
    found = ticks(low, low + width)
    assert len(found) <= 11
    assert all(low - width * 1e-6 - 1e-9 <= value <= low + width * (1 + 1e-6) + 1e-9 for value in found)


def test_every_model_has_a_color() -> None:
    style = (Path(report.__file__).parent / "style.css").read_text()
    for place in range(len(MODEL_TITLES)):
        assert f".c{place} {{ fill: var(--c{place})" in style
        assert style.count(f"--c{place}: #") == 2  # light and dark
