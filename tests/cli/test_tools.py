"""trace, novelty and overlap print the results of the library, and read their inputs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import infgram
from tests.cli.conftest import TEXTS
from tests.cli.running import is_one_error_line, run

ANSWERS = ("a natural language of zebras\n", "", "caf\u00e9 the end", "the natural language models \u221e")


def file_of(folder: Path, content: str, name: str = "text.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode())
    return path


@pytest.mark.parametrize("text", ANSWERS)
def test_trace(index: infgram.Index, index_path: Path, tmp_path: Path, text: str) -> None:
    found = run("trace", index_path, file_of(tmp_path, text), "--json", "--max-spans", 99).json
    expected = infgram.trace(index, text, max_spans=99)
    assert found["n_tokens"] == len(expected.token_ids)
    assert (found["n_maximal"], found["n_covered"]) == (expected.n_maximal, expected.n_covered)
    assert found["spans"] == json.loads(json.dumps([asdict(span) for span in expected.spans]))
    assert found["documents"] == json.loads(json.dumps([asdict(document) for document in expected.documents]))
    assert run("trace", index_path, "-", "--json", "--max-spans", 99, stdin=text.encode()).json == found
    ids = file_of(tmp_path, str(expected.token_ids.tolist()), "ids.json")
    assert run("trace", index_path, ids, "--ids", "--json", "--max-spans", 99).json == found


def test_every_option_of_trace(index: infgram.Index, index_path: Path, tmp_path: Path) -> None:
    path = file_of(tmp_path, ANSWERS[0])
    words: list[str | int] = [
        "--min-length",
        2,
        "--max-count",
        3,
        "--max-spans",
        5,
        "--whole-words",
        "--delimiter",
        "of",
    ]
    words += ["--documents", 1, "--snippet-tokens", 4, "--seed", 3, "--timeout", 60, "--quiet"]
    found = run("trace", index_path, path, "--json", *words).json
    expected = infgram.trace(
        index,
        ANSWERS[0],
        min_length=2,
        max_count=3,
        max_spans=5,
        whole_words=True,
        delimiters=["of"],
        documents_per_span=1,
        snippet_tokens=4,
        seed=3,
    )
    assert expected.spans
    assert found["spans"] == json.loads(json.dumps([asdict(span) for span in expected.spans]))


def test_a_trace_as_text(index_path: Path, tmp_path: Path) -> None:
    shown = run("trace", index_path, file_of(tmp_path, ANSWERS[3]), "--max-spans", 1).stdout
    assert "maximal spans, the 1 least probable shown" in shown
    assert "│ " in shown
    assert "number=" in shown
    assert run("trace", index_path, file_of(tmp_path, "")).stdout.startswith("0 maximal spans")


def test_an_index_of_token_ids(token_index_path: Path, tmp_path: Path) -> None:
    path = file_of(tmp_path, "1, 2 3\n9\n")
    found = run("trace", token_index_path, path, "--ids", "--json").json
    (span,) = found["spans"]
    assert (span["start"], span["end"], span["text"], span["text_start"]) == (0, 3, "", None)
    cut = run("trace", token_index_path, path, "--ids", "--delimiter", 2, "--max-spans", 9, "--json").json
    assert [(span["start"], span["end"]) for span in cut["spans"]] == [(0, 2), (2, 3)]
    assert run("trace", token_index_path, path, "--ids").code == 0
    assert run("novelty", token_index_path, path, "--ids", "--json").json["suffix_lengths"] == [[1, 2, 3, 0]]
    for words in (("trace",), ("novelty",), ("trace", "--ids", "--delimiter", "x")):
        refused = run(words[0], token_index_path, path, *words[1:])
        assert refused.code == (2 if len(words) > 1 else 3)


def test_novelty(index: infgram.Index, index_path: Path, tmp_path: Path) -> None:
    paths = [file_of(tmp_path, text, f"{number}.txt") for number, text in enumerate(ANSWERS)]
    found = run("novelty", index_path, *paths, "--max-n", 40, "--json").json
    parts = list(infgram.novelty_batch(index, ANSWERS, max_n=40))
    total = infgram.Novelty.total(parts)
    assert found["suffix_lengths"] == [part.suffix_lengths.tolist() for part in parts]
    assert (found["n_texts"], found["n_tokens"]) == (4, total.n_tokens)
    assert found["mean_suffix_length"] == pytest.approx(total.suffix_lengths.mean())
    for n, row in enumerate(found["curve"], start=1):
        n_grams, n_novel = int(total.n_grams[n - 1]), int(total.n_novel[n - 1])
        share = n_novel / n_grams if n_grams else None
        assert row == {"n": n, "n_grams": n_grams, "n_novel": n_novel, "share": share}
    assert found["curve"][-1]["share"] is None
    shown = run("novelty", index_path, "-", stdin=ANSWERS[0].encode()).stdout
    assert shown.startswith("1 text, ")
    assert "suffix length: mean" in shown
    assert run("novelty", index_path, "-", "--json", stdin=b"").json["mean_suffix_length"] is None


@pytest.fixture
def test_set(tmp_path: Path) -> Path:
    rows: list[dict[str, Any]] = [
        {"question": TEXTS[0], "id": "copied"},
        {"question": "zebra", "n": 1},
        {"question": ""},
    ]
    rows += [{"question": TEXTS[1]}] * 12
    return file_of(tmp_path, "".join(json.dumps(row) + "\n" for row in rows), "test.jsonl")


def test_overlap(index: infgram.Index, index_path: Path, test_set: Path, tmp_path: Path) -> None:
    output = tmp_path / "items.jsonl"
    words: list[str | int | Path] = [index_path, test_set, "--text-field", "question", "--n", 3, "--threshold", "0.5"]
    words += ["--measure", "tokens", "--size", 2]
    found = run("overlap", *words, "--json", "--items", output).json
    texts = [json.loads(line)["question"] for line in test_set.read_text().splitlines()]
    expected = infgram.overlap(index, texts, n=3, threshold=0.5, measure="tokens", sizes=[2])
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    for number, (line, item) in enumerate(zip(lines, expected, strict=True), start=1):
        assert (line["source"], line["line"]) == ("test.jsonl", number)
        assert line["longest_length"] == item.longest_length
        assert (line["is_contaminated"], line["is_short"]) == (item.is_contaminated, item.is_short)
        assert line["rule_overlap"] == {name: getattr(item.rule_overlap, name) for name in line["rule_overlap"]}
        assert line["evidence"] == (None if item.evidence is None else asdict(item.evidence))
        assert [size["n"] for size in line["sizes"]] == [2, 3]
        for size, its in zip(line["sizes"], item.sizes, strict=True):
            assert size == {name: getattr(its, name) for name in size}
    assert [line.get("id") for line in lines[:2]] == ["copied", None]
    total = expected.total
    assert found["n_items"] == 15
    assert found["n_contaminated"] == total.n_contaminated == 13
    assert found["share_contaminated"] == 13 / 15
    assert (found["n_short"], found["n_clean"]) == (total.n_short, total.n_clean)
    assert found["longest_match"] == total.longest_length
    assert found["rule"] == {"name": None, "n": 3, "unit": "tokens", "threshold": 0.5, "measure": "tokens"}
    assert [size["n_seen"] for size in found["sizes"]] == [size.n_seen for size in total.sizes]
    document = index.document(0)
    assert document.line == 1
    shown = run("overlap", *words).stdout
    assert shown.startswith("13 of 15 items contaminated: at least 50% of the tokens inside 3-grams in the corpus\n")
    assert "test.jsonl:1 " in shown
    assert "and 3 items more" in shown
    assert f"test.jsonl:1 is in document 0 ({document.source}:{document.line}) number=0\n" in shown
    assert TEXTS[0][:20] in shown


@pytest.mark.parametrize("rule", ["gpt-3", "palm", "llama-2", "gpt-4"])
def test_overlap_by_the_rules_of_the_literature(
    index: infgram.Index, index_path: Path, test_set: Path, rule: str
) -> None:
    words = (index_path, test_set, "--text-field", "question", "--rule", rule)
    found = run("overlap", *words, "--json").json
    texts = [json.loads(line)["question"] for line in test_set.read_text().splitlines()]
    expected = infgram.overlap(index, texts, rule=rule)
    list(expected)
    total = expected.total
    assert found["rule"] == {**asdict(expected.rule), "name": rule}
    assert [found[name] for name in ("n_contaminated", "n_short", "n_clean")] == [
        total.n_contaminated,
        total.n_short,
        total.n_clean,
    ]
    assert f"contaminated: {expected.rule}\n" in run("overlap", *words).stdout
    refused = run("overlap", index_path, test_set, "--rule", "gpt-5")
    assert refused.code == 3
    assert "'gpt-3', 'palm', 'llama-2' or 'gpt-4'" in refused.stderr


def test_the_items_of_overlap_are_written_atomically(index_path: Path, test_set: Path, tmp_path: Path) -> None:
    output = tmp_path / "items.jsonl"
    words = ("overlap", index_path, test_set, "--text-field", "question", "--items", output)
    assert run(*words).code == 0
    before = output.read_text()
    refused = run(*words)
    assert (refused.code, refused.stdout) == (4, "")
    assert "--overwrite" in refused.stderr
    assert run(*words, "--overwrite").code == 0
    assert output.read_text() == before
    with test_set.open("a") as file:
        file.write("{\n")
    broken = run(*words, "--overwrite")
    assert broken.code == 3
    assert "line 16" in broken.stderr
    assert output.read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["items.jsonl", "test.jsonl"]
    assert run(*words[:-1], tmp_path / "nowhere" / "x.jsonl").code == 5


def test_overlap_of_token_ids(token_index_path: Path, tmp_path: Path) -> None:
    path = file_of(tmp_path, '{"token_ids": [1, 2, 3]}\n{"token_ids": [9]}\n', "ids.jsonl")
    found = run("overlap", token_index_path, path, "--ids", "--n", 2, "--json").json
    assert (found["n_items"], found["n_contaminated"], found["n_short"]) == (2, 1, 1)
    shown = run("overlap", token_index_path, path, "--ids", "--n", 2).stdout
    assert "any 2-gram of tokens in the corpus" in shown
    assert "1 item too short: fewer than 2 tokens" in shown
    other = run("overlap", token_index_path, path, "--ids", "--text-field", "ids")
    assert other.code == 3
    assert "'ids'" in other.stderr


def test_errors_are_one_line(index_path: Path, test_set: Path, tmp_path: Path) -> None:
    text = file_of(tmp_path, "text")
    for words, code in (
        (("trace", index_path, tmp_path / "missing.txt"), 3),
        (("trace", index_path, tmp_path), 3),
        (("trace", index_path, text, "--ids"), 3),
        (("trace", index_path, text, "--seed=-1"), 3),
        (("trace", index_path, text, "--timeout", "0"), 3),
        (("trace", index_path, text, "--timeout", "1e-9"), 6),
        (("novelty", index_path, text, "--timeout", "1e-9"), 6),
        (("overlap", index_path, test_set, "--text-field", "question", "--timeout", "1e-9"), 6),
        (("overlap", index_path, test_set), 3),
        (("overlap", index_path, test_set, "--text-field", "question", "--measure", "words"), 3),
        (("novelty", index_path, tmp_path / "missing.txt"), 3),
    ):
        failed = run(*words)
        assert (failed.code, failed.stdout) == (code, ""), words
        assert is_one_error_line(failed.stderr), failed.stderr
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    assert "byte offset 3" in run("trace", index_path, tmp_path / "latin.txt").stderr


def test_a_trace_says_how_many_documents_it_does_not_show(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"{number} the same words again"}) for number in range(9)]
    (tmp_path / "corpus.jsonl").write_text("\n".join(lines))
    run("build", tmp_path / "corpus.jsonl", "-o", tmp_path / "c.infgram", "--tokenizer", "bytes", "--quiet")
    shown = run("trace", tmp_path / "c.infgram", "-", stdin="the same words again")
    assert "4 documents more (--json lists all)" in shown.stdout
    every = json.loads(run("trace", tmp_path / "c.infgram", "-", "--json", stdin="the same words again").stdout)
    assert len(every["documents"]) == 9
