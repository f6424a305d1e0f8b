"""`infgram eval`: evaluate n-gram models of the index, a neural model, and mixtures of both."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infgram.cli.display import number, one_line
from infgram.cli.options import IndexArgument, JsonOption, QuietOption, TimeoutOption, TokenizerOption
from infgram.cli.output import note, print_json, print_line, print_table
from infgram.cli.query_arguments import open_index

if TYPE_CHECKING:
    from infgram.index import Index
    from infgram.lm.evaluation import Evaluation
    from infgram.lm.transformers import TransformersLM

EXAMPLES = """
infgram eval corpus.infgram test.jsonl
infgram eval corpus.infgram test.jsonl --tune valid.jsonl -o report/
infgram eval corpus.infgram test.jsonl --tune valid.jsonl --model gpt2/ -o out/
infgram eval corpus.infgram test.jsonl --tune valid.jsonl --max-tokens 50000
"""


def evaluate(
    index: IndexArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The test text, in any format that infgram build reads.")],
    tune: Annotated[
        str | None,
        typer.Option(
            "--tune",
            metavar="VALID",
            help="The validation text, to fit mixture weights on; without it no mixture is evaluated.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="MODEL", help="A causal language model of transformers: a folder or a hub name."
        ),
    ] = None,
    model_tokenizer: Annotated[
        str | None,
        typer.Option(
            "--model-tokenizer",
            metavar="PATH",
            help="The model's tokenizer, if not in its folder; 'index' asserts that it is that of the index.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="REPORT", help="Write report.html and report.json to this folder."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing report.")] = False,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens",
            min=1,
            metavar="N",
            help="Maximum number of tokens of each text; the longest documents are cut first.",
        ),
    ] = None,
    context_length: Annotated[
        int | None,
        typer.Option(
            "--context-length",
            min=1,
            metavar="N",
            help="The context of the model in tokens; by default its own, up to 1,024.",
        ),
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option(
            "--stride", min=1, metavar="N", help="The distance between windows in tokens; by default half the context."
        ),
    ] = None,
    device: Annotated[
        str, typer.Option("--device", metavar="NAME", help="The device of the model: auto, cpu, cuda, cuda:1 …")
    ] = "auto",
    download: Annotated[
        bool, typer.Option("--download", help="Download the model from the hub if it is not cached.")
    ] = False,
    end_token: Annotated[
        int | None,
        typer.Option("--end-token", min=0, metavar="ID", help="The token id that ends texts; by default the model's."),
    ] = None,
    text_field: Annotated[
        str, typer.Option("--text-field", metavar="NAME", help="The field or column with the text.")
    ] = "text",
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="The random seed of the fit.")] = 0,
    timeout: TimeoutOption = None,
    quiet: QuietOption = False,
    tokenizer: TokenizerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate n-gram models, a neural model and their mixtures.

    Every token except the first of each document is predicted. Mixture weights are fitted on VALID only. The report has
    the perplexity per token, with 95% intervals over documents, and per word; bits per byte; the gain of mixing by
    class of contexts; the agreement of the ∞-gram with the text; calibration; and the documents that are nearly copies
    of documents in the index.

    JSON: perplexity (per token; of neural, paper, kn5, smoothed, gated and all others; null if not measured or
    infinite), intervals, n_positions, n_tuned (documents of TEXT that are also in VALID), perplexity_per_word,
    bits_per_byte, perplexity_without_near_copies, change and change_intervals (relative to paper, a fraction), gains,
    agreement, calibration, near_copies, elapsed_s.
    """
    from infgram.cli.progress import show_notes, show_progress
    from infgram.lm import evaluation
    from infgram.lm.report import check_output, write_report

    if output is not None:
        check_output(output, overwrite=overwrite)
    with open_index(index, tokenizer, quiet=quiet) as opened:
        tuning = None
        with show_notes(quiet=quiet):
            measured = evaluation.read_text(opened, text, text_field=text_field, max_tokens=max_tokens)
            if tune is not None:
                tuning = evaluation.read_text(opened, tune, text_field=text_field, max_tokens=max_tokens)
        neural = None
        if model is not None:
            neural = _load(opened, model, model_tokenizer, device, download, context_length, stride)
        with show_progress(quiet=quiet) as report:
            found = evaluation.evaluate(
                opened,
                measured,
                tune=tuning,
                neural=neural,
                text_name=one_line(text),
                neural_name=model,
                end_token=end_token if neural is None or end_token is not None else neural.end_token,
                seed=seed,
                timeout_s=timeout,
                progress=report,
            )
    page = None if output is None else write_report(found, output, overwrite=overwrite)
    if as_json:
        print_json(found.as_json())
    else:
        _print(found, page)
    if found.n_tuned:
        note(
            f"warning: {found.n_tuned:,} of the {number(found.n_documents, 'document')} of TEXT are in --tune, too: "
            "the results of fitted mixtures are too good; use a different text to tune"
        )
    if tune is None and not quiet:
        note("without --tune no mixture is evaluated: mixture weights are fitted on a validation text")


def _load(
    index: Index,
    model: str,
    tokenizer: str | None,
    device: str,
    download: bool,
    context_length: int | None,
    stride: int | None,
) -> TransformersLM:
    """Load the neural model without the messages of transformers."""
    from infgram.lm.transformers import TransformersLM

    logging.getLogger("transformers").setLevel(logging.ERROR)
    return TransformersLM.from_pretrained(
        model,
        index,
        tokenizer=tokenizer,
        device=device,
        local_files_only=not download,
        context_length=context_length,
        stride=stride,
    )


def _print(found: Evaluation, page: Path | None) -> None:
    from infgram.lm.report.figures import number as shown, signed

    print_line(
        f"{number(found.n_documents, 'document')}, {number(found.n_positions, 'token')} predicted; "
        "perplexity is per token"
    )
    print_line()
    rows = [
        (
            result.title,
            shown(result.perplexity),
            " to ".join(map(shown, result.interval)),
            "" if result.change is None else signed(result.change),
            shown(found.bits_per_byte(result.perplexity)),
        )
        for result in found.results
    ]
    print_table(("model", "perplexity", "95% interval", "vs. paper", "bits per byte"), rows, left=("model",))
    total = found.agreement[-1]
    print_line()
    of_sparse = f", {total.sparse_agreement:.1%} of the sparse ones" if total.n_sparse else ""
    print_line(f"∞-gram agreement: {total.agreement:.1%} of the tokens{of_sparse}")
    for name, share in found.near_copies.items():
        print_line(f"near copy in the index: {one_line(name)}, {share:.1%} of its 13-grams")
    if page is not None:
        print_line(f"report: {one_line(str(page))}")
