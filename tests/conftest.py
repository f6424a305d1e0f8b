"""Settings of the test run: the number of Hypothesis examples, the path of `tests`, and two tables."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

# Every run draws new examples; `make torture` draws 200 times as many.
settings.register_profile("normal", max_examples=50, deadline=None, print_blob=True)
settings.register_profile("torture", parent=settings.get_profile("normal"), max_examples=10_000)
settings.load_profile("normal")  # `pytest --hypothesis-profile=torture` loads the other one

# Python searches a namespace package again if the path changes, as Ray does; and a development package installs
# its own folder `tests`.
sys.modules["tests"].__path__ = [str(Path(__file__).parent)]


@pytest.fixture
def budget_s(request: pytest.FixtureRequest) -> float:
    """The seconds of one campaign: an equal share of the `MINUTES` of the whole run, 60 by default."""
    n_campaigns = sum("budget_s" in getattr(item, "fixturenames", ()) for item in request.session.items)
    return 60 * float(os.environ.get("MINUTES", "60")) / n_campaigns


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the campaigns among the tests that take long: those that report how many cases they tried."""
    for item in items:
        if item.get_closest_marker("torture") and "record_property" in getattr(item, "fixturenames", ()):
            item.add_marker("campaign")


def pytest_sessionfinish() -> None:
    """Save what `make coverage` has measured so far: xdist kills a worker that takes more than ten seconds to exit."""
    coverage = sys.modules.get("coverage")
    measured = coverage and coverage.Coverage.current()
    if measured:
        measured.save()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables of the campaigns and of the tools."""
    _print_campaigns(terminalreporter)
    _print_tools(terminalreporter)


def _print_campaigns(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a table of the campaigns, which are the tests that call `record_property("tried", n)`."""
    rows: dict[str, list[float]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            tried = dict(report.user_properties).get("tried", 0) if report.when == "call" else 0
            if tried or (outcome == "failed" and report.nodeid.split("[")[0] in rows):
                row = rows.setdefault(report.nodeid.split("[")[0], [0, 0, 0])
                row[0] += tried
                row[1] += outcome == "failed"
                row[2] += report.duration
    if not rows:
        return
    terminalreporter.section(f"campaigns, SEED={os.environ.get('SEED', '1')}")
    terminalreporter.write_line(f"{'tried':>12}  {'failed':>6}  {'minutes':>7}  test")
    for name, (n_tried, n_failed, duration_s) in rows.items():
        terminalreporter.write_line(f"{n_tried:>12,.0f}  {n_failed:>6.0f}  {duration_s / 60:>7.1f}  {name}")


def _print_tools(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a table of the calls of tools, which are the tests that record the property "tool"."""
    rows: dict[str, dict[str, Counter[str]]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            tool, transport, kind = dict(report.user_properties).get("tool", ("", "", ""))
            if tool and report.when == "call":
                kinds = rows.setdefault(tool, {}).setdefault(transport, Counter())
                kinds[kind if outcome == "passed" else "failed"] += 1
    if not rows:
        return
    transports = sorted({transport for row in rows.values() for transport in row})
    terminalreporter.section("calls of tools: answered right, refused with advice, failed")
    terminalreporter.write_line(f"{'tool':<14}{''.join(f'{transport:>16}' for transport in transports)}")
    for tool, row in rows.items():
        counts = [row.get(transport, Counter()) for transport in transports]
        cells = (f"{n['answered']} / {n['refused']} / {n['failed']}" for n in counts)
        terminalreporter.write_line(f"{tool:<14}{''.join(f'{cell:>16}' for cell in cells)}")
