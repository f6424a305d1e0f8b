"""The table of docs/scale.md agrees with the model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infgram.planning import DEFAULT_MACHINE, MACHINES, Workload, make_plan

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
QUESTIONS = ("count", "next token", "infgram")


def rows() -> list[list[str]]:
    lines = re.findall(r"^\| (?:5 · )?10(?:⁹|¹⁰|¹¹|¹²) \|.*\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


TOKENS = {"10⁹": 10**9, "10¹⁰": 10**10, "10¹¹": 10**11, "10¹²": 10**12, "5 · 10¹²": 5 * 10**12}


def expected(n_tokens: int) -> list[list[float]]:
    """Return the numbers of each cell of a row."""
    plan = make_plan(Workload(n_tokens, 4 * 10**9), MACHINES[DEFAULT_MACHINE])
    found = {(query.query, query.state, query.parallel_shards): query for query in plan.queries}
    cold = [found[query, "cold", 1] for query in QUESTIONS]
    return [
        *([float(number)] for number in (plan.n_shards, plan.n_machines)),
        *([number] for number in (plan.hours, plan.cpu_dollars, plan.dollars)),
        *([number] for number in (plan.index_bytes / 1e12, plan.directory_bytes / 1e9, plan.serving_machines)),
        *([query.p50_ms, query.p99_ms] for query in cold),
    ]


def as_row(name: str) -> str:
    """Return a row of the page."""
    whole, rounded, small = (0, 1, 7), (2, 6), (3, 4, 5)
    cells = []
    for place, numbers in enumerate(expected(TOKENS[name])):
        digits = 0 if place in whole else 1 if place in rounded else 2 if place in small else 1
        cells.append(" / ".join(f"{number:,.{digits}f}" for number in numbers))
    return f"| {' | '.join([name, *cells])} |"


@pytest.mark.parametrize("row", rows(), ids=lambda row: str(row[0]))
def test_a_row_agrees_with_the_model(row: list[str]) -> None:
    name, *cells = row
    shown = [[float(number.replace(",", "")) for number in cell.split("/")] for cell in cells]
    for found, wanted in zip(shown, expected(TOKENS[name]), strict=True):
        assert found == pytest.approx(wanted, rel=0.05, abs=0.06), f"expected {as_row(name)}"


def test_every_size_has_a_row() -> None:
    assert [row[0] for row in rows()] == list(TOKENS)
