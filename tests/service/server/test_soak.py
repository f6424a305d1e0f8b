"""A short run of benchmarks/soak.py: all queries at once, while the index is replaced."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

import infgram
from tests.client.loopback import loopback

FILE = Path(__file__).parents[3] / "benchmarks" / "soak.py"


@pytest.fixture
def soak() -> Any:
    spec = spec_from_file_location("soak", FILE)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_wrong_results(soak: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "RELOAD_EVERY_S", 0.1)
    documents = [[1, 2, 3, 1, 2, 4] * 9, [4, 3, 2, 1] * 5, []]
    paths = [tmp_path / "long", tmp_path / "short"]
    patterns = [[1], [1, 2], [2, 3, 1], [4, 4], [0], [3, 2, 1, 4]]
    with (
        infgram.build_from_tokens(documents, paths[0], vocab_size=5) as one,
        infgram.build_from_tokens(documents[1:], paths[1], vocab_size=5) as other,
    ):
        served = soak.Served(tmp_path / "served", paths)
        with loopback(indexes={"x": served.link}) as service:
            found = soak.Soak(service.url, "x", served, [one, other], patterns).run(3.0)
    assert {"good, 200", "gone", "hostile, 422", "reload, 200"} <= found["answers"].keys()
    assert found["memory_late_bytes"] > 0
