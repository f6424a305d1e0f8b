"""`infgram delete`: delete documents from an index."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated

import typer

from infgram.cli.display import duration, number, one_line
from infgram.cli.input_options import IfGenerationOption, LocalIndexArgument, MemoryOption, ThreadsOption
from infgram.cli.options import JsonOption, QuietOption
from infgram.cli.output import message, note, print_json, print_line
from infgram.cli.query_arguments import lines_of_file
from infgram.cli.where import filters_of

EXAMPLES = """
infgram delete corpus.infgram --id 4f1c --id 77a0
infgram delete corpus.infgram --ids-from ids.txt         # one id per line
infgram delete corpus.infgram --where source=old.jsonl --purge
infgram delete corpus.infgram --document 17              # as search prints it
infgram delete corpus.infgram --id 4f1c --json
infgram compact corpus.infgram                           # remove their text
"""


def delete(
    index: LocalIndexArgument,
    id_: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="Delete the documents with this metadata field id; may be repeated."),
    ] = None,
    ids_from: Annotated[
        str | None,
        typer.Option("--ids-from", metavar="FILE", help="Delete the documents with the ids in a file, one per line."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="FIELD=VALUE",
            help="Delete the documents with this metadata value, as for infgram search; if repeated, with all of them.",
        ),
    ] = None,
    document: Annotated[
        list[int] | None,
        typer.Option("--document", min=0, metavar="N", help="Delete the document with this number; may be repeated."),
    ] = None,
    purge: Annotated[
        bool, typer.Option("--purge", help="Also remove the text from the disk, by writing its shards again.")
    ] = False,
    if_generation: IfGenerationOption = None,
    threads: ThreadsOption = None,
    memory: MemoryOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Delete documents from an index.

    Afterwards every query answers as if the documents had never been in the index. All other documents keep their
    numbers. Name the documents in one way: by id (--id, --ids-from), by metadata (--where), or by number (--document).
    If no document matches, nothing changes, and the exit code is 3.

    Without --purge, the text stays in the files of the index until infgram compact. With --purge, the shards of the
    documents are written again without them, which takes the time and the disk space of building them.

    Readers that have the index open keep the old state, with its files, until they close or reload it.

    JSON: path, elapsed_s, generation, n_documents, n_tokens, not_found (ids or numbers that no document has),
    is_purged.
    """
    import infgram
    from infgram.cli.progress import show_progress
    from infgram.reprs import listed

    if sum((bool(id_) or ids_from is not None, bool(where), bool(document))) != 1:
        raise typer.BadParameter("name the documents in one way: by --id and --ids-from, by --where, or by --document")
    ids = [*(id_ or []), *(lines_of_file(ids_from) if ids_from is not None else [])]
    began = time.monotonic()
    with show_progress(quiet=quiet, as_events=as_json) as report:
        deleted = infgram.delete(
            index,
            documents=document or None,
            ids=ids if id_ or ids_from is not None else None,
            where=filters_of(where) if where else None,
            purge=purge,
            if_generation=if_generation,
            threads=threads,
            memory=memory,
            progress=report,
        )
    elapsed_s = round(time.monotonic() - began, 3)
    if as_json:
        print_json({"path": index, "elapsed_s": elapsed_s, **asdict(deleted)})
        return
    if deleted.not_found:
        message("warning", f"not found: {listed(deleted.not_found)}")
    if quiet:
        return
    print_line(
        f"deleted {number(deleted.n_documents, 'document')}, {number(deleted.n_tokens, 'token')}, {duration(elapsed_s)}"
    )
    print_line(f"index: {one_line(index)}, generation {deleted.generation}")
    if not deleted.is_purged:
        note("their text stays on the disk until: infgram compact INDEX")
