"""Measure the perplexity of an index, a neural model, and their mixtures on held-out text.

    python benchmarks/language_model.py                 some minutes: Python's library, a tiny model trained here
    python benchmarks/language_model.py DATA_FOLDER --context-length 512
                                                        the sets there, its model (trained with 512 tokens of context),
                                                        and Python source as one more set

DATA_FOLDER contains a folder for each set with train, valid and test.jsonl.zst, a model in mix-lm/, and its tokenizer
in tokenizers/mix8k/ (or set options). The train texts are indexed twice: all sets in one index, and each set in its
own. Weights and gates are fitted on valid. Test is evaluated once with each index: that of all sets, that of its own
set, and, for out-of-domain text, that of another set. --folder keeps the indexes and the scores of the neural model.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # last on the path, so that the installed infgram is imported

import infgram
from benchmarks.machine import describe
from benchmarks.report import write_page
from benchmarks.splits import PYTHON, Split, find_splits, python_splits
from benchmarks.tiny_model import train_tiny_model
from infgram.corpus import Corpus
from infgram.lm import Guesses, PositionScores
from infgram.lm.evaluation import Evaluation, evaluate, read_text
from infgram.lm.evaluation.evaluate import Evaluates
from infgram.lm.report import write_report
from infgram.lm.transformers import TransformersLM
from infgram.tokenizers import resolve, train_bpe
from infgram.types import Int64Array

GOALS: Final = {"books": 0.13, "dclaw": 0.13, "python": 0.17, "techdocs": 0.19}
"""The goal for each set: the improvement of the gate over the paper's rule, with one index of all sets."""

Row = dict[str, Any]


class Remembered:
    """The scores of a neural model, cached in a folder so that each text is evaluated once."""

    def __init__(self, model: Evaluates, name: str, folder: Path) -> None:
        self._model, self._name, self._folder = model, name, folder
        self.elapsed_s = 0.0

    def evaluate(
        self, documents: Sequence[Int64Array], *, progress: Callable[[int, int], None] | None = None
    ) -> PositionScores:
        digest = hashlib.sha256(self._name.encode())
        for document in documents:
            digest.update(document.tobytes() + b"|")
        path = self._folder / f"neural-{digest.hexdigest()[:20]}.npz"
        if not path.exists():
            began = time.perf_counter()
            scores = self._model.evaluate(documents, progress=progress)
            elapsed_s = time.perf_counter() - began
            guesses = [] if scores.guesses is None else [scores.guesses.tokens, scores.guesses.log_probs]
            np.savez(path, elapsed_s, scores.log_probs, scores.entropies, scores.document_starts, *guesses)
        with np.load(path) as saved:
            elapsed_s, log_probs, entropies, starts, *guesses = saved.values()
        self.elapsed_s += float(elapsed_s)
        return PositionScores(log_probs, entropies, starts, Guesses(*guesses) if guesses else None)


def main() -> None:
    """Parse the options, print the results, and write the record if requested."""
    options = _options()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="infgram-lm-") as temporary:
        work = options.folder or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        rows = [describe(None)]
        for row in _answers(options, work):
            rows.append(row)
            print(_in_words(row), flush=True)
    verdicts = _verdicts(rows[1:])
    print("\n".join(verdicts))
    if options.record:
        write_page(options.record, "language_model", "Language models", rows, _text(rows[1:], verdicts))


def _answers(options: argparse.Namespace, work: Path) -> Any:
    sets = {} if options.data is None else find_splits(options.data)
    asked = options.set or list(GOALS)
    sets = {name: split for name, split in sets.items() if name in asked}
    if options.data is None or PYTHON in asked:
        sets[PYTHON] = python_splits(work, packages=options.data is not None)
    tokenizer, model_folder = _tokenizer_and_model(options, sets, work)
    indexes = {name: _index(work / f"{name}.infgram", [split.train], tokenizer) for name, split in sets.items()}
    if len(sets) > 1:
        indexes["all"] = _index(work / "all.infgram", [split.train for split in sets.values()], tokenizer)
    names = list(sets)
    with infgram.open(indexes[names[0]]) as index:
        model = TransformersLM.from_pretrained(
            model_folder, index, tokenizer=tokenizer, context_length=options.context_length
        )
    for place, name in enumerate(names):
        foreign = names[place - 1]
        for of in dict.fromkeys(["all", name, foreign]):
            if of in indexes:
                neural = Remembered(model, f"{model_folder}, {model.context_length} tokens", work)
                found, fit = _evaluate(indexes[of], sets[name], neural, options)
                write_report(found, work / f"report-{name}-index-{of}", overwrite=True)
                yield {
                    **fit,
                    "question": "perplexity",
                    "set": name,
                    "index": of,
                    "neural_s": neural.elapsed_s,
                    "context_length": model.context_length,
                }


def _evaluate(path: Path, split: Split, neural: Remembered, options: argparse.Namespace) -> tuple[Evaluation, Row]:
    with infgram.open(path) as index:
        valid, test = (read_text(index, text, max_tokens=options.max_tokens) for text in (split.valid, split.test))
        name = options.model.name if options.model else "a tiny model trained for this"
        found = evaluate(
            index, test, tune=valid, neural=neural, text_name=split.test.name, neural_name=name, end_token=0
        )
    row = found.as_json()
    del row["gains"], row["calibration"]  # long, and included in the reports
    return found, row


def _tokenizer_and_model(options: argparse.Namespace, sets: dict[str, Split], work: Path) -> tuple[str, Path]:
    if options.data is not None:
        options.model = options.model or options.data / "mix-lm"
        return str(options.tokenizer or options.data / "tokenizers" / "mix8k"), options.model
    train = sets[PYTHON].train
    tokenizer = work / "tokenizer"
    if not tokenizer.exists():
        tokenizer.mkdir()
        train_bpe(Corpus(train).sample_texts(10_000_000), 4096).save(tokenizer)
    return str(tokenizer), train_tiny_model(train, resolve(tokenizer), work / "tiny-lm", options.train_s)


def _index(path: Path, train: list[Path], tokenizer: str) -> Path:
    if not path.exists():
        infgram.build(train, path, tokenizer=tokenizer).close()
    return path


def _in_words(row: Row) -> str:
    """Return a line of text for a row."""
    perplexity, change = row["perplexity"], row["change"]
    parts = [f"{name} {value:.2f}" for name, value in perplexity.items() if value and name in _SHOWN]
    return (
        f"{row['set']}, index of {row['index']}, {row['n_positions']:,} tokens: {', '.join(parts)}; gated "
        f"{change['gated']:+.1%} against the paper's rule; neural model {row['neural_s']:.0f} s, index "
        f"{row['elapsed_s']['index']:.1f} s, gate fitted in {row['fit_s']['gated']:.1f} s"
    )


def _verdicts(rows: Sequence[Row]) -> list[str]:
    """Check the goals, and that the gate is never worse than its components."""
    lines = []
    for row in rows:
        label = f"{row['set']}, index of {row['index']}"
        for key in ("perplexity", "perplexity_without_near_copies"):
            worse = [
                name
                for name in ("neural", "paper", "kn5")
                if row[key]["gated"] is not None and row[key][name] is not None and row[key]["gated"] > row[key][name]
            ]
            if worse:
                lines.append(f"MISSED: {label}: the gate is worse than {', '.join(worse)} ({key})")
        goal = GOALS.get(row["set"])
        if row["index"] == "all" and goal is not None:
            reached = -row["change"]["gated"]
            of_index = -row["change"]["gated_index"]
            verdict = "reached" if reached >= goal else "MISSED"
            lines.append(f"{verdict}: {label}: gate {reached:.1%} of {goal:.0%}; without the cache {of_index:.1%}")
            reached = -row["change"]["classes"]
            lines.append(f"{'reached' if reached >= 0.08 else 'MISSED'}: {label}: classes {reached:.1%} of 8%")
    if not any(line.startswith("MISSED") and "worse" in line for line in lines):
        lines.append("the gate is nowhere worse than the neural model, the paper's rule or the 5-gram mixture")
    return lines


_SHOWN: Final = {
    "neural": "neural model",
    "paper": "**the paper's rule** (two weights)",
    "kn5": "5-gram Kneser–Ney, one weight",
    "smoothed": "Kneser–Ney with unbounded order, one weight",
    "classes": "all models of the index, classes",
    "classes_cache": "… and the document cache, classes",
    "gated_index": "all models of the index, gate",
    "gated": "… and the document cache, gate",
}


def _text(answers: Sequence[Row], verdicts: Sequence[str]) -> str:
    parts = [
        "Test perplexity per token (change against the paper's rule; 95% interval). "
        f"The neural model sees {answers[0]['context_length']} tokens."
    ]
    for kind in ("all", "own", "foreign"):
        chosen = [row for row in answers if _kind(row) == kind]
        if chosen:
            parts += [f"## {_TITLES[kind]}{title}\n\n{_table(chosen, key)}" for key, title in _TABLES.items()]
    parts.append("## Cost\n\n" + "\n".join(f"- {_cost(row)}" for row in answers))
    parts.append("## Near copies\n\n" + "\n".join(f"- {_copies(row)}" for row in answers))
    parts.append("## Goals\n\n" + "\n".join(f"- {line}" for line in verdicts))
    return "\n\n".join(parts)


_TABLES: Final = {
    "perplexity": "",
    "perplexity_without_near_copies": ", without near copies",
    "bits_per_byte": ", bits per byte",
}

_TITLES: Final = {
    "all": "One index over all train texts",
    "own": "An index of the set's own train text",
    "foreign": "An index of another set: out-of-domain text",
}


def _kind(row: Row) -> str:
    return "all" if row["index"] == "all" else "own" if row["index"] == row["set"] else "foreign"


def _table(rows: Sequence[Row], key: str) -> str:
    heading = "| | " + " | ".join(row["set"] for row in rows) + " |\n|---|" + "---|" * len(rows)
    lines = []
    for name, title in _SHOWN.items():
        cells = [_cell(row, key, name) for row in rows]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join([heading, *lines])


def _cell(row: Row, key: str, name: str) -> str:
    value, base = row[key][name], row[key]["paper"]
    if value is None:
        return ""
    if key == "bits_per_byte":
        return f"{value:.3f}"
    text = f"{value:.2f}"
    if name not in ("neural", "paper") and base:
        text += f" ({value / base - 1:+.1%})"
    if key == "perplexity":
        low, high = row["intervals"][name]
        text += f" [{low:.2f}, {high:.2f}]"
    return text.replace("-", "−")


def _cost(row: Row) -> str:
    elapsed_s = row["elapsed_s"]
    share = (elapsed_s["survey"] + elapsed_s["index"]) / row["neural_s"] if row["neural_s"] else float("nan")
    fits = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in row["fit_s"].items())
    return (
        f"{row['set']}, index of {row['index']}: valid and test through the neural model {row['neural_s']:.0f} s, "
        f"through the index {elapsed_s['index']:.1f} s, and {elapsed_s['survey']:.1f} s for its n-grams, once "
        f"({share:.1%}); fitted: {fits}"
    )


def _copies(row: Row) -> str:
    far_share = row["n_positions_without_near_copies"] / row["n_positions"]
    return (
        f"{row['set']}, index of {row['index']}: {len(row['near_copies'])} of {row['n_documents']} documents have 80% "
        f"of their 13-grams in the index; {1 - far_share:.1%} of the tokens have 32 tokens of "
        "context in it"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add(
        "data",
        nargs="?",
        type=Path,
        metavar="DATA_FOLDER",
        help="a folder with sets, model and tokenizer (default: generate them)",
    )
    add("--set", action="append", help="a set to use; may be repeated (default: books, dclaw, python, techdocs)")
    add("--model", type=Path, help="a folder (default: DATA_FOLDER/mix-lm)")
    add("--tokenizer", type=Path, help="a folder (default: DATA_FOLDER/tokenizers/mix8k)")
    add("--context-length", type=int, help="context length of the model in tokens (default: its maximum)")
    add("--max-tokens", type=int, default=200_000, help="maximum tokens of each text (default: 200000)")
    add("--train-s", type=float, default=60.0, help="training time of the tiny model in seconds (default: 60)")
    add("--folder", type=Path, help="keep indexes, scores and reports in this folder (default: keep none)")
    add("--record", type=Path, metavar="FOLDER", help="write language_model.json and language_model.md to this folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
